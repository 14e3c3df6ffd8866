//! A secret that somebody else shows us, to be compared with our own.

use std::fmt;
use std::str::FromStr;

use aws_lc_rs::constant_time::verify_slices_are_equal;

/// Fewer characters than these can be guessed.
const LEAST: usize = 16;

/// See the module. What it holds cannot be read, only compared.
#[derive(Clone)]
pub(crate) struct Secret(Box<[u8]>);

impl Secret {
    /// Whether this is it. How long that takes says nothing of how much is right.
    pub(crate) fn is(&self, shown: &str) -> bool {
        verify_slices_are_equal(&self.0, shown.as_bytes()).is_ok()
    }
}

impl FromStr for Secret {
    type Err = ShortSecret;

    fn from_str(text: &str) -> Result<Self, ShortSecret> {
        match text.len() >= LEAST {
            true => Ok(Self(text.as_bytes().into())),
            false => Err(ShortSecret),
        }
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// A secret that can be guessed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("it must have at least {LEAST} characters, such as `openssl rand -hex 16` makes")]
pub(crate) struct ShortSecret;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_whole_secret_is_it_and_it_is_never_printed() {
        let secret: Secret = "0123456789abcdef".parse().unwrap();
        assert!(secret.is("0123456789abcdef"));
        for other in [
            "",
            "0123456789abcde",
            "0123456789abcdef0",
            "0123456789abcdeF",
        ] {
            assert!(!secret.is(other), "{other}");
        }
        assert_eq!(format!("{secret:?}"), "Secret(…)");
        assert_eq!(
            "0123456789abcde".parse::<Secret>().unwrap_err(),
            ShortSecret
        );
    }
}
