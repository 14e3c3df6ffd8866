//! From a peer's offer to a connection and our answer: one encoding for each section.
//!
//! The answer names a single payload type for audio and one for video, so that what a
//! publisher sends is known before the first packet, and a viewer that cannot decode it
//! is told so at once.

use std::sync::Arc;
use std::time::Instant;

use sightline_spec::room::SessionId;
use sightline_spec::sdp::{Direction, IceCredentials, Media, Payload, Sdp};
use str0m::change::SdpOffer;
use str0m::config::{CryptoProvider, DtlsCert};
use str0m::format::FormatParams;
use str0m::ice::IceCreds;
use str0m::media::{Frequency, Mid, Pt};
use str0m::rtp::{Extension, ExtensionMap, Ssrc};
use str0m::{Candidate, Rtc, RtcConfig};

use crate::error::Error;
use crate::sdp::encoding::{Encoding, Format};
use crate::sdp::extensions::Extensions;

/// One of a publisher's sections.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Track {
    pub(crate) mid: Mid,
    pub(crate) format: Format,
    /// Simulcast: whether there is more than one layer (RFC 8853).
    pub(crate) has_layers: bool,
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
    mid: Mid,
    payload_type: Pt,
    rtx_type: Option<Pt>,
}

/// A connection that waits for its peer, and what to tell that peer.
pub(crate) struct Negotiated<T> {
    /// Boxed, as it is 10 KiB and moves from here to its worker.
    pub(crate) rtc: Box<Rtc>,
    /// Names the connection in the peer's STUN requests.
    pub(crate) ufrag: String,
    pub(crate) answer: Sdp,
    /// The offer as it was answered.
    pub(crate) offer: Sdp,
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
        let offer = offer
            .without_undescribed_ssrc_groups()
            .with_directions(|_, media| match media.direction() {
                Direction::SendRecv => Direction::SendOnly,
                direction => direction,
            });
        let mut config = self.config(&self.for_publishers);
        let mut tracks = Vec::new();
        for media in offer.active_media() {
            let known = |payload: &Payload<'_>| fits_section(&media, payload);
            let Some(payload) = media.payloads().into_iter().find(known) else {
                continue;
            };
            let Some(format) = Format::of(&payload) else {
                continue;
            };
            accept(&mut config, &payload, format.encoding);
            let (Some(mid), has_layers) = (media.mid(), media.offers_layers()) else {
                continue;
            };
            tracks.push(Track {
                mid: mid.into(),
                format,
                has_layers,
            });
        }
        if tracks.is_empty() {
            return Err(Error::NothingToForward);
        }
        let (rtc, ufrag, answer) = connect(config, &offer, candidates, now)?;
        Ok(Negotiated {
            rtc,
            ufrag,
            answer,
            offer,
            media: tracks,
        })
    }

    /// Offers a viewer what the publisher sends, as far as it can decode that.
    pub(crate) fn viewer(
        &self,
        offer: &Sdp,
        tracks: &[Track],
        candidates: &[Candidate],
        now: Instant,
    ) -> Result<Negotiated<Subscription>, Error> {
        let mut config = self.config(&self.for_viewers);
        // What viewers report comes to us as raw packets: they do not send other ones.
        config = config
            .set_extension_map(extensions(tracks))
            .enable_raw_packets(true);
        let mut chosen: Vec<Chosen> = Vec::new();
        for (section, media) in (0..).zip(offer.media()) {
            if media.is_rejected() {
                continue;
            }
            let choice = choose(&media, tracks, &chosen);
            if let Some((track, payload)) = choice {
                accept(&mut config, &payload, tracks[track].format.encoding);
                chosen.push(Chosen {
                    track,
                    section,
                    mid: media.mid().unwrap_or_default().into(),
                    payload_type: payload.number.into(),
                    rtx_type: payload.rtx.map(Pt::from),
                });
            } else if let Some((payload, encoding)) = any_known(&media) {
                // There is nothing for it now. A rejected section would be by the book,
                // but browsers trip over one that is the first of its bundle.
                accept(&mut config, &payload, encoding);
            }
        }
        let offer = offer.with_directions(|index, _| {
            let is_chosen = chosen.iter().any(|c| usize::from(c.section) == index);
            match is_chosen {
                true => Direction::RecvOnly,
                false => Direction::Inactive,
            }
        });
        refuse_without_picture(tracks, chosen.iter().map(|chosen| chosen.track))?;
        let (mut rtc, ufrag, answer) = connect(config, &offer, candidates, now)?;
        let name = chosen.first().and_then(|chosen| rtc.media(chosen.mid));
        let name = name.map_or("", |media| media.cname()).to_owned();
        let parameters = |chosen| parameters(&mut rtc, &chosen, tracks);
        let down_tracks: Vec<SendParameters> = chosen.into_iter().filter_map(parameters).collect();
        refuse_without_picture(
            tracks,
            down_tracks.iter().map(|parameters| parameters.track),
        )?;
        Ok(Negotiated {
            rtc,
            ufrag,
            answer: answer.in_one_stream(),
            offer,
            media: Subscription { down_tracks, name },
        })
    }

    fn config(&self, crypto: &Arc<CryptoProvider>) -> RtcConfig {
        let credentials = credentials();
        Rtc::builder()
            .set_crypto_provider(crypto.clone())
            .set_dtls_cert(self.certificate.clone())
            .set_local_ice_credentials(credentials)
            // Peers check and we answer, which is all that FFmpeg can do with.
            .set_ice_lite(true)
            .set_rtp_mode(true)
            .set_extension_map(known_extensions())
            .clear_codecs()
    }
}

fn parameters(rtc: &mut Rtc, chosen: &Chosen, tracks: &[Track]) -> Option<SendParameters> {
    let extensions = rtc.media(chosen.mid)?.remote_extmap();
    let extensions = Extensions::new(extensions, &chosen.mid);
    let mut api = rtc.direct_api();
    let stream = api.stream_tx_by_mid(chosen.mid, None)?;
    let rtx = chosen.rtx_type.zip(stream.rtx());
    Some(SendParameters {
        track: chosen.track,
        section: chosen.section,
        format: tracks[chosen.track].format.clone(),
        payload_type: chosen.payload_type,
        source: stream.ssrc(),
        rtx: rtx.map(|(payload_type, source)| Rtx {
            payload_type,
            source,
        }),
        extensions,
    })
}

/// Those that we know. The numbers are the peer's in the end.
fn known_extensions() -> ExtensionMap {
    let mut extensions = ExtensionMap::standard();
    extensions.set(5, Extension::AbsoluteCaptureTime);
    extensions
}

/// The extensions for viewers. Where there is nothing to choose, feedback about every packet
/// is of no use.
fn extensions(tracks: &[Track]) -> ExtensionMap {
    let has_choice = tracks.iter().any(|track| track.has_layers);
    let mut extensions = ExtensionMap::empty();
    for (id, extension) in known_extensions().iter() {
        let is_of_use = match extension {
            Extension::AbsoluteSendTime => false,
            Extension::TransportSequenceNumber => has_choice,
            _ => true,
        };
        if is_of_use {
            extensions.set(id, extension.clone());
        }
    }
    extensions
}

/// RFC 8839 section 5.4 wants 24 bits in the name and 128 in the password; ours have more,
/// from the system's random source.
pub(crate) fn credentials() -> IceCreds {
    IceCreds {
        ufrag: SessionId::random().to_string()[..16].to_owned(),
        pass: SessionId::random().to_string(),
    }
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
        let kind = match track.format.encoding.is_video() {
            true => "video",
            false => "audio",
        };
        !is_taken && media.kind() == kind
    };
    let (index, track) = tracks.iter().enumerate().find(is_free)?;
    let payloads = media.payloads();
    let fitting = payloads.iter().filter_map(|payload| {
        let fit = track.format.fit(payload)?;
        Some((fit, payload))
    });
    let (_, payload) = fitting.rev().max_by_key(|(fit, _)| *fit)?;
    Some((index, *payload))
}

fn any_known<'a>(media: &Media<'a>) -> Option<(Payload<'a>, Encoding)> {
    let mut payloads = media.payloads().into_iter();
    let payload = payloads.find(|payload| fits_section(media, payload))?;
    Some((payload, Encoding::of(&payload)?))
}

fn fits_section(media: &Media<'_>, payload: &Payload<'_>) -> bool {
    let encoding = Encoding::of(payload);
    encoding.is_some_and(|encoding| encoding.is_video() == (media.kind() == "video"))
}

/// Exactly what the peer wrote is what it gets back.
fn accept(config: &mut RtcConfig, payload: &Payload<'_>, encoding: Encoding) {
    let channels = match encoding {
        // RFC 7587 section 7: always two. Some write it without.
        Encoding::Opus => Some(2),
        _ => payload.channels,
    };
    let clock_rate = match encoding.is_video() {
        true => Frequency::NINETY_KHZ,
        false => Frequency::FORTY_EIGHT_KHZ,
    };
    config.codec_config().add_config(
        payload.number.into(),
        payload.rtx.map(Pt::from),
        encoding.codec(),
        clock_rate,
        channels,
        FormatParams::parse_line(payload.parameters),
    );
}

fn connect(
    config: RtcConfig,
    offer: &Sdp,
    candidates: &[Candidate],
    now: Instant,
) -> Result<(Box<Rtc>, String, Sdp), Error> {
    let mut rtc = Box::new(config.build(now));
    for candidate in candidates {
        rtc.add_local_candidate(candidate.clone());
    }
    let offer = SdpOffer::from_sdp_string(&readable(offer)).map_err(unacceptable)?;
    let answer = rtc.sdp_api().accept_offer(offer).map_err(unacceptable)?;
    let ufrag = rtc.direct_api().local_ice_credentials().ufrag;
    let answer = Sdp::parse(&answer.to_sdp_string())?;
    Ok((rtc, ufrag, answer))
}

/// The offer in the words that str0m reads: `OPUS/48000` is `opus/48000/2`. Where the peer may
/// be is none of them: we answer checks and make none, so that would only be kept.
fn readable(offer: &Sdp) -> String {
    let lines = offer.as_str().lines();
    let lines = lines.filter(|line| !line.starts_with("a=candidate:"));
    let lines = lines.map(|line| {
        let is_opus = line.to_ascii_lowercase().contains(" opus/48000");
        match line.split_once(' ') {
            Some((rtpmap, _)) if line.starts_with("a=rtpmap:") && is_opus => {
                format!("{rtpmap} opus/48000/2\r\n")
            }
            _ => format!("{line}\r\n"),
        }
    });
    lines.collect()
}

fn unacceptable(error: impl std::fmt::Display) -> Error {
    // Their words are about our library's inside; the log has them.
    tracing::debug!(%error, "an offer was not accepted");
    Error::UnacceptableOffer
}

/// Sound without the picture is not what a viewer came for, and a black picture even less.
fn refuse_without_picture(
    tracks: &[Track],
    chosen: impl Iterator<Item = usize> + Clone,
) -> Result<(), Error> {
    let wanted = |track: &&Track| track.format.encoding.is_video();
    let wanted = tracks
        .iter()
        .position(|track| wanted(&track))
        .or(match tracks {
            [] => None,
            _ => Some(0),
        });
    match wanted {
        Some(index) if !chosen.clone().any(|chosen| chosen == index) => {
            let encoding = tracks[index].format.encoding.name();
            Err(Error::CodecMismatch { encoding })
        }
        _ => Ok(()),
    }
}

/// The credentials of a connection as the wire has them.
pub(crate) fn on_the_wire(credentials: &IceCreds) -> Option<IceCredentials> {
    IceCredentials::new(&credentials.ufrag, &credentials.pass)
}
