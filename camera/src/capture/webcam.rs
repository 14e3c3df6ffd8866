//! A webcam that encodes by itself, in H.264: what it gives goes to viewers as it is.

use std::{path::Path, sync::Weak};

use gst::prelude::*;

use super::{
    CaptureError,
    playback::{self, Capture},
};
use crate::{
    encoder::Codec,
    format::Format,
    pipeline::Pipeline,
    source::{Source, first_video_device},
    stream::Stream,
};

/// What it encodes, in this size and at this rate, if it does. Opens the device for a moment, which may
/// take its time.
pub(super) fn stream_of(source: &Source, format: Format) -> Option<Stream> {
    let source = element(source).ok()??;
    // It knows nothing of the device before.
    let can = source
        .set_state(gst::State::Ready)
        .ok()
        .and_then(|_| Some(source.static_pad("src")?.query_caps(None)));
    let _ = source.set_state(gst::State::Null);
    can?.can_intersect(&wanted(format)).then_some(Stream {
        codec: Codec::H264,
        profile_level_id: None,
        has_sound: false,
    })
}

/// With parameter sets before each keyframe.
pub(super) fn start(
    source: &Source,
    format: Format,
    to: &Weak<Pipeline>,
) -> Result<Capture, CaptureError> {
    let incomplete = |error: gst::glib::BoolError| CaptureError::Failed(error.to_string());
    let none = || CaptureError::Failed("it is no webcam".to_owned());
    let source = element(source).map_err(incomplete)?.ok_or_else(none)?;
    let text = format!(
        "capsfilter caps=\"{}\" ! h264parse config-interval=-1 \
         ! video/x-h264,stream-format=byte-stream,alignment=au ! appsink name=out",
        wanted(format)
    );
    let receiver = gst::parse::bin_from_description(&text, true).map_err(CaptureError::Build)?;
    let out = Capture::output_of(&receiver)?;
    out.set_sync(false);
    playback::pass_on(&out, to.clone());
    let pipeline = gst::Pipeline::new();
    let parts = [&source, receiver.upcast_ref()];
    pipeline.add_many(parts).map_err(incomplete)?;
    gst::Element::link_many(parts).map_err(incomplete)?;
    Ok(Capture::of(pipeline, false))
}

fn element(source: &Source) -> Result<Option<gst::Element>, gst::glib::BoolError> {
    let Source::V4l2(device) = source.resolve() else {
        return Ok(None);
    };
    let device = device.or_else(first_video_device);
    let Some(path) = device.as_deref().and_then(Path::to_str) else {
        return Ok(None);
    };
    let source = gst::ElementFactory::make("v4l2src").property("device", path);
    source.build().map(Some)
}

fn wanted(format: Format) -> gst::Caps {
    let Format { size, fps } = format;
    gst::Caps::builder("video/x-h264")
        .field("width", size.width as i32)
        .field("height", size.height as i32)
        .field("framerate", gst::Fraction::new(fps as i32, 1))
        .build()
}
