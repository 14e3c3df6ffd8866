//! DTLS by OpenSSL, behind str0m's provider trait.
//!
//! str0m's own DTLS knows ECDSA only, and GStreamer 1.22 presents an RSA certificate.
//! Media encryption stays with aws-lc (`docs/decisions/openssl-dtls.md`). The peer's
//! certificate is checked against its SDP here, since str0m knows two hash functions only.

mod handshake;

use std::cell::RefCell;
use std::sync::OnceLock;
use std::time::Instant;

use openssl::asn1::Asn1Time;
use openssl::bn::{BigNum, MsbOption};
use openssl::ec::{EcGroup, EcKey};
use openssl::error::ErrorStack;
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkey::PKey;
use openssl::ssl::{Ssl, SslContext, SslContextBuilder, SslMethod, SslOptions, SslVerifyMode};
use openssl::x509::{X509, X509Builder, X509NameBuilder};
use str0m::crypto::dtls::{DtlsCert, DtlsInstance, DtlsProvider, DtlsVersion};
use str0m::crypto::{CryptoError, CryptoProvider};

use crate::connection::srtp::Keys;
use crate::sdp::certificates::Certificates;
pub(super) use handshake::BEAT;
use handshake::{Handshake, Peer};

thread_local! {
    static EXPORTED: RefCell<Option<Keys>> = const { RefCell::new(None) };
}

/// The keys of a handshake that was completed on this thread since the last call.
///
/// str0m has no words for handing them on to whoever drives it. A worker drives one
/// connection at a time and asks after each step, so it knows whose they are.
pub(crate) fn exported_keys() -> Option<Keys> {
    EXPORTED.take()
}

/// GCM first: it costs half of what CM with SHA-1 does. 128 bits are what browsers want.
const SRTP_PROFILES: &str = "SRTP_AEAD_AES_128_GCM:SRTP_AEAD_AES_256_GCM:SRTP_AES128_CM_SHA1_80";

const CIPHERS: &str = "ECDHE+AESGCM:DHE+AESGCM:ECDHE+AES256:DHE+AES256";

/// Keys are exported once, so another handshake within a connection would cost us time and get
/// the peer nothing.
const OPTIONS: SslOptions = SslOptions::NO_DTLSV1
    .union(SslOptions::NO_QUERY_MTU)
    .union(SslOptions::NO_TICKET)
    .union(SslOptions::NO_RENEGOTIATION);

/// The crypto of publishers' connections: DTLS by OpenSSL, all else by aws-lc.
pub(crate) fn for_publishers() -> CryptoProvider {
    with_dtls(&OpensslDtls {
        peer: Peer::Publisher,
    })
}

/// The crypto of viewers' connections, of which there are many.
pub(crate) fn for_viewers() -> CryptoProvider {
    with_dtls(&OpensslDtls { peer: Peer::Viewer })
}

fn with_dtls(dtls_provider: &'static OpensslDtls) -> CryptoProvider {
    CryptoProvider {
        dtls_provider,
        ..str0m::crypto::from_feature_flags()
    }
}

/// A self-signed ECDSA P-256 certificate (RFC 8827 section 6.5 wants P-256 supported).
pub(crate) fn certificate() -> Result<DtlsCert, ErrorStack> {
    let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1)?;
    let key = PKey::from_ec_key(EcKey::generate(&group)?)?;
    let mut serial = BigNum::new()?;
    serial.rand(127, MsbOption::MAYBE_ZERO, false)?;
    let mut name = X509NameBuilder::new()?;
    name.append_entry_by_text("CN", "Sightline")?;
    let name = name.build();

    let mut builder = X509Builder::new()?;
    builder.set_version(2)?;
    builder.set_serial_number(serial.to_asn1_integer()?.as_ref())?;
    builder.set_not_before(Asn1Time::days_from_now(0)?.as_ref())?;
    builder.set_not_after(Asn1Time::days_from_now(3650)?.as_ref())?;
    builder.set_subject_name(&name)?;
    builder.set_issuer_name(&name)?;
    builder.set_pubkey(&key)?;
    builder.sign(&key, MessageDigest::sha256())?;
    Ok(DtlsCert {
        certificate: builder.build().to_der()?,
        private_key: key.private_key_to_der()?,
    })
}

#[derive(Debug)]
struct OpensslDtls {
    peer: Peer,
}

impl DtlsProvider for OpensslDtls {
    fn generate_certificate(&self) -> Option<DtlsCert> {
        certificate().ok()
    }

    fn new_dtls(
        &self,
        cert: &DtlsCert,
        now: Instant,
        _version: DtlsVersion,
        mtu: Option<usize>,
    ) -> Result<Box<dyn DtlsInstance>, CryptoError> {
        let context = context_for(cert).map_err(other)?;
        let mut ssl = Ssl::new(&context).map_err(other)?;
        if let Some(mtu) = mtu.and_then(|mtu| u32::try_from(mtu).ok()) {
            ssl.set_mtu(mtu).map_err(other)?;
        }
        // Every connection is made with those that its peer may present.
        let none = || CryptoError::Other("no certificate is expected".to_owned());
        let expected = Certificates::of_this_connection().ok_or_else(none)?;
        let handshake = Handshake::new(ssl, expected, self.peer, now);
        Ok(Box::new(handshake))
    }
}

fn other(error: ErrorStack) -> CryptoError {
    CryptoError::Other(error.to_string())
}

/// The process has one certificate, so its context is made once and shared.
fn context_for(cert: &DtlsCert) -> Result<SslContext, ErrorStack> {
    static CONTEXT: OnceLock<(Vec<u8>, SslContext)> = OnceLock::new();
    match CONTEXT.get() {
        Some((certificate, context)) if *certificate == cert.certificate => Ok(context.clone()),
        _ => {
            let context = new_context(cert)?;
            let entry = (cert.certificate.clone(), context.clone());
            // Another certificate, as in tests, gets a context of its own.
            let _ = CONTEXT.set(entry);
            Ok(context)
        }
    }
}

fn new_context(cert: &DtlsCert) -> Result<SslContext, ErrorStack> {
    let mut context = SslContextBuilder::new(SslMethod::dtls())?;
    context.set_cipher_list(CIPHERS)?;
    context.set_tlsext_use_srtp(SRTP_PROFILES)?;
    // Self-signed certificates are the rule; their hash is what counts, and `handshake`
    // compares it with the SDP. A peer without a certificate fails here.
    let mode = SslVerifyMode::PEER | SslVerifyMode::FAIL_IF_NO_PEER_CERT;
    context.set_verify_callback(mode, |_, _| true);
    let key = PKey::private_key_from_der(&cert.private_key)?;
    context.set_private_key(&key)?;
    context.set_certificate(X509::from_der(&cert.certificate)?.as_ref())?;
    context.set_options(OPTIONS);
    Ok(context.build())
}
