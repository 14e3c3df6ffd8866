//! The keys by which an issuer's tokens are verified: one in the configuration, or those in
//! a JWKS file (RFC 7517), which is read again when it has changed.

use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use jsonwebtoken::DecodingKey;
use jsonwebtoken::jwk::{AlgorithmParameters, Jwk, KeyOperations, PublicKeyUse};
use serde::Deserialize;

/// Bytes of a JWKS file.
const LARGEST_FILE: u64 = 256 * 1024;
/// Keys of a JWKS file; a token may be tried against all of them.
const MOST_KEYS: usize = 32;
/// RFC 7518 section 3.2: a key of the hash's size or larger MUST be used.
const SHORTEST_SECRET: usize = 32;

/// By what a key signs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub(crate) enum Algorithm {
    /// HMAC with SHA-256: issuer and gateway share a secret.
    HS256,
    /// Ed25519.
    EdDSA,
    /// RSA with SHA-256.
    RS256,
}

impl From<Algorithm> for jsonwebtoken::Algorithm {
    fn from(algorithm: Algorithm) -> Self {
        match algorithm {
            Algorithm::HS256 => Self::HS256,
            Algorithm::EdDSA => Self::EdDSA,
            Algorithm::RS256 => Self::RS256,
        }
    }
}

/// A key and the one algorithm that it is used with.
#[derive(Debug)]
pub(crate) struct Key {
    /// `kid`, if it has one.
    pub(super) id: Option<String>,
    pub(super) algorithm: Algorithm,
    pub(super) key: DecodingKey,
}

/// Why there is no key.
#[derive(Debug, thiserror::Error)]
pub(crate) enum KeyError {
    #[error("the secret of HS256 has at least {SHORTEST_SECRET} bytes")]
    ShortSecret,
    #[error("`key` is no public key in PEM for {0:?}")]
    Pem(Algorithm),
    #[error("cannot read {path}: {error}")]
    File { path: PathBuf, error: io::Error },
    #[error("{0} is no JWKS file: a JSON object with an array `keys`")]
    NotJwks(PathBuf),
    #[error("{0} holds no key for HS256 (of 32 bytes or more), EdDSA (Ed25519) or RS256")]
    NoKey(PathBuf),
    #[error("{0} holds more than {MOST_KEYS} keys")]
    ManyKeys(PathBuf),
}

/// An issuer's keys. Cheap to clone; every clone reads the same file.
#[derive(Debug, Clone)]
pub(crate) enum Keys {
    /// The one that the configuration holds.
    Fixed(Arc<[Key]>),
    /// Those of a file.
    Jwks(Arc<JwksFile>),
}

impl Keys {
    /// A public key in PEM, or the secret of HS256.
    pub(crate) fn fixed(algorithm: Algorithm, text: &str) -> Result<Self, KeyError> {
        let key = match algorithm {
            Algorithm::HS256 if text.len() < SHORTEST_SECRET => return Err(KeyError::ShortSecret),
            Algorithm::HS256 => Ok(DecodingKey::from_secret(text.as_bytes())),
            Algorithm::EdDSA => DecodingKey::from_ed_pem(text.as_bytes()),
            Algorithm::RS256 => DecodingKey::from_rsa_pem(text.as_bytes()),
        };
        let key = key.map_err(|_| KeyError::Pem(algorithm))?;
        let key = Key {
            id: None,
            algorithm,
            key,
        };
        Ok(Self::Fixed([key].into()))
    }

    /// Those of a JWKS file.
    pub(crate) fn jwks(path: PathBuf) -> Result<Self, KeyError> {
        Ok(Self::Jwks(Arc::new(JwksFile::open(path)?)))
    }

    /// The keys as they are now.
    pub(super) fn current(&self) -> Arc<[Key]> {
        match self {
            Self::Fixed(keys) => keys.clone(),
            Self::Jwks(file) => file.current(),
        }
    }
}

/// See the module.
#[derive(Debug)]
pub(crate) struct JwksFile {
    path: PathBuf,
    /// Guards what was read last; held while it is read again, which takes well under a
    /// millisecond.
    last: Mutex<(Option<Stamp>, Arc<[Key]>)>,
}

/// What changes when a file is written or replaced.
#[derive(Debug, PartialEq, Eq)]
struct Stamp {
    inode: u64,
    size: u64,
    modified: (i64, i64),
}

impl Stamp {
    fn of(path: &Path) -> Option<Self> {
        let metadata = fs::metadata(path).ok()?;
        Some(Self {
            inode: metadata.ino(),
            size: metadata.size(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
        })
    }
}

impl JwksFile {
    fn open(path: PathBuf) -> Result<Self, KeyError> {
        let stamp = Stamp::of(&path);
        let keys = read(&path)?;
        let last = Mutex::new((stamp, keys));
        Ok(Self { path, last })
    }

    /// Looks whether the file has changed, which is cheaper than verifying a signature. A
    /// file that cannot be used changes nothing but the log.
    fn current(&self) -> Arc<[Key]> {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let stamp = Stamp::of(&self.path);
        if stamp != last.0 {
            match read(&self.path) {
                Ok(keys) => {
                    tracing::info!(path = %self.path.display(), keys = keys.len(), "keys read");
                    last.1 = keys;
                }
                Err(error) => tracing::warn!(%error, "the keys from before are used"),
            }
            last.0 = stamp;
        }
        last.1.clone()
    }
}

#[derive(Deserialize)]
struct Jwks {
    keys: Vec<serde_json::Value>,
}

fn read(path: &Path) -> Result<Arc<[Key]>, KeyError> {
    let mut text = String::new();
    let file = File::open(path);
    file.and_then(|file| file.take(LARGEST_FILE).read_to_string(&mut text))
        .map_err(|error| KeyError::File {
            path: path.to_owned(),
            error,
        })?;
    let jwks: Jwks = serde_json::from_str(&text).map_err(|_| KeyError::NotJwks(path.to_owned()))?;
    // RFC 7517 section 5: keys that are not understood SHOULD be ignored.
    let keys: Arc<[Key]> = jwks.keys.into_iter().filter_map(usable).collect();
    match keys.len() {
        0 => Err(KeyError::NoKey(path.to_owned())),
        1..=MOST_KEYS => Ok(keys),
        _ => Err(KeyError::ManyKeys(path.to_owned())),
    }
}

/// The key, if it is one to verify signatures with by an algorithm that we know.
fn usable(jwk: serde_json::Value) -> Option<Key> {
    let jwk: Jwk = serde_json::from_value(jwk).ok()?;
    let algorithm = match &jwk.algorithm {
        AlgorithmParameters::OctetKey(_) => Algorithm::HS256,
        AlgorithmParameters::OctetKeyPair(_) => Algorithm::EdDSA,
        AlgorithmParameters::RSA(_) => Algorithm::RS256,
        _ => return None,
    };
    let is_for_it = match jwk.common.key_algorithm {
        None => true,
        Some(named) => named == jsonwebtoken::Algorithm::from(algorithm).into(),
    };
    let is_to_verify = matches!(
        jwk.common.public_key_use,
        None | Some(PublicKeyUse::Signature)
    ) && jwk
        .common
        .key_operations
        .as_ref()
        .is_none_or(|operations| operations.contains(&KeyOperations::Verify));
    let key = DecodingKey::from_jwk(&jwk).ok()?;
    let is_long = match algorithm {
        Algorithm::HS256 => key.try_get_as_bytes().ok()?.len() >= SHORTEST_SECRET,
        Algorithm::EdDSA => key.try_get_as_bytes().ok()?.len() == 32,
        Algorithm::RS256 => true,
    };
    (is_for_it && is_to_verify && is_long).then_some(Key {
        id: jwk.common.key_id,
        algorithm,
        key,
    })
}
