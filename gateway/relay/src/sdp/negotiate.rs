//! From a peer's offer to a connection and our answer: one encoding for each section.
//!
//! The answer names a single payload type for audio and one for video, so that what a
//! publisher sends is known before the first packet, and a viewer that cannot decode it
//! is told so at once.

use std::sync::Arc;
use std::time::Instant;

use sightline_spec::room::SessionId;
use sightline_spec::sdp::{Direction, IceCredentials, Media, Payload, Sdp};
use str0m::config::{CryptoProvider, DtlsCert};
use str0m::ice::IceCreds;
use str0m::media::{Mid, Pt, Rid};
use str0m::rtp::Ssrc;
use str0m::{Candidate, Rtc};

use crate::error::Error;
use crate::sdp::accepted::{Acceptance, Accepted, Side};
use crate::sdp::answer::{Answer, Sending};
use crate::sdp::encoding::Format;
use crate::sdp::engine::Engine;
use crate::sdp::extensions::Extensions;
use crate::sdp::offer::{Offer, first_known};

/// One of a publisher's sections.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Track {
    pub(crate) mid: Mid,
    pub(crate) payload_type: Pt,
    /// That of retransmissions (RFC 4588).
    pub(crate) rtx_type: Option<Pt>,
    pub(crate) format: Format,
    /// Its simulcast layers (RFC 8853), the publisher's preferred one first; none if there
    /// is no choice.
    pub(crate) layers: Box<[LayerName]>,
}

/// What a layer is called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LayerName {
    /// By the publisher, and so by viewers.
    pub(crate) name: Box<str>,
    /// By str0m, which keeps less of it.
    pub(crate) rid: Rid,
}

impl Track {
    /// Simulcast: whether there is more than one layer.
    pub(crate) fn has_layers(&self) -> bool {
        self.layers.len() > 1
    }

    /// What viewers call this layer.
    pub(crate) fn layer_name(&self, rid: Rid) -> Option<&str> {
        let known = self.layers.iter().find(|layer| layer.rid == rid);
        known.map(|layer| &*layer.name)
    }
}

/// How a viewer is sent one of the publisher's tracks.
#[derive(Debug)]
pub(crate) struct SendParameters {
    /// The index of the publisher's track.
    pub(crate) track: usize,
    /// The index of the viewer's section.
    pub(crate) section: u16,
    pub(crate) format: Format,
    pub(crate) payload_type: Pt,
    pub(crate) source: Ssrc,
    /// How packets are sent again, if the viewer knows RTX (RFC 4588).
    pub(crate) rtx: Option<Rtx>,
    pub(crate) extensions: Extensions,
}

/// A retransmission stream.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rtx {
    pub(crate) payload_type: Pt,
    pub(crate) source: Ssrc,
}

/// What a viewer gets.
pub(crate) struct Subscription {
    pub(crate) down_tracks: Vec<SendParameters>,
    /// Names our side in reports (RFC 3550 section 6.5.1).
    pub(crate) name: String,
}

impl Subscription {
    /// Whether the viewer's link is measured: there are layers to choose from, and it tells of
    /// every packet of them when it arrived.
    pub(crate) fn is_measured(&self) -> bool {
        let video = |p: &&SendParameters| p.format.encoding.is_video();
        let mut video = self.down_tracks.iter().filter(video);
        video.any(|parameters| parameters.extensions.are_measured())
    }
}

/// What one of a viewer's sections is for.
struct Chosen {
    track: usize,
    section: u16,
}

/// A connection that waits for its peer, and what to tell that peer.
pub(crate) struct Negotiated<T> {
    /// Boxed, as it is 10 KiB and moves from here to its worker.
    pub(crate) rtc: Box<Rtc>,
    /// Names the connection in the peer's STUN requests.
    pub(crate) ufrag: String,
    pub(crate) answer: Sdp,
    pub(crate) media: T,
}

/// What all connections of this gateway have in common.
#[derive(Debug)]
pub(crate) struct Endpoint {
    pub(crate) for_publishers: Arc<CryptoProvider>,
    pub(crate) for_viewers: Arc<CryptoProvider>,
    pub(crate) certificate: DtlsCert,
}

impl Endpoint {
    /// Accepts all that a publisher offers and we know how to forward.
    pub(crate) fn publisher(
        &self,
        offer: &Sdp,
        candidates: &[Candidate],
        now: Instant,
    ) -> Result<Negotiated<Vec<Track>>, Error> {
        let mut acceptance = Acceptance::new(Offer::read(offer)?, Side::Publisher);
        for (index, media) in acceptance.offer.sections.clone() {
            let direction = match media.direction().sends() {
                true => Direction::RecvOnly,
                false => Direction::Inactive,
            };
            if let Some(known) = first_known(&media) {
                let accepted = acceptance.accept((index, media), known, direction);
                // Nothing flows in an inactive one: that alone is turned down.
                if direction != Direction::Inactive {
                    accepted?;
                }
            }
        }
        let tracks: Vec<Track> = acceptance.flowing().filter_map(track).collect();
        if tracks.is_empty() {
            return Err(Error::NothingToForward);
        }
        let mut rtc = self
            .engine(&acceptance, candidates)
            .connect(&acceptance, now)?;
        let answer = answer(&mut rtc, &acceptance, candidates, (&session_name(), &[]))?;
        Ok(Negotiated {
            ufrag: rtc.direct_api().local_ice_credentials().ufrag,
            rtc,
            answer,
            media: tracks,
        })
    }

    /// Offers a viewer what the publisher sends, as far as it can decode that. Each section is
    /// answered for itself (RFC 3264 section 6): who has no use for the picture has the sound.
    pub(crate) fn viewer(
        &self,
        offer: &Sdp,
        tracks: &[Track],
        candidates: &[Candidate],
        now: Instant,
    ) -> Result<Negotiated<Subscription>, Error> {
        let has_choice = tracks.iter().any(Track::has_layers);
        let side = Side::Viewer { has_choice };
        let mut acceptance = Acceptance::new(Offer::read(offer)?, side);
        let mut chosen: Vec<Chosen> = Vec::new();
        for (section, media) in acceptance.offer.sections.clone() {
            let wanted = media.direction().receives();
            let choice = wanted.then(|| choose(&media, tracks, &chosen)).flatten();
            if let Some((track, payload)) = choice {
                let format = &tracks[track].format;
                let known = (payload, format.encoding);
                let accepted = acceptance.accept((section, media), known, Direction::SendOnly)?;
                accepted.send(&tracks[track]);
                chosen.push(Chosen { track, section });
            } else if let Some(known) = first_known(&media) {
                // There is nothing for it now. A rejected section would be by the book,
                // but browsers trip over one that is the first of its bundle.
                // Where its payload type is another section's encoding, it is rejected all the same.
                let _ = acceptance.accept((section, media), known, Direction::Inactive);
            }
        }
        if chosen.is_empty() {
            return Err(mismatch(offer, tracks));
        }
        let mut rtc = self
            .engine(&acceptance, candidates)
            .connect(&acceptance, now)?;
        let name = session_name();
        let mut sources = Sources(&mut rtc, Vec::new());
        let parameters = chosen.iter().filter_map(|chosen| {
            let accepted = acceptance
                .sections
                .iter()
                .find(|s| s.index == chosen.section)?;
            Some(parameters(&mut sources, accepted, chosen, tracks))
        });
        let down_tracks: Vec<SendParameters> = parameters.collect();
        let sending = down_tracks.iter().map(|parameters| Sending {
            section: parameters.section,
            source: parameters.source,
            rtx: parameters.rtx.map(|rtx| rtx.source),
        });
        let sending: Vec<Sending> = sending.collect();
        let answer = answer(&mut rtc, &acceptance, candidates, (&name, &sending))?;
        Ok(Negotiated {
            ufrag: rtc.direct_api().local_ice_credentials().ufrag,
            rtc,
            answer,
            media: Subscription { down_tracks, name },
        })
    }

    fn engine<'e>(
        &'e self,
        acceptance: &Acceptance<'_>,
        candidates: &'e [Candidate],
    ) -> Engine<'e> {
        let is_publisher = acceptance.side == Side::Publisher;
        Engine {
            crypto: match is_publisher {
                true => &self.for_publishers,
                false => &self.for_viewers,
            },
            certificate: &self.certificate,
            candidates,
        }
    }
}

fn track(section: &Accepted<'_>) -> Option<Track> {
    let named = section.layers.iter().map(|(name, rid)| LayerName {
        name: (*name).into(),
        rid: *rid,
    });
    Some(Track {
        mid: section.mid,
        payload_type: section.payload.number.into(),
        rtx_type: section.payload.rtx.map(Pt::from),
        format: Format::of(&section.payload)?,
        layers: named.collect(),
    })
}

fn answer(
    rtc: &mut Rtc,
    acceptance: &Acceptance<'_>,
    candidates: &[Candidate],
    (name, sending): (&str, &[Sending]),
) -> Result<Sdp, Error> {
    let api = rtc.direct_api();
    let answer = Answer {
        acceptance,
        credentials: api.local_ice_credentials(),
        fingerprint: api.local_dtls_fingerprint().to_string(),
        candidates,
        sending,
        name,
    };
    Ok(Sdp::parse(&answer.to_string())?)
}

/// Sources for what a viewer is sent: random ones (RFC 3550 section 8.1), and no two the same.
struct Sources<'a>(&'a mut Rtc, Vec<Ssrc>);

impl Sources<'_> {
    fn next(&mut self) -> Ssrc {
        loop {
            let source = self.0.direct_api().new_ssrc();
            if !self.1.contains(&source) {
                self.1.push(source);
                return source;
            }
        }
    }
}

fn parameters(
    sources: &mut Sources<'_>,
    accepted: &Accepted<'_>,
    chosen: &Chosen,
    tracks: &[Track],
) -> SendParameters {
    SendParameters {
        track: chosen.track,
        section: chosen.section,
        format: tracks[chosen.track].format.clone(),
        payload_type: accepted.payload.number.into(),
        source: sources.next(),
        rtx: accepted.payload.rtx.map(|payload_type| Rtx {
            payload_type: payload_type.into(),
            source: sources.next(),
        }),
        extensions: Extensions::new(
            &accepted.extension_map(),
            accepted.media.mid().unwrap_or_default(),
        ),
    }
}

/// RFC 8839 section 5.4 wants 24 bits in the name and 128 in the password; ours have more,
/// from the system's random source.
pub(crate) fn credentials() -> IceCreds {
    IceCreds {
        ufrag: SessionId::random().to_string()[..16].to_owned(),
        pass: SessionId::random().to_string(),
    }
}

/// Names one session's stream, and who sends it: RFC 7022 section 4.2 wants 96 bits.
fn session_name() -> String {
    SessionId::random().to_string()
}

/// The first track that this section can have and no other has, with the payload type that
/// suits it best. Of equals the first: a viewer's order is its preference.
fn choose<'a>(
    media: &Media<'a>,
    tracks: &[Track],
    chosen: &[Chosen],
) -> Option<(usize, Payload<'a>)> {
    let is_free = |(index, track): &(usize, &Track)| {
        let is_taken = chosen.iter().any(|chosen| chosen.track == *index);
        !is_taken && media.kind() == kind_name(track)
    };
    let payloads = media.payloads();
    let mut free = tracks.iter().enumerate().filter(is_free);
    free.find_map(|(index, track)| {
        let fitting = payloads.iter().filter_map(|payload| {
            let fit = track.format.fit(payload)?;
            Some((fit, payload))
        });
        let (_, payload) = fitting.rev().max_by_key(|(fit, _)| *fit)?;
        Some((index, *payload))
    })
}

/// Of all that is published nothing is what the viewer can have: which encoding it lacks.
fn mismatch(offer: &Sdp, tracks: &[Track]) -> Error {
    let kinds: Vec<&str> = offer.active_media().map(|media| media.kind()).collect();
    let is_asked_for = |track: &&Track| kinds.contains(&kind_name(track));
    let lacking = tracks.iter().find(is_asked_for).or(tracks.first());
    match lacking {
        Some(track) => Error::CodecMismatch {
            encoding: track.format.encoding.name(),
        },
        None => Error::NoPublisher,
    }
}

fn kind_name(track: &Track) -> &'static str {
    match track.format.encoding.is_video() {
        true => "video",
        false => "audio",
    }
}

/// The credentials of a connection as the wire has them.
pub(crate) fn on_the_wire(credentials: &IceCreds) -> Option<IceCredentials> {
    IceCredentials::new(&credentials.ufrag, &credentials.pass)
}
