//! Gateways by TLS: authorities, certificates, and the listener that has one.

use std::{io, net::SocketAddr, sync::Arc};

use ::aws_lc_rs::digest;
use axum::serve::Listener;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use sightline_camera::trust::Pin;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        ServerConfig,
        crypto::aws_lc_rs,
        pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer},
        server::ResolvesServerCert,
        sign::{CertifiedKey, SingleCertAndKey},
    },
    server::TlsStream,
};

/// Somebody who signs certificates.
pub(crate) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    /// Its own certificate, as `--ca` takes it.
    pub(crate) pem: String,
}

impl Authority {
    pub(crate) fn named(name: &str) -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let pem = params.self_signed(&key).unwrap().pem();
        let issuer = Issuer::new(params, key);
        Self { issuer, pem }
    }

    /// A gateway with a certificate for this name.
    pub(crate) fn sign(&self, name: &str) -> Identity {
        self.sign_with(|_| {}, name)
    }

    /// The same, with a change to the certificate.
    pub(crate) fn sign_with(
        &self,
        change: impl Fn(&mut CertificateParams),
        name: &str,
    ) -> Identity {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new([name.to_owned()]).unwrap();
        change(&mut params);
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        Identity {
            certificate: certificate.der().clone(),
            key,
        }
    }
}

/// A certificate and its key.
pub(crate) struct Identity {
    pub(crate) certificate: CertificateDer<'static>,
    key: KeyPair,
}

impl Identity {
    pub(crate) fn self_signed() -> Self {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(["gateway.example".to_owned()]).unwrap();
        let certificate = params.self_signed(&key).unwrap();
        Self {
            certificate: certificate.der().clone(),
            key,
        }
    }

    /// Somebody who shows another's certificate, without having its key.
    pub(crate) fn posing_as(other: &Self) -> Self {
        Self {
            certificate: other.certificate.clone(),
            key: KeyPair::generate().unwrap(),
        }
    }

    /// As the gateway prints it.
    pub(crate) fn pin(&self) -> Pin {
        let hash = digest::digest(&digest::SHA256, &self.certificate);
        let hex = hash.as_ref().iter().map(|byte| format!("{byte:02x}"));
        format!("sha256:{}", hex.collect::<String>())
            .parse()
            .unwrap()
    }

    pub(crate) fn server(&self) -> ServerConfig {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(self.key.serialize_der()));
        let key = provider.key_provider.load_private_key(key).unwrap();
        // Unlike `from_der` this does not look whether the two belong together.
        let certified = CertifiedKey::new(vec![self.certificate.clone()], key);
        let resolver: Arc<dyn ResolvesServerCert> = Arc::new(SingleCertAndKey::from(certified));
        ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_cert_resolver(resolver)
    }
}

/// A TCP listener that shakes hands.
pub(crate) struct TlsListener {
    listener: TcpListener,
    acceptor: TlsAcceptor,
}

impl TlsListener {
    pub(crate) async fn bind(identity: ServerConfig) -> Self {
        Self {
            listener: TcpListener::bind("127.0.0.1:0").await.unwrap(),
            acceptor: TlsAcceptor::from(Arc::new(identity)),
        }
    }
}

impl Listener for TlsListener {
    type Io = TlsStream<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, SocketAddr) {
        loop {
            let (connection, address) = self.listener.accept().await.unwrap();
            // A client that does not trust us hangs up here.
            if let Ok(stream) = self.acceptor.accept(connection).await {
                return (stream, address);
            }
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}
