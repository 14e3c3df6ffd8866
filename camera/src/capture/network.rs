//! A network camera as it runs: one RTSP session for picture and sound, so that both have one clock.
//!
//! What the camera has encoded goes to the viewers' pipeline as it is; that knows who can take it.

use std::sync::{
    Mutex, PoisonError, Weak,
    atomic::{AtomicBool, Ordering},
};

use futures_util::StreamExt;
use gst::prelude::*;
use tokio::sync::oneshot;

use super::{
    CaptureError,
    playback::{self, Capture},
    reordering::Reordering,
};
use crate::{
    audio::track,
    encoder::Codec,
    pipeline::Pipeline,
    rtsp::RtspUrl,
    stream::{Sound, Stream, picture_of, sound_of},
};

/// How long is waited for a packet that UDP has lost, in milliseconds. Nothing else waits.
const LOSS_LIMIT: u32 = 200;

/// How long the camera may take to answer, in microseconds.
const PATIENCE: u64 = 5_000_000;

/// A network camera.
#[derive(Debug)]
pub(super) struct NetworkCamera {
    pub(super) url: RtspUrl,
    /// Whether viewers hear what it hears.
    pub(super) with_sound: bool,
}

/// Asks the camera what it has.
pub(super) async fn describe(url: &RtspUrl) -> Result<Stream, CaptureError> {
    let (pipeline, source) = session(url)?;
    let (told, answer) = oneshot::channel();
    let told = Mutex::new(Some(told));
    source.connect("on-sdp", false, move |values| {
        let sdp = values.get(1)?.get::<gst_sdp::SDPMessage>().ok()?;
        let told = told.lock().unwrap_or_else(PoisonError::into_inner).take();
        let _ = told?.send(Stream::described_by(&sdp));
        None
    });
    // Nothing is set up.
    source.connect("select-stream", false, |_| Some(false.to_value()));
    let asking = Capture::of(pipeline, false);
    let mut messages = asking.pipeline.bus().map(|bus| bus.stream());
    asking.set_state(gst::State::Paused).await?;
    let failed = async {
        while let Some(message) = messages.as_mut()?.next().await {
            if let gst::MessageView::Error(error) = message.view() {
                return Some(in_words(error));
            }
        }
        None
    };
    tokio::select! {
        biased;
        Ok(stream) = answer => stream.ok_or_else(|| CaptureError::Failed(
            "the network camera has no pictures in H.264 or H.265".to_owned(),
        )),
        Some(why) = failed => Err(why),
        () = tokio::time::sleep(super::HUNG * 2) => Err(CaptureError::Hung),
    }
}

impl NetworkCamera {
    pub(super) fn start(&self, to: &Weak<Pipeline>) -> Result<Capture, CaptureError> {
        let (pipeline, source) = session(&self.url)?;
        self.select_streams(&source);
        let (weak, to) = (pipeline.downgrade(), to.clone());
        source.connect_pad_added(move |source, pad| {
            let (Some(pipeline), Some(viewers)) = (weak.upgrade(), to.upgrade()) else {
                return;
            };
            let caps = pad.current_caps().unwrap_or_else(|| pad.query_caps(None));
            let receiver = match (Stream::of_packets(&caps), sound_of(&caps)) {
                (Some(stream), _) => {
                    // It may have been another, and it is tried anew whether it has B-frames.
                    viewers.source_encodes(&stream);
                    look_for_b_frames(source, pad, &to);
                    passing(stream.codec, &to)
                }
                (_, Some(sound)) => hearing(sound, &to),
                _ => return,
            };
            let joined = receiver
                .map_err(|error| error.to_string())
                .and_then(|receiver| join(&pipeline, pad, &receiver));
            if let Err(why) = joined {
                post(source, &why);
            }
        });
        Ok(Capture::of(pipeline, false))
    }

    /// The first with pictures and the first with sound.
    fn select_streams(&self, source: &gst::Element) {
        let sound_left = AtomicBool::new(self.with_sound);
        let picture_left = AtomicBool::new(true);
        source.connect("select-stream", false, move |values| {
            let caps = values.get(2)?.get::<gst::Caps>().ok()?;
            let is_first = |left: &AtomicBool| left.swap(false, Ordering::Relaxed);
            let taken = match (picture_of(&caps), sound_of(&caps)) {
                (Some(_), _) => is_first(&picture_left),
                (_, Some(_)) => is_first(&sound_left),
                _ => false,
            };
            Some(taken.to_value())
        });
    }
}

fn session(url: &RtspUrl) -> Result<(gst::Pipeline, gst::Element), CaptureError> {
    let incomplete = |error: gst::glib::BoolError| CaptureError::Failed(error.to_string());
    let source = gst::ElementFactory::make("rtspsrc")
        .property("location", url.location())
        .property("latency", LOSS_LIMIT)
        .property("tcp-timeout", PATIENCE)
        .property(
            "user-agent",
            concat!("sightline-camera/", env!("CARGO_PKG_VERSION")),
        )
        .build()
        .map_err(incomplete)?;
    if !url.is_by_udp() {
        source.set_property_from_str("protocols", "tcp");
    }
    if let Some((user, password)) = url.credentials() {
        source.set_property("user-id", user);
        source.set_property("user-pw", password);
    }
    let pipeline = gst::Pipeline::new();
    pipeline.add(&source).map_err(incomplete)?;
    Ok((pipeline, source))
}

fn depayloader(codec: Codec) -> &'static str {
    match codec {
        Codec::H265 => "rtph265depay name=in ! h265parse config-interval=-1",
        _ => "rtph264depay name=in request-keyframe=true ! h264parse config-interval=-1",
    }
}

/// To the viewers as it is, with parameter sets before each keyframe.
fn passing(codec: Codec, to: &Weak<Pipeline>) -> Result<gst::Bin, CaptureError> {
    let media = match codec {
        Codec::H265 => "video/x-h265",
        _ => "video/x-h264",
    };
    let text = format!(
        "{} ! {media},stream-format=byte-stream,alignment=au ! appsink name=out",
        depayloader(codec)
    );
    let (receiver, out) = receiver(&text)?;
    playback::pass_on(&out, to.clone());
    Ok(receiver)
}

fn hearing(sound: Sound, to: &Weak<Pipeline>) -> Result<gst::Bin, CaptureError> {
    let decoder = match sound {
        Sound::Opus => {
            let (receiver, out) = receiver("rtpopusdepay name=in ! appsink name=out")?;
            playback::hand_over(&out, to.clone(), |pipeline, sound, taken| {
                pipeline.push_opus(sound, taken);
            });
            return Ok(receiver);
        }
        Sound::Aac => "rtpmp4gdepay name=in ! queue ! aacparse ! decodebin",
        Sound::AacLatm => "rtpmp4adepay name=in ! queue ! aacparse ! decodebin",
        Sound::ALaw => "rtppcmadepay name=in ! queue ! alawdec",
        Sound::MuLaw => "rtppcmudepay name=in ! queue ! mulawdec",
    };
    let text = format!("{decoder} ! {} ! appsink name=out", track::raw_sound());
    let (receiver, out) = receiver(&text)?;
    playback::hand_over(&out, to.clone(), |pipeline, sound, taken| {
        pipeline.push_audio(sound, taken);
    });
    Ok(receiver)
}

fn receiver(text: &str) -> Result<(gst::Bin, gst_app::AppSink), CaptureError> {
    // A decodebin is linked later, so which pad is the way in cannot be guessed.
    let bin = gst::parse::bin_from_description(text, false).map_err(CaptureError::Build)?;
    let entrance = bin.by_name("in").and_then(|first| first.static_pad("sink"));
    let entrance = entrance.and_then(|pad| gst::GhostPad::with_target(&pad).ok());
    entrance
        .and_then(|pad| bin.add_pad(&pad).ok())
        .ok_or_else(|| CaptureError::Failed("there is no way in".to_owned()))?;
    let out = Capture::output_of(&bin)?;
    out.set_sync(false);
    out.set_async(false);
    Ok((bin, out))
}

fn join(pipeline: &gst::Pipeline, pad: &gst::Pad, receiver: &gst::Bin) -> Result<(), String> {
    let said = |error: gst::glib::BoolError| error.to_string();
    pipeline.add(receiver).map_err(said)?;
    receiver.sync_state_with_parent().map_err(said)?;
    let entrance = receiver.static_pad("sink").ok_or("it takes nothing")?;
    pad.link(&entrance).map_err(|error| error.to_string())?;
    Ok(())
}

/// Has them encoded again when there are some. Where that cannot be, the session ends.
fn look_for_b_frames(source: &gst::Element, pad: &gst::Pad, to: &Weak<Pipeline>) {
    let (source, to) = (source.downgrade(), to.clone());
    let reordering = Mutex::new(Reordering::default());
    pad.add_probe(gst::PadProbeType::BUFFER, move |_, info| {
        let Some(packet) = info.buffer().and_then(|buffer| buffer.map_readable().ok()) else {
            return gst::PadProbeReturn::Ok;
        };
        let mut seen = reordering.lock().unwrap_or_else(PoisonError::into_inner);
        if !seen.is_shown_by(&packet) {
            return gst::PadProbeReturn::Ok;
        }
        if let (Some(source), Some(viewers)) = (source.upgrade(), to.upgrade()) {
            match viewers.encode_again() {
                true => tracing::warn!("{ENCODED_AGAIN}"),
                false => post(&source, REFUSED),
            }
        }
        gst::PadProbeReturn::Remove
    });
}

const ENCODED_AGAIN: &str = "the network camera sends B-frames, which viewers cannot be sent: it is \
    decoded and encoded again, which takes CPU (its settings may call it B-frames, or profile: \
    Baseline has none)";

const REFUSED: &str = "the network camera sends B-frames, which viewers cannot be sent, and there is \
    no encoder here: switch them off in its settings";

/// Has the session end with these words.
fn post(source: &gst::Element, why: &str) {
    gst::element_error!(source, gst::StreamError::Format, ("{}", why));
}

/// What is said of [`is_over`].
pub(super) const CLOSED: &str = "the network camera has closed the connection";

/// Whether rtspsrc warns that nothing more comes. It would try again by itself, for so long that the
/// camera seems to be hung.
pub(super) fn is_over(message: &gst::Message) -> bool {
    let gst::MessageView::Warning(warning) = message.view() else {
        return false;
    };
    warning.error().kind() == Some(gst::ResourceError::Read) && is_of_session(message.src())
}

/// What rtspsrc means. Its own words may have the URL in them.
pub(super) fn in_words(error: &gst::message::Error) -> CaptureError {
    use gst::ResourceError;
    let why = match error.error().kind::<ResourceError>() {
        Some(ResourceError::NotAuthorized) => "the network camera refuses user and password",
        Some(ResourceError::NotFound) => "the network camera has no such stream",
        Some(_) if is_of_session(error.src()) => match is_by_tls(error.src()) {
            // Which of them, rtspsrc does not tell.
            true => {
                "the network camera cannot be reached by TLS: it is away, or nobody whom this \
                 machine trusts vouches for its certificate"
            }
            false => "the network camera cannot be reached",
        },
        _ => return playback::failure(error),
    };
    CaptureError::Failed(why.to_owned())
}

fn is_of_session(source: Option<&gst::Object>) -> bool {
    let factory = source.and_then(|source| source.downcast_ref::<gst::Element>()?.factory());
    factory.is_some_and(|factory| factory.name() == "rtspsrc")
}

fn is_by_tls(session: Option<&gst::Object>) -> bool {
    let location = session.map(|session| session.property::<Option<String>>("location"));
    location
        .flatten()
        .is_some_and(|location| location.starts_with("rtsps:"))
}
