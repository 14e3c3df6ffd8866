//! Problem details for HTTP APIs, RFC 9457.

use serde::{Deserialize, Serialize};

/// The body of every error response, `application/problem+json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// What kind of problem, as a URI reference: `/problems/<kind>`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The kind in words; the same for every occurrence.
    pub title: String,
    /// The HTTP status code, repeated for whoever sees only the body.
    pub status: u16,
    /// This occurrence in words: what was wrong and what to do.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub detail: String,
    /// `title` and `detail` once more, since mediamtx's reader.js shows only a
    /// member of this name.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub error: String,
}

impl Problem {
    /// A problem of the kind `/problems/<slug>`.
    pub fn new(slug: &str, status: u16, title: &str, detail: impl Into<String>) -> Self {
        let detail = detail.into();
        let error = match detail.is_empty() {
            true => title.to_owned(),
            false => format!("{title}: {detail}"),
        };
        Self {
            kind: format!("/problems/{slug}"),
            title: title.into(),
            status,
            detail,
            error,
        }
    }

    /// The last segment of the type: `no-camera` of `/problems/no-camera`.
    pub fn slug(&self) -> &str {
        self.kind.rsplit('/').next().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_round_trips_and_names_itself() {
        let problem = Problem::new("no-camera", 409, "No camera", "try again in 2 s");
        let json = serde_json::to_string(&problem).unwrap();
        assert!(json.starts_with(r#"{"type":"/problems/no-camera","#));
        assert_eq!(serde_json::from_str::<Problem>(&json).unwrap(), problem);
        assert_eq!(problem.slug(), "no-camera");
        assert_eq!(problem.error, "No camera: try again in 2 s");
    }

    #[test]
    fn it_reads_what_other_servers_send() {
        let json = r#"{"type":"about:blank","title":"Not Found","status":404}"#;
        let problem: Problem = serde_json::from_str(json).unwrap();
        assert_eq!((problem.status, problem.detail.as_str()), (404, ""));
    }
}
