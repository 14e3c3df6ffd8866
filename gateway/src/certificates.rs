//! The gateway's own certificates: where they come from, and how they are kept fresh.

mod acme;
mod files;
mod names;
mod self_signed;
mod store;

use std::collections::HashMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use ::aws_lc_rs::digest::{SHA256, digest};
use anyhow::Context;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use x509_parser::prelude::{FromDer, X509Certificate};

use acme::Acme;
use files::Files;
use names::names_of;

use crate::serve::ACME;

/// Where certificates come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Source {
    /// Made here, once, and kept in this folder.
    SelfSigned { names: Vec<String>, state: PathBuf },
    /// Somebody else's business.
    Files { certificate: PathBuf, key: PathBuf },
    /// A certificate authority that speaks ACME (RFC 8555).
    Acme(AcmeSource),
}

/// What an ACME authority is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct AcmeSource {
    pub(crate) domains: Vec<String>,
    /// `mailto:` URLs.
    pub(crate) contacts: Vec<String>,
    /// The URL of the authority's directory.
    pub(crate) directory: String,
    /// What the authority's own certificate is signed by, if the system does not know it.
    pub(crate) root: Option<PathBuf>,
    /// Where the account and the certificate are kept.
    pub(crate) state: PathBuf,
}

/// The certificate in use, and what keeps it fresh.
pub(crate) struct Certificates {
    current: Arc<Current>,
    keeper: Keeper,
}

enum Keeper {
    Nobody,
    Files(Files),
    Acme(Acme),
}

impl Certificates {
    /// Reads or makes a certificate; an ACME authority is asked later, when [`Self::keep`] is awaited.
    pub(crate) fn open(source: Source) -> anyhow::Result<Self> {
        let current = Arc::new(Current::default());
        let keeper = match source {
            Source::SelfSigned { names, state } => {
                current.set(self_signed::open(&names, &state)?);
                Keeper::Nobody
            }
            Source::Files { certificate, key } => {
                let files = Files::new(certificate, key);
                current.set(files.read()?);
                Keeper::Files(files)
            }
            Source::Acme(source) => {
                let acme = Acme::new(source);
                if let Some(kept) = acme.kept() {
                    current.set(kept);
                }
                Keeper::Acme(acme)
            }
        };
        Ok(Self { current, keeper })
    }

    /// What answers handshakes.
    pub(crate) fn resolver(&self) -> Arc<dyn ResolvesServerCert> {
        self.current.clone()
    }

    /// `sha256:` and the digest of the certificate in hex, for whoever wants to pin it;
    /// nothing if it is to change by and by.
    pub(crate) fn pin(&self) -> Option<String> {
        let Keeper::Nobody = self.keeper else {
            return None;
        };
        let current = self.current.get()?;
        let certificate = current.end_entity_cert().ok()?;
        let digest = digest(&SHA256, certificate);
        Some(format!("sha256:{}", hex::encode(digest)))
    }

    /// What the gateway is called by its certificate, as URLs have it; a wildcard is no name.
    pub(crate) fn names(&self) -> Vec<String> {
        let names = match &self.keeper {
            Keeper::Acme(acme) => acme.domains().to_owned(),
            Keeper::Nobody | Keeper::Files(_) => self.current.names().unwrap_or_default(),
        };
        let names = names.into_iter().filter(|name| !name.contains('*'));
        let names = names.map(|name| match name.contains(':') {
            true => format!("[{name}]"),
            false => name,
        });
        names.collect()
    }

    /// Keeps the certificate, if there is one, fresh for ever.
    pub(crate) async fn keep(certificates: Option<&Self>) {
        let Some(Self { current, keeper }) = certificates else {
            return std::future::pending().await;
        };
        match keeper {
            Keeper::Nobody => std::future::pending().await,
            Keeper::Files(files) => files.keep(current).await,
            Keeper::Acme(acme) => acme.keep(current).await,
        }
    }
}

/// The certificate in use.
#[derive(Default)]
struct Current {
    /// Guards what handshakes read and a keeper replaces.
    certificate: RwLock<Option<Arc<CertifiedKey>>>,
    /// What proves to an authority that a name is ours: RFC 8737. A few, for seconds.
    challenges: Mutex<HashMap<String, Arc<CertifiedKey>>>,
}

impl Current {
    fn get(&self) -> Option<Arc<CertifiedKey>> {
        let certificate = self.certificate.read();
        certificate.unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn names(&self) -> Option<Vec<String>> {
        let current = self.get()?;
        let (_, certificate) = X509Certificate::from_der(current.cert.first()?).ok()?;
        Some(names_of(&certificate))
    }

    fn set(&self, certificate: CertifiedKey) {
        let mut current = self
            .certificate
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        *current = Some(Arc::new(certificate));
    }

    fn set_challenges(&self, challenges: HashMap<String, Arc<CertifiedKey>>) {
        *self
            .challenges
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = challenges;
    }

    fn challenge(&self, name: &str) -> Option<Arc<CertifiedKey>> {
        let challenges = self.challenges.lock();
        let challenges = challenges.unwrap_or_else(PoisonError::into_inner);
        challenges.get(&name.to_ascii_lowercase()).cloned()
    }
}

impl fmt::Debug for Current {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Current(…)")
    }
}

impl ResolvesServerCert for Current {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let is_challenge = hello
            .alpn()
            .is_some_and(|mut protocols| protocols.any(|protocol| protocol == ACME));
        match is_challenge {
            true => self.challenge(hello.server_name()?),
            false => self.get(),
        }
    }
}

/// A chain and its key, which must belong together, from PEM.
fn certified_key(chain: &[u8], key: &[u8]) -> anyhow::Result<CertifiedKey> {
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(chain).collect();
    let chain = chain.context("the certificate is no PEM")?;
    anyhow::ensure!(!chain.is_empty(), "there is no certificate");
    let key = PrivateKeyDer::from_pem_slice(key).context("the key is no PEM")?;
    CertifiedKey::from_der(chain, key, &aws_lc_rs::default_provider())
        .context("the certificate and the key do not go together")
}
