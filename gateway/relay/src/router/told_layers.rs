//! What viewers have been told of the layers, and what of that is not true any more.

use std::time::{Duration, Instant};

use str0m::media::Rid;

use crate::publisher::picture_size::PictureSize;
use crate::publisher::track::{Layer, PublishedTrack};

/// A rate that differs by less is the same: it is measured, and cameras vary in the dark.
const SAME_RATE: f64 = 0.2;

/// A rate that goes up and down is told so often at most.
const RATE_PAUSE: Duration = Duration::from_secs(5);

/// See the module.
#[derive(Debug, Default)]
pub(super) struct ToldLayers {
    /// By track, the best first.
    layers: Vec<Vec<Told>>,
    at: Option<Instant>,
}

/// One layer, as it was told of.
#[derive(Debug, Clone, Copy)]
struct Told {
    rid: Option<Rid>,
    size: Option<PictureSize>,
    frame_rate: Option<f64>,
}

impl ToldLayers {
    /// Looks at what is there now; says whether viewers are to be told.
    pub(super) fn look(&mut self, tracks: &[PublishedTrack], now: Instant) -> bool {
        let measured = |track: &PublishedTrack| {
            let active = track.active(now).into_iter();
            let measured = active.map(|i| &track.layers[i]).filter(|l| l.bitrate > 0);
            measured.map(Told::of).collect::<Vec<_>>()
        };
        let layers: Vec<_> = tracks.iter().map(measured).collect();
        let can_tell_rate = self.at.is_none_or(|at| at + RATE_PAUSE <= now);
        let differ = |told: &Told, present: &Told| {
            told.is_other(present) || can_tell_rate && told.has_other_rate(present)
        };
        let is_news = layers.len() != self.layers.len()
            || layers.iter().zip(&self.layers).any(|(present, told)| {
                present.len() != told.len() || told.iter().zip(present).any(|(t, p)| differ(t, p))
            });
        if is_news {
            *self = Self {
                layers,
                at: Some(now),
            };
        }
        is_news
    }
}

impl Told {
    fn of(layer: &Layer) -> Self {
        Self {
            rid: layer.rid,
            size: layer.size(),
            frame_rate: layer.frame_rate(),
        }
    }

    fn is_other(&self, present: &Self) -> bool {
        let is_same = self.rid == present.rid && self.size == present.size;
        !is_same || self.frame_rate.is_some() != present.frame_rate.is_some()
    }

    fn has_other_rate(&self, present: &Self) -> bool {
        let rates = self.frame_rate.zip(present.frame_rate);
        rates.is_some_and(|(told, present)| (present - told).abs() > SAME_RATE * told)
    }
}
