//! What the runner is told, one line of JSON for each event.

use std::{
    sync::{
        OnceLock,
        atomic::{AtomicI32, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use gst::glib;
use serde::Serialize;

/// How often it is told how many frames there were, from the first one on.
const COUNTED: Duration = Duration::from_secs(5);

/// How often it is told how many there are so far, and how large the last one is.
const DECODED: Duration = Duration::from_millis(300);

#[derive(Serialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
enum Event<'a> {
    Starting,
    Connected {
        at: f64,
    },
    FirstFrame {
        at: f64,
    },
    Counted {
        video: u64,
        audio: u64,
    },
    Decoded {
        frames: u64,
        width: i32,
        height: i32,
    },
    Keyframe,
    Failed {
        why: &'a str,
    },
}

fn tell(event: &Event<'_>) {
    if let Ok(line) = serde_json::to_string(event) {
        println!("{line}");
    }
}

/// Tells why the program cannot go on.
pub(crate) fn failed(why: &str) {
    tell(&Event::Failed { why });
}

/// The publisher's encoder has made a picture that needs no other.
pub(crate) fn keyframe() {
    tell(&Event::Keyframe);
}

/// What has happened so far.
#[derive(Default)]
pub(crate) struct Report {
    started: OnceLock<Instant>,
    video: AtomicU64,
    audio: AtomicU64,
    width: AtomicI32,
    height: AtomicI32,
}

impl Report {
    /// The program is loaded and sets out to connect; all times count from here.
    pub(crate) fn starting(&self) {
        self.started.get_or_init(Instant::now);
        tell(&Event::Starting);
    }

    /// ICE and DTLS are through.
    pub(crate) fn connected(&self) {
        let at = self.seconds();
        tell(&Event::Connected { at });
    }

    /// Some sound was decoded.
    pub(crate) fn sound(&self) {
        self.audio.fetch_add(1, Ordering::Relaxed);
    }

    /// Pictures are of this size from now on.
    pub(crate) fn size(&self, width: i32, height: i32) {
        self.width.store(width, Ordering::Relaxed);
        self.height.store(height, Ordering::Relaxed);
    }

    /// A picture was decoded. The first one starts the count.
    pub(crate) fn picture(self: &std::sync::Arc<Self>) {
        if self.video.fetch_add(1, Ordering::Relaxed) > 0 {
            return;
        }
        let at = self.seconds();
        tell(&Event::FirstFrame { at });
        let report = self.clone();
        glib::timeout_add(DECODED, move || {
            tell(&Event::Decoded {
                frames: report.video.load(Ordering::Relaxed),
                width: report.width.load(Ordering::Relaxed),
                height: report.height.load(Ordering::Relaxed),
            });
            glib::ControlFlow::Continue
        });
        let (report, sound_before) = (self.clone(), self.audio.load(Ordering::Relaxed));
        glib::timeout_add(COUNTED, move || {
            tell(&Event::Counted {
                video: report.video.load(Ordering::Relaxed),
                audio: report.audio.load(Ordering::Relaxed) - sound_before,
            });
            glib::ControlFlow::Continue
        });
    }

    fn seconds(&self) -> f64 {
        let started = self.started.get_or_init(Instant::now);
        (started.elapsed().as_secs_f64() * 1000.0).round() / 1000.0
    }
}
