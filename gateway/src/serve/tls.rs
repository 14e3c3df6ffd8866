//! HTTPS: the handshake, and what it agrees on.

use std::io;
use std::sync::Arc;

use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs;
use rustls::server::ResolvesServerCert;
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

/// HTTP/2 and HTTP/1.1 over TLS: RFC 9113 section 3.2, RFC 7301 section 6.
const HTTP2: &[u8] = b"h2";
const HTTP1: &[u8] = b"http/1.1";

/// The name of ACME's challenge by TLS: RFC 8737 section 6.2.
pub(crate) const ACME: &[u8] = b"acme-tls/1";

/// Accepts connections by TLS 1.2 or 1.3.
#[derive(Clone)]
pub(crate) struct Tls(TlsAcceptor);

impl Tls {
    /// With the certificates that `resolver` has.
    pub(crate) fn new(resolver: Arc<dyn ResolvesServerCert>) -> anyhow::Result<Self> {
        let mut config = ServerConfig::builder_with_provider(aws_lc_rs::default_provider().into())
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_cert_resolver(resolver);
        config.alpn_protocols = [HTTP2, HTTP1, ACME].map(<[u8]>::to_vec).into();
        // A session is resumed by what the client keeps, so we keep nothing.
        config.ticketer = aws_lc_rs::Ticketer::new()?;
        Ok(Self(Arc::new(config).into()))
    }

    /// Shakes hands; says whether the connection is HTTP/2.
    pub(super) async fn accept(
        &self,
        stream: TcpStream,
    ) -> io::Result<(TlsStream<TcpStream>, bool)> {
        let stream = self.0.accept(stream).await?;
        let protocol = stream.get_ref().1.alpn_protocol();
        match protocol {
            // RFC 8737 section 3: the handshake was the answer.
            Some(ACME) => Err(io::Error::other("this was a challenge of ACME")),
            _ => {
                let http2 = protocol == Some(HTTP2);
                Ok((stream, http2))
            }
        }
    }
}
