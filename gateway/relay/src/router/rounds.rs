//! What a router is asked twice a second: who is silent, what there is to choose from, and
//! whom nobody needs any more.

use std::time::{Duration, Instant};

use sightline_spec::layer::{self, Layers};
use str0m::media::Rid;

use super::{Publisher, Router};
use crate::event::Event;
use crate::keys::Key;
use crate::publisher::track::{AWAY, PublishedTrack};
use crate::subscriber::Subscriber;

/// A camera's own offer that the relay has taken is given back when nobody has watched
/// for so long: it costs the camera its uplink.
const UNWATCHED: Duration = Duration::from_secs(10);

impl Router {
    /// Measures the layers, and fits each viewer's share of them to what was measured.
    pub(crate) fn measure(&mut self, period: Duration, now: Instant) {
        self.tracks.iter_mut().for_each(|t| t.measure(period));
        let has_choice = self.has_choice();
        for subscriber in self.subscribers.values_mut() {
            subscriber.adjust(&self.tracks, has_choice, now);
        }
        for handover in self.replicas.values_mut() {
            handover.measured(&self.tracks, now);
        }
        self.needs_are_due = true;
    }

    /// Whether the publisher has fallen silent since the last look.
    pub(crate) fn fallen_silent(&mut self, now: Instant) -> Option<Event> {
        let is_silent = self.last_packet.is_none_or(|last| last + AWAY <= now);
        match is_silent && std::mem::take(&mut self.is_active) {
            true => self.sending(false),
            false => None,
        }
    }

    /// Whether the publisher's pictures come in another order than they are shown in, if that
    /// has changed since the last look.
    pub(crate) fn reordered(&mut self, now: Instant) -> Option<Event> {
        let is_home = self.publisher.iter().any(|p| p.key().is_some());
        if !is_home && !self.told_reordered {
            // It is told once, at home.
            return None;
        }
        let is_reordered = self.tracks.iter().any(|track| track.is_reordered(now));
        let before = std::mem::replace(&mut self.told_reordered, is_reordered);
        (before != is_reordered).then(|| Event::Reordered {
            room: self.room.clone(),
            is_reordered,
        })
    }

    /// What each viewer can choose from, if that has changed since it was told: which layers
    /// there are, which is better, what they are. A layer that has only begun is not what it
    /// will be.
    pub(crate) fn other_layers(&mut self, now: Instant) -> Vec<Event> {
        let is_news = self.told_layers.look(&self.tracks, now);
        match is_news && self.has_choice() {
            true => {
                let subscribers = self.subscribers.values();
                subscribers.map(|s| self.layers_for(s, now)).collect()
            }
            false => Vec::new(),
        }
    }

    /// The connections that nobody is left for: viewers whose publisher has been gone for
    /// `linger`, and a publisher that nobody watches.
    pub(crate) fn deserted(&self, linger: Duration, now: Instant) -> Vec<Key> {
        let over = |since: Option<Instant>, limit| {
            since.is_some_and(|since| now.saturating_duration_since(since) >= limit)
        };
        let mut deserted = Vec::new();
        if over(self.without_publisher, linger) {
            deserted.extend(self.subscribers.keys());
        }
        if over(self.without_subscribers, UNWATCHED) {
            let publisher = self.publisher.iter().filter(|p| p.ends_unwatched);
            deserted.extend(publisher.filter_map(Publisher::key));
        }
        deserted
    }

    /// Whether nobody is here at all, and nobody watches from elsewhere.
    pub(crate) fn is_empty(&self) -> bool {
        let is_published = self.publisher.iter().any(|p| p.key().is_some());
        !is_published
            && self.subscribers.is_empty()
            && self.replicas.is_empty()
            && self.apart.is_empty()
    }

    /// Whether there is anything to choose from.
    pub(super) fn has_choice(&self) -> bool {
        self.tracks.iter().any(|track| track.layers.len() > 1)
    }

    /// What a viewer can choose from, by its own sections.
    pub(super) fn layers_for(&self, subscriber: &Subscriber, now: Instant) -> Event {
        let sections = subscriber.sections().filter_map(|(section, track)| {
            let track = self.tracks.get(track)?;
            let has_choice = track.layers.len() > 1;
            has_choice.then(|| (section, described(track, now)))
        });
        Event::Layers {
            viewer: subscriber.session(),
            layers: Layers(sections.collect()),
        }
    }
}

fn described(track: &PublishedTrack, now: Instant) -> Vec<layer::Layer> {
    let described = |index: usize| {
        let layer = &track.layers[index];
        layer::Layer {
            rid: layer.rid.and_then(|rid| wire_rid(track, rid)),
            bitrate: Some(layer.bitrate),
            width: layer.size().map(|size| size.width),
            height: layer.size().map(|size| size.height),
            // Whatever is less than one is more than none.
            frames_per_second: layer.frame_rate().map(|rate| rate.round().max(1.0) as u32),
            ..layer::Layer::default()
        }
    };
    let layers = track.active(now).into_iter().map(described);
    layers.filter(layer::Layer::is_named).collect()
}

/// The name that the publisher has given it.
fn wire_rid(track: &PublishedTrack, rid: Rid) -> Option<layer::Rid> {
    match track.track.layer_name(rid) {
        Some(name) => name.parse().ok(),
        None => rid.to_string().parse().ok(),
    }
}
