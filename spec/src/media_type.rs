//! The media types of the bodies, and the one parameter of ours.

use std::{iter, time::SystemTime};

use mime::Mime;

/// SDP, RFC 8866: bodies of POST, 201, 406 and of the PATCH that answers a 406.
///
/// A PATCH with it where there is no counter-offer to answer is 422, and a 406 carries nothing
/// else: the wording of the working group's branch `clarity-around-error-codes`. A second answer
/// is 409 (`docs/decisions/stray-answers.md`).
pub const SDP: &str = "application/sdp";
/// Trickle ICE and ICE restarts, RFC 8840 section 9.
pub const SDPFRAG: &str = "application/trickle-ice-sdpfrag";
/// Errors, RFC 9457.
pub const PROBLEM: &str = "application/problem+json";
/// Which events a stream shall carry, WHEP server-sent-events extension.
pub const JSON: &str = "application/json";
/// Server-sent events, WHATWG HTML section 9.2.
pub const EVENT_STREAM: &str = "text/event-stream";

/// What kind of body a `Content-Type` announces, as far as this protocol cares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MediaType {
    /// [`SDP`]
    Sdp,
    /// [`SDPFRAG`]
    SdpFrag,
    /// [`JSON`]
    Json,
    /// Anything else, well-formed or not.
    Other,
    /// Nothing: small clients leave it out.
    Missing,
}

impl MediaType {
    /// Reads a `Content-Type`, whatever its case and parameters.
    pub fn of(content_type: &str) -> Self {
        if content_type.trim().is_empty() {
            return Self::Missing;
        }
        let Some(mime) = mime(content_type) else {
            return Self::Other;
        };
        match mime.essence_str().to_ascii_lowercase().as_str() {
            SDP => Self::Sdp,
            SDPFRAG => Self::SdpFrag,
            JSON => Self::Json,
            _ => Self::Other,
        }
    }
}

/// Blanks may stand around the semicolons, and nothing between them: RFC 9110 section 5.6.6.
/// [`Mime`] takes neither.
fn mime(content_type: &str) -> Option<Mime> {
    let (essence, parameters) = content_type.split_once(';').unwrap_or((content_type, ""));
    let parameters = parameters.split(';').map(str::trim);
    let parts = iter::once(essence.trim()).chain(parameters.filter(|part| !part.is_empty()));
    parts.collect::<Vec<_>>().join(";").parse().ok()
}

/// The `Content-Type` of a counter-offer: until when its answer is accepted.
pub fn counter_offer(valid_until: SystemTime) -> String {
    format!(
        r#"{SDP}; valid-until="{}""#,
        httpdate::fmt_http_date(valid_until)
    )
}

/// The `valid-until` of a counter-offer's `Content-Type`, if it has one.
pub fn valid_until(content_type: &str) -> Option<SystemTime> {
    let mime = mime(content_type)?;
    let date = mime.get_param("valid-until")?;
    httpdate::parse_http_date(date.as_str()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn case_and_parameters_do_not_matter() {
        assert_eq!(MediaType::of("Application/SDP; a=b"), MediaType::Sdp);
        for blanks in [
            "application/sdp ; charset=utf-8",
            "application/sdp\t;",
            " application/sdp;;a=b",
        ] {
            assert_eq!(MediaType::of(blanks), MediaType::Sdp, "{blanks:?}");
        }
        assert_eq!(MediaType::of(SDPFRAG), MediaType::SdpFrag);
        assert_eq!(MediaType::of(""), MediaType::Missing);
        for other in [
            "sdp",
            "application/sdp2",
            "text/plain",
            "\u{0}",
            "application /sdp",
            ";application/sdp",
        ] {
            assert_eq!(MediaType::of(other), MediaType::Other, "{other:?}");
        }
    }

    #[test]
    fn valid_until_round_trips_to_the_second() {
        let time = SystemTime::UNIX_EPOCH + Duration::from_secs(1_789_000_000);
        let header = counter_offer(time);
        assert_eq!(valid_until(&header), Some(time), "{header}");
        assert_eq!(MediaType::of(&header), MediaType::Sdp);
        assert_eq!(valid_until(&header.replace(';', " ;")), Some(time));
        assert_eq!(valid_until(SDP), None);
        assert_eq!(valid_until(r#"application/sdp; valid-until="soon""#), None);
    }
}
