//! What a viewer is sent once more: what it has missed, or has and gets to fill its link.

use super::DownTrack;
use crate::publisher::track::{Layer, PublishedTrack};
use crate::subscriber::outgoing::{Downlink, Way};
use crate::subscriber::retransmission::{self, Missing};

impl DownTrack {
    /// Sends again what the viewer has missed, as far as it is still there.
    pub(crate) fn retransmit(
        &mut self,
        tracks: &[PublishedTrack],
        missing: &Missing,
        way: &mut Way<'_, impl Downlink>,
    ) {
        let track = self.track.and_then(|index| tracks.get(index));
        let Some(layer) = track.and_then(|track| track.layers.get(self.layer)) else {
            return;
        };
        for sequence in &missing.sequences {
            let (parameters, stream) = (&self.parameters, &mut self.stream);
            let kept = (&layer.cache, &*self.sets);
            stream.retransmit(parameters, kept, *sequence, way);
        }
    }

    /// Sends so many bytes of what the viewer has already, as far as there is any.
    pub(crate) fn pad(
        &mut self,
        layers: &[Layer],
        mut bytes: usize,
        way: &mut Way<'_, impl Downlink>,
    ) {
        let Some(layer) = layers.get(self.layer) else {
            return;
        };
        while bytes > 0 {
            let sent = self.stream.pad(&self.parameters, &layer.cache, way);
            let Some(sent) = sent.filter(|sent| *sent > 0) else {
                return;
            };
            bytes = bytes.saturating_sub(sent);
        }
    }

    /// Remembers as many packets as the layer's bitrate calls for.
    pub(crate) fn provide_sent_history(&mut self, tracks: &[PublishedTrack]) {
        let packets = retransmission::packets(self.bitrate(tracks));
        self.stream.provide_history(packets);
    }
}
