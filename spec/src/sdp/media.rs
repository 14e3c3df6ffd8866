//! One media section of a description.

use super::attribute::{Direction, IceCredentials};
use super::description::Sdp;

/// One `m=` line and what belongs to it.
#[derive(Clone, Copy)]
pub struct Media<'a> {
    pub(super) sdp: &'a Sdp,
    pub(super) text: &'a str,
}

pub(super) struct MediaLine<'a> {
    kind: &'a str,
    port: &'a str,
}

impl<'a> MediaLine<'a> {
    /// `<media> <port> <proto> <fmt> …`
    pub(super) fn parse(value: &'a str) -> Option<Self> {
        let mut fields = value.split(' ').filter(|field| !field.is_empty());
        let (kind, port) = (fields.next()?, fields.next()?);
        let (_proto, _format) = (fields.next()?, fields.next()?);
        port.split('/').next()?.parse::<u16>().ok()?;
        Some(Self { kind, port })
    }
}

impl<'a> Media<'a> {
    fn line(&self) -> MediaLine<'a> {
        let value = self.text.lines().next().unwrap_or_default();
        // `Sdp::parse` has read every one of these lines before.
        MediaLine::parse(value.strip_prefix("m=").unwrap_or_default()).unwrap_or(MediaLine {
            kind: "",
            port: "0",
        })
    }

    /// `audio`, `video`, `application`, …
    pub fn kind(&self) -> &'a str {
        self.line().kind
    }

    /// Port 0 without `bundle-only`: not wanted (RFC 3264 section 6, RFC 9143).
    pub fn is_rejected(&self) -> bool {
        let port_is_zero = self.line().port.split('/').next() == Some("0");
        port_is_zero && !self.has("bundle-only")
    }

    /// The section's name in the BUNDLE group; not always a number.
    pub fn mid(&self) -> Option<&'a str> {
        self.own_attribute("mid")
    }

    /// Which way media flows, seen from who wrote this.
    pub fn direction(&self) -> Direction {
        let own = self.text.lines().find_map(Direction::of_line);
        own.or_else(|| self.sdp.session_lines().find_map(Direction::of_line))
            .unwrap_or(Direction::SendRecv)
    }

    /// Whether its sender offers more than one encoding of the same picture (RFC 8853).
    pub fn offers_layers(&self) -> bool {
        self.rids().count() > 1
    }

    /// The encodings that its sender announces (RFC 8851): their names.
    pub fn rids(&self) -> impl Iterator<Item = &'a str> {
        let rids = self.text.lines().filter_map(|line| value_of(line, "rid"));
        rids.filter_map(|rid| {
            let mut words = rid.split_whitespace();
            let (name, direction) = (words.next()?, words.next()?);
            (direction == "send").then_some(name)
        })
    }

    /// The section's ICE credentials, its own or those of the session, or of the
    /// section that its bundle shares a transport with.
    pub fn ice_credentials(&self) -> Option<IceCredentials> {
        IceCredentials::new(self.attribute("ice-ufrag")?, self.attribute("ice-pwd")?)
    }

    /// The first `a=<name>:<value>` here, at session level, or, since bundled
    /// sections share one transport (RFC 9143 section 7.1.3), in any section.
    pub(super) fn attribute(&self, name: &str) -> Option<&'a str> {
        let anywhere = || self.sdp.text.lines().find_map(|line| value_of(line, name));
        self.own_attribute(name)
            .or_else(|| self.sdp.session_lines().find_map(|l| value_of(l, name)))
            .or_else(|| self.is_bundled().then(anywhere).flatten())
    }

    /// Whether the section may leave its transport to another of its bundle.
    fn is_bundled(&self) -> bool {
        let groups = self
            .sdp
            .session_lines()
            .filter_map(|l| value_of(l, "group"));
        let mut bundled = groups
            .filter_map(|group| group.strip_prefix("BUNDLE "))
            .flat_map(|mids| mids.split(' '));
        self.has("bundle-only") || bundled.any(|mid| Some(mid) == self.mid())
    }

    /// Whether candidates belong here: neither rejected nor a guest of another
    /// section's transport.
    pub(super) fn has_transport(&self) -> bool {
        !self.is_rejected() && !self.has("bundle-only")
    }

    fn own_attribute(&self, name: &str) -> Option<&'a str> {
        self.text.lines().find_map(|line| value_of(line, name))
    }

    fn has(&self, flag: &str) -> bool {
        let mut attributes = self.text.lines().filter_map(|l| l.strip_prefix("a="));
        attributes.any(|attribute| attribute.trim_end() == flag)
    }
}

fn value_of<'l>(line: &'l str, name: &str) -> Option<&'l str> {
    let value = line.strip_prefix("a=")?.strip_prefix(name)?;
    Some(value.strip_prefix(':')?.trim())
}
