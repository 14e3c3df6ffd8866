//! A viewer made of GStreamer: answers an offer, decodes the pictures and counts them.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicU64, Ordering},
};

use gst::{glib, prelude::*};
use gst_webrtc::{WebRTCICEGatheringState, WebRTCSDPType, WebRTCSessionDescription};
use tokio::sync::watch;

use crate::rig::{NEWS, eventually};

/// A viewer; leaves without a word when dropped.
pub(crate) struct Peer {
    pipeline: gst::Pipeline,
    frames: Arc<AtomicU64>,
    keyframes: Arc<AtomicU64>,
    /// Where packets come out, to ask for keyframes there.
    video: Arc<Mutex<Option<gst::Pad>>>,
    /// The answer to the offer it was made from.
    pub(crate) answer: String,
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.pipeline.set_state(gst::State::Null);
    }
}

impl Peer {
    pub(crate) async fn answering(offer: &str) -> Self {
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
        let (counter, key_counter, entry) = (frames.clone(), keyframes.clone(), video.clone());
        webrtc.connect_pad_added(move |_, pad| {
            if let Some(pipeline) = weak.upgrade()
                && pad.direction() == gst::PadDirection::Src
            {
                *entry.lock().unwrap() = Some(pad.clone());
                decode(&pipeline, pad, counter.clone(), key_counter.clone());
            }
        });
        pipeline.set_state(gst::State::Playing).unwrap();
        let answer = negotiate(&webrtc, offer).await;
        Self {
            pipeline,
            frames,
            keyframes,
            video,
            answer,
        }
    }

    /// How many pictures were decoded.
    pub(crate) fn frames(&self) -> u64 {
        self.frames.load(Ordering::SeqCst)
    }

    /// How many of them needed no other.
    pub(crate) fn keyframes(&self) -> u64 {
        self.keyframes.load(Ordering::SeqCst)
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

    /// Waits until more pictures than this have come on top of those that are there.
    pub(crate) async fn sees(&self, more: u64) {
        let enough = self.frames() + more;
        let look = async || self.frames();
        eventually("pictures at the viewer", look, |frames| *frames >= enough).await;
    }
}

async fn negotiate(webrtc: &gst::Element, offer: &str) -> String {
    let (sender, mut gathered) = watch::channel(false);
    webrtc.connect_notify(Some("ice-gathering-state"), move |webrtc, _| {
        let state: WebRTCICEGatheringState = webrtc.property("ice-gathering-state");
        let _ = sender.send(state == WebRTCICEGatheringState::Complete);
    });
    let offer = gst_sdp::SDPMessage::parse_buffer(offer.as_bytes()).unwrap();
    let offer = WebRTCSessionDescription::new(WebRTCSDPType::Offer, offer);
    let (promise, done) = gst::Promise::new_future();
    webrtc.emit_by_name::<()>("set-remote-description", &[&offer, &promise]);
    done.await.unwrap();
    let (promise, reply) = gst::Promise::new_future();
    webrtc.emit_by_name::<()>("create-answer", &[&None::<gst::Structure>, &promise]);
    let reply = reply.await.unwrap().unwrap();
    let answer = reply.get::<WebRTCSessionDescription>("answer").unwrap();
    webrtc.emit_by_name::<()>("set-local-description", &[&answer, &None::<gst::Promise>]);
    gathered.wait_for(|complete| *complete).await.unwrap();
    let local: WebRTCSessionDescription = webrtc.property("local-description");
    local.sdp().as_text().unwrap()
}

fn decode(
    pipeline: &gst::Pipeline,
    pad: &gst::Pad,
    frames: Arc<AtomicU64>,
    keyframes: Arc<AtomicU64>,
) {
    let codec = pad
        .current_caps()
        .and_then(|caps| caps.structure(0)?.get::<String>("encoding-name").ok());
    let chain = match codec.as_deref() {
        Some("VP8") => "rtpvp8depay ! vp8dec",
        _ => "rtph264depay ! h264parse name=parse ! avdec_h264",
    };
    let text = format!("queue ! {chain} ! fakesink name=out sync=false");
    let bin = gst::parse::bin_from_description(&text, true).unwrap();
    let out = bin.by_name("out").unwrap().static_pad("sink").unwrap();
    out.add_probe(gst::PadProbeType::BUFFER, move |_, _| {
        frames.fetch_add(1, Ordering::SeqCst);
        NEWS.notify_waiters();
        gst::PadProbeReturn::Ok
    });
    if let Some(parse) = bin.by_name("parse") {
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
