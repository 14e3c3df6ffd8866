//! What an authority does to convince itself of a name: RFC 8737 section 3.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use ::aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1, UnparsedPublicKey};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::version::TLS13;
use rustls::{ClientConfig, DigitallySignedStruct, Error, SignatureScheme};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use x509_parser::prelude::{FromDer, GeneralName, X509Certificate};

/// Whether a handshake for `name` shows a certificate for it with this digest.
pub(crate) async fn shows(address: SocketAddr, name: &str, digest: &[u8]) -> bool {
    let shown = Arc::new(Shown {
        certificate: Mutex::default(),
    });
    let provider = Arc::new(aws_lc_rs::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&TLS13])
        .unwrap()
        .dangerous()
        .with_custom_certificate_verifier(shown.clone())
        .with_no_client_auth();
    config.alpn_protocols = vec![b"acme-tls/1".to_vec()];
    let stream = TcpStream::connect(address).await.unwrap();
    let server = ServerName::try_from(name.to_owned()).unwrap();
    let connector = TlsConnector::from(Arc::new(config));
    let Ok(stream) = connector.connect(server, stream).await else {
        return false;
    };
    let agreed = stream.get_ref().1.alpn_protocol() == Some(b"acme-tls/1");
    let certificate = shown.certificate.lock().unwrap().clone().unwrap();
    let (_, certificate) = X509Certificate::from_der(&certificate).unwrap();
    agreed && is_proof(&certificate, name, digest)
}

/// RFC 8737 section 3: one name, and the digest as a critical extension.
fn is_proof(certificate: &X509Certificate<'_>, name: &str, digest: &[u8]) -> bool {
    let names = certificate.subject_alternative_name().unwrap().unwrap();
    let only_name = names.value.general_names == [GeneralName::DNSName(name)];
    let mut extensions = certificate.extensions().iter();
    let identifier = extensions.find(|it| it.oid.to_id_string() == "1.3.6.1.5.5.7.1.31");
    let identifier = identifier.expect("the acmeIdentifier extension");
    // An OCTET STRING of 32 bytes.
    let value = [&[0x04, 0x20], digest].concat();
    only_name && identifier.critical && identifier.value == value
}

/// Takes any certificate, as RFC 8737 wants it, and keeps it.
#[derive(Debug)]
struct Shown {
    certificate: Mutex<Option<CertificateDer<'static>>>,
}

impl ServerCertVerifier for Shown {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        *self.certificate.lock().unwrap() = Some(certificate.clone().into_owned());
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Err(Error::General("only TLS 1.3 is offered".into()))
    }

    /// By hand, since rustls does not read certificates with a critical extension that it
    /// does not know.
    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let (_, certificate) = X509Certificate::from_der(certificate).unwrap();
        let key = &certificate.public_key().subject_public_key.data;
        let verified = UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, key)
            .verify(message, signature.signature());
        verified
            .map(|()| HandshakeSignatureValid::assertion())
            .map_err(|_| Error::General("a wrong signature".into()))
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        vec![SignatureScheme::ECDSA_NISTP256_SHA256]
    }
}
