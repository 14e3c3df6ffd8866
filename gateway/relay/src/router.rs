//! One room: what its publisher sends, and who gets it. Where the publisher is is the room's
//! home; on other workers with viewers of it are replicas (`pull.rs`).
//!
//! No sockets and no clocks: packets and the time come in, and packets go out by [`Links`].
//! Whoever changes something is told what follows from it.

mod handover;
pub(crate) mod links;
mod publisher;
pub(crate) mod pull;
mod rounds;
#[cfg(test)]
mod tests;
mod told_layers;

use std::collections::BTreeMap;
use std::time::{Duration, Instant, SystemTime};

use sightline_spec::room::{RoomId, SessionId};
use str0m::rtp::Ssrc;

use crate::event::Event;
use crate::keys::Key;
use crate::publisher::capture_clock::{CaptureClock, SenderReport};
use crate::publisher::packet_cache::Packet;
use crate::publisher::track::{Layer, PublishedTrack};
use crate::sdp::negotiate::{Subscription, Track};
use crate::subscriber::layer_choice::Selection;
use crate::subscriber::outgoing::Downlink;
use crate::subscriber::retransmission::Missing;
use crate::subscriber::sender_report::ReferenceTime;
use crate::subscriber::{Report, Subscriber};
use handover::Handover;
use links::Links;
pub(crate) use publisher::{Origin, Publication, Publisher, Takeover};
use pull::{LayerName, Replica, Wanted, Wish};
use told_layers::ToldLayers;

/// When to look whether there is room again for what another worker is to have.
pub(crate) const FULL_PAUSE: Duration = Duration::from_millis(2);

/// See the module.
pub(crate) struct Router {
    room: RoomId,
    publisher: Option<Publisher>,
    tracks: Vec<PublishedTrack>,
    /// The publisher's.
    clock: CaptureClock,
    /// In the order in which they came.
    subscribers: BTreeMap<Key, Subscriber>,
    /// Publishers that may have the room once they have proved who they are.
    apart: BTreeMap<Key, Publication>,
    /// Other workers' routers that pull from this one.
    replicas: BTreeMap<Replica, Handover>,
    last_packet: Option<Instant>,
    /// Whether media arrives.
    is_active: bool,
    /// Since when nobody publishes, or nobody watches.
    without_publisher: Option<Instant>,
    without_subscribers: Option<Instant>,
    told_layers: ToldLayers,
    /// The layers that the home was told nobody needs here, and whether it is to be told again.
    told_unneeded: Vec<LayerName>,
    needs_are_due: bool,
    /// Whether viewers know that pictures come in another order than they are shown in.
    told_reordered: bool,
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
            apart: BTreeMap::new(),
            replicas: BTreeMap::new(),
            last_packet: None,
            is_active: false,
            without_publisher: Some(now),
            without_subscribers: Some(now),
            told_layers: ToldLayers::default(),
            told_unneeded: Vec::new(),
            needs_are_due: false,
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

    /// Whether somebody publishes, here or at the home.
    pub(crate) fn is_published(&self) -> bool {
        self.publisher.is_some()
    }

    /// Somebody else publishes from now on.
    pub(crate) fn publish(&mut self, publisher: Publisher, tracks: Vec<Track>) -> Takeover {
        let previous = self.publisher.replace(publisher);
        self.without_publisher = None;
        self.tracks = tracks.into_iter().map(PublishedTrack::new).collect();
        self.clock = CaptureClock::default();
        self.told_unneeded.clear();
        let stranded = self.subscribers.iter_mut().filter_map(|(key, subscriber)| {
            let goes_on = subscriber.resume(&self.tracks);
            (!goes_on).then_some(*key)
        });
        Takeover {
            previous: previous.and_then(|publisher| publisher.key()),
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
        self.note_watched(now);
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
        self.apart.remove(&key);
        if self.subscribers.remove(&key).is_some() {
            self.note_watched(now);
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
        layer: LayerName,
        source: Ssrc,
        mut packet: Packet,
        now: Instant,
    ) -> Option<Event> {
        let clock_rate = self.tracks.get(layer.0)?.encoding().clock_rate();
        let (time, arrived) = (packet.position.time, packet.arrived);
        if let Some(captured) = packet.extensions.abs_capture_time {
            self.clock.note_captured((source, time), captured, arrived);
        }
        packet.captured = self.clock.captured(source, time, clock_rate, arrived);
        self.take_in(layer, source, packet, now)
    }

    /// The same, of a packet of which is known when it was captured, if anybody knows.
    fn take_in(
        &mut self,
        (track, rid): LayerName,
        source: Ssrc,
        packet: Packet,
        now: Instant,
    ) -> Option<Event> {
        self.tracks.get_mut(track)?.push(rid, source, packet);
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

    /// Hands what has arrived over to the replicas, and sends it to every viewer; when to call
    /// again at the latest.
    pub(crate) fn flush(&mut self, now: Instant, links: &mut impl Links) -> Option<Instant> {
        let mut again = (!self.hand_over(links)).then_some(now + FULL_PAUSE);
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
        self.tell_needs(links);
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
        missing: &Missing,
        now: Instant,
        links: &mut impl Links,
    ) {
        let Some(subscriber) = self.subscribers.get_mut(&viewer) else {
            return;
        };
        if let Some(mut downlink) = links.downlink(viewer) {
            subscriber.retransmit(&self.tracks, missing, now, &mut downlink);
            downlink.finish();
        }
    }

    /// A viewer cannot go on without a keyframe: with [`Router::flush`] one is asked for.
    pub(crate) fn keyframe_wanted(&mut self, viewer: Key) {
        if let Some(subscriber) = self.subscribers.get_mut(&viewer) {
            subscriber.want_keyframes();
        }
    }

    /// Takes in what a viewer tells of its link: RTCP that is not encrypted any more.
    pub(crate) fn take_feedback(&mut self, viewer: Key, rtcp: &[u8], now: Instant) {
        if let Some(subscriber) = self.subscribers.get_mut(&viewer) {
            subscriber.take_feedback(rtcp, &self.tracks, now);
        }
    }

    /// A viewer tells what time it is there.
    pub(crate) fn reference_time(&mut self, viewer: Key, time: ReferenceTime) {
        if let Some(subscriber) = self.subscribers.get_mut(&viewer) {
            subscriber.note_reference_time(time);
        }
    }

    /// A viewer wants this of the layers; false if none of them is like that.
    pub(crate) fn select(&mut self, viewer: Key, selection: Selection) -> bool {
        let subscriber = self.subscribers.get_mut(&viewer);
        subscriber.is_none_or(|subscriber| subscriber.select(selection, &self.tracks))
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
        let (mut sources, mut layers) = (Vec::new(), Vec::new());
        for (index, track) in self.tracks.iter_mut().enumerate() {
            for layer in &mut track.layers {
                if layer.keyframes.ask(now) {
                    sources.push(layer.source);
                    layers.push((index, layer.rid));
                }
            }
        }
        match publisher.origin {
            _ if sources.is_empty() => {}
            Origin::Connection(key) => links.request_keyframes(key, &sources),
            Origin::Home => links.ask_home(Wish {
                room: self.room.clone(),
                publisher: publisher.session,
                what: Wanted::Keyframes(layers),
            }),
        }
    }

    fn trim(&mut self, now: Instant) {
        for (index, track) in self.tracks.iter_mut().enumerate() {
            let subscribers = self.subscribers.values();
            track.trim(subscribers.filter_map(|s| s.cursor(index)), now);
        }
    }

    pub(crate) fn is_publisher(&self, key: Key) -> bool {
        self.publisher
            .as_ref()
            .is_some_and(|p| p.key() == Some(key))
    }

    /// Notes since when nobody watches, if nobody does.
    fn note_watched(&mut self, now: Instant) {
        let is_watched = !(self.subscribers.is_empty() && self.replicas.is_empty());
        let since = self.without_subscribers.unwrap_or(now);
        self.without_subscribers = (!is_watched).then_some(since);
    }

    /// The publisher's media arrives, or has stopped.
    fn sending(&self, is_sending: bool) -> Option<Event> {
        // It is told once, at home.
        let publisher = self.publisher.as_ref().filter(|p| p.key().is_some())?;
        Some(Event::Sending {
            room: self.room.clone(),
            publisher: publisher.session,
            is_sending,
        })
    }

    fn layers(&self) -> impl Iterator<Item = &Layer> {
        self.tracks.iter().flat_map(|track| &track.layers)
    }
}
