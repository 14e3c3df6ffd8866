//! What the HTTP side has a worker do.

use std::time::Instant;

use sightline_spec::room::{RoomId, SessionId};
use sightline_spec::sdp::{IceCredentials, Sdp};
use str0m::Rtc;
use str0m::change::SdpOffer;
use str0m::media::Rid;
use tokio::sync::oneshot;

use super::Worker;
use crate::connection::peer::{Peer, Role, Sources, Subscriber};
use crate::connection::registry::Key;
use crate::error::Error;
use crate::event::Event;
use crate::router::Router;
use crate::sdp::negotiate::{Track, View, on_the_wire, readable};
use crate::subscriber::down_track::DownTrack;

/// See the module.
pub(crate) enum Command {
    Publish {
        newcomer: Newcomer,
        tracks: Vec<Track>,
        /// Whether it is given up when nobody watches.
        ends_unwatched: bool,
    },
    View {
        newcomer: Newcomer,
        view: View,
    },
    /// An ICE restart: the same session with other credentials.
    Restart {
        session: SessionId,
        offer: Sdp,
        done: oneshot::Sender<Result<IceCredentials, Error>>,
    },
    /// A viewer's choice of layer; nothing leaves it to its link.
    Select {
        session: SessionId,
        rid: Option<Rid>,
    },
    End {
        session: SessionId,
    },
}

/// A connection on its way to its worker.
pub(crate) struct Newcomer {
    pub(crate) session: SessionId,
    pub(crate) room: RoomId,
    pub(crate) rtc: Box<Rtc>,
    pub(crate) ufrag: String,
}

impl Worker {
    pub(crate) fn carry_out(&mut self, command: Command) {
        let now = Instant::now();
        match command {
            Command::Publish {
                newcomer,
                tracks,
                ends_unwatched,
            } => self.add_publisher(newcomer, tracks, ends_unwatched, now),
            Command::View { newcomer, view } => self.add_viewer(newcomer, view, now),
            Command::Restart {
                session,
                offer,
                done,
            } => {
                // A client that is gone does not wait for it.
                let _ = done.send(self.restart(session, &offer, now));
            }
            Command::Select { session, rid } => {
                let viewer = self.registry.by_session(session);
                if let Some((subscriber, _)) = viewer.and_then(|key| self.registry.viewer(key)) {
                    subscriber.selected = rid;
                }
            }
            Command::End { session } => {
                if let Some(key) = self.registry.by_session(session) {
                    self.end(key, now);
                }
            }
        }
    }

    fn add_publisher(
        &mut self,
        newcomer: Newcomer,
        tracks: Vec<Track>,
        ends_unwatched: bool,
        now: Instant,
    ) {
        let (room, session) = (newcomer.room.clone(), newcomer.session);
        let key = self.admit(newcomer, Role::Publisher(Sources::default()), now);
        let router = self.router(&room, now);
        let last = router.publisher.take();
        if let Some(last) = last {
            self.end(last, now);
        }
        let Some(router) = self.routers.get_mut(&room) else {
            return;
        };
        router.ends_unwatched = ends_unwatched;
        if router.is_active {
            // Nobody has fallen silent: viewers are told nothing.
            self.teller.tell(Event::Sending {
                room,
                publisher: session,
                is_sending: true,
            });
        }
        for stranded in router.publish(key, tracks, &mut self.registry) {
            // It would see nothing, having no decoder for what comes now.
            self.end_as(stranded, true, now);
        }
    }

    fn add_viewer(&mut self, newcomer: Newcomer, view: View, now: Instant) {
        let room = newcomer.room.clone();
        let router = self.router(&room, now);
        let subscriber = Subscriber {
            down_tracks: view.down_tracks.into_iter().map(DownTrack::new).collect(),
            is_measured: view.is_measured,
            name: view.name,
            estimate: None,
            estimate_before: None,
            selected: None,
            switched_at: now,
        };
        let layers = router
            .has_choice()
            .then(|| router.layers_for(&subscriber, now));
        let viewer = newcomer.session;
        let key = self.admit(newcomer, Role::Viewer(subscriber), now);
        let router = self.router(&room, now);
        router.viewers.push(key);
        router.without_viewers = None;
        if let Some(layers) = layers {
            self.teller.tell(Event::Layers { viewer, layers });
        }
    }

    fn router(&mut self, room: &RoomId, now: Instant) -> &mut Router {
        self.routers
            .entry(room.clone())
            .or_insert_with(|| Router::new(now))
    }

    fn admit(&mut self, newcomer: Newcomer, role: Role, now: Instant) -> Key {
        let peer = Peer {
            rtc: newcomer.rtc,
            route: None,
            sender: None,
            session: newcomer.session,
            room: newcomer.room,
            role,
            ufrag: newcomer.ufrag,
            created: now,
            heard_at: now,
            is_connected: false,
            next: now,
            noted: None,
        };
        self.registry.add(peer)
    }

    /// RFC 9725 section 4.3.3, as the offer that it stands for.
    fn restart(
        &mut self,
        session: SessionId,
        offer: &Sdp,
        now: Instant,
    ) -> Result<IceCredentials, Error> {
        let key = self.registry.by_session(session).ok_or(Error::Ended)?;
        let peer = self.registry.get_mut(key).ok_or(Error::Ended)?;
        let refused = |error: &dyn std::fmt::Display| {
            tracing::debug!(%error, "an ICE restart was not accepted");
            Error::UnacceptableOffer
        };
        let offer = SdpOffer::from_sdp_string(&readable(offer)).map_err(|e| refused(&e))?;
        let answer = peer.rtc.sdp_api().accept_offer(offer);
        answer.map_err(|e| refused(&e))?;
        let credentials = peer.rtc.direct_api().local_ice_credentials();
        self.registry.rename(key, credentials.ufrag.clone());
        self.drive(key, now);
        on_the_wire(&credentials).ok_or(Error::Ended)
    }
}
