//! Encoders that stand in for chips that are not here: x264enc, with a fault.

use std::{
    sync::{
        Mutex, OnceLock,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use gst::{glib, prelude::*, subclass::prelude::*};
use sightline_camera::encoder::{EncoderKind, Setting};

/// What is wrong with a stand-in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Nothing.
    None,
    /// It cannot be started, like one whose device is busy.
    FailsToStart,
    /// It does not come back when it is started, like one whose driver hangs.
    HangsAtStart,
    /// It fails after 50 frames.
    FailsLater,
    /// It makes nothing more after 50 frames, and does not say why.
    FallsSilent,
    /// It holds 10 frames back.
    Delays,
    /// It holds 10 frames back from the 50th on.
    FallsBehind,
    /// It takes 200 ms for each frame.
    IsSlow,
    /// It makes keyframes when it likes to.
    IgnoresRequests,
}

/// After so many frames what fails later fails.
const LATER: u64 = 50;

/// Makes it known to GStreamer, and says what the camera has to know of it.
pub(crate) fn stand_in(fault: Fault) -> EncoderKind {
    static NAMES: Mutex<Vec<(Fault, &str)>> = Mutex::new(Vec::new());
    gst::init().unwrap();
    let mut names = NAMES.lock().unwrap();
    let known = names.iter().find(|(known, _)| *known == fault);
    let element = known.map(|(_, element)| *element).unwrap_or_else(|| {
        let element: &str = format!("standin{fault:?}").to_lowercase().leak();
        gst::Element::register(None, element, gst::Rank::NONE, StandIn::static_type()).unwrap();
        names.push((fault, element));
        element
    });
    let fault: &str = format!("{fault:?}").leak();
    EncoderKind {
        element,
        is_hardware: true,
        settings: vec![("fault", Setting::Is(fault))].leak(),
        ..x264()
    }
}

/// The one that is as it should be.
pub(crate) fn x264() -> EncoderKind {
    "x264enc".parse().unwrap()
}

glib::wrapper! {
    struct StandIn(ObjectSubclass<Faulty>) @extends gst::Bin, gst::Element, gst::Object;
}

#[derive(Default)]
struct Faulty {
    fault: OnceLock<String>,
    frames: AtomicU64,
}

impl Faulty {
    fn has(&self, fault: Fault) -> bool {
        self.fault
            .get()
            .is_some_and(|is| *is == format!("{fault:?}"))
    }

    fn hold_back(&self) {
        let queue = self.obj().by_name("queue").unwrap();
        queue.set_property("min-threshold-buffers", 10_u32);
    }

    /// With each frame that comes in; whether it is encoded.
    fn takes_frame(&self) -> bool {
        let frames = self.frames.fetch_add(1, Ordering::SeqCst) + 1;
        if self.has(Fault::IsSlow) {
            std::thread::sleep(Duration::from_millis(200));
        }
        if self.has(Fault::FailsLater) && frames > LATER {
            gst::element_imp_error!(self, gst::ResourceError::Failed, ["the chip is gone"]);
        }
        if self.has(Fault::FallsBehind) && frames == LATER {
            self.hold_back();
        }
        !(self.has(Fault::FallsSilent) && frames > LATER)
    }
}

#[glib::object_subclass]
impl ObjectSubclass for Faulty {
    const NAME: &'static str = "SightlineStandIn";
    type Type = StandIn;
    type ParentType = gst::Bin;
}

impl ObjectImpl for Faulty {
    fn properties() -> &'static [glib::ParamSpec] {
        static ALL: OnceLock<Vec<glib::ParamSpec>> = OnceLock::new();
        ALL.get_or_init(|| vec![glib::ParamSpecString::builder("fault").build()])
    }

    fn set_property(&self, _: usize, value: &glib::Value, _: &glib::ParamSpec) {
        self.fault.set(value.get().unwrap()).unwrap();
        if self.has(Fault::Delays) {
            self.hold_back();
        }
    }

    fn constructed(&self) {
        self.parent_constructed();
        let text = "x264enc name=encode tune=zerolatency speed-preset=ultrafast bframes=0 \
            key-int-max=60 ! queue name=queue";
        let inner = gst::parse::bin_from_description(text, true).unwrap();
        self.obj().add(&inner).unwrap();
        let weak = self.downgrade();
        for name in ["sink", "src"] {
            let inner = inner.static_pad(name).unwrap();
            let template = self.obj().pad_template(name).unwrap();
            let pad = gst::GhostPad::from_template_with_target(&template, &inner).unwrap();
            self.obj().add_pad(&pad).unwrap();
        }
        let sink = self.obj().static_pad("sink").unwrap();
        sink.add_probe(gst::PadProbeType::BUFFER, move |_, info| {
            if weak.upgrade().is_none_or(|this| this.takes_frame()) {
                return gst::PadProbeReturn::Ok;
            }
            // GStreamer 1.22 releases twice what is dropped.
            info.data = None;
            gst::PadProbeReturn::Handled
        });
        let weak = self.downgrade();
        let src = self.obj().static_pad("src").unwrap();
        src.add_probe(gst::PadProbeType::EVENT_UPSTREAM, move |_, info| {
            let ignores = weak
                .upgrade()
                .is_some_and(|this| this.has(Fault::IgnoresRequests));
            if ignores
                && info
                    .event()
                    .is_some_and(|event| gst_video::ForceKeyUnitEvent::is(event))
            {
                info.data = None;
                return gst::PadProbeReturn::Handled;
            }
            gst::PadProbeReturn::Ok
        });
    }
}

impl GstObjectImpl for Faulty {}

impl ElementImpl for Faulty {
    fn metadata() -> Option<&'static gst::subclass::ElementMetadata> {
        static METADATA: OnceLock<gst::subclass::ElementMetadata> = OnceLock::new();
        Some(METADATA.get_or_init(|| {
            let (name, what) = ("A stand-in", "Codec/Encoder/Video");
            gst::subclass::ElementMetadata::new(name, what, "x264enc with a fault", "the tests")
        }))
    }

    fn pad_templates() -> &'static [gst::PadTemplate] {
        static ALL: OnceLock<Vec<gst::PadTemplate>> = OnceLock::new();
        ALL.get_or_init(|| {
            let of = |name, direction, caps| {
                let caps = gst::Caps::builder(caps).build();
                gst::PadTemplate::new(name, direction, gst::PadPresence::Always, &caps).unwrap()
            };
            vec![
                of("sink", gst::PadDirection::Sink, "video/x-raw"),
                of("src", gst::PadDirection::Src, "video/x-h264"),
            ]
        })
    }

    fn change_state(
        &self,
        change: gst::StateChange,
    ) -> Result<gst::StateChangeSuccess, gst::StateChangeError> {
        if change == gst::StateChange::NullToReady {
            if self.has(Fault::HangsAtStart) {
                std::thread::sleep(Duration::from_secs(600));
            }
            if self.has(Fault::FailsToStart) {
                gst::element_imp_error!(self, gst::ResourceError::Busy, ["the chip is busy"]);
                return Err(gst::StateChangeError);
            }
        }
        self.parent_change_state(change)
    }
}

impl BinImpl for Faulty {}
