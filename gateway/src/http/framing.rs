//! What RFC 9112 asks of every message, and hyper leaves to us.

use axum::http::request::Parts;
use axum::http::uri::Authority;
use axum::http::{HeaderValue, Version, header};
use axum::response::Response;

use super::around::Look;
use crate::error::Error;

/// Refuses a request that names no host, and ends the connection of one whose framing another
/// recipient may have read otherwise.
#[derive(Clone)]
pub(super) struct Check;

impl Look for Check {
    /// The connection ends with the answer.
    type Seen = bool;

    fn request(&self, parts: &mut Parts) -> bool {
        // "Regardless, the server MUST close the connection after responding" to a request with
        // both Transfer-Encoding and Content-Length (RFC 9112 section 6.1), of which hyper keeps
        // the first only. So this ends after any of them; no browser and no camera sends one.
        parts.headers.contains_key(header::TRANSFER_ENCODING)
    }

    fn refusal(&self, parts: &Parts) -> Option<Error> {
        (!names_a_host(parts)).then_some(Error::BadHost)
    }

    fn answer(closes: bool, response: &mut Response) {
        if closes {
            let close = HeaderValue::from_static("close");
            response.headers_mut().insert(header::CONNECTION, close);
        }
    }
}

/// "A server MUST respond with a 400 (Bad Request) status code to any HTTP/1.1 request message
/// that lacks a Host header field and to any request message that contains more than one Host
/// header field line or a Host header field with an invalid field value" (RFC 9112 section 3.2).
/// HTTP/2 has `:authority` instead.
fn names_a_host(parts: &Parts) -> bool {
    let mut hosts = parts.headers.get_all(header::HOST).into_iter();
    match (hosts.next(), hosts.next()) {
        (None, _) => parts.version != Version::HTTP_11,
        (Some(host), None) => is_host(host),
        _ => false,
    }
}

/// `uri-host [ ":" port ]`, RFC 9110 section 7.2; the name may be empty.
fn is_host(value: &HeaderValue) -> bool {
    let Ok(text) = value.to_str() else {
        return false;
    };
    let is_authority = || text.parse::<Authority>().is_ok();
    text.is_empty() || (!text.contains('@') && is_authority())
}
