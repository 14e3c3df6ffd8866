//! A webcam that encodes by itself. It stands in for `v4l2src`, so this test has a process of its own.

#![expect(clippy::unwrap_used, reason = "an unwrap in a test is an assertion")]
#![allow(dead_code, reason = "the other test program uses the rest")]

#[path = "camera/endpoint.rs"]
mod endpoint;
#[path = "camera/measures.rs"]
mod measures;
#[path = "camera/offers.rs"]
mod offers;
#[path = "camera/peer.rs"]
mod peer;
#[path = "camera/pieces.rs"]
mod pieces;
#[path = "camera/rig.rs"]
mod rig;
#[path = "camera/tls.rs"]
mod tls;

use std::sync::{Arc, OnceLock};

use endpoint::{Endpoint, Reply, Waiting};
use gst::{glib, prelude::*, subclass::prelude::*};
use offers::without;
use peer::Peer;
use pieces::Pieces;
use rig::{Camera, FORMAT, eventually, whip};
use sightline_camera::{
    audio::Audio, capacity::Capacity, capture, pipeline::Pipeline, proofs::Proofs, source::Source,
};

/// What the stand-in has encoded.
static MADE: OnceLock<Pieces> = OnceLock::new();

glib::wrapper! {
    struct Webcam(ObjectSubclass<Uvc>) @extends gst::Bin, gst::Element, gst::Object;
}

#[derive(Default)]
struct Uvc;

#[glib::object_subclass]
impl ObjectSubclass for Uvc {
    const NAME: &'static str = "SightlineWebcam";
    type Type = Webcam;
    type ParentType = gst::Bin;
}

impl ObjectImpl for Uvc {
    fn properties() -> &'static [glib::ParamSpec] {
        static ALL: OnceLock<Vec<glib::ParamSpec>> = OnceLock::new();
        ALL.get_or_init(|| vec![glib::ParamSpecString::builder("device").build()])
    }

    fn set_property(&self, _: usize, _: &glib::Value, _: &glib::ParamSpec) {}

    fn constructed(&self) {
        self.parent_constructed();
        let text = "videotestsrc is-live=true pattern=ball ! video/x-raw,format=I420 \
            ! x264enc tune=zerolatency speed-preset=ultrafast bitrate=500 key-int-max=30 \
            ! capsfilter caps=video/x-h264,stream-format=byte-stream,alignment=au,profile=constrained-baseline";
        let inner = gst::parse::bin_from_description(text, true).unwrap();
        self.obj().add(&inner).unwrap();
        let src = inner.static_pad("src").unwrap();
        let template = self.obj().pad_template("src").unwrap();
        let pad = gst::GhostPad::from_template_with_target(&template, &src).unwrap();
        pad.add_probe(gst::PadProbeType::BUFFER, |_, info| {
            let picture = info.buffer().unwrap().map_readable().unwrap();
            MADE.get_or_init(Pieces::default).note_units(&picture);
            gst::PadProbeReturn::Ok
        });
        self.obj().add_pad(&pad).unwrap();
    }
}

impl GstObjectImpl for Uvc {}

impl ElementImpl for Uvc {
    fn metadata() -> Option<&'static gst::subclass::ElementMetadata> {
        static METADATA: OnceLock<gst::subclass::ElementMetadata> = OnceLock::new();
        Some(METADATA.get_or_init(|| {
            let (name, what) = ("A stand-in", "Source/Video");
            gst::subclass::ElementMetadata::new(name, what, "A webcam with H.264", "the tests")
        }))
    }

    fn pad_templates() -> &'static [gst::PadTemplate] {
        static ALL: OnceLock<Vec<gst::PadTemplate>> = OnceLock::new();
        ALL.get_or_init(|| {
            let caps = gst::Caps::builder("video/x-h264").build();
            let (direction, presence) = (gst::PadDirection::Src, gst::PadPresence::Always);
            vec![gst::PadTemplate::new("src", direction, presence, &caps).unwrap()]
        })
    }
}

impl BinImpl for Uvc {}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_webcam_has_encoded_is_passed_on() {
    gst::init().unwrap();
    // The real one, which is found by this name, gives way.
    gst::Element::register(None, "v4l2src", gst::Rank::NONE, Webcam::static_type()).unwrap();
    // A device that is there.
    let source: Source = "v4l2:/dev/null".parse().unwrap();
    let stream = capture::find_webcam(source.clone(), FORMAT).await.unwrap();
    let pipeline = Pipeline::start_passing(&stream, None, FORMAT, 500).unwrap();
    let to = Arc::downgrade(&pipeline);
    tokio::spawn(capture::run(source, Audio::Off, FORMAT, to));
    let capacity = Capacity {
        viewers: 4,
        direct_only: false,
    };
    let mut endpoint = Endpoint::start().await;
    let whip = whip(&endpoint, capacity);
    let camera = Camera::find_viewers(whip, Proofs::None, capacity, pipeline);

    let Waiting { offer, reply, .. } = endpoint.offer().await;
    let viewer = Peer::answering(&offer).await;
    assert!(reply.send(Reply::Answer(viewer.answer.clone())).is_ok());
    viewer.sees(30).await;
    assert!(camera.pipeline.encoders().is_empty());
    let is_slice = |unit: &&Vec<u8>| matches!(unit[0] & 31, 1 | 5);
    let (got, made) = (viewer.units.all(), MADE.get().unwrap().all());
    let slices: Vec<_> = got.iter().filter(is_slice).take(30).collect();
    assert!(slices.iter().all(|slice| made.contains(slice)));

    // Who cannot decode it has it encoded.
    let Waiting { offer, reply, .. } = endpoint.offer().await;
    let other = Peer::answering(&without(&offer, "H264")).await;
    assert!(reply.send(Reply::Answer(other.answer.clone())).is_ok());
    other.sees(10).await;
    assert_eq!(other.codec().as_deref(), Some("VP8"));
    endpoint.leave("1").await;
    let encoders = async || camera.pipeline.encoders().len();
    eventually("no encoder", encoders, |left| *left == 0).await;
    viewer.sees(10).await;
}
