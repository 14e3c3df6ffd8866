//! A stream is pulled from its home, where its publisher is, to wherever else it is watched:
//! once, however many watch it there.
//!
//! The home's router has, beside its viewers, replicas. It has each of them know what is
//! published, and hands it every packet; the router there works by that as if the publisher
//! were its own. What comes back are wishes. How both travel is no matter here: between the
//! workers of a gateway now, and between gateways by the same words.

use std::time::Instant;

use sightline_spec::room::{RoomId, SessionId};
use str0m::media::Rid;

use super::links::Links;
use super::{Origin, Publisher, Router};
use crate::keys::{Key, RoomKey, WorkerId};
use crate::publisher::keyframe::Answers;
use crate::publisher::packet_cache::{Packet, SourceNumber};
use crate::publisher::track::{KnownLayer, Layer};
use crate::sdp::negotiate::Track;

/// A track's index, and the name of one of its layers.
pub(crate) type LayerName = (usize, Option<Rid>);

/// Where a replica is, and what it is called there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Replica {
    pub(crate) worker: WorkerId,
    pub(crate) room: RoomKey,
}

/// What a home has a replica know, in the order in which it happens.
#[derive(Debug)]
pub(crate) enum Update {
    /// Somebody publishes this from now on.
    Published {
        publisher: SessionId,
        tracks: Vec<Track>,
    },
    /// Nobody publishes any more.
    Unpublished,
    /// This layer follows, from its last picture group on.
    Layer {
        name: LayerName,
        source: SourceNumber,
        known: KnownLayer,
    },
    /// No packets of this layer follow, until it is said again that it does.
    Skipped { name: LayerName },
    /// Packets of a layer that is skipped still arrive at home, and are of this kind.
    Known { name: LayerName, known: KnownLayer },
    /// Whether the publisher answers who asks for keyframes of it.
    Answers { name: LayerName, answers: Answers },
    /// A packet of it.
    Packet {
        layer: LayerName,
        source: SourceNumber,
        packet: Packet,
    },
}

/// What a replica wants of its home.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Wish {
    /// Where.
    pub(crate) room: RoomId,
    /// Of whom.
    pub(crate) publisher: SessionId,
    pub(crate) what: Wanted,
}

/// See [`Wish`].
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// Keyframes of these layers.
    Keyframes(Vec<LayerName>),
    /// From now on all layers but these. It is said again twice a second, so that one that is
    /// lost costs nothing.
    AllBut(Vec<LayerName>),
}

impl Router {
    /// This router is a replica and its home has it know this. Returns the viewers that cannot
    /// go on with what comes now.
    pub(crate) fn take_update(&mut self, update: Update, now: Instant) -> Vec<Key> {
        match update {
            Update::Published { publisher, tracks } => {
                // A viewer may have negotiated about it before its home had us know.
                if self.is_replica_of(publisher) {
                    return Vec::new();
                }
                let publisher = Publisher {
                    origin: Origin::Home,
                    session: publisher,
                    ends_unwatched: false,
                };
                return self.publish(publisher, tracks).stranded;
            }
            Update::Unpublished => self.lose_home(now),
            Update::Layer {
                name,
                source,
                known,
            } => {
                if let Some(track) = self.tracks.get_mut(name.0) {
                    track.adopt((name.1, source.name()), known, now);
                }
            }
            Update::Skipped { name } => {
                if let Some(track) = self.tracks.get_mut(name.0) {
                    track.skip(name.1);
                }
            }
            Update::Known { name, known } => {
                if let Some(track) = self.tracks.get_mut(name.0) {
                    track.hear_of(name.1, known, now);
                }
            }
            Update::Answers { name, answers } => {
                if let Some(track) = self.tracks.get_mut(name.0) {
                    track.learn(name.1, answers);
                }
            }
            Update::Packet {
                layer,
                source,
                packet,
            } => {
                // Only the home tells whether media arrives.
                let _ = self.take_in(layer, source.name(), packet, now);
            }
        }
        Vec::new()
    }

    /// Nothing comes from the home any more.
    pub(crate) fn lose_home(&mut self, now: Instant) {
        let is_of_home = |publisher: &mut Publisher| publisher.origin == Origin::Home;
        if self.publisher.take_if(is_of_home).is_some() {
            self.is_active = false;
            self.without_publisher = Some(now);
        }
    }

    /// This router is the home, and its replica at this worker wants this.
    pub(crate) fn take_wish(&mut self, from: WorkerId, wish: &Wish) {
        let publisher = self.publisher.as_ref();
        if publisher.is_none_or(|publisher| publisher.session != wish.publisher) {
            return;
        }
        let layers = match &wish.what {
            Wanted::Keyframes(layers) => layers,
            Wanted::AllBut(layers) => {
                let replicas = self.replicas.iter_mut();
                for (_, handover) in replicas.filter(|(replica, _)| replica.worker == from) {
                    handover.skip(layers, &self.tracks);
                }
                return;
            }
        };
        for (track, rid) in layers {
            if let Some(track) = self.tracks.get_mut(*track)
                && track.encoding().is_video()
                && let Some(layer) = track.layer(*rid)
            {
                track.want_keyframe(layer);
            }
        }
    }

    /// This router is the home, and from now on has this replica know all that happens.
    pub(crate) fn add_replica(&mut self, replica: Replica, now: Instant) {
        self.replicas.entry(replica).or_default();
        self.note_watched(now);
    }

    /// Hands over to the replicas what they have not got; false if there was no room for it.
    pub(crate) fn hand_over(&mut self, links: &mut impl Links) -> bool {
        let publisher = self.publisher.as_ref().map(|publisher| publisher.session);
        let mut is_all = true;
        for (replica, handover) in &mut self.replicas {
            let done = handover.go_on(*replica, publisher, &mut self.tracks, links);
            is_all &= done.is_ok();
        }
        is_all
    }

    /// Nobody watches there any more.
    pub(crate) fn remove_replicas(
        &mut self,
        mut is_gone: impl FnMut(&Replica) -> bool,
        now: Instant,
    ) {
        self.replicas.retain(|replica, _| !is_gone(replica));
        self.note_watched(now);
    }

    /// This router is a replica, and has its home know which layers nobody needs here, if that
    /// has changed or is to be said again.
    pub(super) fn tell_needs(&mut self, links: &mut impl Links) {
        let publisher = self.publisher.as_ref();
        let Some(publisher) = publisher.filter(|p| p.origin == Origin::Home) else {
            return;
        };
        let unneeded = self.unneeded();
        let is_due = std::mem::take(&mut self.needs_are_due) && self.has_choice();
        if is_due || unneeded != self.told_unneeded {
            self.told_unneeded.clone_from(&unneeded);
            links.ask_home(Wish {
                room: self.room.clone(),
                publisher: publisher.session,
                what: Wanted::AllBut(unneeded),
            });
        }
    }

    /// The layers that no viewer needs here.
    fn unneeded(&self) -> Vec<LayerName> {
        let mut unneeded = Vec::new();
        for (index, track) in self.tracks.iter().enumerate() {
            // The only one is what the next viewer begins with.
            for (layer, Layer { rid, .. }) in track.layers.iter().enumerate() {
                let mut subscribers = self.subscribers.values();
                let is_needed = track.layers.len() == 1
                    || subscribers.any(|subscriber| subscriber.needs(index, layer));
                if !is_needed {
                    unneeded.push((index, *rid));
                }
            }
        }
        unneeded
    }

    fn is_replica_of(&self, publisher: SessionId) -> bool {
        let present = self.publisher.as_ref();
        present.is_some_and(|p| p.origin == Origin::Home && p.session == publisher)
    }
}
