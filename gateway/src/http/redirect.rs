//! Plain HTTP beside HTTPS: everything is over there.

use axum::Router;
use axum::extract::Request;
use axum::http::uri::Authority;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;

use crate::error::Error;

/// Answers every request with its address at HTTPS, which is on this port.
pub(crate) fn redirect(https: u16) -> Router {
    Router::new().fallback(move |request: Request| async move {
        let location = location(&request, https).ok_or(Error::NoSuchResource)?;
        // 308 keeps the method, as RFC 9725 section 4.5 wants it for POST.
        let moved = (
            StatusCode::PERMANENT_REDIRECT,
            [(header::LOCATION, location)],
        );
        Ok::<_, Error>(moved.into_response())
    })
}

fn location(request: &Request, https: u16) -> Option<String> {
    let named = || request.headers().get(header::HOST)?.to_str().ok();
    let named = || named()?.parse::<Authority>().ok();
    let authority = request.uri().authority().cloned().or_else(named)?;
    let host = authority.host();
    let path = request.uri().path_and_query()?;
    Some(match https {
        443 => format!("https://{host}{path}"),
        port => format!("https://{host}:{port}{path}"),
    })
}

#[cfg(test)]
mod tests {
    use axum::body::Body;

    use super::*;

    fn location_of(uri: &str, host: &str, https: u16) -> Option<String> {
        let request = Request::builder().uri(uri).header("host", host);
        location(&request.body(Body::empty()).unwrap(), https)
    }

    #[test]
    fn the_address_is_the_same_but_for_scheme_and_port() {
        let location = |host, https| location_of("/watch/garage?a=b", host, https).unwrap();
        let to = "https://cam.example/watch/garage?a=b";
        assert_eq!(location("cam.example", 443), to);
        assert_eq!(location("cam.example:80", 443), to);
        let to = "https://[::1]:8443/watch/garage?a=b";
        assert_eq!(location("[::1]:8080", 8443), to);
        assert_eq!(
            location_of("http://cam.example/", "", 443).unwrap(),
            "https://cam.example/"
        );
    }

    #[test]
    fn a_request_to_nowhere_is_sent_nowhere() {
        for host in ["", "a b", "evil.example/x", "user@"] {
            assert_eq!(location_of("/", host, 443), None, "{host}");
        }
    }
}
