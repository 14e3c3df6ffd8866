//! The `Link` header field, RFC 8288.

use std::fmt;

/// One link: `<target>; name="value"; …`.
///
/// ```
/// # use sightline_spec::link::Link;
/// let text = r#"<stun:stun.example.net>; rel="ice-server""#;
/// assert_eq!(Link::parse_all([text])[0].to_string(), text);
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Link {
    /// The URI reference between the angle brackets.
    pub target: String,
    /// The parameters in their order, names in lower case.
    pub parameters: Vec<(String, String)>,
}

/// The rel of the event-stream extension, WHEP core extensions section 4.
pub const SERVER_SENT_EVENTS: &str = "urn:ietf:params:whep:ext:core:server-sent-events";
/// The rel of events that are ours, on the same streams: `join`, `leave`, `candidates`, `problem`.
/// A URN that nobody has registered; where one is, it takes its place (RFC 9725 section 6.4).
pub const OWN_EVENTS: &str = "urn:sightline:ext:events";
/// The rel of the layer-selection extension, WHEP core extensions section 5.
pub const LAYER: &str = "urn:ietf:params:whep:ext:core:layer";

impl Link {
    /// A link with this rel.
    pub fn new(target: impl Into<String>, rel: &str) -> Self {
        let parameters = vec![("rel".to_owned(), rel.to_owned())];
        Self {
            target: target.into(),
            parameters,
        }
    }

    /// Adds a parameter.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.parameters.push((name.to_owned(), value.into()));
        self
    }

    /// The first parameter of this name.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        let mut parameters = self.parameters.iter();
        parameters
            .find(|(n, _)| n == name)
            .map(|(_, value)| value.as_str())
    }

    /// Whether the link has this relation type.
    pub fn has_rel(&self, rel: &str) -> bool {
        let mut rels = self.parameter("rel").unwrap_or_default().split_whitespace();
        rels.any(|one| one.eq_ignore_ascii_case(rel))
    }

    /// All links of all field lines. What is malformed ends its line, as RFC
    /// 8288 appendix B.2 reads it.
    pub fn parse_all<'a>(field_lines: impl IntoIterator<Item = &'a str>) -> Vec<Self> {
        let mut links = Vec::new();
        for line in field_lines {
            let mut rest = Scanner(line);
            while let Some(link) = rest.link() {
                links.push(link);
            }
        }
        links
    }
}

/// What is left of a field line.
struct Scanner<'a>(&'a str);

impl Scanner<'_> {
    fn link(&mut self) -> Option<Link> {
        let text = self
            .0
            .trim_start_matches([' ', '\t', ','])
            .strip_prefix('<')?;
        let (target, rest) = text.split_once('>')?;
        self.0 = rest;
        let mut parameters = Vec::new();
        while self.skip(';') {
            if let Some(parameter) = self.parameter() {
                parameters.push(parameter);
            }
        }
        let target = target.trim().to_owned();
        Some(Link { target, parameters })
    }

    fn parameter(&mut self) -> Option<(String, String)> {
        let name = self
            .take_until(&['=', ';', ',', ' ', '\t'])
            .to_ascii_lowercase();
        if name.is_empty() {
            return None;
        }
        let value = match self.skip('=') {
            false => String::new(),
            true => match self.skip('"') {
                true => self.quoted(),
                false => self.take_until(&[';', ',', ' ', '\t']).to_owned(),
            },
        };
        // `rel*` and its like (RFC 8187) have a form of their own.
        (!name.ends_with('*')).then_some((name, value))
    }

    fn skip(&mut self, wanted: char) -> bool {
        let trimmed = self.0.trim_start_matches([' ', '\t']);
        let found = trimmed.strip_prefix(wanted);
        self.0 = found.unwrap_or(trimmed);
        found.is_some()
    }

    fn take_until(&mut self, ends: &[char]) -> &str {
        let text = self.0.trim_start_matches([' ', '\t']);
        let (taken, rest) = text.split_at(text.find(ends).unwrap_or(text.len()));
        self.0 = rest;
        taken
    }

    /// A quoted-string (RFC 9110 section 5.6.4) after its opening quote.
    fn quoted(&mut self) -> String {
        let mut value = String::new();
        let mut chars = self.0.chars();
        while let Some(c) = chars.next() {
            match c {
                '"' => break,
                '\\' => value.extend(chars.next()),
                c => value.push(c),
            }
        }
        self.0 = chars.as_str();
        value
    }
}

impl fmt::Display for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<{}>", self.target)?;
        for (name, value) in &self.parameters {
            let escaped = value.replace('\\', r"\\").replace('"', r#"\""#);
            write!(f, r#"; {name}="{escaped}""#)?;
        }
        Ok(())
    }
}

/// Links carry TURN credentials, so `Debug` shows the target and the rel only.
impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rel = self.parameter("rel").unwrap_or_default();
        write!(f, "Link(<{}>; rel={rel:?}; …)", self.target)
    }
}
