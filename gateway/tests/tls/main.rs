//! HTTPS: where the certificate comes from, how it is kept, and what it carries.

#![expect(clippy::unwrap_used, reason = "an unwrap in a test is an assertion")]

mod acme;
mod authority;
mod files;
mod listener;
mod protocols;
mod self_signed;
#[path = "../support/mod.rs"]
mod support;
#[path = "../support/tls.rs"]
mod tls;
mod validation;

use std::io;
use std::sync::Arc;

use rustls::ClientConfig;

use support::Gateway;

/// What a handshake agreed on.
struct Handshake {
    /// The server's own, DER.
    certificate: Vec<u8>,
    protocol: Option<Vec<u8>>,
}

fn handshake(gateway: &Gateway, name: &str, config: &Arc<ClientConfig>) -> io::Result<Handshake> {
    let mut stream = tls::connect(&gateway.host(), name, config);
    stream.conn.complete_io(&mut stream.sock)?;
    let chain = stream.conn.peer_certificates().unwrap();
    Ok(Handshake {
        certificate: chain[0].to_vec(),
        protocol: stream.conn.alpn_protocol().map(<[u8]>::to_vec),
    })
}
