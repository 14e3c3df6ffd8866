//! What comes in: frames and sound, and how much of them.

use std::{sync::atomic::Ordering, time::Instant};

use gst::prelude::*;

use super::Pipeline;
use crate::{encoder::EncoderKind, stats::Counts};

impl Pipeline {
    /// Takes a frame that was captured at this time of the system clock.
    pub fn push(&self, frame: &gst::Sample, taken: gst::ClockTime) {
        self.frames_in.send_modify(|count| *count += 1);
        let first = self.frames_in() == 1;
        // The first frame always goes through: it makes the encoder set itself up, which the
        // first viewer then need not wait for.
        if !first && self.watching.load(Ordering::Relaxed) == 0 {
            return;
        }
        let Some(sample) = self.timed(frame, taken) else {
            return;
        };
        if self.keyframe_requests.answer(Instant::now()) {
            self.encoder.force_keyframe();
        }
        self.encoder.push(&sample);
        self.frames_encoded.fetch_add(1, Ordering::Relaxed);
    }

    /// Takes sound that was captured at this time of the system clock.
    pub fn push_audio(&self, sound: &gst::Sample, taken: gst::ClockTime) {
        self.audio.blocks_in().send_modify(|count| *count += 1);
        // There is a microphone after all.
        self.offer_audio();
        if self.watching.load(Ordering::Relaxed) == 0 {
            return;
        }
        if let Some(sample) = self.timed(sound, taken) {
            self.audio.push(&sample);
        }
    }

    /// What is to be encoded, by the time of this pipeline.
    fn timed(&self, sample: &gst::Sample, taken: gst::ClockTime) -> Option<gst::Sample> {
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

    /// How many of them went to the encoder.
    pub fn frames_encoded(&self) -> u64 {
        self.frames_encoded.load(Ordering::Relaxed)
    }

    /// What has gone through so far.
    pub(crate) fn counts(&self) -> Counts {
        let encoded = self.encoder.encoded();
        Counts {
            frames_in: self.frames_in(),
            frames_out: encoded.frames,
            bytes_out: encoded.bytes,
            encoding: encoded.time,
        }
    }

    /// How many kilobits of pictures a second there may be.
    pub fn kbits(&self) -> u32 {
        self.encoder.kbits()
    }

    /// How many kilobits of pictures a second there may be from now on.
    pub fn set_kbits(&self, kbits: u32) {
        self.encoder.set_kbits(kbits);
    }

    /// Which encoder runs now: none while the next one starts.
    pub fn encoder(&self) -> Option<EncoderKind> {
        self.encoder.running()
    }

    /// How many GStreamer elements there are, to see that none is left behind.
    pub fn elements(&self) -> usize {
        self.pipeline.children().len()
    }
}
