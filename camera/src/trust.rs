//! Which gateway is the right one: the TLS certificates that the camera trusts.
//!
//! There is no way to accept any certificate: whoever is between the camera and the gateway would
//! get the camera's tokens.

use std::{fmt, fs, path::PathBuf, str::FromStr, sync::Arc};

use ::aws_lc_rs::digest;
use reqwest::{Certificate, ClientBuilder};
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, OtherError, SignatureScheme,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    crypto::{CryptoProvider, aws_lc_rs, verify_tls12_signature, verify_tls13_signature},
    pki_types::{CertificateDer, ServerName, UnixTime},
};

/// Whose word counts.
#[derive(Debug, Clone)]
pub enum Trust {
    /// The authorities that the system trusts.
    System,
    /// The authorities in this PEM file, and no others.
    Authority(PathBuf),
    /// Nobody's: it has to be this very certificate, whatever name and dates it has.
    Pinned(Pin),
}

/// Why nothing can be trusted.
#[derive(Debug, thiserror::Error)]
pub enum TrustError {
    /// `--ca`
    #[error("cannot read the certificates in {path}: {why}")]
    Authority {
        /// Which file.
        path: PathBuf,
        /// Why.
        why: String,
    },
    /// The TLS library refuses.
    #[error("TLS cannot be set up: {0}")]
    Tls(#[from] rustls::Error),
}

impl Trust {
    /// A client that trusts so.
    pub(crate) fn applied_to(&self, client: ClientBuilder) -> Result<ClientBuilder, TrustError> {
        match self {
            Self::System => Ok(client),
            Self::Authority(path) => {
                let unreadable = |why| TrustError::Authority {
                    path: path.clone(),
                    why,
                };
                let pem = fs::read(path).map_err(|error| unreadable(error.to_string()))?;
                let certificates = Certificate::from_pem_bundle(&pem)
                    .map_err(|error| unreadable(error.to_string()))?;
                if certificates.is_empty() {
                    return Err(unreadable("there is none in it (PEM)".to_owned()));
                }
                Ok(client.tls_certs_only(certificates))
            }
            Self::Pinned(pin) => Ok(client.tls_backend_preconfigured(tls_for(*pin)?)),
        }
    }
}

fn tls_for(pin: Pin) -> Result<ClientConfig, rustls::Error> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let mut tls = ClientConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(OneCertificate { pin, provider }))
        .with_no_client_auth();
    // As `Whip::new` has it.
    tls.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(tls)
}

/// The SHA-256 of a DER certificate: `sha256:` and 64 hex digits.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Pin([u8; 32]);

impl Pin {
    fn of(certificate: &CertificateDer<'_>) -> Self {
        let hash = digest::digest(&digest::SHA256, certificate);
        let mut pin = [0; 32];
        pin.copy_from_slice(hash.as_ref());
        Self(pin)
    }
}

impl FromStr for Pin {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        // OpenSSL and browsers put colons between the digits.
        let parse = || {
            let digits = text.strip_prefix("sha256:")?.replace(':', "");
            let mut pin = [0; 32];
            hex::decode_to_slice(digits, &mut pin).ok()?;
            Some(Self(pin))
        };
        parse().ok_or_else(|| format!("`{text}`: use sha256: and 64 hex digits"))
    }
}

impl fmt::Display for Pin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "sha256:{}", hex::encode(self.0))
    }
}

impl fmt::Debug for Pin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Whoever answers has another certificate.
#[derive(Debug, thiserror::Error)]
#[error(
    "its certificate is {found}, not the pinned {pin}. Compare with what the gateway prints at its \
     start: if that is the first of the two, change --pin; if not, somebody is in between"
)]
struct NotPinned {
    pin: Pin,
    found: Pin,
}

/// Accepts one certificate, from whoever has its private key.
#[derive(Debug)]
struct OneCertificate {
    pin: Pin,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for OneCertificate {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _name: &ServerName<'_>,
        _ocsp: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let (pin, found) = (self.pin, Pin::of(certificate));
        if found == pin {
            return Ok(ServerCertVerified::assertion());
        }
        let error = OtherError(Arc::new(NotPinned { pin, found }));
        Err(CertificateError::Other(error).into())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signed, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signed, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        let algorithms = &self.provider.signature_verification_algorithms;
        algorithms.supported_schemes()
    }
}

/// What is wrong with a gateway's certificate, and what to do, if it is that what failed.
pub(crate) fn distrust(error: &(dyn std::error::Error + 'static)) -> Option<String> {
    let rustls::Error::InvalidCertificate(why) = tls_error(error)? else {
        return None;
    };
    Some(match why {
        CertificateError::Other(other) if other.0.is::<NotPinned>() => other.0.to_string(),
        CertificateError::UnknownIssuer => "nobody whom this camera trusts has signed its \
             certificate. If it is self-signed, use --pin with the sha256:… that the gateway \
             prints at its start; if an authority of yours has signed it, use --ca"
            .to_owned(),
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            format!("{why}. Use in --gateway a name that the certificate has")
        }
        CertificateError::Expired
        | CertificateError::ExpiredContext { .. }
        | CertificateError::NotValidYet
        | CertificateError::NotValidYetContext { .. } => {
            format!("{why}. Check this machine's clock, then the gateway's certificate")
        }
        CertificateError::BadSignature => "a signature does not fit: whoever answers lacks the \
             certificate's key, or an authority of the same name as yours has signed it"
            .to_owned(),
        why => why.to_string(),
    })
}

/// The TLS library's error among the causes of this one; `io::Error` hides what it carries.
fn tls_error<'a>(error: &'a (dyn std::error::Error + 'static)) -> Option<&'a rustls::Error> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref() {
            return Some(found);
        }
        next = match error.downcast_ref::<std::io::Error>() {
            Some(io) => io
                .get_ref()
                .map(|inner| inner as &(dyn std::error::Error + 'static)),
            None => error.source(),
        };
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pin_is_read_as_openssl_and_the_gateway_write_it() {
        let plain = format!("sha256:{}", "a5".repeat(32));
        let colons = format!("sha256:{}", ["A5"; 32].join(":"));
        let pin: Pin = plain.parse().unwrap();
        assert_eq!(colons.parse(), Ok(pin));
        assert_eq!(pin.to_string(), plain);
        for text in ["", "sha256:", &plain[7..], &plain[..70], "sha256:é"] {
            assert!(text.parse::<Pin>().is_err(), "{text}");
        }
    }
}
