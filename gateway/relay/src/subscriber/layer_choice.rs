//! Which simulcast layer a viewer gets: the one it asked for, or the best that its link
//! can carry and that is not larger than it asked for.

use std::time::Instant;

use str0m::media::Rid;

use super::bandwidth::{Bandwidth, LayerChoice, Link};
use super::down_track::DownTrack;
use crate::publisher::picture_size::PictureSize;
use crate::publisher::track::{Layer, PublishedTrack};

/// What a viewer's link is taken for until it has been measured, in bit/s.
pub(super) const FIRST_ESTIMATE: u64 = 1_500_000;

/// What a viewer wants of the layers.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Selection {
    /// This one, while it is there.
    pub(crate) rid: Option<Rid>,
    /// None that is wider or higher, in pixels.
    pub(crate) max_width: Option<u32>,
    pub(crate) max_height: Option<u32>,
}

impl Selection {
    /// Whether it depends on how large pictures are.
    pub(crate) fn is_bounded(&self) -> bool {
        self.max_width.or(self.max_height).is_some()
    }

    /// Whether there is such a layer in the track, also if nothing comes of it just now.
    pub(super) fn exists_in(&self, track: &PublishedTrack) -> bool {
        let is_meant = |layer: &&Layer| self.rid.is_none_or(|rid| layer.rid == Some(rid));
        let mut meant = track.layers.iter().filter(is_meant);
        meant.any(|layer| self.fits(layer))
    }

    /// Whether a layer's pictures are small enough. Those of which that is not known are not.
    fn fits(&self, layer: &Layer) -> bool {
        let is_within = |size: PictureSize| {
            self.max_width.is_none_or(|most| size.width <= most)
                && self.max_height.is_none_or(|most| size.height <= most)
        };
        !self.is_bounded() || layer.size().is_some_and(is_within)
    }

    /// Leaves those layers, the best first, that are small enough; if none is at present, the
    /// least.
    fn narrow(&self, layers: &mut Vec<usize>, track: &PublishedTrack) {
        let least = layers.last().copied();
        layers.retain(|index| self.fits(&track.layers[*index]));
        if layers.is_empty() {
            layers.extend(least);
        }
    }
}

/// Chooses the layers that a viewer begins with, when its link has not been measured yet.
pub(super) fn begin(
    down_tracks: &mut [DownTrack],
    tracks: &[PublishedTrack],
    selected: &Selection,
    now: Instant,
) {
    let link = Link {
        estimate: FIRST_ESTIMATE as f64,
        is_congested: false,
    };
    for down_track in down_tracks {
        let Some(choices) = Choices::of(down_track, tracks, selected, now) else {
            continue;
        };
        let chosen = LayerChoice::default().choose(&choices.bitrates, None, link, now);
        down_track.switch_to(choices.layers[chosen], now);
    }
}

/// Chooses the layers of one viewer: the one it selected, if it is there, and otherwise what its
/// link carries, if that is measured.
pub(super) fn choose(
    down_tracks: &mut [DownTrack],
    tracks: &[PublishedTrack],
    selected: &Selection,
    bandwidth: Option<&mut Bandwidth>,
    now: Instant,
) {
    let link = bandwidth.as_ref().map(|bandwidth| bandwidth.link(now));
    let all: u64 = down_tracks.iter().map(|d| d.bitrate(tracks)).sum();
    let (mut next, mut best) = (0, 0);
    for down_track in down_tracks {
        let Some(choices) = Choices::of(down_track, tracks, selected, now) else {
            continue;
        };
        let others = all - down_track.bitrate(tracks);
        let chosen = match (choices.named(selected.rid), link) {
            (Some(selected), _) => selected,
            // It tells nothing of its link.
            (None, None) => 0,
            (None, Some(link)) => {
                let rest = Link {
                    estimate: link.estimate - others as f64,
                    ..link
                };
                let (bitrates, present) = (&choices.bitrates, choices.present);
                let chosen = down_track.choice.choose(bitrates, present, rest, now);
                log_change(&choices, chosen, rest);
                if let Some(better) = chosen.checked_sub(1) {
                    next += others + bitrates[better];
                    best += others + bitrates[0];
                }
                chosen
            }
        };
        down_track.switch_to(choices.layers[chosen], now);
    }
    if let Some(bandwidth) = bandwidth {
        bandwidth.want(next, best);
    }
}

/// Tells of a change with what it was made by: why a link was given less is asked later.
fn log_change(choices: &Choices, chosen: usize, link: Link) {
    let Some(present) = choices.present.filter(|present| *present != chosen) else {
        return;
    };
    tracing::debug!(
        from = choices.bitrates.get(present),
        to = choices.bitrates.get(chosen),
        fits = link.estimate as u64,
        is_congested = link.is_congested,
        "a viewer's link carries another layer"
    );
}

/// What there is to choose from for one track: one layer at least.
struct Choices {
    /// Their indexes, the best first.
    layers: Vec<usize>,
    /// What each takes, in bit/s.
    bitrates: Vec<u64>,
    names: Vec<Option<Rid>>,
    /// Which of these is sent, or is to be.
    present: Option<usize>,
}

impl Choices {
    fn of(
        down_track: &DownTrack,
        tracks: &[PublishedTrack],
        selected: &Selection,
        now: Instant,
    ) -> Option<Self> {
        let track = down_track.track().and_then(|index| tracks.get(index))?;
        let mut layers = track.active(now);
        selected.narrow(&mut layers, track);
        let all = || layers.iter().map(|index| &track.layers[*index]);
        let target = down_track.target();
        let choices = Self {
            bitrates: all().map(|layer| layer.bitrate).collect(),
            names: all().map(|layer| layer.rid).collect(),
            present: layers.iter().position(|index| *index == target),
            layers,
        };
        (!choices.layers.is_empty()).then_some(choices)
    }

    fn named(&self, rid: Option<Rid>) -> Option<usize> {
        let rid = rid?;
        self.names.iter().position(|name| *name == Some(rid))
    }
}
