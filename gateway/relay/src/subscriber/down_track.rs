//! One track on its way to one viewer: where the viewer is in the packet cache, and how its
//! packets are numbered.

mod repair;

use std::sync::Arc;
use std::time::Instant;

use str0m::rtp::Ssrc;

use super::bandwidth::LayerChoice;
use super::catch_up::Pace;
use super::keyframe_share::KeyframeShare;
use super::outgoing::{Downlink, Way};
use super::picture_ids::PictureIds;
use super::rewriting::Rewriter;
use super::rtp_stream::RtpStream;
use super::sender_report::About;
use super::sent_history::Place;
use super::{Report, catch_up};
use crate::publisher::packet_cache::{Cursor, Group, Packet, PacketCache, Position, SourceNumber};
use crate::publisher::track::{Layer, PublishedTrack};
use crate::sdp::negotiate::SendParameters;

/// See the module.
#[derive(Debug)]
pub(crate) struct DownTrack {
    parameters: SendParameters,
    /// The index of the publisher's track; nothing while it has none of this kind.
    track: Option<usize>,
    stream: RtpStream,
    rewriter: Rewriter,
    picture_ids: PictureIds,
    state: State,
    /// What had arrived last when it began with a picture from memory: what is older is pressed
    /// together.
    began_behind: Option<Position>,
    /// How fast it catches up; as fast as a newcomer if this is nothing.
    pace: Option<Pace>,
    /// The layer that is being sent.
    layer: usize,
    /// Which of this layer's sources is.
    source: SourceNumber,
    /// The layer to go over to at its next keyframe, and since when.
    wanted: Option<(usize, Instant)>,
    keyframes: KeyframeShare,
    /// The parameter sets that the viewer was given by itself, or is to be from here on.
    sets: Arc<[Packet]>,
    sets_at: Option<Position>,
    /// Which layer the viewer's link carries.
    pub(super) choice: LayerChoice,
}

#[derive(Debug, Clone, Copy)]
enum State {
    /// For a picture that needs no other.
    Waiting,
    /// Behind the publisher, on old pictures.
    CatchingUp { next: Cursor },
    /// All has been sent that has arrived.
    Live { next: Cursor },
}

/// What a down track needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Need {
    Nothing,
    /// A keyframe of this layer.
    Keyframe(usize),
    /// To be called again soon, since there is more to send.
    Time,
}

impl DownTrack {
    pub(crate) fn new(parameters: SendParameters) -> Self {
        let clock_rate = parameters.format.encoding.clock_rate();
        Self {
            rewriter: Rewriter::new(clock_rate, first_sequence(parameters.source)),
            stream: RtpStream::new(clock_rate),
            track: Some(parameters.track),
            parameters,
            picture_ids: PictureIds::default(),
            state: State::Waiting,
            began_behind: None,
            pace: None,
            layer: 0,
            source: SourceNumber::default(),
            wanted: None,
            keyframes: KeyframeShare::new(),
            sets: Arc::default(),
            sets_at: None,
            choice: LayerChoice::default(),
        }
    }

    /// The index of the publisher's track.
    pub(crate) fn track(&self) -> Option<usize> {
        self.track
    }

    /// The index of the viewer's section.
    pub(crate) fn section(&self) -> u16 {
        self.parameters.section
    }

    pub(crate) fn source(&self) -> Ssrc {
        self.parameters.source
    }

    /// The layer that is being sent.
    pub(crate) fn layer(&self) -> usize {
        self.layer
    }

    /// How far in the packet cache of its layer the viewer is.
    pub(crate) fn cursor(&self) -> Option<Cursor> {
        match self.state {
            State::Waiting => None,
            State::CatchingUp { next } | State::Live { next } => Some(next),
        }
    }

    /// Whether the track that was negotiated is there, and sent as it was negotiated.
    pub(crate) fn fits(&self, tracks: &[PublishedTrack]) -> bool {
        let track = self.track.and_then(|index| tracks.get(index));
        track.is_some_and(|track| self.decodes(track))
    }

    fn decodes(&self, track: &PublishedTrack) -> bool {
        let format = &self.parameters.format;
        format.is_decoded_as(&track.track.format)
    }

    pub(crate) fn is_video(&self) -> bool {
        self.parameters.format.encoding.is_video()
    }

    /// Takes a new publisher's track of this index, if there is one of its kind; says whether
    /// it can be gone on with.
    pub(crate) fn resume(&mut self, index: Option<usize>, tracks: &[PublishedTrack]) -> bool {
        self.track = index;
        let Some(track) = index.and_then(|index| tracks.get(index)) else {
            // Nothing of this kind any more: sound that is switched off is no reason to go.
            return !self.is_video();
        };
        self.layer = 0;
        self.wanted = None;
        self.state = State::Waiting;
        self.stream.forget_places();
        self.decodes(track)
    }

    /// The viewer cannot go on without a keyframe.
    pub(crate) fn want_keyframe(&mut self) {
        if self.is_video() {
            self.keyframes.want();
        }
    }

    /// The layer that is sent, or is to be at its next keyframe.
    pub(crate) fn target(&self) -> usize {
        self.wanted.map_or(self.layer, |(wanted, _)| wanted)
    }

    /// Goes over to another layer at its next keyframe, or at once if nothing is being sent
    /// that would be gone over from.
    pub(crate) fn switch_to(&mut self, layer: usize, now: Instant) {
        if layer == self.layer {
            self.wanted = None;
        } else if self.cursor().is_none() {
            self.layer = layer;
            self.wanted = None;
            self.stream.forget_places();
        } else if layer != self.target() {
            self.wanted = Some((layer, now));
        }
    }

    /// Sends what there is to send.
    pub(crate) fn send(&mut self, layers: &mut [Layer], way: &mut Way<'_, impl Downlink>) -> Need {
        let now = way.now;
        let mut need = self.switch_layer(layers, way);
        let Some(layer) = layers.get_mut(self.layer) else {
            return need;
        };
        if !self.begin(layer, now) {
            return Need::Keyframe(self.layer);
        }
        if let (State::CatchingUp { next, .. }, Some(group)) = (self.state, layer.cache.group())
            && next < group.cursor
        {
            // A newer group has begun: the old one is of no use any more.
            self.catch_up_from(&layer.cache, group, now);
        }
        if let (State::Live { next }, Some(group)) = (self.state, layer.cache.group())
            && self.keyframes.is_awaited()
            && !layer.cache.group_sets().is_empty()
            && next <= group.cursor
        {
            // What it lacks may be the parameter sets, which do not come again.
            self.catch_up_from(&layer.cache, group, now);
        }
        let mut has_more = self.write(&layer.cache, way);
        if let State::Waiting = self.state {
            // Another source has begun.
            if !self.begin(layer, now) {
                return Need::Keyframe(self.layer);
            }
            has_more = self.write(&layer.cache, way);
        }
        if self.keyframes.ask_if_wanted(now) {
            layer.keyframes.want();
        }
        if has_more {
            need = Need::Time;
        }
        need
    }

    /// Begins to send the layer, if that has not begun. False if there is no picture to begin
    /// with.
    fn begin(&mut self, layer: &mut Layer, now: Instant) -> bool {
        let State::Waiting = self.state else {
            return true;
        };
        if self.parameters.format.encoding.is_video() {
            let Some(group) = catch_up::start(layer, now) else {
                return false;
            };
            self.catch_up_from(&layer.cache, group, now);
        } else {
            // Sound has no keyframes: whatever comes next is the first.
            self.rewriter.end_source();
            self.source = layer.cache.source();
            let next = layer.cache.end();
            self.state = State::Live { next };
        }
        true
    }

    /// Goes over to the wanted layer once that has a keyframe that is new enough; to a lower one
    /// with an older one, if its link carries all that has come since.
    fn switch_layer<D>(&mut self, layers: &mut [Layer], way: &Way<'_, D>) -> Need {
        let (Some((wanted, since)), now) = (self.wanted, way.now) else {
            return Need::Nothing;
        };
        let present = layers.get(self.layer).map_or(0, |layer| layer.bitrate);
        let group = layers.get_mut(wanted).and_then(|layer| {
            let newest = layer.cache.group();
            if let Some(group) = newest.filter(|group| group.began >= since) {
                return Some((group, None));
            }
            let estimate = way.estimate();
            let is_lower = layer.bitrate < present;
            let group = is_lower.then(|| catch_up::start_lower(layer, estimate, now))?;
            Some((group?, Some(Pace::new(estimate, now))))
        });
        match group {
            Some((group, pace)) => {
                self.layer = wanted;
                self.wanted = None;
                self.stream.forget_places();
                self.catch_up_from(&layers[wanted].cache, group, now);
                self.pace = pace;
                Need::Nothing
            }
            None if self.keyframes.ask(now) => Need::Keyframe(wanted),
            None => Need::Nothing,
        }
    }

    fn catch_up_from(&mut self, cache: &PacketCache, group: Group, now: Instant) {
        let latest = cache.latest().unwrap_or(group.first);
        self.state = State::CatchingUp { next: group.cursor };
        self.began_behind = Some(latest);
        self.pace = None;
        self.source = cache.source();
        self.keyframes.served();
        let first = self.position(group.first);
        self.sets = cache.group_sets().clone();
        self.stream.forget_sets();
        let before = self.rewriter.switch(first, self.sets.len(), now);
        self.sets_at = Some(before);
        self.picture_ids.switch();
    }

    /// Where a packet stands, with old pictures pressed together.
    fn position(&self, position: Position) -> Position {
        // One of them may come when the viewer is live: the publisher has sent it again.
        match self.began_behind {
            Some(latest) => catch_up::pressed(position, latest),
            None => position,
        }
    }

    /// Sends from the viewer's cursor on; says whether there is more.
    fn write(&mut self, cache: &PacketCache, way: &mut Way<'_, impl Downlink>) -> bool {
        let (mut next, mut left) = match self.state {
            State::Waiting => return false,
            State::CatchingUp { next } => (next, catch_up::PACKETS),
            State::Live { next } => (next, usize::MAX),
        };
        self.give_sets(way);
        let began = next;
        while let Some((source, packet)) = cache
            .get_of_source(next)
            .filter(|_| left > 0 && self.pace.is_none_or(|pace| pace.allows(way.now)))
        {
            if source != self.source {
                if self.parameters.format.encoding.is_video() {
                    self.state = State::Waiting;
                    return false;
                }
                self.rewriter.end_source();
                self.source = source;
            }
            left -= usize::from(self.write_one((packet, next), way));
            next = next.next();
            if let Some(pace) = &mut self.pace {
                pace.sent(packet.payload.len());
            }
        }
        if cache
            .group()
            .is_some_and(|group| (began..next).contains(&group.cursor))
        {
            self.keyframes.served();
        }
        let caught_up = next >= cache.end();
        self.state = match self.state {
            _ if cache.get(next).is_none() && !caught_up => State::Waiting,
            _ if caught_up => {
                self.pace = None;
                State::Live { next }
            }
            State::CatchingUp { .. } => State::CatchingUp { next },
            _ => State::Live { next },
        };
        !caught_up
    }

    /// Sends the parameter sets that the viewer needs before anything else.
    fn give_sets(&mut self, way: &mut Way<'_, impl Downlink>) {
        let Some(mut position) = self.sets_at.take() else {
            return;
        };
        for (index, packet) in self.sets.iter().enumerate() {
            let packet = (packet, Place::Sets(index));
            let (parameters, stream) = (&self.parameters, &mut self.stream);
            stream.send(parameters, packet, (position, None), None, way);
            position.sequence += 1;
        }
    }

    /// Sends a packet, unless it came late, from before the last switch.
    fn write_one(
        &mut self,
        (packet, cursor): (&Packet, Cursor),
        way: &mut Way<'_, impl Downlink>,
    ) -> bool {
        let now = way.now;
        let position = self.position(packet.position);
        // The time of what is pressed together says nothing.
        let is_pressed = position != packet.position;
        let captured = packet.captured.filter(|_| !is_pressed);
        if !self.rewriter.has_source() {
            self.rewriter.switch(position, 0, now);
        }
        let Some(position) = self.rewriter.map(position, now) else {
            return false;
        };
        let encoding = self.parameters.format.encoding;
        let numbers = self.picture_ids.renumber(encoding, &packet.payload);
        let (parameters, stream) = (&self.parameters, &mut self.stream);
        let packet = (packet, Place::Cache(cursor));
        stream.send(parameters, packet, (position, captured), numbers, way);
        true
    }

    /// What its layer takes of the viewer's link, in bit/s.
    pub(crate) fn bitrate(&self, tracks: &[PublishedTrack]) -> u64 {
        let track = self.track.and_then(|index| tracks.get(index));
        let layer = track.and_then(|track| track.layers.get(self.layer));
        layer.map_or(0, |layer| layer.bitrate)
    }

    /// The track's sender report.
    pub(super) fn report(&self, about: &About<'_>) -> Option<Report> {
        let source = self.parameters.source;
        let sent = self.stream.sent(about)?;
        let packet = sent.report(*source, about)?;
        Some(Report { source, packet })
    }
}

/// RFC 3550 section 5.1 wants it random, as the source's name is; in the lower half, so
/// that it does not wrap before the receiver has seen any.
fn first_sequence(source: Ssrc) -> u16 {
    (*source & 0x7fff) as u16
}
