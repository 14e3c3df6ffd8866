//! Who is sent what comes out: the branches at the tees.

use std::sync::{Arc, MutexGuard, PoisonError, Weak, atomic::Ordering};

use gst::prelude::*;
use tokio::sync::watch;

use super::{
    Pipeline, PipelineError,
    video::{Offered, VideoTrack},
};
use crate::{
    branch::{Branch, Connection, Media},
    encoder::Codec,
};

impl Pipeline {
    /// What there is to send, and what offers say of the packets of each.
    /// Of several codecs the first is the one to prefer.
    pub(crate) fn media(&self) -> Vec<(Media, gst::Caps)> {
        let mut pictures = gst::Caps::new_empty();
        for (place, offered) in self.offered.borrow().iter().enumerate() {
            pictures.merge(offered.rtp_caps.clone());
            if place > 0 {
                // webrtcbin does this for the first by itself.
                pictures.merge(self.track(offered.codec).retransmissions());
            }
        }
        let mut media = vec![(Media::Video, pictures)];
        if self.audio.is_offered() {
            media.push((Media::Audio, self.audio.rtp_caps.clone()));
        }
        media
    }

    /// What offers name, and every change of that.
    pub(crate) fn offered(&self) -> watch::Receiver<Vec<Offered>> {
        self.offered.subscribe()
    }

    /// What offers name first.
    pub(crate) fn first_codec(&self) -> Codec {
        let offered = self.offered.borrow();
        offered
            .first()
            .map_or(self.tracks[0].codec, |first| first.codec)
    }

    /// Waits until there are no pictures of this codec any more, since the source sends another.
    pub(crate) async fn ends_codec(&self, codec: Codec) {
        let mut offered = self.offered.subscribe();
        // It cannot end while we have it.
        let _ = offered.wait_for(|now| !names(now, codec)).await;
    }

    /// The first of these, by their names in SDP, that offers have named.
    pub(crate) fn codec_among<'a>(&self, names: impl Iterator<Item = &'a str>) -> Option<Codec> {
        let mut codecs = names.filter_map(|name| {
            let is_it = |track: &&VideoTrack| track.codec.encoding().eq_ignore_ascii_case(name);
            self.tracks.iter().find(is_it)
        });
        Some(codecs.next()?.codec)
    }

    /// Makes the next frame a keyframe.
    pub(crate) fn force_keyframe(&self) {
        self.tracks.iter().for_each(VideoTrack::force_keyframe);
    }

    fn track(&self, codec: Codec) -> &VideoTrack {
        let mut tracks = self.tracks.iter();
        tracks
            .find(|track| track.codec == codec)
            .unwrap_or(&self.tracks[0])
    }

    /// Whether anything is to be encoded.
    pub(super) fn is_watched(&self) -> bool {
        self.tracks.iter().any(VideoTrack::is_watched)
    }

    /// Takes a viewer's elements in and starts them.
    pub(crate) fn adopt(&self, branch: &Arc<Branch>) -> Result<(), gst::glib::BoolError> {
        let mut branches = self.branches();
        branches.retain(|branch| branch.strong_count() > 0);
        branches.push(Arc::downgrade(branch));
        drop(branches);
        let number = self.adopted.fetch_add(1, Ordering::Relaxed) + 1;
        branch.enter(&self.pipeline, number)
    }

    /// The branches at whose end somebody is.
    pub(crate) fn connected(&self) -> Vec<Arc<Branch>> {
        let is_connected = |branch: &Arc<Branch>| {
            let connection = branch.connection();
            let now = connection.borrow();
            matches!(*now, Connection::Connected | Connection::Disconnected)
        };
        let branches = self.branches();
        let alive = branches.iter().filter_map(Weak::upgrade);
        alive.filter(is_connected).collect()
    }

    /// From now on somebody needs pictures of this codec, until the guard is dropped. Takes as long
    /// as its encoder takes to be tried, where none runs.
    pub(crate) async fn watch(self: &Arc<Self>, codec: Codec) -> Result<Watching, PipelineError> {
        if !names(&self.offered.borrow(), codec) {
            return Err(PipelineError::NotSent(codec));
        }
        self.track(codec).enter();
        let watching = Watching(self.clone(), codec);
        if self.track(codec).encoder().is_none() {
            let this = self.clone();
            let start = tokio::task::spawn_blocking(move || this.track(codec).start());
            let started = start.await;
            started.map_err(|error| PipelineError::Failed(error.to_string()))??;
        }
        Ok(watching)
    }

    /// Opens the way for packets of this kind into this branch; pictures, of this codec, begin with
    /// a keyframe.
    pub(crate) fn connect(
        &self,
        branch: &Branch,
        media: Media,
        codec: Codec,
    ) -> Result<gst::Pad, PipelineError> {
        let track = self.track(codec);
        let tee = match media {
            Media::Video => &track.tee,
            Media::Audio => &self.audio.tee,
        };
        if media == Media::Video {
            branch.report_keyframe_requests(track.keyframe_requests.asker());
        }
        let pad = tee
            .request_pad_simple("src_%u")
            .ok_or_else(|| PipelineError::Failed("the tee has no pad left".to_owned()))?;
        if branch
            .entrance(media)
            .is_none_or(|entrance| pad.link(&entrance).is_err())
        {
            tee.release_request_pad(&pad);
            return Err(PipelineError::Failed(
                "a viewer cannot be linked".to_owned(),
            ));
        }
        match media {
            Media::Video => track.force_keyframe(),
            Media::Audio => self.announce_audio(&pad),
        }
        Ok(pad)
    }

    /// Has the form of the packets go ahead of them: it would wait for the first one, and `whipsink`
    /// for it, with the picture.
    fn announce_audio(&self, pad: &gst::Pad) {
        if let Some(now) = self.pipeline.current_running_time() {
            pad.push_event(gst::event::Gap::new(now, gst::ClockTime::NONE));
        }
    }

    /// Closes that way again. Blocks until no packet is on it any more: not for streaming threads.
    pub(crate) fn disconnect(&self, pad: &gst::Pad) {
        let (done, is_done) = std::sync::mpsc::channel();
        // While a pad is idle nothing is being pushed through it, so it can be taken off without
        // the flow to the other viewers seeing an error.
        pad.add_probe(gst::PadProbeType::IDLE, move |pad, _| {
            if let Some(peer) = pad.peer() {
                let _ = pad.unlink(&peer);
            }
            let _ = done.send(());
            gst::PadProbeReturn::Remove
        });
        // The queue behind never blocks, so the pad is idle within one packet.
        let _ = is_done.recv_timeout(std::time::Duration::from_secs(2));
        if let Some(tee) = pad.parent_element() {
            tee.release_request_pad(pad);
        }
    }

    /// Removes a viewer's elements, which have been stopped.
    pub(crate) fn release(&self, branch: &Branch) {
        branch.leave(&self.pipeline);
    }

    pub(super) fn branches(&self) -> MutexGuard<'_, Vec<Weak<Branch>>> {
        self.branches.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn names(offered: &[Offered], codec: Codec) -> bool {
    offered.iter().any(|offered| offered.codec == codec)
}

/// Proof that somebody watches: as long as it exists, frames are encoded, by this codec.
#[derive(Debug)]
pub(crate) struct Watching(Arc<Pipeline>, Codec);

impl Drop for Watching {
    fn drop(&mut self) {
        self.0.track(self.1).leave();
    }
}
