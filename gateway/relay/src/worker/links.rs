//! The connections and the other workers, as a router needs them.

use str0m::rtp::Ssrc;

use super::others::{Letter, Others};
use crate::connection::drive::Sink;
use crate::connection::registry::Registry;
use crate::connection::srtp_sender::SrtpSender;
use crate::keys::{Key, WorkerId};
use crate::net::udp::{Network, Route};
use crate::router::links::Links;
use crate::router::pull::{Replica, Update, Wish};
use crate::subscriber::outgoing::{Downlink, Outgoing};

/// See the module.
pub(super) struct Connections<'a> {
    pub(super) registry: &'a mut Registry,
    pub(super) sink: Sink<'a>,
    pub(super) others: &'a mut Others,
    /// From where the room pulls its stream.
    pub(super) home: Option<WorkerId>,
}

/// The way to one viewer.
pub(super) struct ToViewer<'a> {
    sender: &'a mut SrtpSender,
    route: &'a Route,
    network: &'a mut Network,
}

impl Links for Connections<'_> {
    type Downlink<'a>
        = ToViewer<'a>
    where
        Self: 'a;

    fn downlink(&mut self, viewer: Key) -> Option<ToViewer<'_>> {
        let (sender, route) = self.registry.get_mut(viewer)?.sender()?;
        Some(ToViewer {
            sender,
            route,
            network: self.sink.network,
        })
    }

    fn request_keyframes(&mut self, publisher: Key, sources: &[Ssrc]) {
        if let Some(peer) = self.registry.get_mut(publisher) {
            peer.request_keyframes(sources, &mut self.sink);
            self.registry.note(publisher);
        }
    }

    fn has_room(&self, worker: WorkerId) -> bool {
        self.others.has_room(worker)
    }

    fn update(&mut self, replica: Replica, update: Update) {
        let room = replica.room;
        self.others
            .put(replica.worker, Letter::Update { room, update });
    }

    fn not_handed_over(&mut self, packets: u64) {
        self.sink.network.counted.not_handed_over += packets;
    }

    fn ask_home(&mut self, wish: Wish) {
        if let Some(home) = self.home {
            // One that there is no room for is wished for again.
            self.others.put(home, Letter::Wish(wish));
        }
    }
}

impl Downlink for ToViewer<'_> {
    fn send(&mut self, packet: &Outgoing<'_>) {
        self.sender.send_rtp(self.network, self.route, packet);
    }

    fn repeat(&mut self, source: Ssrc, sequence: u64) {
        let network = &mut *self.network;
        self.sender
            .repeat_rtp(network, self.route, source, sequence);
    }

    fn finish(self) {
        self.network.flush();
    }
}
