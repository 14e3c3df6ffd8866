//! The address of a network camera. Who may watch it is not told to anybody else.

use std::{fmt, str::FromStr};

use percent_encoding::percent_decode_str;
use reqwest::Url;

/// `rtsp://user:password@host:port/path` (RFC 2326 section 3.2), also `rtsps:` and, for pictures by
/// UDP, `rtspu:`.
///
/// What is printed of it is the host alone: cameras are found that have passwords in path and query.
#[derive(Clone, PartialEq, Eq)]
pub struct RtspUrl {
    /// Without user and password.
    location: String,
    host: String,
    user: String,
    password: String,
}

impl RtspUrl {
    /// Whether a text is meant to be one.
    pub(crate) fn is_meant_by(text: &str) -> bool {
        let scheme = text.split_once("://").map(|(scheme, _)| scheme);
        scheme.is_some_and(|scheme| {
            scheme.bytes().all(|letter| letter.is_ascii_alphanumeric())
                && scheme.to_ascii_lowercase().starts_with("rtsp")
        })
    }

    pub(crate) fn location(&self) -> &str {
        &self.location
    }

    /// User and password, where there are any.
    pub(crate) fn credentials(&self) -> Option<(&str, &str)> {
        (!self.user.is_empty()).then_some((&self.user, &self.password))
    }

    /// Whether media may come by UDP. By TCP nothing is lost, and no firewall is in the way.
    pub(crate) fn is_by_udp(&self) -> bool {
        self.location.starts_with("rtspu:")
    }
}

impl FromStr for RtspUrl {
    type Err = String;

    /// The error does not repeat the text.
    fn from_str(text: &str) -> Result<Self, String> {
        let bad = |why: &str| {
            format!(
                "{why}: a network camera is rtsp://user:password@host:port/path \
                 (in user and password write %2F for `/`, %40 for `@`, %3A for `:`)"
            )
        };
        let mut url: Url = text.parse().map_err(|_| bad("this is no URL"))?;
        if !["rtsp", "rtsps", "rtspu"].contains(&url.scheme()) {
            return Err(bad("the scheme is unknown"));
        }
        if url.username().is_empty() && url.path().contains('@') {
            return Err(bad("the host ends before user and password do"));
        }
        let host = url.host_str().filter(|host| !host.is_empty());
        let host = host.ok_or_else(|| bad("the host is missing"))?;
        let host = match url.port() {
            Some(port) => format!("{}://{host}:{port}", url.scheme()),
            None => format!("{}://{host}", url.scheme()),
        };
        let decoded = |text: &str| {
            let decoded = percent_decode_str(text).decode_utf8();
            decoded.map(|text| text.into_owned())
        };
        let no_text = |_| bad("user and password are no UTF-8");
        let user = decoded(url.username()).map_err(no_text)?;
        let password = decoded(url.password().unwrap_or_default()).map_err(no_text)?;
        // A URL with a host can be without them.
        let _ = url.set_username("");
        let _ = url.set_password(None);
        Ok(Self {
            location: url.into(),
            host,
            user,
            password,
        })
    }
}

impl fmt::Display for RtspUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.host)
    }
}

impl fmt::Debug for RtspUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RtspUrl({self}…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn user_and_password_are_taken_apart() {
        let url: RtspUrl = "rtsp://ann:p%40ss%2F@cam:8554/1?x=y".parse().unwrap();
        assert_eq!(url.location(), "rtsp://cam:8554/1?x=y");
        assert_eq!(url.credentials(), Some(("ann", "p@ss/")));
        let open: RtspUrl = "rtsp://[::1]/".parse().unwrap();
        assert_eq!(
            (open.location(), open.credentials()),
            ("rtsp://[::1]/", None)
        );
    }

    #[test]
    fn nothing_that_is_printed_has_a_secret() {
        let url: RtspUrl = "rtsp://ann:hush@cam:8554/hush?pw=hush".parse().unwrap();
        assert_eq!(url.to_string(), "rtsp://cam:8554");
        assert!(!format!("{url:?}").contains("hush"));
        for bad in [
            "rtsp://ann:hu/sh@cam/",
            "rtsp://ann:hush@",
            "rtsp://hush:12/34@cam/",
            "rtspx://hush@cam",
        ] {
            assert!(RtspUrl::is_meant_by(bad));
            let error = bad.parse::<RtspUrl>().unwrap_err();
            assert!(!error.contains("hu"), "{error}");
        }
    }
}
