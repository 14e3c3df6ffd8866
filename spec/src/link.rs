//! The `Link` header field, RFC 8288, and the ICE servers it carries.

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

/// The rel of an ICE server, RFC 9725 section 4.6.
pub const ICE_SERVER: &str = "ice-server";
/// The rel of the event-stream extension, WHEP core extensions section 4.
pub const SERVER_SENT_EVENTS: &str = "urn:ietf:params:whep:ext:core:server-sent-events";
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

/// A STUN or TURN server, as a `Link` carries it (RFC 9725 section 4.6).
#[derive(Clone, PartialEq, Eq)]
pub struct IceServer {
    /// `stun:host[:port]` or `turn[s]:host[:port][?transport=udp|tcp]`.
    pub url: String,
    /// The name and the password that a TURN server asks for.
    pub credential: Option<IceServerCredential>,
}

/// What a TURN server asks for.
#[derive(Clone, PartialEq, Eq)]
pub struct IceServerCredential {
    /// The user name.
    pub username: String,
    /// The password; a secret.
    pub password: String,
}

/// Why a link or a text names no ICE server.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IceServerError {
    /// Another scheme than stun, stuns, turn and turns, or no host.
    #[error("an ice server is stun:host[:port] or turn[s]:host[:port][?transport=udp|tcp]")]
    Url,
    /// TURN does not work without.
    #[error("a TURN server needs a username and a credential")]
    NoCredential,
}

impl IceServer {
    /// Checks the URL (RFC 7064, RFC 7065) and that TURN comes with credentials.
    ///
    /// # Errors
    /// Which of the two is wrong.
    pub fn new(url: &str, credential: Option<IceServerCredential>) -> Result<Self, IceServerError> {
        let (scheme, rest) = url.split_once(':').ok_or(IceServerError::Url)?;
        let host = rest.split('?').next().unwrap_or_default();
        let odd = |c: char| c.is_whitespace() || c.is_control() || "<>\"/,;@".contains(c);
        if host.is_empty() || url.contains(odd) || !url.is_ascii() {
            return Err(IceServerError::Url);
        }
        match scheme {
            "stun" | "stuns" => {}
            "turn" | "turns" if credential.is_some() => {}
            "turn" | "turns" => return Err(IceServerError::NoCredential),
            _ => return Err(IceServerError::Url),
        }
        let url = url.to_owned();
        Ok(Self { url, credential })
    }

    /// The link that tells a client of this server.
    pub fn to_link(&self) -> Link {
        let link = Link::new(&self.url, ICE_SERVER);
        match &self.credential {
            None => link,
            Some(IceServerCredential { username, password }) => link
                .with("username", username)
                .with("credential", password)
                .with("credential-type", "password"),
        }
    }

    /// The server that a link names, if it is of that rel and well-formed.
    pub fn from_link(link: &Link) -> Option<Self> {
        if !link.has_rel(ICE_SERVER) {
            return None;
        }
        let credential = link
            .parameter("username")
            .zip(link.parameter("credential"))
            .map(|(username, password)| IceServerCredential {
                username: username.into(),
                password: password.into(),
            });
        Self::new(&link.target, credential).ok()
    }
}

impl fmt::Debug for IceServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "IceServer({})", self.url)
    }
}
