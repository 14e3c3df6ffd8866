//! Certificates from an authority by ACME (RFC 8555), which convinces itself that the
//! names are ours by a handshake on port 443 (TLS-ALPN-01, RFC 8737).

mod nonces;
mod order;

use std::collections::HashMap;
use std::fs;
use std::path::PathBuf;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::Context;
use instant_acme::{Account, AccountBuilder, Error, NewAccount};
use rustls::sign::CertifiedKey;
use tokio::time::sleep;
use x509_parser::prelude::{FromDer, X509Certificate};

use super::{AcmeSource, Current, certified_key, store};
use nonces::{is, with_nonces};

/// After a failure, and doubled after each further one. Authorities count failures by
/// the hour.
const FIRST_PAUSE: Duration = Duration::from_secs(60);
const LONGEST_PAUSE: Duration = Duration::from_secs(6 * 60 * 60);

/// The same where the authority was not reached, which nobody counts.
const FIRST_PAUSE_UNREACHED: Duration = Duration::from_secs(5);
const LONGEST_PAUSE_UNREACHED: Duration = Duration::from_secs(5 * 60);

/// The clock may be set, so a far date is not slept to in one go.
const LOOK: Duration = Duration::from_secs(60 * 60);

/// What an authority says that has forgotten us: RFC 8555 section 6.7.
const NO_ACCOUNT: &str = "urn:ietf:params:acme:error:accountDoesNotExist";

pub(super) struct Acme {
    source: AcmeSource,
}

impl Acme {
    pub(super) fn new(source: AcmeSource) -> Self {
        Self { source }
    }

    pub(super) fn domains(&self) -> &[String] {
        &self.source.domains
    }

    /// The certificate from last time.
    pub(super) fn kept(&self) -> Option<CertifiedKey> {
        let kept = fs::read(self.path(".pem")).ok()?;
        certified_key(&kept, &kept).ok()
    }

    /// Orders a certificate when there is none, and when the one there is gets old.
    pub(super) async fn keep(&self, current: &Current) {
        let mut pause = Duration::ZERO;
        loop {
            let due = current
                .get()
                .map_or(Some(Duration::ZERO), |kept| due(&kept));
            if let Some(wait) = due.filter(|wait| !wait.is_zero()) {
                sleep(wait.min(LOOK)).await;
                continue;
            }
            let ordered = self.order(current).await;
            current.set_challenges(HashMap::new());
            match ordered {
                Ok(certificate) => {
                    let is_old = due_at_once(&certificate);
                    current.set(certificate);
                    tracing::info!(domains = ?self.source.domains, "a new certificate");
                    pause = Duration::ZERO;
                    if is_old {
                        sleep(FIRST_PAUSE).await;
                    }
                }
                Err(error) => {
                    let (first, longest) = match is_unreached(&error) {
                        true => (FIRST_PAUSE_UNREACHED, LONGEST_PAUSE_UNREACHED),
                        false => (FIRST_PAUSE, LONGEST_PAUSE),
                    };
                    pause = (2 * pause).clamp(first, longest);
                    tracing::warn!("no certificate, next try in {pause:?}: {error:#}");
                    sleep(pause).await;
                }
            }
        }
    }

    /// Has a certificate made, and keeps it.
    async fn order(&self, current: &Current) -> anyhow::Result<CertifiedKey> {
        let (order, path) = (self.path(".order.json"), self.path(".pem"));
        let account = self.account().await.context("the account")?;
        let made = order::certificate(&account, &self.source.domains, &order, current).await;
        if made.as_ref().is_err_and(|error| is(error, NO_ACCOUNT)) {
            // It has begun anew, as staging environments do.
            fs::remove_file(self.account_path())?;
            order::forget(&order);
        }
        let pem = made?;
        let certificate = certified_key(pem.as_bytes(), pem.as_bytes())?;
        store::write(&path, pem.as_bytes()).with_context(|| format!("{path:?}"))?;
        order::forget(&order);
        Ok(certificate)
    }

    /// The account from last time, or a new one.
    async fn account(&self) -> anyhow::Result<Account> {
        let path = self.account_path();
        if let Ok(kept) = fs::read(&path) {
            let credentials = serde_json::from_slice(&kept).with_context(|| format!("{path:?}"))?;
            return Ok(self.builder()?.from_credentials(credentials).await?);
        }
        let contacts: Vec<&str> = self.source.contacts.iter().map(String::as_str).collect();
        let new = NewAccount {
            contact: &contacts,
            terms_of_service_agreed: true,
            only_return_existing: false,
        };
        let directory = self.source.directory.clone();
        let create = async || {
            Ok(self
                .builder()?
                .create(&new, directory.clone(), None)
                .await?)
        };
        let (account, credentials) = with_nonces(create).await?;
        let credentials = serde_json::to_vec(&credentials)?;
        store::write(&path, &credentials).with_context(|| format!("{path:?}"))?;
        Ok(account)
    }

    fn builder(&self) -> anyhow::Result<AccountBuilder> {
        Ok(match &self.source.root {
            Some(root) => Account::builder_with_root(root)?,
            None => Account::builder()?,
        })
    }

    /// Where something is kept that is about these domains.
    fn path(&self, ending: &str) -> PathBuf {
        let name = self.source.domains.join(",");
        self.folder().join(format!("{name}{ending}"))
    }

    fn account_path(&self) -> PathBuf {
        self.folder().join("account.json")
    }

    /// One for each authority: a certificate of a staging one must not be taken for real.
    fn folder(&self) -> PathBuf {
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '.';
        let directory = self.source.directory.trim_start_matches("https://");
        let name = directory.replace(|c| !plain(c), "-");
        self.source.state.join("acme").join(name)
    }
}

/// Whether nobody was there who could have counted the failure.
fn is_unreached(error: &anyhow::Error) -> bool {
    let error = error.downcast_ref();
    matches!(error, Some(Error::Other(_) | Error::Hyper(_)))
}

fn due_at_once(certificate: &CertifiedKey) -> bool {
    due(certificate).is_some_and(|wait| wait.is_zero())
}

/// How long until two thirds of its life are over: nothing if it cannot be read.
fn due(certificate: &CertifiedKey) -> Option<Duration> {
    let (_, parsed) = X509Certificate::from_der(certificate.cert.first()?).ok()?;
    let seconds = |time: x509_parser::time::ASN1Time| u64::try_from(time.timestamp()).ok();
    let begin = seconds(parsed.validity().not_before)?;
    let end = seconds(parsed.validity().not_after)?;
    let due = UNIX_EPOCH + Duration::from_secs(begin + end.saturating_sub(begin) * 2 / 3);
    Some(due.duration_since(SystemTime::now()).unwrap_or_default())
}
