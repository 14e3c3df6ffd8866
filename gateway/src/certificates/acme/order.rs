//! One order, from its beginning to the certificate: RFC 8555 section 7.4.
//!
//! Authorities count orders, so one that has stopped for whatever reason goes on where it
//! stopped, also in another process: its URL and its key are kept until it is over.

use std::collections::HashMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use instant_acme::{
    Account, AuthorizationStatus, ChallengeStatus, ChallengeType, Error, Identifier, NewOrder,
    Order, OrderStatus, Problem, RetryPolicy,
};
use rcgen::{CertificateParams, CustomExtension, DistinguishedName, KeyPair};
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::PrivatePkcs8KeyDer;
use rustls::sign::CertifiedKey;
use serde::{Deserialize, Serialize};

use super::nonces::with_nonces;
use crate::certificates::{Current, store};

/// How long an authority gets to look, and to sign.
const PATIENCE: RetryPolicy = RetryPolicy::new().timeout(Duration::from_secs(90));

/// What is kept of an order until it is over.
#[derive(Serialize, Deserialize)]
struct Kept {
    url: String,
    /// The certificate's, PEM.
    key: String,
}

/// Has these names certified: the chain and its key, PEM. What is kept at `path` is the
/// caller's to remove once it has kept the certificate.
pub(super) async fn certificate(
    account: &Account,
    domains: &[String],
    path: &Path,
    current: &Current,
) -> anyhow::Result<String> {
    let (mut order, key) = match kept(account, path).await? {
        Some(going_on) => going_on,
        None => begin(account, domains, path).await?,
    };
    let chain = finish(&mut order, domains, &key, current).await;
    if order.state().status == OrderStatus::Invalid {
        forget(path);
    }
    Ok(chain? + &key.serialize_pem())
}

/// Removes what is kept of an order.
pub(super) fn forget(path: &Path) {
    // That there is none is as good.
    let _ = fs::remove_file(path);
}

/// The order that was not finished last time, if the authority still knows it.
async fn kept(account: &Account, path: &Path) -> anyhow::Result<Option<(Order, KeyPair)>> {
    let Ok(kept) = fs::read(path) else {
        return Ok(None);
    };
    let kept: Kept = serde_json::from_slice(&kept).with_context(|| format!("{path:?}"))?;
    let key = KeyPair::from_pem(&kept.key).with_context(|| format!("{path:?}"))?;
    let found = with_nonces(async || Ok(account.order(kept.url.clone()).await?)).await;
    match found {
        Ok(mut order) => {
            if order.state().status != OrderStatus::Invalid {
                tracing::info!("an order goes on where it stopped");
                return Ok(Some((order, key)));
            }
        }
        Err(error) if is_gone(&error) => {}
        Err(error) => return Err(error.context("the order of last time")),
    }
    forget(path);
    Ok(None)
}

/// Whether the authority knows an order no more, and not just none of it now.
fn is_gone(error: &anyhow::Error) -> bool {
    let problem = match error.downcast_ref() {
        Some(Error::Api(Problem { status, .. })) => *status,
        _ => None,
    };
    problem.is_some_and(|status| (400..500).contains(&status) && status != 429)
}

async fn begin(
    account: &Account,
    domains: &[String],
    path: &Path,
) -> anyhow::Result<(Order, KeyPair)> {
    let names: Vec<_> = domains.iter().cloned().map(Identifier::Dns).collect();
    let key = KeyPair::generate()?;
    let new = NewOrder::new(&names);
    let order = with_nonces(async || Ok(account.new_order(&new).await?)).await?;
    let kept = Kept {
        url: order.url().to_owned(),
        key: key.serialize_pem(),
    };
    let kept = serde_json::to_vec(&kept)?;
    store::write(path, &kept).with_context(|| format!("{path:?}"))?;
    Ok((order, key))
}

/// From whatever state it is in to the certificate's chain.
async fn finish(
    order: &mut Order,
    domains: &[String],
    key: &KeyPair,
    current: &Current,
) -> anyhow::Result<String> {
    if order.state().status == OrderStatus::Pending {
        prove(order, current).await.context("the proof")?;
        tracing::debug!("the authority may look");
        let polled = with_nonces(async || Ok(order.poll_ready(&PATIENCE).await?)).await;
        let is_refused = order.state().status == OrderStatus::Invalid;
        ensure!(
            !is_refused,
            "the authority did not reach us on port 443, or will not sign: {polled:?}"
        );
        polled?;
    }
    if order.state().status == OrderStatus::Ready {
        let mut params = CertificateParams::new(domains)?;
        params.distinguished_name = DistinguishedName::new();
        let request = params.serialize_request(key)?;
        with_nonces(async || Ok(order.finalize_csr(request.der()).await?)).await?;
    }
    with_nonces(async || Ok(order.poll_certificate(&PATIENCE).await?)).await
}

/// Shows a challenge's certificate for each name, and tells the authority to look.
async fn prove(order: &mut Order, current: &Current) -> anyhow::Result<()> {
    // What has been fetched is not fetched again.
    with_nonces(async || {
        let mut authorizations = order.authorizations();
        while let Some(authorization) = authorizations.next().await {
            authorization?;
        }
        Ok(())
    })
    .await?;
    let mut shown = HashMap::new();
    let mut authorizations = order.authorizations();
    while let Some(authorization) = authorizations.next().await {
        let mut authorization = authorization?;
        match authorization.status {
            // By an order before.
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
        // Otherwise it has been told before.
        if challenge.status == ChallengeStatus::Pending {
            with_nonces(async || Ok(challenge.set_ready().await?)).await?;
        }
    }
    Ok(())
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
