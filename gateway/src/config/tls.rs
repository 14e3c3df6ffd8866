//! How HTTP is made HTTPS.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use conf::Conf;
use humantime::parse_duration;

use crate::certificates::{AcmeSource, Source};

const LETS_ENCRYPT: &str = "https://acme-v02.api.letsencrypt.org/directory";
const LETS_ENCRYPT_STAGING: &str = "https://acme-staging-v02.api.letsencrypt.org/directory";

/// What self-signed certificates are for unless told otherwise.
const LOCAL_NAMES: [&str; 3] = ["localhost", "127.0.0.1", "::1"];

/// Options about TLS.
#[derive(Conf, Debug)]
#[conf(serde, validation_predicate = TlsOptions::redirect_needs_tls)]
pub struct TlsOptions {
    /// Serve HTTPS on --listen, with a certificate of this kind.
    ///
    /// self-signed[:NAME,…]: made here and kept; its fingerprint is printed, for cameras to
    /// pin. files:CERTIFICATE,KEY: PEM files, read again when they change.
    /// acme:DOMAIN[,DOMAIN…][,EMAIL]: from Let's Encrypt, or who is named by
    /// --acme-directory; it must reach this gateway on port 443.
    #[arg(long, env, serde(use_value_parser))]
    tls: Option<TlsKind>,

    /// Address and port for plain HTTP, where all is answered with the address of HTTPS.
    #[arg(long, env)]
    pub(crate) redirect_listen: Option<SocketAddr>,

    /// Where certificates and accounts are kept. Default: systemd's StateDirectory, or
    /// ~/.local/state/sightline.
    #[arg(long, env)]
    state_dir: Option<PathBuf>,

    /// The directory URL of an ACME authority other than Let's Encrypt.
    #[arg(long, env)]
    acme_directory: Option<String>,

    /// Use Let's Encrypt's staging environment, whose certificates are for trials only.
    #[arg(long, env)]
    acme_staging: bool,

    /// A PEM file with the root that the ACME authority's own certificate is signed by, if
    /// the system does not know it.
    #[arg(long, env)]
    acme_ca: Option<PathBuf>,

    /// How long a TLS handshake may take.
    #[arg(long, env, default_value = "10s", value_parser = parse_duration, serde(use_value_parser))]
    pub(crate) handshake_timeout: Duration,
}

/// `--tls`
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TlsKind {
    /// `self-signed[:NAME,…]`
    SelfSigned {
        /// DNS names and addresses.
        names: Vec<String>,
    },
    /// `files:CERTIFICATE,KEY`
    Files {
        /// The chain, PEM.
        certificate: PathBuf,
        /// The private key, PEM.
        key: PathBuf,
    },
    /// `acme:DOMAIN[,DOMAIN…][,EMAIL]`
    Acme {
        /// At least one.
        domains: Vec<String>,
        /// E-mail addresses.
        contacts: Vec<String>,
    },
}

impl FromStr for TlsKind {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (kind, rest) = text.split_once(':').unwrap_or((text, ""));
        let listed = rest.split(',').filter(|part| !part.is_empty());
        let listed = listed.map(str::to_owned);
        match kind {
            "self-signed" if rest.is_empty() => Ok(Self::SelfSigned {
                names: LOCAL_NAMES.map(str::to_owned).into(),
            }),
            "self-signed" => Ok(Self::SelfSigned {
                names: listed.collect(),
            }),
            "files" => {
                let (certificate, key) = rest.split_once(',').ok_or("files:CERTIFICATE,KEY")?;
                Ok(Self::Files {
                    certificate: certificate.into(),
                    key: key.into(),
                })
            }
            "acme" => {
                let (contacts, domains): (Vec<_>, Vec<_>) = listed.partition(|p| p.contains('@'));
                match domains.is_empty() {
                    true => Err("acme:DOMAIN[,DOMAIN…][,EMAIL]"),
                    false => Ok(Self::Acme { domains, contacts }),
                }
            }
            _ => Err("self-signed[:NAME,…], files:CERTIFICATE,KEY or acme:DOMAIN[,EMAIL]"),
        }
    }
}

impl TlsOptions {
    /// Where certificates come from; nothing if HTTP is to be plain.
    pub(crate) fn source(&self) -> anyhow::Result<Option<Source>> {
        let Some(kind) = self.tls.clone() else {
            return Ok(None);
        };
        Ok(Some(match kind {
            TlsKind::Files { certificate, key } => Source::Files { certificate, key },
            TlsKind::SelfSigned { names } => Source::SelfSigned {
                names,
                state: self.state()?,
            },
            TlsKind::Acme { domains, contacts } => Source::Acme(AcmeSource {
                domains,
                contacts: contacts.iter().map(|c| format!("mailto:{c}")).collect(),
                directory: self.directory().to_owned(),
                root: self.acme_ca.clone(),
                state: self.state()?,
            }),
        }))
    }

    /// Whether HTTP is not plain.
    pub(crate) fn is_on(&self) -> bool {
        self.tls.is_some()
    }

    fn redirect_needs_tls(&self) -> Result<(), &'static str> {
        match self.redirect_listen.is_some() && self.tls.is_none() {
            true => Err("--redirect-listen sends to HTTPS, so it needs --tls"),
            false => Ok(()),
        }
    }

    fn directory(&self) -> &str {
        match (&self.acme_directory, self.acme_staging) {
            (Some(directory), _) => directory,
            (None, true) => LETS_ENCRYPT_STAGING,
            (None, false) => LETS_ENCRYPT,
        }
    }

    fn state(&self) -> anyhow::Result<PathBuf> {
        let set_text = |name| std::env::var_os(name);
        let set = |name| set_text(name).map(PathBuf::from);
        // Of several, the first: systemd.exec(5).
        let of_service = || std::env::split_paths(&set_text("STATE_DIRECTORY")?).next();
        let home = || Some(set("HOME")?.join(".local/state"));
        self.state_dir
            .clone()
            .or_else(of_service)
            .or_else(|| Some(set("XDG_STATE_HOME").or_else(home)?.join("sightline")))
            .ok_or_else(|| anyhow::anyhow!("no folder to keep the certificate in: --state-dir"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kinds_are_told_apart() {
        let parse = |text: &str| text.parse::<TlsKind>();
        let texts = |parts: &[&str]| parts.iter().map(|part| (*part).to_owned()).collect();
        let names = texts(&LOCAL_NAMES);
        assert_eq!(parse("self-signed"), Ok(TlsKind::SelfSigned { names }));
        let names = texts(&["cam.lan", "fd00::1"]);
        let given = parse("self-signed:cam.lan,fd00::1");
        assert_eq!(given, Ok(TlsKind::SelfSigned { names }));
        let acme = TlsKind::Acme {
            domains: texts(&["a.example", "b.example"]),
            contacts: texts(&["me@a.example"]),
        };
        assert_eq!(parse("acme:a.example,me@a.example,b.example"), Ok(acme));
        for wrong in ["acme:", "acme:me@a.example", "files:cert", "on", ""] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }
}
