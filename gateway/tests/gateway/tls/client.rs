//! A gateway behind TLS, and clients that trust it.

use std::net::TcpStream;
use std::path::Path;
use std::sync::Arc;

use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

use crate::support::LONG;

/// A connection by TLS.
pub(crate) type TlsStream = StreamOwned<ClientConnection, TcpStream>;

/// Trusts the certificate in this file, and no other.
pub(crate) fn trusting(file: &Path) -> ClientConfig {
    let certificate = CertificateDer::from_pem_file(file).expect("a certificate is in the file");
    let mut roots = RootCertStore::empty();
    roots.add(certificate).expect("it is a certificate");
    ClientConfig::builder_with_provider(aws_lc_rs::default_provider().into())
        .with_safe_default_protocol_versions()
        .expect("the provider has both versions")
        .with_root_certificates(roots)
        .with_no_client_auth()
}

/// Connects to `127.0.0.1:PORT` and asks for the certificate of `name`; shakes hands with
/// the first byte.
pub(crate) fn connect(host: &str, name: &str, config: &Arc<ClientConfig>) -> TlsStream {
    let stream = TcpStream::connect(host).expect("the gateway listens");
    stream
        .set_read_timeout(Some(LONG))
        .expect("it is not nothing");
    let name = ServerName::try_from(name.to_owned()).expect("it is a name");
    let client = ClientConnection::new(config.clone(), name).expect("the configuration is sound");
    StreamOwned::new(client, stream)
}
