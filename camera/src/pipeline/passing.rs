//! What a source has encoded by itself goes to viewers as it is.
//!
//! Its codec may change while it runs, and it may turn out that its pictures cannot be passed on. So
//! what offers name is found anew each time, and whoever watches a codec that is no longer sent is
//! told (`ends_codec`).

use std::{
    sync::{Arc, Mutex, PoisonError},
    thread,
    time::Instant,
};

use super::{Pipeline, decoding::Decoding, video::VideoTrack};
use crate::{encoder::Codec, format::Format, stream::Stream};

/// Whether and how.
#[derive(Debug)]
pub(super) struct Passing {
    /// False where all is to be encoded here.
    is_wanted: bool,
    /// Of what is encoded again.
    format: Format,
    /// Guards what is in it, for as long as a picture takes to be handed over.
    source: Mutex<EncodingSource>,
}

/// A source that encodes by itself.
#[derive(Debug, Default)]
struct EncodingSource {
    codec: Option<Codec>,
    /// Runs while somebody watches another codec.
    decoding: Option<Decoding>,
}

impl Passing {
    pub(super) fn wanted(format: Format) -> Self {
        Self {
            is_wanted: true,
            format,
            source: Mutex::default(),
        }
    }

    pub(super) fn never(format: Format) -> Self {
        Self {
            is_wanted: false,
            ..Self::wanted(format)
        }
    }
}

impl Pipeline {
    /// Whether what a source has encoded is passed on.
    pub(crate) fn may_pass(&self) -> bool {
        self.passing.is_wanted
    }

    /// The source encodes nothing from now on.
    pub(crate) fn source_is_raw(self: &Arc<Self>) {
        self.tracks.iter().for_each(|track| track.pass(None));
        self.find_offered();
    }

    /// What the source encodes is like this from now on.
    pub fn source_encodes(self: &Arc<Self>, stream: &Stream) {
        {
            let source = self.passing.source.lock();
            let mut source = source.unwrap_or_else(PoisonError::into_inner);
            // By another one's parameters nothing can be decoded.
            *source = EncodingSource {
                codec: Some(stream.codec),
                decoding: None,
            };
        }
        let passed = |track: &VideoTrack| self.passing.is_wanted && track.codec == stream.codec;
        for track in &self.tracks {
            track.pass(passed(track).then(|| stream.clone()));
        }
        self.find_offered();
    }

    /// What the source encodes cannot be passed on: it is encoded again, for everybody. False where
    /// there is nothing to do that with.
    pub(crate) fn encode_again(self: &Arc<Self>) -> bool {
        if !self.tracks.iter().any(VideoTrack::can_encode) {
            return false;
        }
        self.tracks.iter().for_each(|track| track.pass(None));
        self.find_offered();
        true
    }

    /// Takes a picture that the source has encoded, which was captured at this time of the system
    /// clock. Whether the source is to make a keyframe.
    pub fn push_encoded(self: &Arc<Self>, picture: &gst::Sample, taken: gst::ClockTime) -> bool {
        self.frames_in.send_modify(|count| *count += 1);
        let first = self.frames_in() == 1;
        let Some(sample) = self.timed(picture, taken) else {
            return false;
        };
        let now = Instant::now();
        let mut is_asked = false;
        let mut passed = self.tracks.iter().filter(|track| track.passes());
        if let Some(track) = passed.next()
            && (first || track.is_watched())
        {
            is_asked = track.push_encoded(&sample, now);
        }
        self.decode(&sample) || is_asked
    }

    /// For those who cannot take it. Whether a keyframe is needed to begin.
    fn decode(self: &Arc<Self>, picture: &gst::Sample) -> bool {
        let needs_frames = |track: &VideoTrack| track.is_watched() && !track.passes();
        let is_needed = self.tracks.iter().any(needs_frames);
        let source = self.passing.source.lock();
        let mut source = source.unwrap_or_else(PoisonError::into_inner);
        if !is_needed || source.decoding.as_ref().is_some_and(Decoding::is_over) {
            source.decoding = None;
        }
        let Some(codec) = source.codec.filter(|_| is_needed) else {
            return false;
        };
        let decoding = source.decoding.get_or_insert_with(|| {
            tracing::info!(%codec, "what the source has encoded is decoded, for viewers who cannot take it");
            let to = Arc::downgrade(self);
            Decoding::start(self.passing.format, move |frame| {
                if let Some(pipeline) = to.upgrade() {
                    let now = Instant::now();
                    pipeline.tracks.iter().for_each(|track| track.push(frame, now));
                }
            })
        });
        decoding.push(picture)
    }

    /// What offers name: first what is passed on, then what can be encoded.
    fn find_offered(self: &Arc<Self>) {
        let passed = self.tracks.iter().filter(|track| track.passes());
        let encoded = self
            .tracks
            .iter()
            .filter(|track| !track.passes() && track.can_encode());
        let now: Vec<_> = passed.chain(encoded).map(VideoTrack::offered).collect();
        self.offered.send_if_modified(|offered| {
            let is_news = *offered != now;
            *offered = now;
            is_news
        });
        // Who watches what was passed on needs an encoder now. They are tried, which takes time.
        let this = Arc::downgrade(self);
        thread::spawn(move || {
            let Some(this) = this.upgrade() else { return };
            for track in this.tracks.iter().filter(|track| track.can_encode()) {
                if let Err(error) = track.start() {
                    tracing::warn!("{error}");
                }
            }
        });
    }
}
