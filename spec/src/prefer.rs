//! The `Prefer` and `Preference-Applied` header fields, RFC 7240.

use std::fmt;

/// What a client would like, from all its `Prefer` header fields together.
///
/// ```
/// # use sightline_spec::prefer::Prefer;
/// let prefer = Prefer::parse(["direct=3, wait=55", "handling=strict"]);
/// assert_eq!(prefer.direct, Some(3));
/// assert_eq!(prefer.wait, Some(55));
/// assert!(prefer.strict);
/// assert_eq!(prefer.to_string(), "direct=3, wait=55, handling=strict");
/// ```
///
/// ABNF (RFC 7240 section 2):
/// `preference = token [ BWS "=" BWS word ] *( OWS ";" [ OWS parameter ] )`.
/// Unknown and malformed preferences are ignored, as the RFC demands; of a
/// repeated one, the first counts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Prefer {
    /// Sightline's own token: media straight between camera and viewer. From a
    /// camera the number says how many direct viewers it can serve (default 1; 0 while it serves
    /// as many already that the gateway may not know of).
    pub direct: Option<u32>,
    /// How many seconds the client will have its request held (section 4.3).
    pub wait: Option<u32>,
    /// `handling=strict` (section 4.4): direct or refused, never the relay.
    pub strict: bool,
}

impl Prefer {
    /// Reads all field lines of one message.
    pub fn parse<'a>(field_lines: impl IntoIterator<Item = &'a str>) -> Self {
        let mut prefer = Self::default();
        let mut handling = None;
        for preference in field_lines.into_iter().flat_map(preferences) {
            let (name, value) = name_and_value(preference);
            match name.to_ascii_lowercase().as_str() {
                "direct" if prefer.direct.is_none() => prefer.direct = direct(value),
                "wait" if prefer.wait.is_none() => prefer.wait = number(value),
                "handling" if handling.is_none() => handling = Some(value),
                _ => {}
            }
        }
        prefer.strict = handling.is_some_and(|value| value.eq_ignore_ascii_case("strict"));
        prefer
    }

    /// Nothing is preferred, so there is nothing to send.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// Splits a field line at its commas, except those in quoted strings.
fn preferences(line: &str) -> impl Iterator<Item = &str> {
    let (mut quoted, mut escaped) = (false, false);
    line.split(move |c| {
        let is_escaped = std::mem::take(&mut escaped);
        match c {
            '"' if !is_escaped => quoted = !quoted,
            '\\' if quoted => escaped = !is_escaped,
            _ => {}
        }
        c == ',' && !quoted
    })
}

fn name_and_value(preference: &str) -> (&str, &str) {
    let without_parameters = preference.split(';').next().unwrap_or_default();
    let (name, value) = without_parameters
        .split_once('=')
        .unwrap_or((without_parameters, ""));
    (name.trim(), value.trim().trim_matches('"'))
}

fn number(text: &str) -> Option<u32> {
    let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    // More digits than fit is still "very long", not "nothing".
    digits.then(|| text.parse().unwrap_or(u32::MAX))
}

/// `direct` alone (or `direct=""`, which section 2 makes the same) means one.
fn direct(value: &str) -> Option<u32> {
    match value {
        "" => Some(1),
        value => number(value),
    }
}

impl fmt::Display for Prefer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let direct = self.direct.map(|limit| match limit {
            1 => "direct".to_owned(),
            limit => format!("direct={limit}"),
        });
        let wait = self.wait.map(|seconds| format!("wait={seconds}"));
        let strict = self.strict.then(|| "handling=strict".to_owned());
        let all: Vec<String> = [direct, wait, strict].into_iter().flatten().collect();
        f.write_str(&all.join(", "))
    }
}
