//! What comes in: frames and sound, and how much of them.

use std::time::Instant;

use gst::prelude::*;
use tokio::sync::watch;

use super::{Pipeline, video::VideoTrack};
use crate::{
    encoder::{Encoded, EncoderKind},
    stats::Counts,
};

impl Pipeline {
    /// Takes a frame that was captured at this time of the system clock.
    pub fn push(&self, frame: &gst::Sample, taken: gst::ClockTime) {
        self.frames_in.send_modify(|count| *count += 1);
        let first = self.frames_in() == 1;
        // The first frame always goes through: it makes the encoder set itself up, which the
        // first viewer then need not wait for.
        if !first && !self.is_watched() {
            return;
        }
        let Some(sample) = self.timed(frame, taken) else {
            return;
        };
        let now = Instant::now();
        for track in &self.tracks {
            if first || track.is_watched() {
                track.push(&sample, now);
            }
        }
    }

    /// Takes sound that was captured at this time of the system clock.
    pub fn push_audio(&self, sound: &gst::Sample, taken: gst::ClockTime) {
        self.audio.blocks_in().send_modify(|count| *count += 1);
        // There is a microphone after all.
        self.offer_audio();
        if !self.is_watched() {
            return;
        }
        if let Some(sample) = self.timed(sound, taken) {
            self.audio.push(&sample);
        }
    }

    /// The same, encoded in Opus already.
    pub fn push_opus(&self, sound: &gst::Sample, taken: gst::ClockTime) {
        self.audio.blocks_in().send_modify(|count| *count += 1);
        self.offer_audio();
        if !self.is_watched() {
            return;
        }
        if let Some(sample) = self.timed(sound, taken) {
            self.audio.push_opus(&sample);
        }
    }

    /// The same by the time of this pipeline.
    pub(super) fn timed(&self, sample: &gst::Sample, taken: gst::ClockTime) -> Option<gst::Sample> {
        let pts = taken.checked_sub(self.pipeline.base_time()?)?;
        let mut buffer = sample.buffer_owned()?;
        {
            let buffer = buffer.make_mut();
            buffer.set_pts(pts);
            buffer.set_dts(gst::ClockTime::NONE);
        }
        let caps = sample.caps_owned()?;
        Some(gst::Sample::builder().caps(&caps).buffer(&buffer).build())
    }

    /// From now on offers speak of sound.
    pub fn offer_audio(&self) {
        self.audio.offer();
    }

    /// Tells whoever has made an offer that another would speak of sound.
    pub(crate) fn audio_offered(&self) -> watch::Receiver<bool> {
        self.audio.offered()
    }

    /// How many blocks of sound have come.
    pub fn audio_blocks_in(&self) -> u64 {
        *self.audio.blocks_in().borrow()
    }

    /// Waits until so many have.
    pub async fn has_taken_in_audio(&self, blocks: u64) {
        let mut count = self.audio.blocks_in().subscribe();
        // It cannot end while we have it.
        let _ = count.wait_for(|count| *count >= blocks).await;
    }

    /// How many frames the source has delivered.
    pub fn frames_in(&self) -> u64 {
        *self.frames_in.borrow()
    }

    /// Waits until the source has delivered so many.
    pub async fn has_taken_in(&self, frames: u64) {
        let mut count = self.frames_in.subscribe();
        // It cannot end while we have it.
        let _ = count.wait_for(|count| *count >= frames).await;
    }

    /// How many of them were encoded, or passed on as they were, by the codec that is preferred.
    pub fn frames_encoded(&self) -> u64 {
        self.tracks[0].pushed()
    }

    /// What has gone through so far.
    pub(crate) fn counts(&self) -> Counts {
        let mut encoded = Encoded::default();
        self.tracks
            .iter()
            .for_each(|track| encoded += track.encoded());
        Counts {
            frames_in: self.frames_in(),
            frames_out: encoded.frames,
            bytes_out: encoded.bytes,
            encoding: encoded.time,
        }
    }

    /// How many kilobits of pictures a second there may be, by all encoders that are watched.
    pub fn kbits(&self) -> u32 {
        let watched = self.tracks.iter().filter(|track| track.is_watched());
        let all = watched.map(VideoTrack::kbits).sum();
        if all == 0 {
            self.tracks[0].kbits()
        } else {
            all
        }
    }

    /// How many kilobits of pictures a second each encoder may make from now on.
    pub fn set_kbits(&self, kbits: u32) {
        self.tracks.iter().for_each(|track| track.set_kbits(kbits));
    }

    /// Which encoder runs now, of the codec that is preferred: none while the next one starts.
    pub fn encoder(&self) -> Option<EncoderKind> {
        self.tracks[0].encoder()
    }

    /// All that run now.
    pub fn encoders(&self) -> Vec<EncoderKind> {
        self.tracks.iter().filter_map(VideoTrack::encoder).collect()
    }

    /// How many GStreamer elements there are, to see that none is left behind.
    pub fn elements(&self) -> usize {
        self.pipeline.children().len()
    }
}
