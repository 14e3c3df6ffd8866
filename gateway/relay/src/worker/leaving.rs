//! How a worker ends: with a goodbye to every peer, since some publishers come again only then.

use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use sightline_spec::room::SessionId;
use tokio::time::timeout;

use super::Worker;
use super::mailbox::Inbox;
use super::{Surroundings, clock};
use crate::connection::drive::Sink;
use crate::event::Event;
use crate::health::Part;
use crate::keys::Key;

/// How long goodbyes may take to be on their way.
const FLUSH: Duration = Duration::from_secs(1);

impl Worker {
    /// Ends everything in an orderly way.
    pub(super) async fn leave(&mut self) {
        self.inbox.commands.close();
        let now = clock::now();
        // Those that were to begin are told as well.
        while let Ok(command) = self.inbox.commands.try_recv() {
            self.carry_out(command, now);
        }
        for key in self.connections() {
            self.end(key, now);
        }
        self.send_the_rest().await;
    }

    /// Ends everything after a panic. Of what the worker had, only what a panic cannot have
    /// left half done is used: who was here, and each connection by itself.
    pub(super) async fn abandon(&mut self) {
        let now = clock::now();
        self.health.broke(Part::Worker);
        for key in self.connections() {
            let Some(mut peer) = self.registry.remove(key) else {
                continue;
            };
            let mut sink = Sink {
                network: &mut self.network,
                events: &mut self.events,
                now,
            };
            // One of them may be what broke.
            let _ = catch_unwind(AssertUnwindSafe(|| peer.close(&mut sink)));
            if let Some(router) = self.rooms.get_mut(peer.room) {
                let (room, publisher) = (router.room().clone(), peer.session);
                self.streams.remove(&room, publisher);
                if peer.is_publisher() {
                    let is_sending = false;
                    self.teller.tell(Event::Sending {
                        room,
                        publisher,
                        is_sending,
                    });
                }
            }
            self.tell_end(peer.session);
        }
        if let Some((room, session)) = self.beginning.take() {
            self.streams.remove(&room, session);
            self.tell_end(session);
        }
        self.send_the_rest().await;
    }

    fn tell_end(&mut self, session: SessionId) {
        self.teller.tell(Event::Ended {
            session,
            is_stranded: false,
        });
    }

    /// What the next worker on these ports goes on with.
    pub(super) fn dissolve(self) -> (Surroundings, Inbox) {
        let surroundings = Surroundings {
            index: self.others.id().index,
            directory: self.directory,
            load: self.load.give_up(),
            streams: self.streams,
            traffic: self.traffic,
            health: self.health,
            teller: self.teller,
            limits: self.limits,
        };
        (surroundings, self.inbox)
    }

    fn connections(&self) -> Vec<Key> {
        self.registry.iter().map(|(key, _)| key).collect()
    }

    /// Waits for what is still to go out, by UDP and by TCP.
    async fn send_the_rest(&mut self) {
        self.network.flush();
        self.traffic.add(&mut self.network.counted);
        self.teller.catch_up();
        self.listeners.drain(..).for_each(|it| it.abort());
        // A TCP connection ends when it has written what it was given.
        self.network.tcp.clear();
        let (network, tcp) = (&mut self.network, &mut self.tcp);
        let sent = async {
            poll_fn(|context| network.poll_flushed(context)).await;
            while tcp.recv().await.is_some() {}
        };
        if timeout(FLUSH, sent).await.is_err() {
            tracing::debug!("some goodbyes were not sent in time");
        }
    }
}
