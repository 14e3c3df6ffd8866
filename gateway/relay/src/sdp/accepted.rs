//! The sections of an offer that are accepted: one payload type each, and of its feedback and
//! header extensions what the peer offers and we have a use for.

use sightline_spec::sdp::{Direction, HeaderExtension, Media, Payload};
use str0m::media::{Mid, Rid};
use str0m::rtp::{Extension, ExtensionMap};

use crate::sdp::encoding::Encoding;
use crate::sdp::names::{Carries, Names};
use crate::sdp::negotiate::Track;
use crate::sdp::offer::{Offer, Unanswerable};

/// The highest id in the one-byte form, which is what viewers are sent (RFC 8285 section 4.2).
const MAX_ID: u16 = 14;

/// The most bytes of a name in the one-byte form.
const MAX_NAME: usize = 16;

/// What the peer is, and so what is asked of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    Publisher,
    /// Whether its link is to be measured, since there are layers to choose from.
    Viewer {
        has_choice: bool,
    },
}

/// One section that is accepted.
pub(crate) struct Accepted<'a> {
    pub(crate) index: u16,
    pub(crate) media: Media<'a>,
    /// As str0m knows it.
    pub(crate) mid: Mid,
    pub(crate) payload: Payload<'a>,
    pub(crate) encoding: Encoding,
    /// Which way media flows, seen from us.
    pub(crate) direction: Direction,
    pub(crate) feedback: Vec<&'a str>,
    pub(crate) extensions: Vec<(HeaderExtension<'a>, Extension)>,
    /// The layers of one picture, by the peer's names for them and str0m's.
    pub(crate) layers: Vec<(&'a str, Rid)>,
    /// What our `a=fmtp` says.
    pub(crate) parameters: String,
}

/// What is accepted of an offer.
pub(crate) struct Acceptance<'a> {
    pub(crate) offer: Offer<'a>,
    pub(crate) side: Side,
    names: Names,
    pub(crate) sections: Vec<Accepted<'a>>,
    /// Of all sections: they share one transport, and so its numbers (RFC 9143 section 8).
    pub(crate) extensions: ExtensionMap,
    payload_types: Vec<(u8, Use)>,
}

/// What a payload type stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Use {
    Media(Encoding),
    RetransmissionOf(u8),
}

impl<'a> Acceptance<'a> {
    pub(crate) fn new(offer: Offer<'a>, side: Side) -> Self {
        Self {
            names: Names::of(offer.sdp),
            offer,
            side,
            sections: Vec::new(),
            extensions: ExtensionMap::empty(),
            payload_types: Vec::new(),
        }
    }

    /// Accepts a section with one of its payload types.
    pub(crate) fn accept(
        &mut self,
        (index, media): (u16, Media<'a>),
        (mut payload, encoding): (Payload<'a>, Encoding),
        direction: Direction,
    ) -> Result<&mut Accepted<'a>, Unanswerable> {
        let number = payload.number;
        if !self.claim(number, Use::Media(encoding)) {
            let why = format!("payload type {number} is another encoding in another section");
            return Err(Unanswerable::new(media.first_line(), why));
        }
        payload.rtx = payload
            .rtx
            .filter(|rtx| self.claim(*rtx, Use::RetransmissionOf(number)));
        let offered = media.feedback(number);
        let extensions = self.extensions_of(&media, &offered);
        let is_measured = is_measured(&extensions);
        let feedback = offered
            .into_iter()
            .filter(|feedback| is_of_use(feedback, encoding.is_video(), is_measured));
        let layers = match (self.side, direction) {
            (Side::Publisher, Direction::RecvOnly) => media.layers(),
            _ => Vec::new(),
        };
        let layers = layers.into_iter().map(|name| (name, self.names.rid(name)));
        let accepted = Accepted {
            index,
            media,
            mid: self.names.mid(index),
            payload,
            encoding,
            direction,
            feedback: feedback.collect(),
            layers: layers.collect(),
            extensions,
            parameters: receivable(payload.parameters),
        };
        self.sections.push(accepted);
        let last = self.sections.len() - 1;
        Ok(&mut self.sections[last])
    }

    /// Those in which media flows.
    pub(crate) fn flowing(&self) -> impl Iterator<Item = &Accepted<'a>> {
        let flows = |section: &&Accepted<'_>| section.direction != Direction::Inactive;
        self.sections.iter().filter(flows)
    }

    /// Bundled sections share their payload types: RFC 9143 section 9.1 wants the same number
    /// to mean the same.
    fn claim(&mut self, number: u8, wanted: Use) -> bool {
        match self.payload_types.iter().find(|(n, _)| *n == number) {
            Some((_, known)) => *known == wanted,
            None => {
                self.payload_types.push((number, wanted));
                true
            }
        }
    }

    /// RFC 8285 section 6: the answer has those of the offer that are understood, by the
    /// offer's ids.
    fn extensions_of(
        &mut self,
        media: &Media<'a>,
        feedback: &[&str],
    ) -> Vec<(HeaderExtension<'a>, Extension)> {
        let mut accepted: Vec<(HeaderExtension<'a>, Extension)> = Vec::new();
        for offered in media.header_extensions() {
            let Some(extension) = self.understood(&offered, media, feedback) else {
                continue;
            };
            let Some(id) = u8::try_from(offered.id)
                .ok()
                .filter(|_| offered.id <= MAX_ID)
            else {
                continue;
            };
            let is_free = match self.extensions.lookup(id) {
                Some(known) => *known == extension,
                None => self.extensions.id_of(extension.clone()).is_none(),
            };
            let is_new = accepted.iter().all(|(_, known)| *known != extension);
            if id > 0 && is_free && is_new {
                self.extensions.set(id, extension.clone());
                accepted.push((offered, extension));
            }
        }
        accepted
    }

    fn understood(
        &self,
        offered: &HeaderExtension<'_>,
        media: &Media<'_>,
        feedback: &[&str],
    ) -> Option<Extension> {
        let flows_to_us = self.side == Side::Publisher;
        let flows = |direction: Direction| match flows_to_us {
            true => direction.sends(),
            false => direction.receives(),
        };
        if offered.direction.is_some_and(|direction| !flows(direction)) {
            return None;
        }
        let is_reported = feedback.contains(&"transport-cc");
        match (offered.uri, self.side) {
            ("urn:ietf:params:rtp-hdrext:sdes:mid", Side::Publisher) => {
                media.mid().map(|_| self.names.extension(Carries::Mid))
            }
            ("urn:ietf:params:rtp-hdrext:sdes:mid", Side::Viewer { .. }) => {
                let fits = media
                    .mid()
                    .filter(|mid| (1..=MAX_NAME).contains(&mid.len()));
                fits.map(|_| Extension::RtpMid)
            }
            ("urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id", Side::Publisher) => {
                Some(self.names.extension(Carries::Rid))
            }
            ("urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id", Side::Publisher) => {
                Some(self.names.extension(Carries::RepairedRid))
            }
            ("urn:ietf:params:rtp-hdrext:ssrc-audio-level", _) => Some(Extension::AudioLevel),
            ("http://www.webrtc.org/experiments/rtp-hdrext/abs-capture-time", _) => {
                Some(Extension::AbsoluteCaptureTime)
            }
            ("urn:3gpp:video-orientation", _) => Some(Extension::VideoOrientation),
            // Without the feedback the numbers are of no use, and the other way round.
            (
                "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01",
                Side::Publisher | Side::Viewer { has_choice: true },
            ) if is_reported => Some(Extension::TransportSequenceNumber),
            _ => None,
        }
    }
}

impl Accepted<'_> {
    /// This track is sent in it. RFC 6184 section 8.2.2: parameter sets in an answer
    /// are those of who answers. Those of a simulcast section are one layer's, and nobody says
    /// whose.
    pub(crate) fn send(&mut self, track: &Track) {
        let own = std::mem::take(&mut self.parameters);
        let own = Some(own).filter(|own| !own.is_empty());
        let sets = match track.has_layers() {
            true => Vec::new(),
            false => track.format.sprop().parameters(self.encoding),
        };
        let all: Vec<String> = own.into_iter().chain(sets).collect();
        self.parameters = all.join(";");
    }

    /// Its header extensions, as str0m has them.
    pub(crate) fn extension_map(&self) -> ExtensionMap {
        let mut map = ExtensionMap::empty();
        for (offered, extension) in &self.extensions {
            if let Ok(id) = u8::try_from(offered.id) {
                map.set(id, extension.clone());
            }
        }
        map
    }
}

/// RFC 4585 section 4.2: only what was offered, and of that what is made use of.
fn is_of_use(feedback: &str, is_video: bool, is_measured: bool) -> bool {
    match feedback {
        "transport-cc" => is_measured,
        "nack" | "nack pli" | "ccm fir" => is_video,
        _ => false,
    }
}

fn is_measured(extensions: &[(HeaderExtension<'_>, Extension)]) -> bool {
    let mut all = extensions.iter().map(|(_, extension)| extension);
    all.any(|extension| *extension == Extension::TransportSequenceNumber)
}

/// What we say we can receive is what was offered. Without `sprop-…`, which tell of what their
/// writer sends (RFC 6184 section 8.2.2), and `x-…`, which are between a browser and its page.
fn receivable(parameters: &str) -> String {
    let all = parameters.split(';').map(str::trim);
    let is_ours = |parameter: &&str| {
        let name = parameter.to_ascii_lowercase();
        !name.is_empty() && !name.starts_with("sprop-") && !name.starts_with("x-")
    };
    let kept: Vec<&str> = all.filter(is_ours).collect();
    kept.join(";")
}
