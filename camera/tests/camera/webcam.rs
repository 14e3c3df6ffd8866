//! A webcam that stands in for one that is not here: to the camera it is `v4l2src`, and its device is
//! a file.

use std::{
    collections::HashMap,
    fs,
    path::PathBuf,
    sync::{Mutex, Once, OnceLock},
};

use gst::{glib, prelude::*, subclass::prelude::*};
use tempfile::TempDir;

use crate::rig::eventually;

/// What has come of each device.
static USES: Mutex<Option<HashMap<String, Use>>> = Mutex::new(None);

#[derive(Debug, Clone, Copy, Default)]
struct Use {
    frames: u64,
    /// How often it could not be used.
    faults: u64,
}

/// What is wrong with one that is there: what is in its file.
pub(crate) const NOTHING: &str = "";
pub(crate) const BUSY: &str = "busy";
/// It gives no pictures, and does not say why.
pub(crate) const SILENT: &str = "silent";

/// A place to plug one in; without it when dropped.
pub(crate) struct Webcam {
    path: PathBuf,
    _directory: Option<TempDir>,
}

impl Drop for Webcam {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
    }
}

impl Webcam {
    /// Not plugged in.
    pub(crate) fn absent() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let mut this = Self::at(directory.path().join("video0"));
        this._directory = Some(directory);
        this
    }

    /// The same, by this name.
    pub(crate) fn at(path: PathBuf) -> Self {
        static KNOWN: Once = Once::new();
        gst::init().unwrap();
        // It takes the place of GStreamer's own.
        KNOWN.call_once(|| {
            let kind = StandIn::static_type();
            gst::Element::register(None, "v4l2src", gst::Rank::NONE, kind).unwrap();
        });
        Self {
            path,
            _directory: None,
        }
    }

    /// As `--source` takes it.
    pub(crate) fn source(&self) -> String {
        format!("v4l2:{}", self.path.display())
    }

    /// It is there from now on, with this fault.
    pub(crate) fn plug_in(&self, fault: &str) {
        fs::write(&self.path, fault).unwrap();
    }

    pub(crate) fn unplug(&self) {
        fs::remove_file(&self.path).unwrap();
    }

    /// Waits until it could not be used so often.
    pub(crate) async fn until_missed(&self, times: u64) {
        let look = async || self.used();
        eventually("the fault is met", look, |used| used.faults >= times).await;
    }

    /// Waits for more frames of it.
    pub(crate) async fn until_shown(&self) {
        let before = self.used().frames;
        let look = async || self.used();
        eventually("frames of the webcam", look, |used| used.frames > before).await;
    }

    fn used(&self) -> Use {
        let uses = USES.lock().unwrap();
        let path = self.path.to_str().unwrap();
        let known = uses.as_ref().and_then(|uses| uses.get(path));
        known.copied().unwrap_or_default()
    }
}

glib::wrapper! {
    struct StandIn(ObjectSubclass<Device>) @extends gst::Bin, gst::Element, gst::Object;
}

#[derive(Default)]
struct Device {
    path: OnceLock<String>,
}

impl Device {
    /// What is in its file; nothing if it is not there.
    fn fault(&self) -> Option<String> {
        fs::read_to_string(self.path.get()?).ok()
    }

    fn note(&self, what: impl Fn(&mut Use)) {
        let path = self.path.get().cloned().unwrap_or_default();
        let mut uses = USES.lock().unwrap();
        what(uses.get_or_insert_default().entry(path).or_default());
    }

    /// With each frame; whether there is one.
    fn gives_frame(&self) -> bool {
        match self.fault().as_deref() {
            None => {
                self.note(|used| used.faults += 1);
                // As v4l2src says it.
                gst::element_imp_error!(
                    self,
                    gst::ResourceError::Read,
                    ["Could not read from resource."]
                );
                false
            }
            Some(SILENT) => false,
            Some(_) => {
                self.note(|used| used.frames += 1);
                true
            }
        }
    }
}

#[glib::object_subclass]
impl ObjectSubclass for Device {
    const NAME: &'static str = "SightlineWebcam";
    type Type = StandIn;
    type ParentType = gst::Bin;
}

impl ObjectImpl for Device {
    fn properties() -> &'static [glib::ParamSpec] {
        static ALL: OnceLock<Vec<glib::ParamSpec>> = OnceLock::new();
        ALL.get_or_init(|| vec![glib::ParamSpecString::builder("device").build()])
    }

    fn set_property(&self, _: usize, value: &glib::Value, _: &glib::ParamSpec) {
        self.path.set(value.get().unwrap()).unwrap();
    }

    fn constructed(&self) {
        self.parent_constructed();
        let text = "videotestsrc is-live=true pattern=ball";
        let inner = gst::parse::bin_from_description(text, true).unwrap();
        self.obj().add(&inner).unwrap();
        let template = self.obj().pad_template("src").unwrap();
        let inner = inner.static_pad("src").unwrap();
        let pad = gst::GhostPad::from_template_with_target(&template, &inner).unwrap();
        let weak = self.downgrade();
        pad.add_probe(gst::PadProbeType::BUFFER, move |_, info| {
            if weak.upgrade().is_none_or(|this| this.gives_frame()) {
                return gst::PadProbeReturn::Ok;
            }
            // GStreamer 1.22 releases twice what is dropped.
            info.data = None;
            gst::PadProbeReturn::Handled
        });
        self.obj().add_pad(&pad).unwrap();
    }
}

impl GstObjectImpl for Device {}

impl ElementImpl for Device {
    fn metadata() -> Option<&'static gst::subclass::ElementMetadata> {
        static METADATA: OnceLock<gst::subclass::ElementMetadata> = OnceLock::new();
        Some(METADATA.get_or_init(|| {
            let (name, what) = ("A webcam", "Source/Video");
            gst::subclass::ElementMetadata::new(name, what, "Stands in for one", "Sightline")
        }))
    }

    fn pad_templates() -> &'static [gst::PadTemplate] {
        static TEMPLATES: OnceLock<Vec<gst::PadTemplate>> = OnceLock::new();
        TEMPLATES.get_or_init(|| {
            let caps = gst::Caps::new_empty_simple("video/x-raw");
            let (way, always) = (gst::PadDirection::Src, gst::PadPresence::Always);
            vec![gst::PadTemplate::new("src", way, always, &caps).unwrap()]
        })
    }

    fn change_state(
        &self,
        change: gst::StateChange,
    ) -> Result<gst::StateChangeSuccess, gst::StateChangeError> {
        if change == gst::StateChange::NullToReady {
            let fault = self.fault();
            if fault.as_deref().is_none_or(|fault| fault == BUSY) {
                self.note(|used| used.faults += 1);
                gst::element_imp_error!(self, gst::ResourceError::Busy, ["Device is busy"]);
                return Err(gst::StateChangeError);
            }
        }
        self.parent_change_state(change)
    }
}

impl BinImpl for Device {}
