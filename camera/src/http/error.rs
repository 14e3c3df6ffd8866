//! What can go wrong with a request, in words for who runs the camera.

use std::time::{Duration, SystemTime};

use reqwest::{Response, StatusCode, header::RETRY_AFTER};
use sightline_spec::problem::Problem;

use super::PATIENCE;
use crate::trust::{self, TrustError};

/// No answer that we read is longer.
const BODY_LIMIT: usize = 256 * 1024;

/// The longest `Retry-After` that is believed.
const RETRY_LIMIT: Duration = Duration::from_secs(300);

/// Why a request did not do what it should.
#[derive(Debug, thiserror::Error)]
pub enum RequestError {
    /// No HTTP answer at all.
    #[error("the gateway cannot be reached: {0}")]
    Unreachable(String),
    /// Somebody answers by TLS, but who?
    #[error("the gateway is not trusted: {0}")]
    Untrusted(String),
    /// A redirect, an error or another answer that is not expected here.
    #[error("the gateway says {status}: {what}")]
    Refused {
        /// The status code.
        status: StatusCode,
        /// Which problem, as the last part of its type says: `no-camera`; empty where it does not.
        problem: String,
        /// The problem's title and detail.
        what: String,
        /// When to ask again, if it says so.
        retry_after: Option<Duration>,
    },
    /// The client cannot be set up as it should trust.
    #[error(transparent)]
    Trust(#[from] TrustError),
    /// 503 and `Retry-After: 0`: no viewer came, or one who has gone again. Not an error.
    #[error("no viewer came and stayed")]
    Nobody,
    /// Success, but not in a form that can be used.
    #[error("the gateway's answer is not usable: {0}")]
    Malformed(&'static str),
}

/// The error in words, without the URL, which may name a session.
pub(crate) fn unreachable(error: reqwest::Error) -> RequestError {
    let error = error.without_url();
    if let Some(why) = trust::distrust(&error) {
        return RequestError::Untrusted(why);
    }
    let mut innermost: &dyn std::error::Error = &error;
    while let Some(cause) = innermost.source() {
        innermost = cause;
    }
    RequestError::Unreachable(innermost.to_string())
}

pub(crate) async fn refusal(response: Response) -> RequestError {
    let status = response.status();
    let retry_after = response
        .headers()
        .get(RETRY_AFTER)
        .and_then(|value| retry_after(value.to_str().ok()?, SystemTime::now()));
    let body = text(response).await.unwrap_or_default();
    let problem = serde_json::from_str::<Problem>(&body).ok();
    if status == StatusCode::SERVICE_UNAVAILABLE && retry_after == Some(Duration::ZERO) {
        return RequestError::Nobody;
    }
    let slug = problem.as_ref().map(Problem::slug).unwrap_or_default();
    let slug = slug.to_owned();
    let what = match problem {
        Some(problem) if problem.detail.is_empty() => problem.title,
        Some(problem) => format!("{}: {}", problem.title, problem.detail),
        None => status.canonical_reason().unwrap_or("unknown").to_owned(),
    };
    RequestError::Refused {
        status,
        problem: slug,
        what,
        retry_after,
    }
}

/// Seconds, or a date (RFC 9110 section 10.2.3).
fn retry_after(value: &str, now: SystemTime) -> Option<Duration> {
    let wait = match value.trim().parse::<u64>() {
        Ok(seconds) => Duration::from_secs(seconds),
        Err(_) => {
            let date = httpdate::parse_http_date(value.trim()).ok()?;
            date.duration_since(now).unwrap_or_default()
        }
    };
    Some(wait.min(RETRY_LIMIT))
}

/// A body, up to the limit, which comes with its head as a rule: a POST is patient only until then.
pub(crate) async fn text(mut response: Response) -> Result<String, RequestError> {
    let mut body = Vec::new();
    let reading = async {
        while let Some(chunk) = response.chunk().await.map_err(unreachable)? {
            if body.len() + chunk.len() > BODY_LIMIT {
                return Err(RequestError::Malformed("far too long"));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(())
    };
    let read = tokio::time::timeout(PATIENCE, reading).await;
    read.map_err(|_| RequestError::Malformed("it does not end"))??;
    String::from_utf8(body).map_err(|_| RequestError::Malformed("not text"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_767);
        let after = |value| retry_after(value, now);
        assert_eq!(after("0"), Some(Duration::ZERO));
        assert_eq!(after(" 7 "), Some(Duration::from_secs(7)));
        assert_eq!(
            after("Sun, 06 Nov 1994 08:49:37 GMT"),
            Some(Duration::from_secs(10))
        );
        assert_eq!(after("Sun, 06 Nov 1994 08:00:00 GMT"), Some(Duration::ZERO));
        assert_eq!(after("99999999"), Some(RETRY_LIMIT));
        assert_eq!(after("soon"), None);
    }
}
