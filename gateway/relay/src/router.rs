//! One room: what its publisher sends, and who gets it.
//!
//! No sockets and no clocks: packets and the time come in, and packets go out by [`Links`].
//! Whoever changes something is told what follows from it.

pub(crate) mod links;
mod rounds;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::time::{Instant, SystemTime};

use sightline_spec::room::{RoomId, SessionId};
use str0m::media::Rid;
use str0m::rtp::Ssrc;
use str0m::rtp::rtcp::Nack;

use crate::event::Event;
use crate::keys::Key;
use crate::publisher::capture_clock::{CaptureClock, SenderReport};
use crate::publisher::packet_cache::Packet;
use crate::publisher::track::{Layer, PublishedTrack};
use crate::sdp::negotiate::{Subscription, Track};
use crate::subscriber::outgoing::Downlink;
use crate::subscriber::{Report, Subscriber};
use links::Links;

/// See the module.
pub(crate) struct Router {
    room: RoomId,
    publisher: Option<Publisher>,
    tracks: Vec<PublishedTrack>,
    /// The publisher's.
    clock: CaptureClock,
    /// In the order in which they came.
    subscribers: BTreeMap<Key, Subscriber>,
    last_packet: Option<Instant>,
    /// Whether media arrives.
    is_active: bool,
    /// Since when nobody publishes, or nobody watches.
    without_publisher: Option<Instant>,
    without_subscribers: Option<Instant>,
    told_layers: Vec<Vec<Option<Rid>>>,
    /// Whether viewers know that pictures come in another order than they are shown in.
    told_reordered: bool,
}

/// Whose media it is.
pub(crate) struct Publisher {
    pub(crate) key: Key,
    pub(crate) session: SessionId,
    /// Whether it is given up when nobody watches.
    pub(crate) ends_unwatched: bool,
}

/// What follows when another connection publishes.
#[derive(Debug)]
pub(crate) struct Takeover {
    /// Who published before; its connection is to be ended.
    pub(crate) previous: Option<Key>,
    /// Viewers that cannot go on with what comes now, having no decoder for it.
    pub(crate) stranded: Vec<Key>,
    pub(crate) event: Option<Event>,
}

/// What follows when a viewer comes.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Joined {
    /// It watches, and this is what it can choose from.
    Watching(Option<Event>),
    /// Its answer was made for a publisher that is not here any more, and it has no decoder
    /// for what comes now.
    Stranded,
}

impl Router {
    pub(crate) fn new(room: RoomId, now: Instant) -> Self {
        Self {
            room,
            publisher: None,
            tracks: Vec::new(),
            clock: CaptureClock::default(),
            subscribers: BTreeMap::new(),
            last_packet: None,
            is_active: false,
            without_publisher: Some(now),
            without_subscribers: Some(now),
            told_layers: Vec::new(),
            told_reordered: false,
        }
    }

    pub(crate) fn room(&self) -> &RoomId {
        &self.room
    }

    /// What the publisher sends.
    pub(crate) fn tracks(&self) -> &[PublishedTrack] {
        &self.tracks
    }

    /// Another connection publishes from now on.
    pub(crate) fn publish(&mut self, publisher: Publisher, tracks: Vec<Track>) -> Takeover {
        let previous = self.publisher.replace(publisher);
        self.without_publisher = None;
        self.tracks = tracks.into_iter().map(PublishedTrack::new).collect();
        self.clock = CaptureClock::default();
        let stranded = self.subscribers.iter_mut().filter_map(|(key, subscriber)| {
            let goes_on = subscriber.resume(&self.tracks);
            (!goes_on).then_some(*key)
        });
        Takeover {
            previous: previous.map(|publisher| publisher.key),
            stranded: stranded.collect(),
            // Nobody has fallen silent.
            event: self.is_active.then(|| self.sending(true)).flatten(),
        }
    }

    /// A viewer comes, whose connection is not up yet.
    pub(crate) fn subscribe(
        &mut self,
        key: Key,
        session: SessionId,
        subscription: Subscription,
        now: Instant,
    ) -> Joined {
        let mut subscriber = Subscriber::new(session, subscription, now);
        // Another publisher may have come since the viewer was answered.
        let is_other = self.publisher.is_some() && !subscriber.fits(&self.tracks);
        let goes_on = !is_other || subscriber.resume(&self.tracks);
        let layers = self.has_choice().then(|| self.layers_for(&subscriber, now));
        self.subscribers.insert(key, subscriber);
        self.without_subscribers = None;
        match goes_on {
            true => Joined::Watching(layers),
            false => Joined::Stranded,
        }
    }

    /// A viewer's connection is up.
    pub(crate) fn connected(&mut self, viewer: Key, now: Instant) {
        if let Some(subscriber) = self.subscribers.get_mut(&viewer) {
            subscriber.connected(&self.tracks, now);
        }
    }

    /// A connection is gone.
    pub(crate) fn remove(&mut self, key: Key, now: Instant) -> Option<Event> {
        if self.subscribers.remove(&key).is_some() && self.subscribers.is_empty() {
            self.without_subscribers = Some(now);
        }
        if !self.is_publisher(key) {
            return None;
        }
        let stopped = match std::mem::take(&mut self.is_active) {
            true => self.sending(false),
            false => None,
        };
        self.publisher = None;
        self.without_publisher = Some(now);
        stopped
    }

    /// Takes in a packet of the publisher, which [`Router::flush`] sends on. `layer` is its
    /// track's index and its layer's name.
    pub(crate) fn receive(
        &mut self,
        (track, rid): (usize, Option<Rid>),
        source: Ssrc,
        mut packet: Packet,
        now: Instant,
    ) -> Option<Event> {
        let track = self.tracks.get_mut(track)?;
        let clock_rate = track.encoding().clock_rate();
        let (time, arrived) = (packet.position.time, packet.arrived);
        if let Some(captured) = packet.extensions.abs_capture_time {
            self.clock.note_captured((source, time), captured, arrived);
        }
        packet.captured = self.clock.captured(source, time, clock_rate, arrived);
        track.push(rid, source, packet);
        self.last_packet = Some(now);
        match std::mem::replace(&mut self.is_active, true) {
            true => None,
            false => self.sending(true),
        }
    }

    /// The publisher has told what time it is.
    pub(crate) fn sender_report(&mut self, publisher: Key, report: SenderReport, now: Instant) {
        if self.is_publisher(publisher) {
            self.clock.note(report, now);
        }
    }

    /// Sends every viewer what has arrived; when to call again at the latest.
    pub(crate) fn flush(&mut self, now: Instant, links: &mut impl Links) -> Option<Instant> {
        let mut again = None;
        for (key, subscriber) in &mut self.subscribers {
            if !subscriber.is_connected() {
                continue;
            }
            let Some(mut downlink) = links.downlink(*key) else {
                continue;
            };
            let next = subscriber.send(&mut self.tracks, now, &mut downlink);
            again = again.into_iter().chain(next).min();
            downlink.finish();
        }
        self.trim(now);
        self.request_keyframes(now, links);
        // Without a publisher there is nobody to ask.
        let layers = self.publisher.iter().flat_map(|_| self.layers());
        let deadlines = layers.filter_map(|layer| layer.keyframes.deadline());
        deadlines.chain(again).min()
    }

    /// Sends a viewer what it has missed.
    pub(crate) fn retransmit(
        &mut self,
        viewer: Key,
        nack: &Nack,
        now: Instant,
        links: &mut impl Links,
    ) {
        let Some(subscriber) = self.subscribers.get_mut(&viewer) else {
            return;
        };
        if let Some(mut downlink) = links.downlink(viewer) {
            subscriber.retransmit(&self.tracks, nack, now, &mut downlink);
            downlink.finish();
        }
    }

    /// A viewer cannot go on without a keyframe: with [`Router::flush`] one is asked for.
    pub(crate) fn keyframe_wanted(&mut self, viewer: Key) {
        if let Some(subscriber) = self.subscribers.get_mut(&viewer) {
            subscriber.want_keyframes();
        }
    }

    /// Takes in what a viewer tells of its link: RTCP that is not encrypted any more. Says
    /// whether there was nothing else in it.
    pub(crate) fn take_feedback(&mut self, viewer: Key, rtcp: &[u8], now: Instant) -> bool {
        let subscriber = self.subscribers.get_mut(&viewer);
        subscriber.is_some_and(|s| s.take_feedback(rtcp, &self.tracks, now))
    }

    /// A viewer wants this layer; nothing leaves it to its link.
    pub(crate) fn select(&mut self, viewer: Key, rid: Option<Rid>) {
        if let Some(subscriber) = self.subscribers.get_mut(&viewer) {
            subscriber.select(rid);
        }
    }

    /// A viewer's sender reports, or the last ones if `is_over`. `wall` is the time of day
    /// at `now`.
    pub(crate) fn reports(
        &self,
        viewer: Key,
        (now, wall): (Instant, SystemTime),
        is_over: bool,
    ) -> Vec<Report> {
        let subscriber = self.subscribers.get(&viewer);
        subscriber.map_or(Vec::new(), |s| s.reports(now, wall, is_over))
    }

    fn request_keyframes(&mut self, now: Instant, links: &mut impl Links) {
        let Some(publisher) = &self.publisher else {
            return;
        };
        let layers = self.tracks.iter_mut().flat_map(|track| &mut track.layers);
        let asked = layers.filter_map(|layer| layer.keyframes.ask(now).then_some(layer.source));
        let asked: Vec<Ssrc> = asked.collect();
        if !asked.is_empty() {
            links.request_keyframes(publisher.key, &asked);
        }
    }

    fn trim(&mut self, now: Instant) {
        for (index, track) in self.tracks.iter_mut().enumerate() {
            let subscribers = self.subscribers.values();
            track.trim(subscribers.filter_map(|s| s.cursor(index)), now);
        }
    }

    pub(crate) fn is_publisher(&self, key: Key) -> bool {
        self.publisher.as_ref().is_some_and(|p| p.key == key)
    }

    /// The publisher's media arrives, or has stopped.
    fn sending(&self, is_sending: bool) -> Option<Event> {
        Some(Event::Sending {
            room: self.room.clone(),
            publisher: self.publisher.as_ref()?.session,
            is_sending,
        })
    }

    fn layers(&self) -> impl Iterator<Item = &Layer> {
        self.tracks.iter().flat_map(|track| &track.layers)
    }
}
