//! From a peer's offer to a connection and our answer: one encoding for each section.
//!
//! The answer names a single payload type for audio and one for video, so that what a
//! publisher sends is known before the first packet, and a viewer that cannot decode it
//! is told so at once.

use std::sync::Arc;
use std::time::Instant;

use sightline_spec::room::SessionId;
use sightline_spec::sdp::{Direction, IceCredentials, Media, Payload, Sdp};
use str0m::bwe::Bitrate;
use str0m::change::SdpOffer;
use str0m::config::{CryptoProvider, DtlsCert};
use str0m::format::FormatParams;
use str0m::ice::IceCreds;
use str0m::media::{Frequency, MediaKind, Mid, Pt};
use str0m::rtp::Ssrc;
use str0m::{Candidate, Rtc, RtcConfig};

use super::encoding::{Encoding, Format};
use crate::error::Error;

/// Packets that a viewer can ask for again. At 2.5 Mbit/s that is more than a second.
const RESEND_PACKETS: usize = 400;

/// What a viewer's link is taken for until it has been measured.
const FIRST_ESTIMATE: Bitrate = Bitrate::kbps(1500);

/// One of a publisher's sections.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Track {
    pub(super) mid: Mid,
    pub(super) format: Format,
    /// Simulcast: whether there is more than one layer (RFC 8853).
    pub(super) has_layers: bool,
}

/// Where a viewer gets one of the publisher's tracks.
#[derive(Debug)]
pub(super) struct Outlet {
    /// The index of the publisher's track.
    pub(super) track: usize,
    /// The index of the viewer's section.
    pub(super) section: u16,
    pub(super) format: Format,
    pub(super) payload_type: Pt,
    pub(super) source: Ssrc,
}

/// A connection that waits for its peer, and what to tell that peer.
pub(super) struct Negotiated<T> {
    pub(super) rtc: Rtc,
    /// Names the connection in the peer's STUN requests.
    pub(super) ufrag: String,
    pub(super) answer: Sdp,
    /// The offer as it was answered, for ICE restarts.
    pub(super) offer: Sdp,
    pub(super) media: T,
}

/// What all connections of this gateway have in common.
#[derive(Debug)]
pub(super) struct Endpoint {
    pub(super) crypto: Arc<CryptoProvider>,
    pub(super) certificate: DtlsCert,
}

impl Endpoint {
    /// Accepts all that a publisher offers and we know how to forward.
    pub(super) fn publisher(
        &self,
        offer: &Sdp,
        candidates: &[Candidate],
    ) -> Result<Negotiated<Vec<Track>>, Error> {
        let offer = offer
            .without_undescribed_ssrc_groups()
            .narrowed_to(Direction::SendOnly);
        let mut config = self.config();
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
        let (rtc, ufrag, answer) = connect(config, &offer, candidates)?;
        Ok(Negotiated {
            rtc,
            ufrag,
            answer,
            offer,
            media: tracks,
        })
    }

    /// Offers a viewer what the publisher sends, as far as it can decode that.
    pub(super) fn viewer(
        &self,
        offer: &Sdp,
        tracks: &[Track],
        candidates: &[Candidate],
    ) -> Result<Negotiated<Vec<Outlet>>, Error> {
        let offer = offer.narrowed_to(Direction::RecvOnly);
        let mut config = self.config();
        if tracks.iter().any(|track| track.has_layers) {
            config = config.enable_bwe(Some(FIRST_ESTIMATE));
        }
        let mut chosen: Vec<(usize, u16, String, u8)> = Vec::new();
        for (section, media) in (0..).zip(offer.media()) {
            let free = |(index, track): &(usize, &Track)| {
                let taken = chosen.iter().any(|(taken, ..)| taken == index);
                !taken && track.format.encoding.is_video() == (media.kind() == "video")
            };
            let Some((index, track)) = tracks.iter().enumerate().find(free) else {
                continue;
            };
            if media.is_rejected() || !matches!(media.kind(), "audio" | "video") {
                continue;
            }
            let payloads = media.payloads();
            let fitting = payloads.iter().filter_map(|payload| {
                let fit = track.format.fit(payload)?;
                Some((fit, payload))
            });
            // The first of the best: a viewer's order is its preference.
            let Some((_, payload)) = fitting.rev().max_by_key(|(fit, _)| *fit) else {
                continue;
            };
            accept(&mut config, payload, track.format.encoding);
            let mid = media.mid().unwrap_or_default().to_owned();
            chosen.push((index, section, mid, payload.number));
        }
        refuse_without_picture(tracks, chosen.iter().map(|(index, ..)| *index))?;
        let (mut rtc, ufrag, answer) = connect(config, &offer, candidates)?;
        let outlet = |(track, section, mid, payload_type): (usize, u16, String, u8)| {
            let mid = mid.as_str().into();
            let stream = rtc.direct_api().stream_tx_by_mid(mid, None)?.ssrc();
            Some(Outlet {
                track,
                section,
                format: tracks[track].format.clone(),
                payload_type: payload_type.into(),
                source: stream,
            })
        };
        let outlets: Vec<Outlet> = chosen.into_iter().filter_map(outlet).collect();
        refuse_without_picture(tracks, outlets.iter().map(|outlet| outlet.track))?;
        Ok(Negotiated {
            rtc,
            ufrag,
            answer,
            offer,
            media: outlets,
        })
    }

    fn config(&self) -> RtcConfig {
        let credentials = credentials();
        Rtc::builder()
            .set_crypto_provider(self.crypto.clone())
            .set_dtls_cert(self.certificate.clone())
            .set_local_ice_credentials(credentials)
            // Peers check and we answer, which is all that FFmpeg can do with.
            .set_ice_lite(true)
            .set_rtp_mode(true)
            .set_send_buffer_video(RESEND_PACKETS)
            .clear_codecs()
    }
}

/// RFC 8839 section 5.4 wants 24 bits in the name and 128 in the password; ours have more,
/// from the system's random source.
pub(super) fn credentials() -> IceCreds {
    IceCreds {
        ufrag: SessionId::random().to_string()[..16].to_owned(),
        pass: SessionId::random().to_string(),
    }
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
) -> Result<(Rtc, String, Sdp), Error> {
    let mut rtc = config.build(Instant::now());
    for candidate in candidates {
        rtc.add_local_candidate(candidate.clone());
    }
    let offer = SdpOffer::from_sdp_string(&readable(offer)).map_err(unacceptable)?;
    let answer = rtc.sdp_api().accept_offer(offer).map_err(unacceptable)?;
    let ufrag = rtc.direct_api().local_ice_credentials().ufrag;
    let answer = Sdp::parse(&answer.to_sdp_string())?;
    Ok((rtc, ufrag, answer))
}

/// The offer in the words that str0m reads: `OPUS/48000` is `opus/48000/2`.
pub(super) fn readable(offer: &Sdp) -> String {
    let lines = offer.as_str().lines().map(|line| {
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

/// What a section is, in str0m's words.
pub(super) fn kind(track: &Track) -> MediaKind {
    match track.format.encoding.is_video() {
        true => MediaKind::Video,
        false => MediaKind::Audio,
    }
}

/// The credentials of a connection as the wire has them.
pub(super) fn on_the_wire(credentials: &IceCreds) -> Option<IceCredentials> {
    IceCredentials::new(&credentials.ufrag, &credentials.pass)
}
