//! One media section of a description.

use super::attribute::{Direction, Fingerprint, IceCredentials};
use super::description::Sdp;

/// One `m=` line and what belongs to it.
#[derive(Clone, Copy)]
pub struct Media<'a> {
    pub(super) sdp: &'a Sdp,
    pub(super) text: &'a str,
    /// The number of its `m=` line in the description; the first is 1.
    pub(super) first: usize,
}

pub(super) struct MediaLine<'a> {
    kind: &'a str,
    port: &'a str,
    protocol: &'a str,
}

impl<'a> MediaLine<'a> {
    /// `<media> <port> <proto> <fmt> …`
    pub(super) fn parse(value: &'a str) -> Option<Self> {
        let mut fields = value.split(' ').filter(|field| !field.is_empty());
        let (kind, port) = (fields.next()?, fields.next()?);
        let (protocol, _format) = (fields.next()?, fields.next()?);
        port.split('/').next()?.parse::<u16>().ok()?;
        Some(Self {
            kind,
            port,
            protocol,
        })
    }
}

impl<'a> Media<'a> {
    /// Layers of one picture that are looked at. Browsers and OBS have up to four.
    pub const MAX_LAYERS: usize = 16;
    /// Sources that are looked at, and wishes for feedback about one payload type.
    pub const MAX_LISTED: usize = 64;

    fn line(&self) -> MediaLine<'a> {
        let value = self.text.lines().next().unwrap_or_default();
        // `Sdp::parse` has read every one of these lines before.
        MediaLine::parse(value.strip_prefix("m=").unwrap_or_default()).unwrap_or(MediaLine {
            kind: "",
            port: "0",
            protocol: "",
        })
    }

    /// Its lines, each with its number in the description.
    pub fn lines(&self) -> impl Iterator<Item = (usize, &'a str)> + use<'a> {
        (self.first..).zip(self.text.lines())
    }

    /// The number of its `m=` line in the description; the first is 1.
    pub fn first_line(&self) -> usize {
        self.first
    }

    /// `audio`, `video`, `application`, …
    pub fn kind(&self) -> &'a str {
        self.line().kind
    }

    /// The transport as it was written: `UDP/TLS/RTP/SAVPF` and its likes.
    pub fn protocol(&self) -> &'a str {
        self.line().protocol
    }

    /// Whether the transport is one that stands for RTP over DTLS. RFC 8829 section 5.1.2:
    /// "Any profile in the offer matching one of the following MUST be accepted", among them
    /// those that do not say so, since `a=fingerprint` does.
    pub fn is_rtp(&self) -> bool {
        let (transport, profile) = match self.protocol().rsplit_once("RTP/") {
            Some((transport, profile)) => (transport, profile),
            None => return false,
        };
        matches!(profile, "SAVPF" | "SAVP" | "AVPF" | "AVP")
            && matches!(
                transport,
                "" | "UDP/TLS/" | "TCP/DTLS/" | "TCP/TLS/" | "UDP/DTLS/"
            )
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
        self.layers().len() > 1
    }

    /// The encodings of the same picture that its sender offers at one time, in its order: of
    /// each `a=simulcast` stream the first alternative (RFC 8853 section 5.1).
    pub fn layers(&self) -> Vec<&'a str> {
        let mut words = self
            .own_attribute("simulcast")
            .unwrap_or_default()
            .split_whitespace();
        let sent = words.find(|word| *word == "send").and(words.next());
        let streams = sent.unwrap_or_default().split(';');
        let streams = streams.take(Self::MAX_LAYERS);
        let first = streams.filter_map(|stream| stream.split(',').next());
        let names = first.map(|name| name.trim_start_matches('~'));
        let mut layers: Vec<&str> = Vec::new();
        for name in names {
            if !layers.contains(&name) && self.rids().any(|rid| rid == name) {
                layers.push(name);
            }
        }
        layers
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
        let named = |mids: Vec<&str>| self.mid().is_some_and(|mid| mids.contains(&mid));
        self.has("bundle-only") || self.sdp.bundles().any(named)
    }

    /// The certificates that its sender may present: the section's own, or those of the
    /// session, or those of its bundle. Hashes that we have never heard of are passed over
    /// (RFC 8122 section 5.1); nothing if one that we know is malformed.
    pub fn fingerprints(&self) -> Option<Vec<Fingerprint>> {
        let of = |lines: &mut dyn Iterator<Item = &'a str>| -> Vec<&'a str> {
            lines.filter_map(|l| value_of(l, "fingerprint")).collect()
        };
        let mut values = of(&mut self.text.lines());
        if values.is_empty() {
            values = of(&mut self.sdp.session_lines());
        }
        if values.is_empty() && self.is_bundled() {
            values = of(&mut self.sdp.text.lines());
        }
        let known = values
            .into_iter()
            .filter(|value| Fingerprint::is_known(value));
        let read: Option<Vec<_>> = known.map(Fingerprint::parse).collect();
        read.filter(|fingerprints| !fingerprints.is_empty())
    }

    /// Who is to begin with DTLS, as it was written (RFC 4145 section 4): here, at session
    /// level or in the section's bundle.
    pub fn setup(&self) -> Option<&'a str> {
        self.attribute("setup")
    }

    /// Whether candidates belong here: neither rejected nor a guest of another
    /// section's transport.
    pub(super) fn has_transport(&self) -> bool {
        !self.is_rejected() && !self.has("bundle-only")
    }

    fn own_attribute(&self, name: &str) -> Option<&'a str> {
        self.text.lines().find_map(|line| value_of(line, name))
    }

    /// Whether it has the attribute `a=<flag>`, which has no value.
    pub fn has(&self, flag: &str) -> bool {
        let mut attributes = self.text.lines().filter_map(|l| l.strip_prefix("a="));
        attributes.any(|attribute| attribute.trim_end() == flag)
    }
}

pub(super) fn value_of<'l>(line: &'l str, name: &str) -> Option<&'l str> {
    let value = line.strip_prefix("a=")?.strip_prefix(name)?;
    Some(value.strip_prefix(':')?.trim())
}
