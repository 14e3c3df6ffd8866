//! The bearer token that a server asks for.

use std::{fs, path::PathBuf};

use crate::option::Secret;

/// Where it comes from.
#[derive(Debug, Clone)]
pub enum Token {
    /// It is always this.
    Fixed(Secret),
    /// It is what is in this file, read for each request: tokens expire, and something else puts a
    /// new one there.
    File(PathBuf),
}

impl Token {
    /// The token as it is now.
    pub(crate) fn now(&self) -> Option<Secret> {
        let path = match self {
            Self::Fixed(token) => return Some(token.clone()),
            Self::File(path) => path,
        };
        match fs::read_to_string(path) {
            Ok(text) => text.trim().parse().ok(),
            Err(error) => {
                tracing::warn!("no token: cannot read {}: {error}", path.display());
                None
            }
        }
    }
}
