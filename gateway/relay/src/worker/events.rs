//! What follows from what connections tell, and from what has arrived in a room.

use std::time::Instant;

use str0m::rtp::RtpPacket;

use super::Worker;
use super::links::Connections;
use crate::clock;
use crate::connection::drive::{ConnectionEvent, Sink};
use crate::event::Event;
use crate::health::Part;
use crate::keys::{Key, RoomKey};
use crate::router::Router;

impl Worker {
    /// What connections told while they were driven.
    pub(super) fn act_on_events(&mut self, now: Instant) {
        if self.events.is_empty() {
            return;
        }
        let mut events = std::mem::take(&mut self.events);
        for (key, event) in events.drain(..) {
            self.act_on(key, event, now);
        }
        // Its memory serves the next time; what was told meanwhile is acted on now.
        std::mem::swap(&mut events, &mut self.events);
        for (key, event) in events {
            self.act_on(key, event, now);
        }
    }

    fn act_on(&mut self, key: Key, event: ConnectionEvent, now: Instant) {
        let Some(peer) = self.registry.get_mut(key) else {
            return;
        };
        let room = peer.room;
        let Some(router) = self.rooms.get_mut(room) else {
            return;
        };
        match event {
            ConnectionEvent::Gone => self.end(key, now),
            ConnectionEvent::Broke => {
                self.health.broke(Part::Connection);
                self.end(key, now);
            }
            ConnectionEvent::Connected => {
                peer.connected();
                router.connected(key, now);
                if router.is_apart(key) {
                    self.teller.tell(Event::Proved {
                        room: router.room().clone(),
                        publisher: peer.session,
                    });
                }
                tracing::debug!(room = ?router.room(), "a connection to the relay is up");
                self.rooms.change(room);
            }
            ConnectionEvent::Packet(packet) => self.receive_media(key, *packet, now),
            ConnectionEvent::SenderReport(report, at) => router.sender_report(key, report, at),
            ConnectionEvent::KeyframeWanted => {
                router.keyframe_wanted(key);
                self.rooms.change(room);
            }
            ConnectionEvent::Missing(missing) => {
                if let Some((router, mut connections)) = self.room(room, now) {
                    router.retransmit(key, &missing, now, &mut connections);
                }
            }
            ConnectionEvent::ReferenceTime(time) => router.reference_time(key, time),
            ConnectionEvent::ReportDue => {
                let reports = router.reports(key, clock::now_and_wall(), false);
                peer.report(reports, &mut self.network);
            }
        }
    }

    fn receive_media(&mut self, key: Key, packet: RtpPacket, now: Instant) {
        let Some(peer) = self.registry.get_mut(key) else {
            return;
        };
        let Some(router) = self.rooms.get_mut(peer.room) else {
            return;
        };
        if !router.is_publisher(key) {
            return;
        }
        let source = packet.header.ssrc;
        let Some(layer) = peer.source(source, router.tracks()) else {
            return;
        };
        if let Some(event) = router.receive(layer, source, packet.into(), now) {
            self.teller.tell(event);
        }
        self.rooms.change(peer.room);
    }

    /// A room and all ways out of it.
    fn room(&mut self, key: RoomKey, now: Instant) -> Option<(&mut Router, Connections<'_>)> {
        let home = self.rooms.home(key).map(|home| home.worker);
        let connections = Connections {
            registry: &mut self.registry,
            sink: Sink {
                network: &mut self.network,
                events: &mut self.events,
                now,
            },
            others: &mut self.others,
            home,
        };
        Some((self.rooms.get_mut(key)?, connections))
    }

    /// Hands over to other workers what has arrived in rooms that they pull, so that they send it
    /// to their viewers while this one sends it to its own.
    fn hand_over_changed(&mut self, now: Instant) {
        for index in 0..self.rooms.changed().len() {
            let key = self.rooms.changed()[index];
            if let Some((router, mut connections)) = self.room(key, now) {
                // What there is no room for is tried again with the flush.
                let _ = router.hand_over(&mut connections);
            }
        }
        self.is_held_up = !self.others.send();
    }

    /// Sends on what has arrived in the rooms where anything has, and what is due in others.
    pub(super) fn flush_changed(&mut self, now: Instant) {
        if !self.others.are_none() {
            self.hand_over_changed(now);
        }
        while let Some(key) = self.rooms.pop_changed(now) {
            let Some((router, mut connections)) = self.room(key, now) else {
                continue;
            };
            let again = router.flush(now, &mut connections);
            self.rooms.flush_by(key, again);
            self.act_on_events(now);
        }
    }

    /// Ends a connection, says goodbye, and tells of it.
    pub(super) fn end(&mut self, key: Key, now: Instant) {
        self.end_as(key, false, now);
    }

    /// Ends it as well for a viewer that is stranded: it cannot go on with what comes now.
    pub(super) fn end_as(&mut self, key: Key, is_stranded: bool, now: Instant) {
        let Some(mut peer) = self.registry.remove(key) else {
            return;
        };
        let by_tcp = self.registry.left_by(&peer);
        let Some(router) = self.rooms.get_mut(peer.room) else {
            return;
        };
        peer.report(
            router.reports(key, clock::now_and_wall(), true),
            &mut self.network,
        );
        // It is over, and that was the last report.
        peer.close(&mut Sink {
            network: &mut self.network,
            events: &mut self.events,
            now,
        });
        // They end when that is sent.
        for address in by_tcp {
            self.network.tcp.remove(&address);
        }
        self.streams.remove(router.room(), peer.session);
        self.teller.tell(Event::Ended {
            session: peer.session,
            is_stranded,
        });
        let was_publisher = router.is_publisher(key);
        if let Some(stopped) = router.remove(key, now) {
            self.teller.tell(stopped);
        }
        let (room, left) = (router.room(), self.registry.len());
        tracing::debug!(?room, left, "a connection to the relay ended");
        if was_publisher {
            // Replicas are to know.
            self.rooms.change(peer.room);
        }
    }
}
