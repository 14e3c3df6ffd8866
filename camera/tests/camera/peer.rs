//! A viewer made of GStreamer: answers an offer, decodes the pictures and counts them.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use gst::{glib, prelude::*};
use gst_webrtc::{
    WebRTCICEGatheringState, WebRTCKind, WebRTCRTPTransceiver, WebRTCRTPTransceiverDirection,
    WebRTCSDPType, WebRTCSessionDescription,
};
use reqwest::Url;
use tokio::sync::watch;

pub(crate) use crate::measures::Block;
use crate::{
    measures::{Dark, Edges},
    pieces::Pieces,
    rig::{NEWS, eventually},
};

/// A viewer; leaves without a word when dropped.
pub(crate) struct Peer {
    pipeline: gst::Pipeline,
    frames: Arc<AtomicU64>,
    dark: Dark,
    flashes: Edges,
    beeps: Edges,
    keyframes: Arc<AtomicU64>,
    heard: Arc<Mutex<Vec<Block>>>,
    /// What was received of pictures, and packets of sound.
    pub(crate) units: Pieces,
    pub(crate) opus: Pieces,
    /// Where packets come out, to ask for keyframes there.
    video: Arc<Mutex<Option<gst::Pad>>>,
    /// The answer to the offer it was made from, or to its own.
    pub(crate) answer: String,
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.pipeline.set_state(gst::State::Null);
    }
}

impl Peer {
    pub(crate) async fn answering(offer: &str) -> Self {
        let (mut this, webrtc) = Self::build();
        this.answer = negotiate(&webrtc, offer).await;
        this
    }

    /// A plain player, which offers to take picture and sound: what the endpoint makes of it.
    pub(crate) async fn watching(whep: &Url) -> Self {
        let (mut this, webrtc) = Self::build();
        for caps in [
            "application/x-rtp,media=video,encoding-name=H264,payload=96,clock-rate=90000,\
             packetization-mode=(string)1,profile-level-id=(string)42e01f",
            "application/x-rtp,media=audio,encoding-name=OPUS,payload=111,clock-rate=48000,\
             encoding-params=(string)2",
        ] {
            let caps: gst::Caps = caps.parse().unwrap();
            let direction = WebRTCRTPTransceiverDirection::Recvonly;
            webrtc.emit_by_name::<WebRTCRTPTransceiver>("add-transceiver", &[&direction, &caps]);
        }
        let offer = described(&webrtc, "offer").await;
        let request = reqwest::Client::new()
            .post(whep.clone())
            .header("content-type", "application/sdp")
            .body(offer);
        let reply = request.send().await.unwrap();
        assert_eq!(reply.status(), 201);
        this.answer = reply.text().await.unwrap();
        let answer = gst_sdp::SDPMessage::parse_buffer(this.answer.as_bytes()).unwrap();
        let answer = WebRTCSessionDescription::new(WebRTCSDPType::Answer, answer);
        webrtc.emit_by_name::<()>("set-remote-description", &[&answer, &None::<gst::Promise>]);
        this
    }

    fn build() -> (Self, gst::Element) {
        gst::init().unwrap();
        let pipeline = gst::Pipeline::new();
        let webrtc = gst::ElementFactory::make("webrtcbin")
            .property_from_str("bundle-policy", "max-bundle")
            .build()
            .unwrap();
        pipeline.add(&webrtc).unwrap();
        let frames = Arc::new(AtomicU64::new(0));
        let keyframes = Arc::new(AtomicU64::new(0));
        let video = Arc::new(Mutex::new(None));
        let weak = pipeline.downgrade();
        let heard = Arc::new(Mutex::new(Vec::new()));
        let (counter, key_counter, entry) = (frames.clone(), keyframes.clone(), video.clone());
        let blocks = heard.clone();
        let (units, opus) = (Pieces::default(), Pieces::default());
        let (received, packets) = (units.clone(), opus.clone());
        let dark = Dark::default();
        let pictures = dark.clone();
        let (flashes, beeps) = (Edges::default(), Edges::default());
        let (flash, beep) = (flashes.clone(), beeps.clone());
        webrtc.connect_pad_added(move |_, pad| {
            if let Some(pipeline) = weak.upgrade()
                && pad.direction() == gst::PadDirection::Src
            {
                let transceiver: WebRTCRTPTransceiver = pad.property("transceiver");
                if transceiver.property::<WebRTCKind>("kind") == WebRTCKind::Audio {
                    return listen(
                        &pipeline,
                        pad,
                        blocks.clone(),
                        beep.clone(),
                        packets.clone(),
                    );
                }
                *entry.lock().unwrap() = Some(pad.clone());
                decode(
                    &pipeline,
                    pad,
                    counter.clone(),
                    key_counter.clone(),
                    flash.clone(),
                    pictures.clone(),
                    received.clone(),
                );
            }
        });
        pipeline.set_state(gst::State::Playing).unwrap();
        let this = Self {
            pipeline,
            frames,
            dark,
            flashes,
            beeps,
            keyframes,
            heard,
            units,
            opus,
            video,
            answer: String::new(),
        };
        (this, webrtc)
    }

    /// How many pictures were decoded.
    pub(crate) fn frames(&self) -> u64 {
        self.frames.load(Ordering::SeqCst)
    }

    /// What they came in, once they have begun.
    pub(crate) fn codec(&self) -> Option<String> {
        let video = self.video.lock().unwrap();
        kind_of(video.as_ref()?, "encoding-name")
    }

    /// How many of them needed no other.
    pub(crate) fn keyframes(&self) -> u64 {
        self.keyframes.load(Ordering::SeqCst)
    }

    /// From now on nothing it sends arrives, as if it had been killed.
    pub(crate) fn vanish(&self) {
        let senders = self
            .pipeline
            .iterate_all_by_element_factory_name("nicesink");
        for sender in senders {
            let packets = gst::PadProbeType::BUFFER | gst::PadProbeType::BUFFER_LIST;
            let pad = sender.unwrap().static_pad("sink").unwrap();
            pad.add_probe(packets, |_, info| {
                // GStreamer 1.22 releases twice what is dropped.
                info.data = None;
                gst::PadProbeReturn::Handled
            });
        }
    }

    /// The longest time between two pictures so far.
    pub(crate) fn longest_dark(&self) -> Duration {
        self.dark.longest()
    }

    /// Sends its requests as often as it is asked to, not as seldom as RFC 4585 wants it.
    pub(crate) fn be_rude(&self) {
        let rtpbin = self.pipeline.iterate_all_by_element_factory_name("rtpbin");
        let rtpbin = rtpbin.into_iter().next().unwrap().unwrap();
        let session: glib::Object = rtpbin.emit_by_name("get-internal-session", &[&0_u32]);
        session.set_property("rtcp-min-interval", 1_000_000_u64);
        session.set_property("bandwidth", 1e8);
        session.set_property("rtcp-fraction", 1e7);
    }

    /// Asks the camera for a keyframe.
    pub(crate) fn want_keyframe(&self) {
        let request = gst_video::UpstreamForceKeyUnitEvent::builder().build();
        let video = self.video.lock().unwrap();
        video.as_ref().unwrap().send_event(request);
    }

    /// When dark became light, and when silence became sound, by the time at which a player would
    /// show and play it.
    pub(crate) fn flashes_and_beeps(&self) -> (Vec<gst::ClockTime>, Vec<gst::ClockTime>) {
        (self.flashes.all(), self.beeps.all())
    }

    /// How large the last picture was.
    pub(crate) fn size(&self) -> Option<(u32, u32)> {
        let mut decoders = self
            .pipeline
            .iterate_all_by_element_factory_name("avdec_h264");
        let caps = decoders.next().ok()??.static_pad("src")?.current_caps()?;
        let side = |name| Some(caps.structure(0)?.get::<i32>(name).ok()? as u32);
        Some((side("width")?, side("height")?))
    }

    /// What was heard so far.
    pub(crate) fn heard(&self) -> Vec<Block> {
        self.heard.lock().unwrap().clone()
    }

    /// Waits until more blocks of sound like that have come on top of those that are there.
    pub(crate) async fn hears(&self, more: usize, like: impl Fn(&Block) -> bool) {
        let count = || self.heard().iter().filter(|block| like(block)).count();
        let enough = count() + more;
        let look = async || (count(), self.heard().last().copied());
        eventually("sound at the viewer", look, |seen| seen.0 >= enough).await;
    }

    /// Waits until more pictures than this have come on top of those that are there.
    pub(crate) async fn sees(&self, more: u64) {
        let enough = self.frames() + more;
        let look = async || self.frames();
        eventually("pictures at the viewer", look, |frames| *frames >= enough).await;
    }
}

async fn negotiate(webrtc: &gst::Element, offer: &str) -> String {
    let offer = gst_sdp::SDPMessage::parse_buffer(offer.as_bytes()).unwrap();
    let offer = WebRTCSessionDescription::new(WebRTCSDPType::Offer, offer);
    let (promise, done) = gst::Promise::new_future();
    webrtc.emit_by_name::<()>("set-remote-description", &[&offer, &promise]);
    done.await.unwrap();
    described(webrtc, "answer").await
}

/// Its own `offer` or `answer`, with all candidates.
async fn described(webrtc: &gst::Element, kind: &str) -> String {
    let (sender, mut gathered) = watch::channel(false);
    webrtc.connect_notify(Some("ice-gathering-state"), move |webrtc, _| {
        let state: WebRTCICEGatheringState = webrtc.property("ice-gathering-state");
        let _ = sender.send(state == WebRTCICEGatheringState::Complete);
    });
    let (promise, reply) = gst::Promise::new_future();
    let create = format!("create-{kind}");
    webrtc.emit_by_name::<()>(&create, &[&None::<gst::Structure>, &promise]);
    let reply = reply.await.unwrap().unwrap();
    let own = reply.get::<WebRTCSessionDescription>(kind).unwrap();
    webrtc.emit_by_name::<()>("set-local-description", &[&own, &None::<gst::Promise>]);
    gathered.wait_for(|complete| *complete).await.unwrap();
    let local: WebRTCSessionDescription = webrtc.property("local-description");
    local.sdp().as_text().unwrap()
}

fn decode(
    pipeline: &gst::Pipeline,
    pad: &gst::Pad,
    frames: Arc<AtomicU64>,
    keyframes: Arc<AtomicU64>,
    flashes: Edges,
    dark: Dark,
    units: Pieces,
) {
    let codec = kind_of(pad, "encoding-name");
    let chain = match codec.as_deref() {
        Some("VP8") => "rtpvp8depay ! vp8dec",
        Some("VP9") => "rtpvp9depay ! vp9dec",
        Some("H265") => {
            "rtph265depay ! video/x-h265,stream-format=byte-stream,alignment=au \
             ! h265parse name=parse ! avdec_h265"
        }
        _ => {
            "rtph264depay ! video/x-h264,stream-format=byte-stream,alignment=au \
             ! h264parse name=parse ! avdec_h264"
        }
    };
    let text = format!("queue ! {chain} ! fakesink name=out sync=false");
    let bin = gst::parse::bin_from_description(&text, true).unwrap();
    let out = bin.by_name("out").unwrap().static_pad("sink").unwrap();
    out.add_probe(gst::PadProbeType::BUFFER, move |_, info| {
        let frame = info.buffer().unwrap();
        let luma = frame.map_readable().unwrap();
        // The middle of the first plane; whatever the codec adds is behind it.
        let middle = luma[luma.len() / 3];
        if let Some(at) = frame.pts() {
            flashes.note(at, middle > 128);
        }
        frames.fetch_add(1, Ordering::SeqCst);
        dark.picture();
        NEWS.notify_waiters();
        gst::PadProbeReturn::Ok
    });
    if let Some(parse) = bin.by_name("parse") {
        let received = parse.static_pad("sink").unwrap();
        let asked = AtomicBool::new(false);
        received.add_probe(gst::PadProbeType::BUFFER, move |pad, info| {
            units.note_units(&info.buffer().unwrap().map_readable().unwrap());
            // The first packet may be lost, and with it what all others need. Browsers ask, too.
            if !units.have_parameter_sets() && !asked.swap(true, Ordering::SeqCst) {
                pad.push_event(gst_video::UpstreamForceKeyUnitEvent::builder().build());
            }
            gst::PadProbeReturn::Ok
        });
        let parsed = parse.static_pad("src").unwrap();
        parsed.add_probe(gst::PadProbeType::BUFFER, move |_, info| {
            let frame = info.buffer().unwrap();
            if !frame.flags().contains(gst::BufferFlags::DELTA_UNIT) {
                keyframes.fetch_add(1, Ordering::SeqCst);
            }
            gst::PadProbeReturn::Ok
        });
    }
    pipeline.add(&bin).unwrap();
    bin.sync_state_with_parent().unwrap();
    pad.link(&bin.static_pad("sink").unwrap()).unwrap();
}

/// What the packets of this pad say of themselves.
fn kind_of(pad: &gst::Pad, field: &str) -> Option<String> {
    let caps = pad.current_caps()?;
    caps.structure(0)?.get::<String>(field).ok()
}

fn listen(
    pipeline: &gst::Pipeline,
    pad: &gst::Pad,
    heard: Arc<Mutex<Vec<Block>>>,
    beeps: Edges,
    opus: Pieces,
) {
    let text = "queue ! rtpopusdepay ! opusdec name=decode ! audioconvert \
        ! audio/x-raw,format=S16LE,channels=2,rate=48000 ! fakesink name=out sync=false";
    let bin = gst::parse::bin_from_description(text, true).unwrap();
    let packets = bin.by_name("decode").unwrap().static_pad("sink").unwrap();
    packets.add_probe(gst::PadProbeType::BUFFER, move |_, info| {
        opus.note(&info.buffer().unwrap().map_readable().unwrap());
        gst::PadProbeReturn::Ok
    });
    let out = bin.by_name("out").unwrap().static_pad("sink").unwrap();
    out.add_probe(gst::PadProbeType::BUFFER, move |_, info| {
        let block = info.buffer().unwrap();
        let samples = block.map_readable().unwrap();
        for (number, both) in samples.chunks_exact(4).enumerate() {
            let loud = i16::from_le_bytes([both[0], both[1]]).unsigned_abs() > 2000;
            let into = gst::ClockTime::from_nseconds(number as u64 * 1_000_000_000 / 48_000);
            beeps.note(block.pts().unwrap() + into, loud);
        }
        heard.lock().unwrap().push(Block::of(&samples));
        NEWS.notify_waiters();
        gst::PadProbeReturn::Ok
    });
    pipeline.add(&bin).unwrap();
    bin.sync_state_with_parent().unwrap();
    pad.link(&bin.static_pad("sink").unwrap()).unwrap();
}
