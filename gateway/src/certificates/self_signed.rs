//! A certificate made here, for machines without a name that an authority would vouch
//! for. Who uses it pins it, or looks at it once and says yes.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use anyhow::Context;
use rcgen::{CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, KeyPair};
use rustls::sign::CertifiedKey;
use x509_parser::prelude::{FromDer, X509Certificate};

use super::names::names_of;
use super::{certified_key, store};

const FILE: &str = "self-signed.pem";

/// Whoever pins it does not want it to change. RFC 5280 section 4.1.2.5 has years to 9999.
const YEARS: i32 = 10;

/// The one that is kept in this folder, if it has these names and is still good; else a
/// new one.
pub(super) fn open(names: &[String], state: &Path) -> anyhow::Result<CertifiedKey> {
    let path = state.join(FILE);
    match fs::read(&path) {
        Ok(kept) => {
            let kept = certified_key(&kept, &kept).with_context(|| format!("in {path:?}"))?;
            if is_good_for(&kept, names) {
                return Ok(kept);
            }
            tracing::warn!("the kept certificate has expired or has other names: a new one");
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) => return Err(error).with_context(|| format!("reading {path:?}")),
    }
    let pem = make(names)?;
    store::write(&path, pem.as_bytes()).with_context(|| format!("writing {path:?}"))?;
    certified_key(pem.as_bytes(), pem.as_bytes())
}

fn make(names: &[String]) -> anyhow::Result<String> {
    let mut params = CertificateParams::new(names).context("in the names of --tls")?;
    params.distinguished_name = DistinguishedName::new();
    params
        .distinguished_name
        .push(DnType::CommonName, "Sightline gateway, self-signed");
    // Apple's systems want it said.
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    let now = time::OffsetDateTime::now_utc();
    // Clocks differ.
    params.not_before = now - time::Duration::days(1);
    params.not_after = now + time::Duration::days(365 * i64::from(YEARS));
    let key = KeyPair::generate()?;
    let certificate = params.self_signed(&key)?;
    Ok(certificate.pem() + &key.serialize_pem())
}

fn is_good_for(kept: &CertifiedKey, names: &[String]) -> bool {
    let Some(certificate) = kept.cert.first() else {
        return false;
    };
    let Ok((_, certificate)) = X509Certificate::from_der(certificate) else {
        return false;
    };
    let wanted: BTreeSet<String> = names.iter().cloned().collect();
    certificate.validity().is_valid() && BTreeSet::from_iter(names_of(&certificate)) == wanted
}
