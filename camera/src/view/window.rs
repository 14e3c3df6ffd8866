//! A window for the picture, and whatever plays sound here.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use gst::{glib, prelude::*};
use gst_app::AppSrc;
use tokio::sync::watch;

use super::{
    output::{OutputEnd, Packet},
    timeline::Timeline,
};
use crate::branch::Media;

/// From the moment that a packet leaves the jitter buffer until it is shown, at most.
const DECODING: &str = "250000000";

/// What may wait to be decoded.
const BUFFERED: u64 = 8 << 20;

/// Shows and plays what it is given.
#[derive(Debug)]
pub(super) struct Window {
    pipeline: gst::Pipeline,
    /// The way of each kind of media, once there was any. The lock guards only the list.
    ways: Arc<Mutex<HashMap<Media, Way>>>,
    end: watch::Sender<Option<OutputEnd>>,
}

#[derive(Debug)]
enum Way {
    Open {
        source: AppSrc,
        bin: gst::Bin,
        media_type: &'static str,
    },
    /// There is none: no loudspeaker, say.
    Closed,
}

impl Window {
    pub(super) fn open(
        timeline: &Timeline,
        end: watch::Sender<Option<OutputEnd>>,
    ) -> anyhow::Result<Self> {
        if !has_display() {
            anyhow::bail!(
                "there is no display to show a window on: neither DISPLAY nor WAYLAND_DISPLAY is \
                 set. --output FILE needs none"
            );
        }
        let pipeline = gst::Pipeline::new();
        timeline.keep(&pipeline);
        let ways = Arc::new(Mutex::new(HashMap::new()));
        read_messages(&pipeline, ways.clone(), end.clone());
        pipeline.set_state(gst::State::Playing)?;
        Ok(Self {
            pipeline,
            ways,
            end,
        })
    }

    pub(super) fn take(&self, packet: &Packet) {
        let Some(source) = self.way_of(packet) else {
            return;
        };
        let mut buffer = packet.buffer.copy();
        if let Some(buffer) = buffer.get_mut() {
            buffer.set_pts(packet.at);
            buffer.set_dts(gst::ClockTime::NONE);
        }
        let sample = gst::Sample::builder().buffer(&buffer).caps(&packet.caps);
        // What goes wrong is told by the bus.
        let _ = source.push_sample(&sample.build());
    }

    pub(super) fn close(&self) {
        let _ = self.pipeline.set_state(gst::State::Null);
    }

    /// Where a packet goes in; begins its way where there is none yet.
    fn way_of(&self, packet: &Packet) -> Option<AppSrc> {
        match lock(&self.ways).get(&packet.media()) {
            Some(Way::Closed) => return None,
            Some(Way::Open {
                source, media_type, ..
            }) if *media_type == packet.kind.media_type => return Some(source.clone()),
            _ => {}
        }
        // The lock is not held: what fails is told in this very thread.
        let begun = self.begin(packet);
        if let Err(error) = &begun {
            let why = OutputEnd::Failed(error.to_string());
            self.end.send_replace(Some(why));
        }
        begun.ok()
    }

    fn begin(&self, packet: &Packet) -> Result<AppSrc, glib::BoolError> {
        let rest = match packet.media() {
            Media::Video => "decodebin ! videoconvert ! autovideosink",
            Media::Audio => "decodebin ! audioconvert ! audioresample ! autoaudiosink",
        };
        let text = format!(
            "appsrc name=in is-live=true format=time min-latency={DECODING} \
             max-bytes={BUFFERED} leaky-type=downstream ! queue ! {rest}"
        );
        let bin = gst::parse::bin_from_description(&text, false);
        let bin = bin.map_err(|error| glib::bool_error!("{}", error))?;
        let source = bin.by_name("in").and_then(|it| it.downcast().ok());
        let source: AppSrc = source.ok_or_else(|| glib::bool_error!("no appsrc"))?;
        source.set_caps(Some(&packet.caps));
        self.pipeline.add(&bin)?;
        let way = Way::Open {
            source: source.clone(),
            bin: bin.clone(),
            media_type: packet.kind.media_type,
        };
        let before = lock(&self.ways).insert(packet.media(), way);
        if let Some(Way::Open { bin, .. }) = before {
            discard(&self.pipeline, bin);
        }
        // Whether it works is told by the bus.
        let _ = bin.sync_state_with_parent();
        Ok(source)
    }
}

fn lock(ways: &Mutex<HashMap<Media, Way>>) -> MutexGuard<'_, HashMap<Media, Way>> {
    ways.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Whether there is somewhere to show it: a desktop, or a screen that the kernel knows. Without one,
/// GStreamer tries DirectFB, which ends the process.
fn has_display() -> bool {
    let is_set = |name| std::env::var_os(name).is_some_and(|it| !it.is_empty());
    cfg!(not(target_os = "linux"))
        || is_set("DISPLAY")
        || is_set("WAYLAND_DISPLAY")
        || std::path::Path::new("/dev/dri").exists()
}

/// Stops a way in a thread of its own: this may be one of its own.
fn discard(pipeline: &gst::Pipeline, bin: gst::Bin) {
    let pipeline = pipeline.clone();
    std::thread::spawn(move || {
        bin.set_locked_state(true);
        let _ = bin.set_state(gst::State::Null);
        let _ = pipeline.remove(&bin);
    });
}

fn read_messages(
    pipeline: &gst::Pipeline,
    ways: Arc<Mutex<HashMap<Media, Way>>>,
    end: watch::Sender<Option<OutputEnd>>,
) {
    let Some(bus) = pipeline.bus() else {
        return;
    };
    let pipeline = pipeline.downgrade();
    bus.set_sync_handler(move |_, message| {
        let Some(pipeline) = pipeline.upgrade() else {
            return gst::BusSyncReply::Drop;
        };
        match message.view() {
            gst::MessageView::Latency(_) => {
                std::thread::spawn(move || pipeline.recalculate_latency());
            }
            gst::MessageView::Error(error) => {
                let why = error.error().to_string();
                tracing::debug!(?error, "window");
                let mut ways = lock(&ways);
                if concerns_sound(&ways, message.src()) {
                    tracing::warn!("no sound here: {why}");
                    if let Some(Way::Open { bin, .. }) = ways.insert(Media::Audio, Way::Closed) {
                        discard(&pipeline, bin);
                    }
                    return gst::BusSyncReply::Drop;
                }
                let is_closed = why.contains("window was closed");
                let why = match is_closed {
                    true => OutputEnd::Closed("the window was closed"),
                    false => OutputEnd::Failed(format!(
                        "no window can be shown here: {why}. --output FILE needs none"
                    )),
                };
                end.send_replace(Some(why));
            }
            gst::MessageView::Warning(warning) => {
                tracing::warn!("{}", warning.error());
            }
            _ => {}
        }
        gst::BusSyncReply::Drop
    });
}

fn concerns_sound(ways: &HashMap<Media, Way>, source: Option<&gst::Object>) -> bool {
    let Some(Way::Open { bin, .. }) = ways.get(&Media::Audio) else {
        return false;
    };
    source.is_some_and(|it| it.has_as_ancestor(bin))
}
