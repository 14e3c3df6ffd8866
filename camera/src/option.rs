//! Values of options, parsed where they come in.

use std::{fmt, str::FromStr, time::Duration};

use sightline_spec::token::{Admission, Scope};

/// When to print the QR code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum QrMode {
    /// When somebody is looking.
    Auto,
    /// Also into a pipe or file.
    Always,
    /// Not at all.
    Never,
}

impl FromStr for QrMode {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "auto" => Ok(Self::Auto),
            "always" => Ok(Self::Always),
            "never" => Ok(Self::Never),
            _ => Err(format!("`{text}`: use `auto`, `always` or `never`")),
        }
    }
}

/// A text that stays out of logs.
#[derive(Clone, serde::Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    /// The text itself, for the one place that sends it.
    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}

impl FromStr for Secret {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// How long something is good for: a second to a century, which is for ever and cannot overflow.
pub(crate) fn parse_lifetime(text: &str) -> Result<Duration, String> {
    let seconds = 1..=86400 * 36525;
    humantime::parse_duration(text)
        .ok()
        .filter(|lifetime| seconds.contains(&lifetime.as_secs()))
        .ok_or_else(|| format!("`{text}` is no time: use 90m, 12h or 365d"))
}

/// `publish` or `view`.
pub(crate) fn parse_scope(text: &str) -> Result<Scope, String> {
    match text {
        "publish" => Ok(Scope::Publish),
        "view" => Ok(Scope::View),
        _ => Err(format!("`{text}`: use `publish` or `view`")),
    }
}

/// `link` or `ticket`.
pub(crate) fn parse_admission(text: &str) -> Result<Admission, String> {
    match text {
        "link" => Ok(Admission::Link),
        "ticket" => Ok(Admission::Ticket),
        _ => Err(format!("`{text}`: use `link` or `ticket`")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lifetime_has_a_unit() {
        assert_eq!(parse_lifetime("365d"), Ok(Duration::from_secs(365 * 86400)));
        assert_eq!(parse_lifetime("90m"), Ok(Duration::from_secs(5400)));
        for text in [
            "",
            "d",
            "0d",
            "5",
            "999ms",
            "-1d",
            "99999999999999999999d",
            "1é",
        ] {
            assert!(parse_lifetime(text).is_err(), "{text}");
        }
    }
}
