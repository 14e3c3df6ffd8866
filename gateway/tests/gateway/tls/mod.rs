//! HTTPS: where the certificate comes from, how it is kept, and what it carries.

mod acme;
pub(crate) mod client;
mod files;
mod pebble;
mod protocols;
mod self_signed;

use std::io;
use std::sync::Arc;

use rustls::ClientConfig;

use crate::support::Gateway;

/// What a handshake agreed on.
struct Handshake {
    /// The server's own, DER.
    certificate: Vec<u8>,
    protocol: Option<Vec<u8>>,
}

fn handshake(gateway: &Gateway, name: &str, config: &Arc<ClientConfig>) -> io::Result<Handshake> {
    let mut stream = client::connect(&gateway.host(), name, config);
    stream.conn.complete_io(&mut stream.sock)?;
    let chain = stream.conn.peer_certificates().unwrap();
    Ok(Handshake {
        certificate: chain[0].to_vec(),
        protocol: stream.conn.alpn_protocol().map(<[u8]>::to_vec),
    })
}
