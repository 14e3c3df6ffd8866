//! str0m's connection for what has been accepted. What it reads is not the peer's offer but one
//! of ours, which says the same of what it has to know: `docs/decisions/sdp-of-our-own.md`.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::{Duration, Instant};

use sightline_spec::sdp::Direction;
use str0m::change::SdpOffer;
use str0m::config::{CryptoProvider, DtlsCert};
use str0m::format::{Codec, FormatParams};
use str0m::ice::IceCreds;
use str0m::media::{Frequency, Pt};
use str0m::{Candidate, Rtc, RtcConfig};

use crate::error::Error;
use crate::sdp::accepted::{Acceptance, Accepted, Side};
use crate::sdp::certificates::Certificates;
use crate::sdp::encoding::Encoding;
use crate::sdp::negotiate::credentials;
use crate::sdp::offer::{Offer, Setup};

/// Sources of one section that are announced to str0m; a peer describes as many as it likes.
const MOST_SOURCES: usize = 16;

/// How often a peer is told what has arrived of each of its streams.
const REPORTS: Duration = Duration::from_secs(1);

/// A connection that is to be made.
pub(crate) struct Engine<'a> {
    pub(crate) crypto: &'a Arc<CryptoProvider>,
    pub(crate) certificate: &'a DtlsCert,
    pub(crate) candidates: &'a [Candidate],
}

impl Engine<'_> {
    /// Makes it.
    pub(crate) fn connect(
        &self,
        acceptance: &Acceptance<'_>,
        now: Instant,
    ) -> Result<Box<Rtc>, Error> {
        let mut config = Rtc::builder()
            .set_crypto_provider(self.crypto.clone())
            .set_dtls_cert(self.certificate.clone())
            .set_local_ice_credentials(credentials())
            // Our DTLS does that, by whatever hash the peer has chosen.
            .set_fingerprint_verification(false)
            // Peers check and we answer, which is all that FFmpeg can do with.
            .set_ice_lite(true)
            .set_rtp_mode(true)
            // Whatever has no RTX str0m takes for sound, and reports on it less often. Some
            // publishers give up after five seconds without a report.
            .set_rtcp_report_interval_audio(REPORTS)
            .set_extension_map(acceptance.extensions.clone())
            .clear_codecs();
        if acceptance.side == Side::Publisher {
            know_codecs(&mut config, acceptance);
        }
        let certificates = Certificates::of(acceptance.offer.fingerprints.clone());
        let mut rtc = Box::new(certificates.with(|| config.build(now)));
        for candidate in self.candidates {
            rtc.add_local_candidate(candidate.clone());
        }
        match acceptance.side {
            Side::Publisher => accept(&mut rtc, &offer(acceptance))?,
            Side::Viewer { .. } => expect_viewer(&mut rtc, &acceptance.offer)?,
        }
        Ok(rtc)
    }
}

/// Has str0m know the payload types that are accepted.
fn know_codecs(config: &mut RtcConfig, acceptance: &Acceptance<'_>) {
    let mut known: Vec<u8> = Vec::new();
    for section in acceptance.flowing() {
        let payload = &section.payload;
        if !known.contains(&payload.number) {
            known.push(payload.number);
            let (codec, clock_rate, channels) = stand_in(section.encoding);
            config.codec_config().add_config(
                payload.number.into(),
                payload.rtx.map(Pt::from),
                codec,
                clock_rate,
                channels,
                FormatParams::parse_line(&stand_in_parameters(section)),
            );
        }
    }
}

/// What str0m takes an encoding for. It forwards packets here and looks into none, but it
/// tells payload types apart by their encoding, and has only one where two sections have
/// the same: so each gets its own variant of an encoding with the same clock.
fn stand_in(encoding: Encoding) -> (Codec, Frequency, Option<u8>) {
    match encoding.is_video() {
        true => (Codec::Vp9, Frequency::NINETY_KHZ, None),
        false => (Codec::Opus, Frequency::FORTY_EIGHT_KHZ, Some(2)),
    }
}

fn stand_in_parameters(section: &Accepted<'_>) -> String {
    let variant = section.payload.number;
    match section.encoding.is_video() {
        true => format!("profile-id={variant}"),
        false => format!("minptime={variant}"),
    }
}

/// Has str0m connect a viewer by ICE and DTLS. What that is sent and what it reports are ours,
/// so str0m knows of no media.
fn expect_viewer(rtc: &mut Rtc, offer: &Offer<'_>) -> Result<(), Error> {
    let mut api = rtc.direct_api();
    api.set_ice_controlling(false);
    api.set_remote_ice_credentials(IceCreds {
        ufrag: offer.credentials.ufrag.clone(),
        pass: offer.credentials.pwd.clone(),
    });
    let fingerprint = offer.fingerprints.first().map(|f| f.as_str().parse());
    let fingerprint = fingerprint.and_then(Result::ok);
    api.set_remote_fingerprint(fingerprint.ok_or(Error::UnacceptableOffer)?);
    let is_client = offer.setup == Setup::Passive;
    api.start_dtls(is_client).map_err(|error| refused(&error))
}

/// Has str0m take an offer of ours.
fn accept(rtc: &mut Rtc, offer: &str) -> Result<(), Error> {
    let offer = SdpOffer::from_sdp_string(offer).map_err(|error| refused(&error))?;
    let answer = rtc.sdp_api().accept_offer(offer);
    answer.map(|_| ()).map_err(|error| refused(&error))
}

/// str0m's words are about its inside; the log has them.
fn refused(error: &dyn std::fmt::Display) -> Error {
    tracing::debug!(%error, "an offer was not accepted");
    Error::UnacceptableOffer
}

fn offer(acceptance: &Acceptance<'_>) -> String {
    let offer = &acceptance.offer;
    let mut text = String::from("v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\na=group:BUNDLE");
    for section in acceptance.flowing() {
        let _ = write!(text, " {}", section.mid);
    }
    let _ = write!(
        text,
        "\r\na=ice-ufrag:{}\r\na=ice-pwd:{}\r\n",
        offer.credentials.ufrag, offer.credentials.pwd
    );
    if let Some(fingerprint) = offer.fingerprints.first() {
        let _ = write!(text, "a=fingerprint:{}\r\n", fingerprint.as_str());
    }
    let setup = match offer.setup {
        Setup::Active => "active",
        Setup::Passive => "passive",
        Setup::Either => "actpass",
    };
    let _ = write!(text, "a=setup:{setup}\r\n");
    for section in acceptance.flowing() {
        describe(section, &mut text);
    }
    text
}

fn describe(section: &Accepted<'_>, text: &mut String) {
    let Accepted {
        mid,
        media,
        payload,
        encoding,
        ..
    } = section;
    let number = payload.number;
    let rtx = payload.rtx.map_or(String::new(), |rtx| format!(" {rtx}"));
    let direction = match section.direction {
        Direction::RecvOnly => "sendonly",
        _ => "recvonly",
    };
    let stand_in = match encoding.is_video() {
        true => "VP9/90000",
        false => "opus/48000/2",
    };
    let _ = write!(
        text,
        "m={} 9 UDP/TLS/RTP/SAVPF {number}{rtx}\r\na=mid:{mid}\r\na={direction}\r\na=rtcp-mux\r\n\
         a=rtpmap:{number} {stand_in}\r\na=fmtp:{number} {}\r\n",
        media.kind(),
        stand_in_parameters(section),
    );
    for feedback in &section.feedback {
        let _ = write!(text, "a=rtcp-fb:{number} {feedback}\r\n");
    }
    if let Some(rtx) = payload.rtx {
        let clock_rate = encoding.clock_rate();
        let _ = write!(
            text,
            "a=rtpmap:{rtx} rtx/{clock_rate}\r\na=fmtp:{rtx} apt={number}\r\n"
        );
    }
    for (offered, extension) in &section.extensions {
        let _ = write!(text, "a=extmap:{} {}\r\n", offered.id, extension.as_uri());
    }
    match section.layers.as_slice() {
        [] if media.has_unnamed_layers() => {}
        [] => describe_sources(section, text),
        layers => {
            for (_, rid) in layers {
                let _ = write!(text, "a=rid:{rid} send\r\n");
            }
            let names: Vec<String> = layers.iter().map(|(_, rid)| rid.to_string()).collect();
            let _ = write!(text, "a=simulcast:send {}\r\n", names.join(";"));
        }
    }
}

fn describe_sources(section: &Accepted<'_>, text: &mut String) {
    if section.direction != Direction::RecvOnly {
        return;
    }
    for source in section.media.sources().into_iter().take(MOST_SOURCES) {
        let _ = write!(text, "a=ssrc:{} cname:-\r\n", source.ssrc);
        if let Some(rtx) = source.rtx {
            let _ = write!(
                text,
                "a=ssrc:{rtx} cname:-\r\na=ssrc-group:FID {} {rtx}\r\n",
                source.ssrc
            );
        }
    }
}
