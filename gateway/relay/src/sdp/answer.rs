//! The relay's answer, written section by section after the offer it answers.

use std::fmt::{self, Display, Formatter};

use sightline_spec::sdp::{Direction, Media, Sdp};
use str0m::Candidate;
use str0m::ice::IceCreds;
use str0m::rtp::Ssrc;

use crate::sdp::accepted::{Acceptance, Accepted};
use crate::sdp::offer::Setup;

/// What we send in one section.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sending {
    /// The index of the section.
    pub(crate) section: u16,
    pub(crate) source: Ssrc,
    pub(crate) rtx: Option<Ssrc>,
}

/// See the module. It is printed to what it says.
pub(crate) struct Answer<'a> {
    pub(crate) acceptance: &'a Acceptance<'a>,
    pub(crate) credentials: IceCreds,
    /// Of our certificate.
    pub(crate) fingerprint: String,
    pub(crate) candidates: &'a [Candidate],
    pub(crate) sending: &'a [Sending],
    /// Names this session, the stream that is sent and who sends it.
    pub(crate) name: &'a str,
}

impl Answer<'_> {
    fn accepted(&self, index: usize) -> Option<&Accepted<'_>> {
        let mut sections = self.acceptance.sections.iter();
        sections.find(|section| usize::from(section.index) == index)
    }

    /// The section in which nothing flows and which has the transport.
    fn anchor(&self, index: usize) -> Option<&Media<'_>> {
        let (anchor, media) = self.acceptance.offer.anchor.as_ref()?;
        (usize::from(*anchor) == index).then_some(media)
    }

    /// Which section has the transport: the first that is accepted (RFC 9143 section 7.3.1).
    fn is_tagged(&self, index: u16) -> bool {
        let accepted = self.acceptance.sections.iter().map(|s| s.index);
        let anchor = self
            .acceptance
            .offer
            .anchor
            .as_ref()
            .map(|(index, _)| *index);
        accepted.chain(anchor).min() == Some(index)
    }

    /// RFC 5761 section 5.1.1: only if it was offered. Bundled sections leave that to the one
    /// with the transport (RFC 9143 section 7.1.3).
    fn is_muxed(&self, media: &Media<'_>) -> bool {
        let offer = &self.acceptance.offer;
        let in_bundle = || {
            offer
                .sections
                .iter()
                .any(|(_, media)| media.has("rtcp-mux"))
        };
        media.has("rtcp-mux") || (offer.is_bundled && in_bundle())
    }

    fn session(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let offer = self.acceptance.offer.sdp;
        // RFC 8866 section 5.2: a number that fits in 63 bits.
        let id = u64::from_str_radix(self.name.get(..15).unwrap_or("1"), 16).unwrap_or(1);
        line(f, format_args!("v=0"))?;
        line(f, format_args!("o=- {id} 1 IN IP4 0.0.0.0"))?;
        line(f, format_args!("s=-"))?;
        line(f, format_args!("t=0 0"))?;
        if self.acceptance.offer.is_bundled {
            write!(f, "a=group:BUNDLE")?;
            for (index, media) in offer.media().enumerate() {
                let is_in = self.accepted(index).is_some() || self.anchor(index).is_some();
                if let Some(mid) = media.mid().filter(|_| is_in) {
                    write!(f, " {mid}")?;
                }
            }
            line(f, format_args!(""))?;
        }
        let mut lines = offer.numbered_session_lines();
        // RFC 8285 section 6: only if it was offered.
        if lines.any(|(_, text)| text.trim_end() == "a=extmap-allow-mixed") {
            line(f, format_args!("a=extmap-allow-mixed"))?;
        }
        if !self.sending.is_empty() {
            line(f, format_args!("a=msid-semantic: WMS {}", self.name))?;
        }
        line(f, format_args!("a=ice-lite"))
    }

    fn section(&self, section: &Accepted<'_>, f: &mut Formatter<'_>) -> fmt::Result {
        let (media, payload) = (&section.media, &section.payload);
        let number = payload.number;
        write!(f, "m={} 9 {} {number}", media.kind(), media.protocol())?;
        if let Some(rtx) = payload.rtx {
            write!(f, " {rtx}")?;
        }
        line(f, format_args!("\r\nc=IN IP4 0.0.0.0"))?;
        self.transport(section.index, f)?;
        if let Some(mid) = media.mid() {
            line(f, format_args!("a=mid:{mid}"))?;
        }
        for (offered, _) in &section.extensions {
            write!(f, "a=extmap:{}", offered.id)?;
            if let Some(direction) = offered.direction {
                write!(f, "/{}", direction.inverted())?;
            }
            write!(f, " {}", offered.uri)?;
            if !offered.attributes.is_empty() {
                write!(f, " {}", offered.attributes)?;
            }
            line(f, format_args!(""))?;
        }
        line(f, format_args!("a={}", section.direction))?;
        if self.is_muxed(media) {
            line(f, format_args!("a=rtcp-mux"))?;
        }
        // RFC 3611 section 5.2: who is sent media tells what time it is, and learns from our reports
        // how long a round trip takes. Chromium asks again for what it lost after one, or after
        // 100 ms where it does not know.
        if section.direction == Direction::SendOnly && media.has("rtcp-xr:rcvr-rtt=all") {
            line(f, format_args!("a=rtcp-xr:rcvr-rtt=all"))?;
        }
        self.codec(section, f)?;
        layers(section, f)?;
        let sending = self.sending.iter().find(|s| s.section == section.index);
        sending.map_or(Ok(()), |sending| self.source(*sending, f))
    }

    fn transport(&self, index: u16, f: &mut Formatter<'_>) -> fmt::Result {
        if self.is_tagged(index) {
            for candidate in self.candidates {
                line(f, format_args!("a={}", candidate.to_sdp_string()))?;
            }
        }
        line(f, format_args!("a=ice-ufrag:{}", self.credentials.ufrag))?;
        line(f, format_args!("a=ice-pwd:{}", self.credentials.pass))?;
        line(f, format_args!("a=ice-options:trickle"))?;
        line(f, format_args!("a=fingerprint:{}", self.fingerprint))?;
        // RFC 8842 section 5.3: the offerer that leaves it to us is the client.
        let setup = match self.acceptance.offer.setup {
            Setup::Passive => "active",
            Setup::Active | Setup::Either => "passive",
        };
        line(f, format_args!("a=setup:{setup}"))
    }

    fn codec(&self, section: &Accepted<'_>, f: &mut Formatter<'_>) -> fmt::Result {
        let payload = &section.payload;
        let number = payload.number;
        write!(
            f,
            "a=rtpmap:{number} {}/{}",
            payload.encoding, payload.clock_rate
        )?;
        if let Some(channels) = payload.channels {
            write!(f, "/{channels}")?;
        }
        line(f, format_args!(""))?;
        for feedback in &section.feedback {
            line(f, format_args!("a=rtcp-fb:{number} {feedback}"))?;
        }
        if !section.parameters.is_empty() {
            line(f, format_args!("a=fmtp:{number} {}", section.parameters))?;
        }
        if let Some(rtx) = payload.rtx {
            line(f, format_args!("a=rtpmap:{rtx} rtx/{}", payload.clock_rate))?;
            line(f, format_args!("a=fmtp:{rtx} apt={number}"))?;
        }
        Ok(())
    }

    fn source(&self, sending: Sending, f: &mut Formatter<'_>) -> fmt::Result {
        let name = self.name;
        let msid = format!("{name} {name}{}", sending.section);
        line(f, format_args!("a=msid:{msid}"))?;
        if let Some(rtx) = sending.rtx {
            line(f, format_args!("a=ssrc-group:FID {} {rtx}", sending.source))?;
        }
        for source in [Some(sending.source), sending.rtx].into_iter().flatten() {
            line(f, format_args!("a=ssrc:{source} cname:{name}"))?;
            line(f, format_args!("a=ssrc:{source} msid:{msid}"))?;
        }
        Ok(())
    }
}

impl Display for Answer<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.session(f)?;
        let offer: &Sdp = self.acceptance.offer.sdp;
        for (index, media) in offer.media().enumerate() {
            match self.accepted(index) {
                Some(section) => self.section(section, f)?,
                None if self.anchor(index).is_some() => self.idle(&media, f)?,
                None => rejected(&media, f)?,
            }
        }
        Ok(())
    }
}

impl Answer<'_> {
    /// A section that has nothing but the transport of its bundle.
    fn idle(&self, media: &Media<'_>, f: &mut Formatter<'_>) -> fmt::Result {
        let format = media.formats().next().unwrap_or("0");
        let (kind, protocol) = (media.kind(), media.protocol());
        line(f, format_args!("m={kind} 9 {protocol} {format}"))?;
        line(f, format_args!("c=IN IP4 0.0.0.0"))?;
        let anchor = self.acceptance.offer.anchor.as_ref();
        anchor.map_or(Ok(()), |(index, _)| self.transport(*index, f))?;
        if let Some(mid) = media.mid() {
            line(f, format_args!("a=mid:{mid}"))?;
        }
        line(f, format_args!("a={}", Direction::Inactive))?;
        if self.is_muxed(media) {
            line(f, format_args!("a=rtcp-mux"))?;
        }
        let is_map = |text: &&str| {
            let map = text.strip_prefix("a=rtpmap:").unwrap_or_default();
            map.split_whitespace().next() == Some(format)
        };
        let mut lines = media.lines().map(|(_, text)| text.trim_end());
        let map = lines.find(is_map);
        map.map_or(Ok(()), |map| line(f, format_args!("{map}")))
    }
}

/// RFC 3264 section 6: port 0, and the media, transport and formats of the offer.
fn rejected(media: &Media<'_>, f: &mut Formatter<'_>) -> fmt::Result {
    write!(f, "m={} 0 {}", media.kind(), media.protocol())?;
    for format in media.formats() {
        write!(f, " {format}")?;
    }
    line(f, format_args!("\r\nc=IN IP4 0.0.0.0"))?;
    if let Some(mid) = media.mid() {
        line(f, format_args!("a=mid:{mid}"))?;
    }
    match media.is_rtp() {
        true => line(f, format_args!("a={}", Direction::Inactive)),
        false => Ok(()),
    }
}

/// RFC 8853 section 5.3.2: what the offerer sends, the answerer receives.
fn layers(section: &Accepted<'_>, f: &mut Formatter<'_>) -> fmt::Result {
    if section.layers.is_empty() {
        return Ok(());
    }
    let names: Vec<&str> = section.layers.iter().map(|(name, _)| *name).collect();
    for name in &names {
        line(f, format_args!("a=rid:{name} recv"))?;
    }
    line(f, format_args!("a=simulcast:recv {}", names.join(";")))
}

fn line(f: &mut Formatter<'_>, text: fmt::Arguments<'_>) -> fmt::Result {
    f.write_fmt(text)?;
    f.write_str("\r\n")
}
