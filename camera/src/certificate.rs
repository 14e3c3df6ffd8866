//! The DTLS certificate that all viewers of one process see.
//!
//! webrtcbin makes an RSA certificate for each peer. One ECDSA certificate for the process is
//! cheaper (no RSA key for each viewer), is understood by every DTLS stack, and lets the gateway
//! recognise all offers of one camera by their fingerprint.

use aws_lc_rs::digest;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use gst::prelude::*;
use sightline_spec::sdp::Fingerprint;

/// Why no certificate could be made.
#[derive(Debug, thiserror::Error)]
pub enum CertificateError {
    /// The system's random source or the crypto library failed.
    #[error("cannot make a DTLS certificate: {0}")]
    Generate(#[from] rcgen::Error),
    /// The hash came out in a form that SDP does not know.
    #[error("cannot print the certificate's fingerprint")]
    Fingerprint,
}

/// An ECDSA P-256 certificate with its private key.
#[derive(Clone)]
pub struct Certificate {
    pem: String,
    fingerprint: Fingerprint,
}

impl std::fmt::Debug for Certificate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Certificate")
            .field("fingerprint", &self.fingerprint)
            .finish_non_exhaustive()
    }
}

impl Certificate {
    /// Makes a fresh key and a self-signed certificate for it.
    pub fn generate() -> Result<Self, CertificateError> {
        let key = rcgen::KeyPair::generate()?;
        let certificate = rcgen::CertificateParams::new(Vec::new())?.self_signed(&key)?;
        Ok(Self {
            pem: format!("{}{}", certificate.pem(), key.serialize_pem()),
            fingerprint: fingerprint_of_der(certificate.der())
                .ok_or(CertificateError::Fingerprint)?,
        })
    }

    /// The fingerprint to announce in SDP.
    pub fn fingerprint(&self) -> &Fingerprint {
        &self.fingerprint
    }

    /// Makes `webrtcbin` present this certificate instead of one of its own.
    ///
    /// webrtcbin has no property for it, but its `dtlsdec` has, and takes it until the handshake
    /// begins. Must be called before the element makes its transports, so right after creation.
    pub(crate) fn present_on(&self, webrtcbin: &gst::Bin) {
        let pem = self.pem.clone();
        webrtcbin.connect_deep_element_added(move |_, _, element| {
            if element.factory().is_some_and(|f| f.name() == "dtlsdec") {
                element.set_property("pem", &pem);
            }
        });
    }

    /// Puts the real fingerprint into an SDP that webrtcbin wrote.
    ///
    /// webrtcbin 1.22 hashes the whole PEM text, private key included, so its own line is wrong
    /// as soon as the key is in there, and browsers end the handshake.
    pub(crate) fn announce_in(&self, sdp: &str) -> String {
        let mut fixed = String::with_capacity(sdp.len());
        for line in sdp.split_inclusive('\n') {
            if line.starts_with("a=fingerprint:") {
                fixed.push_str(&format!("a=fingerprint:{}\r\n", self.fingerprint.as_str()));
            } else {
                fixed.push_str(line);
            }
        }
        fixed
    }
}

/// The SHA-256 of a certificate, as `a=fingerprint` writes it (RFC 8122 section 5).
fn fingerprint_of_der(der: &[u8]) -> Option<Fingerprint> {
    let hash = digest::digest(&digest::SHA256, der);
    let hex: Vec<String> = hash.as_ref().iter().map(|b| format!("{b:02X}")).collect();
    Fingerprint::parse(&format!("sha-256 {}", hex.join(":")))
}

/// The fingerprint of a PEM certificate, as `dtlsdec` hands out the peer's.
pub(crate) fn fingerprint_of_pem(pem: &str) -> Option<Fingerprint> {
    let (_, rest) = pem.split_once("-----BEGIN CERTIFICATE-----")?;
    let (body, _) = rest.split_once("-----END CERTIFICATE-----")?;
    let base64: String = body.split_whitespace().collect();
    fingerprint_of_der(&STANDARD.decode(base64).ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fingerprint_of_an_offer_becomes_the_certificates_own() {
        let certificate = Certificate::generate().unwrap();
        let wrong = "v=0\r\na=fingerprint:sha-256 00:11\r\nm=video 9 X 96\r\na=fingerprint:sha-256 22:33\r\na=mid:video0\r\n";

        let fixed = certificate.announce_in(wrong);

        let line = format!("a=fingerprint:{}\r\n", certificate.fingerprint().as_str());
        assert_eq!(
            fixed,
            format!("v=0\r\n{line}m=video 9 X 96\r\n{line}a=mid:video0\r\n")
        );
    }

    #[test]
    fn the_fingerprint_is_that_of_the_certificate_alone() {
        let certificate = Certificate::generate().unwrap();

        assert_eq!(
            fingerprint_of_pem(&certificate.pem).as_ref(),
            Some(certificate.fingerprint())
        );
        assert!(certificate.pem.contains("PRIVATE KEY"));
    }
}
