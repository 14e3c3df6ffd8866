//! The connections, as a router needs them.

use std::time::Instant;

use str0m::rtp::Ssrc;

use crate::connection::drive::{Driven, Sink};
use crate::connection::registry::Registry;
use crate::keys::Key;
use crate::router::links::Links;
use crate::subscriber::outgoing::{Downlink, Outgoing};

/// See the module.
pub(super) struct Connections<'a> {
    pub(super) registry: &'a mut Registry,
    pub(super) sink: Sink<'a>,
    pub(super) now: Instant,
}

/// The way to one viewer.
pub(super) struct ToViewer<'a, 'b> {
    connections: &'a mut Connections<'b>,
    viewer: Key,
    /// What sending has led to.
    driven: Driven,
    by_str0m: bool,
}

impl<'b> Links for Connections<'b> {
    type Downlink<'a>
        = ToViewer<'a, 'b>
    where
        Self: 'a;

    fn downlink(&mut self, viewer: Key) -> Option<ToViewer<'_, 'b>> {
        let by_str0m = self.registry.get_mut(viewer)?.sends_by_str0m();
        Some(ToViewer {
            connections: self,
            viewer,
            driven: Driven::default(),
            by_str0m,
        })
    }

    fn request_keyframes(&mut self, publisher: Key, sources: &[Ssrc]) {
        if let Some(peer) = self.registry.get_mut(publisher) {
            peer.request_keyframes(sources, self.now, &mut self.sink);
            self.registry.note(publisher);
        }
    }
}

impl Downlink for ToViewer<'_, '_> {
    fn retransmits(&self) -> bool {
        self.by_str0m
    }

    fn send(&mut self, packet: &Outgoing<'_>) {
        let Connections { registry, sink, .. } = &mut *self.connections;
        let peer = registry.get_mut(self.viewer);
        if let Some(driven) = peer.and_then(|peer| peer.send(packet, sink)) {
            self.driven = std::mem::take(&mut self.driven).and(driven);
        }
    }

    fn finish(self) {
        let Connections {
            registry,
            sink,
            now,
        } = self.connections;
        if let Some(peer) = registry.get_mut(self.viewer) {
            peer.sent(self.driven, *now, sink);
            registry.note(self.viewer);
        }
    }
}
