//! Certificates from an authority by ACME (RFC 8555), which convinces itself that the
//! names are ours by a handshake on port 443 (TLS-ALPN-01, RFC 8737).

use std::collections::HashMap;
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context, bail, ensure};
use instant_acme::{
    Account, AuthorizationStatus, ChallengeType, Identifier, NewAccount, NewOrder, Order,
    OrderStatus, RetryPolicy,
};
use rcgen::{CertificateParams, CustomExtension, KeyPair};
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::PrivatePkcs8KeyDer;
use rustls::sign::CertifiedKey;
use tokio::time::sleep;
use x509_parser::prelude::{FromDer, X509Certificate};

use super::{AcmeSource, Current, certified_key, store};

/// After a failure, and doubled after each further one. Authorities count failures by
/// the hour.
const FIRST_PAUSE: Duration = Duration::from_secs(60);
const LONGEST_PAUSE: Duration = Duration::from_secs(6 * 60 * 60);

/// The clock may be set, so a far date is not slept to in one go.
const LOOK: Duration = Duration::from_secs(60 * 60);

/// How long an authority gets to look, and to sign.
const PATIENCE: RetryPolicy = RetryPolicy::new().timeout(Duration::from_secs(90));

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
        let kept = fs::read(self.certificate_path()).ok()?;
        certified_key(&kept, &kept).ok()
    }

    /// Orders a certificate when there is none, and when the one there is gets old.
    pub(super) async fn keep(&self, current: &Current) {
        let mut pause = FIRST_PAUSE;
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
                    current.set(certificate);
                    tracing::info!(domains = ?self.source.domains, "a new certificate");
                    pause = FIRST_PAUSE;
                }
                Err(error) => {
                    tracing::warn!("no certificate, next try in {pause:?}: {error:#}");
                    sleep(pause).await;
                    pause = (2 * pause).min(LONGEST_PAUSE);
                }
            }
        }
    }

    /// One order from its beginning to the certificate: RFC 8555 section 7.4.
    async fn order(&self, current: &Current) -> anyhow::Result<CertifiedKey> {
        let account = self.account().await.context("the account")?;
        let domains = self.source.domains.iter().cloned();
        let names: Vec<_> = domains.map(Identifier::Dns).collect();
        let mut order = account.new_order(&NewOrder::new(&names)).await?;
        self.prove(&mut order, current).await.context("the proof")?;
        let status = order.poll_ready(&PATIENCE).await?;
        ensure!(
            status == OrderStatus::Ready,
            "the authority did not reach us on port 443, or will not sign: {status:?}"
        );
        let key = order.finalize().await?;
        let chain = order.poll_certificate(&PATIENCE).await?;
        let certificate = certified_key(chain.as_bytes(), key.as_bytes())?;
        let path = self.certificate_path();
        store::write(&path, (chain + &key).as_bytes()).with_context(|| format!("{path:?}"))?;
        Ok(certificate)
    }

    /// Shows a challenge's certificate for each name, and tells the authority to look.
    async fn prove(&self, order: &mut Order, current: &Current) -> anyhow::Result<()> {
        let mut shown = HashMap::new();
        let mut authorizations = order.authorizations();
        while let Some(authorization) = authorizations.next().await {
            let mut authorization = authorization?;
            match authorization.status {
                AuthorizationStatus::Valid => continue,
                AuthorizationStatus::Pending => {}
                other => bail!("the authorization is {other:?}"),
            }
            let mut challenge = authorization
                .challenge(ChallengeType::TlsAlpn01)
                .context("the authority does not know TLS-ALPN-01")?;
            let name = challenge.identifier().to_string();
            let proof = proof(&name, challenge.key_authorization().digest().as_ref())?;
            shown.insert(name.to_ascii_lowercase(), Arc::new(proof));
            current.set_challenges(shown.clone());
            challenge.set_ready().await?;
        }
        Ok(())
    }

    /// The account from last time, or a new one.
    async fn account(&self) -> anyhow::Result<Account> {
        let builder = match &self.source.root {
            Some(root) => Account::builder_with_root(root)?,
            None => Account::builder()?,
        };
        let path = self.account_path();
        if let Ok(kept) = fs::read(&path) {
            let credentials = serde_json::from_slice(&kept).with_context(|| format!("{path:?}"))?;
            return Ok(builder.from_credentials(credentials).await?);
        }
        let contacts: Vec<&str> = self.source.contacts.iter().map(String::as_str).collect();
        let new = NewAccount {
            contact: &contacts,
            terms_of_service_agreed: true,
            only_return_existing: false,
        };
        let directory = self.source.directory.clone();
        let (account, credentials) = builder.create(&new, directory, None).await?;
        let credentials = serde_json::to_vec(&credentials)?;
        store::write(&path, &credentials).with_context(|| format!("{path:?}"))?;
        Ok(account)
    }

    fn certificate_path(&self) -> PathBuf {
        let name = self.source.domains.join(",");
        self.folder().join(format!("{name}.pem"))
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

/// What to show for a name: RFC 8737 section 3.
fn proof(name: &str, digest: &[u8]) -> anyhow::Result<CertifiedKey> {
    let mut params = CertificateParams::new([name.to_owned()])?;
    params.custom_extensions = vec![CustomExtension::new_acme_identifier(digest)];
    let key = KeyPair::generate()?;
    let certificate = params.self_signed(&key)?;
    let key = PrivatePkcs8KeyDer::from(key.serialize_der());
    let key = aws_lc_rs::sign::any_supported_type(&key.into())?;
    // Not by way of `certified_key`: the extension is critical and rustls does not know it.
    Ok(CertifiedKey::new(vec![certificate.der().clone()], key))
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
