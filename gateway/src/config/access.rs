//! Who may do what in rooms with a name: the table `[access]` of the file.

use std::path::PathBuf;

use conf::Conf;
use serde::Deserialize;

use crate::auth::{Access, Algorithm, Grant, Issuer, KeyError, Keys, Role, Rooms};

/// Who may publish and watch in rooms with a name. Only the file can hold this: secrets
/// stay out of arguments, and a table out of the environment.
#[derive(Conf, Debug)]
#[conf(serde)]
pub struct AccessOptions {
    #[arg(repeat)]
    tokens: Vec<Grant>,
    #[arg(repeat)]
    issuers: Vec<ConfiguredIssuer>,
}

impl AccessOptions {
    /// All of it.
    pub(crate) fn access(&self) -> Access {
        Access {
            grants: self.tokens.clone(),
            issuers: self.issuers.iter().map(|it| it.0.clone()).collect(),
        }
    }
}

/// An issuer whose keys are there.
#[derive(Debug, Clone, Deserialize)]
#[serde(try_from = "IssuerTable")]
struct ConfiguredIssuer(Issuer);

/// `[[access.issuers]]`
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct IssuerTable {
    rooms: Vec<Rooms>,
    #[serde(default)]
    role: Role,
    algorithm: Option<Algorithm>,
    key: Option<String>,
    jwks_file: Option<PathBuf>,
    iss: Option<String>,
    aud: Option<String>,
}

/// Why an issuer is none.
#[derive(Debug, thiserror::Error)]
enum InvalidIssuer {
    #[error(transparent)]
    Key(#[from] KeyError),
    #[error("an issuer has either `algorithm` and `key`, or `jwks_file`")]
    WhichKey,
    #[error("an issuer has `rooms`, in which its tokens count: [\"*\"] is all that have a name")]
    NoRooms,
}

impl TryFrom<IssuerTable> for ConfiguredIssuer {
    type Error = InvalidIssuer;

    fn try_from(table: IssuerTable) -> Result<Self, InvalidIssuer> {
        if table.rooms.is_empty() {
            return Err(InvalidIssuer::NoRooms);
        }
        let keys = match (table.algorithm, table.key, table.jwks_file) {
            (Some(algorithm), Some(key), None) => Keys::fixed(algorithm, &key)?,
            (None, None, Some(path)) => Keys::jwks(path)?,
            _ => return Err(InvalidIssuer::WhichKey),
        };
        Ok(Self(Issuer {
            rooms: table.rooms,
            role: table.role,
            keys,
            iss: table.iss,
            aud: table.aud,
        }))
    }
}
