//! What the HTTP side has a worker do.

use std::time::Instant;

use sightline_spec::room::{RoomId, SessionId};
use sightline_spec::sdp::IceCredentials;
use str0m::Rtc;
use str0m::ice::IceCreds;
use tokio::sync::oneshot;

use super::{IsOver, Worker};
use crate::connection::drive::Sink;
use crate::connection::peer::{NewPeer, Role};
use crate::error::Error;
use crate::event::Event;
use crate::keys::{Key, RoomKey};
use crate::publisher::sources::Sources;
use crate::router::{Joined, Origin, Publication, Publisher};
use crate::sdp::negotiate::Subscription;
use crate::subscriber::layer_choice::Selection;

/// See the module.
pub(crate) enum Command {
    Publish {
        newcomer: Newcomer,
        publication: Publication,
        /// Whether it has to be told to take the room over.
        is_apart: bool,
    },
    /// A publisher that waits apart is to have the room.
    TakeOver { session: SessionId },
    View {
        newcomer: Newcomer,
        subscription: Subscription,
    },
    /// An ICE restart: the same session with other credentials.
    Restart {
        session: SessionId,
        theirs: IceCredentials,
        ours: IceCreds,
        done: oneshot::Sender<Result<(), Error>>,
    },
    /// What a viewer wants of the layers.
    Select {
        session: SessionId,
        selection: Selection,
        done: oneshot::Sender<Result<(), Error>>,
    },
    /// How many connections and rooms there are.
    #[cfg(feature = "test-util")]
    Count {
        done: oneshot::Sender<(usize, usize)>,
    },
    /// What no command is to do.
    #[cfg(test)]
    Panic,
    /// Nor this: not to come back before it is told to. It tells that it has begun.
    #[cfg(test)]
    Hang(oneshot::Sender<()>, std::sync::mpsc::Receiver<()>),
}

/// A connection on its way to its worker.
pub(crate) struct Newcomer {
    pub(crate) session: SessionId,
    pub(crate) room: RoomId,
    pub(crate) rtc: Box<Rtc>,
    pub(crate) ufrag: String,
    pub(crate) is_over: IsOver,
    /// The peer's, for checks of our own.
    pub(crate) theirs: Option<IceCredentials>,
}

impl Worker {
    pub(super) fn carry_out(&mut self, command: Command, now: Instant) {
        match command {
            Command::Publish {
                newcomer,
                publication,
                is_apart,
            } => {
                self.beginning = Some((newcomer.room.clone(), newcomer.session));
                self.add_publisher(newcomer, publication, is_apart, now);
                self.beginning = None;
            }
            Command::TakeOver { session } => self.take_over(session, now),
            Command::View {
                newcomer,
                subscription,
            } => {
                self.beginning = Some((newcomer.room.clone(), newcomer.session));
                self.add_viewer(newcomer, subscription, now);
                self.beginning = None;
            }
            Command::Restart {
                session,
                theirs,
                ours,
                done,
            } => {
                // A client that is gone does not wait for it.
                let _ = done.send(self.restart(session, theirs, ours, now));
            }
            Command::Select {
                session,
                selection,
                done,
            } => {
                // As above.
                let _ = done.send(self.select(session, selection));
            }
            #[cfg(feature = "test-util")]
            Command::Count { done } => {
                let _ = done.send((self.registry.len(), self.rooms.keys().len()));
            }
            #[cfg(test)]
            Command::Panic => panic!("a test has asked for it"),
            #[cfg(test)]
            Command::Hang(begun, until) => {
                begun.send(()).unwrap();
                let _ = until.recv();
            }
        }
    }

    fn add_publisher(
        &mut self,
        newcomer: Newcomer,
        publication: Publication,
        is_apart: bool,
        now: Instant,
    ) {
        self.load.admitted();
        let (session, is_over) = (newcomer.session, newcomer.is_over.clone());
        let (key, room) = self.admit(newcomer, Role::Publisher(Sources::default()), now);
        match self.rooms.get_mut(room) {
            Some(router) if is_apart => router.keep_apart(key, publication),
            _ => self.publish(room, (key, session), publication, now),
        }
        if is_over.get() {
            self.end(key, now);
        }
    }

    /// A publisher that waited apart has the room from now on, if it is still here.
    fn take_over(&mut self, session: SessionId, now: Instant) {
        let Some(key) = self.registry.by_session(session) else {
            return;
        };
        let Some(room) = self.registry.get_mut(key).map(|peer| peer.room) else {
            return;
        };
        let Some(router) = self.rooms.get_mut(room) else {
            return;
        };
        let Some(publication) = router.leave_apart(key) else {
            return;
        };
        let (id, own) = (router.room().clone(), self.others.id().index);
        let added = self.streams.add((&id, session), &publication.tracks, own);
        if added.is_err() {
            // The room has moved to another worker meanwhile.
            self.end(key, now);
            return;
        }
        self.teller.tell(Event::TookOver {
            room: id,
            publisher: session,
        });
        self.publish(room, (key, session), publication, now);
    }

    fn publish(
        &mut self,
        room: RoomKey,
        (key, session): (Key, SessionId),
        publication: Publication,
        now: Instant,
    ) {
        self.be_home(room, now);
        let Some(router) = self.rooms.get_mut(room) else {
            return;
        };
        let publisher = Publisher {
            origin: Origin::Connection(key),
            session,
            ends_unwatched: publication.ends_unwatched,
        };
        let takeover = router.publish(publisher, publication.tracks);
        self.rooms.change(room);
        if let Some(previous) = takeover.previous {
            self.end(previous, now);
        }
        if let Some(event) = takeover.event {
            self.teller.tell(event);
        }
        for stranded in takeover.stranded {
            self.end_as(stranded, true, now);
        }
    }

    fn add_viewer(&mut self, newcomer: Newcomer, subscription: Subscription, now: Instant) {
        self.load.admitted();
        if newcomer.is_over.get() {
            let (session, is_stranded) = (newcomer.session, false);
            self.teller.tell(Event::Ended {
                session,
                is_stranded,
            });
            return;
        }
        let session = newcomer.session;
        let (key, room) = self.admit(newcomer, Role::Viewer, now);
        self.pull(room, now);
        // What it may need is asked of the home before it is connected.
        self.rooms.change(room);
        let router = self.rooms.get_mut(room);
        match router.map(|r| r.subscribe(key, session, subscription, now)) {
            Some(Joined::Watching(Some(layers))) => self.teller.tell(layers),
            Some(Joined::Watching(None)) | None => {}
            Some(Joined::Stranded) => self.end_as(key, true, now),
        }
    }

    /// Its side has ended it. One that has not begun yet is over when it does.
    pub(super) fn end_session(&mut self, session: SessionId, now: Instant) {
        if let Some(key) = self.registry.by_session(session) {
            self.end(key, now);
        }
    }

    fn admit(&mut self, newcomer: Newcomer, role: Role, now: Instant) -> (Key, RoomKey) {
        let room = self.rooms.find_or_add(&newcomer.room, now);
        let new = NewPeer {
            rtc: newcomer.rtc,
            session: newcomer.session,
            room,
            ufrag: newcomer.ufrag,
            theirs: newcomer.theirs,
            role,
        };
        (self.registry.add(new, now), room)
    }

    fn select(&mut self, session: SessionId, selection: Selection) -> Result<(), Error> {
        let key = self.registry.by_session(session).ok_or(Error::Ended)?;
        let room = self.registry.get_mut(key).ok_or(Error::Ended)?.room;
        let router = self.rooms.get_mut(room).ok_or(Error::Ended)?;
        match router.select(key, selection) {
            true => Ok(()),
            false => Err(Error::NoSuchLayer),
        }
    }

    /// RFC 9725 section 4.3.3. What it costs does not depend on what the peer has offered:
    /// media waits for it.
    fn restart(
        &mut self,
        session: SessionId,
        theirs: IceCredentials,
        ours: IceCreds,
        now: Instant,
    ) -> Result<(), Error> {
        let key = self.registry.by_session(session).ok_or(Error::Ended)?;
        let peer = self.registry.get_mut(key).ok_or(Error::Ended)?;
        let name = ours.ufrag.clone();
        peer.paths.identify(&name, Some(theirs.clone()));
        let mut sink = Sink {
            network: &mut self.network,
            events: &mut self.events,
            now,
        };
        peer.restart_ice(theirs, ours, &self.addresses.candidates(), &mut sink);
        self.registry.rename(key, name);
        self.drive(key, now);
        Ok(())
    }
}
