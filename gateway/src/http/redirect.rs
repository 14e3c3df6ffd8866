//! Plain HTTP beside HTTPS: everything is over there.

use axum::Router;
use axum::extract::Request;
use axum::http::uri::Authority;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;

use super::around::Around;
use super::framing;
use crate::error::Error;

/// Where HTTPS is, and what it may be called.
#[derive(Debug, Clone)]
pub(crate) struct Https {
    /// Names and addresses, those of IPv6 in brackets. If a request names none of them, it is
    /// sent to the first: nobody else's name comes out of here.
    pub(crate) hosts: Vec<String>,
    pub(crate) port: u16,
}

/// Answers every request with its address at HTTPS.
pub(crate) fn redirect(https: Https) -> Router {
    let moved = move |request: Request| async move {
        let location = https.location(&request).ok_or(Error::NoSuchResource)?;
        // 308 keeps the method, as RFC 9725 section 4.5 wants it for POST.
        let moved = (
            StatusCode::PERMANENT_REDIRECT,
            [(header::LOCATION, location)],
        );
        Ok::<_, Error>(moved.into_response())
    };
    Router::new().fallback(moved).layer(Around(framing::Check))
}

impl Https {
    fn location(&self, request: &Request) -> Option<String> {
        let in_header = || request.headers().get(header::HOST)?.to_str().ok();
        let in_header = || in_header()?.parse::<Authority>().ok();
        let named = request.uri().authority().cloned().or_else(in_header);
        let is_named = |host: &&String| {
            let named = named.as_ref().map(Authority::host);
            named.is_some_and(|named| named.eq_ignore_ascii_case(host))
        };
        let host = self.hosts.iter().find(is_named).or(self.hosts.first())?;
        let path = request.uri().path_and_query()?;
        Some(match self.port {
            443 => format!("https://{host}{path}"),
            port => format!("https://{host}:{port}{path}"),
        })
    }
}

#[cfg(test)]
mod tests {
    use axum::body::Body;

    use super::*;

    fn location_of(uri: &str, host: &str, port: u16) -> Option<String> {
        let https = Https {
            hosts: ["cam.example", "[::1]"].map(str::to_owned).into(),
            port,
        };
        let request = Request::builder().uri(uri).header("host", host);
        https.location(&request.body(Body::empty()).unwrap())
    }

    #[test]
    fn the_address_is_the_same_but_for_scheme_and_port() {
        let location = |host, port| location_of("/watch/garage?a=b", host, port).unwrap();
        let to = "https://cam.example/watch/garage?a=b";
        assert_eq!(location("cam.example", 443), to);
        assert_eq!(location("CAM.example:80", 443), to);
        let to = "https://[::1]:8443/watch/garage?a=b";
        assert_eq!(location("[::1]:8080", 8443), to);
        assert_eq!(
            location_of("http://[::1]/", "", 443).unwrap(),
            "https://[::1]/"
        );
    }

    #[test]
    fn nobody_is_sent_to_a_host_that_is_not_ours() {
        for (uri, host) in [
            ("/", "evil.example"),
            ("/", "cam.example.evil.example"),
            ("/", ""),
            ("/", "evil.example/x"),
            ("http://evil.example/", "cam.example"),
        ] {
            let location = location_of(uri, host, 443).unwrap();
            assert_eq!(location, "https://cam.example/", "{uri} {host}");
        }
    }
}
