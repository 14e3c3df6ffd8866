//! What a publisher sends, layer by layer, as the room's worker sees it.

use std::time::{Duration, Instant};

use str0m::media::Rid;
use str0m::rtp::Ssrc;

use crate::publisher::fragments::Fragments;
use crate::publisher::frame_rate::FrameRate;
use crate::publisher::keyframe::{Answers, KeyframeRequests};
use crate::publisher::packet_cache::{Cursor, Packet, PacketCache};
use crate::publisher::parameter_sets::ParameterSets;
use crate::publisher::picture_size::{LayerSize, PictureSize};
use crate::publisher::reordering::Reordering;
use crate::sdp::encoding::Encoding;
use crate::sdp::negotiate::Track;

/// More layers than anyone sends; a publisher that invents names gets no more.
const MAX_LAYERS: usize = 8;

/// A publisher that sends nothing for so long is taken for away.
pub(crate) const AWAY: Duration = Duration::from_secs(2);

/// A layer of which nothing came for so long is not there any more.
const SILENT: Duration = Duration::from_secs(1);

/// A source that another has taken over from comes back when that one has been silent for so
/// long. What comes of it before is late, and not meant to be shown.
const RETURN: Duration = Duration::from_millis(500);

/// Sources that are remembered to have been taken over from.
const MAX_FORMER: usize = 8;

/// One encoding of one track.
#[derive(Debug)]
pub(crate) struct Layer {
    pub(crate) rid: Option<Rid>,
    /// The one that feeds it, where keyframes are asked for.
    pub(crate) source: Ssrc,
    /// Those that did before.
    former: Vec<Ssrc>,
    pub(crate) cache: PacketCache,
    pub(crate) keyframes: KeyframeRequests,
    reordering: Reordering,
    fragments: Fragments,
    size: LayerSize,
    frame_rate: FrameRate,
    /// Measured over the last second, in bit/s.
    pub(crate) bitrate: u64,
    bytes: u64,
    /// Measuring periods that it was there for, the first of them not wholly.
    periods: u32,
    /// What arrived before is not measured: it came all at once.
    begun: Instant,
    last_packet: Instant,
    /// Its home sends no packets of it, and tells what it measures.
    is_skipped: bool,
    /// The packets of only a part of the present measuring period came.
    is_partial: bool,
}

/// What is known of a layer before any of its packets has come.
#[derive(Debug)]
pub(crate) struct KnownLayer {
    bitrate: u64,
    periods: u32,
    size: LayerSize,
    frame_rate: Option<f64>,
    sets: ParameterSets,
}

impl Layer {
    /// What is known of it.
    pub(crate) fn known(&self) -> KnownLayer {
        KnownLayer {
            bitrate: self.bitrate,
            periods: self.periods,
            size: self.size,
            frame_rate: self.frame_rate(),
            sets: self.cache.sets().clone(),
        }
    }

    /// How large its pictures are, as far as that is known.
    pub(crate) fn size(&self) -> Option<PictureSize> {
        self.size.size()
    }

    /// Whether nothing has come of it for so long that its publisher may be gone.
    pub(crate) fn is_away(&self, now: Instant) -> bool {
        self.last_packet + AWAY <= now
    }

    /// Whether it is not there any more.
    pub(crate) fn is_silent(&self, now: Instant) -> bool {
        self.last_packet + SILENT <= now
    }

    /// How many of them there are in a second, once that has been measured.
    pub(crate) fn frame_rate(&self) -> Option<f64> {
        self.frame_rate.rate()
    }

    fn know(&mut self, known: KnownLayer) {
        self.bitrate = known.bitrate;
        self.periods = known.periods;
        self.size = known.size;
        self.frame_rate.know(known.frame_rate);
        self.cache.know_sets(known.sets);
    }

    /// Whether another source feeds the layer from now on. An encoder that begins anew has
    /// another (RFC 3550 section 8.1), and the last one falls silent.
    fn can_be_taken_over_by(&self, source: Ssrc, now: Instant) -> bool {
        !self.former.contains(&source) || self.last_packet + RETURN <= now
    }

    fn take_over(&mut self, source: Ssrc, is_video: bool) {
        self.former.retain(|former| *former != source);
        if self.former.len() >= MAX_FORMER {
            self.former.remove(0);
        }
        self.former
            .push(std::mem::replace(&mut self.source, source));
        self.cache.begin_source();
        self.fragments = Fragments::default();
        self.size.begin_source();
        self.frame_rate.begin_source();
        if is_video {
            self.keyframes.want();
        }
    }
}

/// A track and the layers of it that have been seen.
#[derive(Debug)]
pub(crate) struct PublishedTrack {
    pub(crate) track: Track,
    pub(crate) layers: Vec<Layer>,
}

impl PublishedTrack {
    pub(crate) fn new(track: Track) -> Self {
        let layers = Vec::new();
        Self { track, layers }
    }

    /// Takes in a packet of the layer `rid`.
    pub(crate) fn push(&mut self, rid: Option<Rid>, source: Ssrc, packet: Packet) {
        let known = self.layer(rid);
        let Some(index) = known.or_else(|| self.add(rid, source, packet.arrived)) else {
            return;
        };
        let encoding = self.encoding();
        let is_video = encoding.is_video();
        let may_reorder = matches!(encoding, Encoding::H264 | Encoding::H265);
        let layer = &mut self.layers[index];
        if layer.source != source {
            if !layer.can_be_taken_over_by(source, packet.arrived) {
                return;
            }
            layer.take_over(source, is_video);
        }
        let now = packet.arrived;
        if layer.begun <= now {
            layer.bytes += packet.payload.len() as u64;
        }
        layer.last_packet = now;
        let sequence = packet.position.sequence;
        let whole_set = layer.fragments.whole(encoding, sequence, &packet.payload);
        if is_video {
            let told = whole_set.as_deref().unwrap_or(&packet.payload);
            layer.size.note(encoding, sequence, told);
            layer.frame_rate.note(packet.position);
        }
        if may_reorder {
            layer.reordering.note(packet.position, now);
        }
        if layer.cache.push(packet, whole_set.as_deref()) {
            layer.keyframes.arrived(now);
        }
    }

    /// The packets of the layer `rid` are going to come from who knows this of it: the last
    /// picture group at once, and then each as it arrives there. The first are of `source`.
    pub(crate) fn adopt(
        &mut self,
        (rid, source): (Option<Rid>, Ssrc),
        known: KnownLayer,
        now: Instant,
    ) {
        let present = self.layer(rid);
        let Some(index) = present.or_else(|| self.add(rid, source, now)) else {
            return;
        };
        let layer = &mut self.layers[index];
        layer.know(known);
        layer.begun = now;
        layer.is_partial = std::mem::take(&mut layer.is_skipped);
    }

    /// No packets of the layer `rid` come from its home any more, so the last group is not whole.
    pub(crate) fn skip(&mut self, rid: Option<Rid>) {
        if let Some(index) = self.layer(rid) {
            let layer = &mut self.layers[index];
            layer.is_skipped = true;
            layer.cache.begin_source();
            layer.fragments = Fragments::default();
            layer.frame_rate.begin_source();
        }
    }

    /// Packets of the layer `rid`, which come no further than its home, are of this kind now.
    pub(crate) fn hear_of(&mut self, rid: Option<Rid>, known: KnownLayer, now: Instant) {
        if let Some(index) = self.layer(rid) {
            self.layers[index].know(known);
            self.layers[index].last_packet = now;
        }
    }

    /// Whoever has the layer `rid` knows this of whether the publisher answers.
    pub(crate) fn learn(&mut self, rid: Option<Rid>, answers: Answers) {
        if let Some(index) = self.layer(rid) {
            self.layers[index].keyframes.pass_on(answers);
        }
    }

    /// The index of the layer `rid`.
    pub(crate) fn layer(&self, rid: Option<Rid>) -> Option<usize> {
        self.layers.iter().position(|layer| layer.rid == rid)
    }

    fn add(&mut self, rid: Option<Rid>, source: Ssrc, now: Instant) -> Option<usize> {
        if self.layers.len() >= MAX_LAYERS {
            return None;
        }
        // Those that the SDP names are of the whole track, so not of a layer.
        let named = match rid {
            None => self.track.format.sprop().units(),
            Some(_) => &[],
        };
        let sets = ParameterSets::new(self.encoding(), named);
        self.layers.push(Layer {
            rid,
            source,
            former: Vec::new(),
            cache: PacketCache::new(self.encoding(), sets),
            keyframes: KeyframeRequests::default(),
            reordering: Reordering::default(),
            fragments: Fragments::default(),
            size: LayerSize::named(self.encoding(), named),
            frame_rate: FrameRate::default(),
            bitrate: 0,
            bytes: 0,
            periods: 0,
            begun: now,
            last_packet: now,
            is_skipped: false,
            is_partial: false,
        });
        Some(self.layers.len() - 1)
    }

    pub(crate) fn encoding(&self) -> Encoding {
        self.track.format.encoding
    }

    /// Whether pictures come in another order than they are shown in.
    pub(crate) fn is_reordered(&self, now: Instant) -> bool {
        let mut layers = self.layers.iter();
        layers.any(|layer| layer.reordering.is_found(now))
    }

    /// Has the publisher asked for a keyframe of this layer, soon.
    pub(crate) fn want_keyframe(&mut self, layer: usize) {
        if let Some(layer) = self.layers.get_mut(layer) {
            layer.keyframes.want();
        }
    }

    /// Closes a measuring period.
    pub(crate) fn measure(&mut self, period: Duration) {
        let milliseconds = u64::try_from(period.as_millis()).unwrap_or(u64::MAX).max(1);
        for layer in &mut self.layers {
            let bitrate = std::mem::take(&mut layer.bytes) * 8 * 1000 / milliseconds;
            if layer.is_skipped || std::mem::take(&mut layer.is_partial) {
                continue;
            }
            // The first period was not a whole one.
            layer.bitrate = match layer.periods {
                0 | 1 => bitrate,
                _ => (layer.bitrate + bitrate) / 2,
            };
            layer.periods = layer.periods.saturating_add(1);
            layer.frame_rate.measure();
        }
    }

    /// The indexes of the layers that arrive now and have been measured, best first.
    pub(crate) fn active(&self, now: Instant) -> Vec<usize> {
        let is_active = |layer: &Layer| layer.periods > 1 && !layer.is_silent(now);
        let mut active: Vec<usize> = (0..self.layers.len())
            .filter(|index| is_active(&self.layers[*index]))
            .collect();
        active.sort_by_key(|index| std::cmp::Reverse(self.layers[*index].bitrate));
        active
    }

    /// Forgets what no viewer needs; `cursors` are those of each viewer, by layer.
    pub(crate) fn trim(&mut self, cursors: impl Iterator<Item = (usize, Cursor)>, now: Instant) {
        let mut slowest: Vec<Cursor> = self.layers.iter().map(|l| l.cache.end()).collect();
        for (layer, cursor) in cursors {
            if let Some(slowest) = slowest.get_mut(layer) {
                *slowest = cursor.min(*slowest);
            }
        }
        for (layer, slowest) in self.layers.iter_mut().zip(slowest) {
            layer.cache.trim(slowest, now);
        }
    }
}
