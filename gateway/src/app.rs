//! What the gateway does, in the words of the protocol and without those of HTTP.

mod admin;

use std::net::IpAddr;
use std::time::{Duration, Instant, SystemTime};

use sightline_spec::event::EventKind;
use sightline_spec::layer::LayerSelection;
use sightline_spec::link::Link;
use sightline_spec::prefer::Prefer;
use sightline_spec::room::{RoomId, SessionId};
use sightline_spec::sdp::{PublisherOffer, Sdp, ViewerAnswer, ViewerOffer};
use sightline_spec::sdpfrag::SdpFrag;
use sightline_spec::token::Admission;

use crate::auth::Authority;
use crate::error::Error;
use crate::events::{Outbox, StreamId};
use crate::ice_servers::IceServers;
use crate::metrics::Metrics;
use crate::relaying::Relaying;
use crate::rendezvous::{self, Listening, Published, Rendezvous};
use crate::room::{Answered, CounterOffer, OfferTerms, Publisher, Visitor, Wants};
use crate::session::{Party, Precondition, Side};
use crate::throttle::Throttle;

/// How long POSTs are held.
#[derive(Debug, Clone)]
pub(crate) struct Waits {
    /// A camera's that does not say.
    pub(crate) camera: Duration,
    /// A viewer's that does not say.
    pub(crate) viewer: Duration,
    /// Anyone's, whatever it says.
    pub(crate) most: Duration,
}

/// The gateway.
pub(crate) struct App {
    pub(crate) rendezvous: Rendezvous,
    /// Not there if it is switched off.
    pub(crate) relay: Option<Relaying>,
    pub(crate) authority: Authority,
    pub(crate) ice_servers: IceServers,
    pub(crate) waits: Waits,
    pub(crate) metrics: Metrics,
    /// By the book: `If-Match` is demanded.
    pub(crate) strict: bool,
    pub(crate) throttle: Throttle,
}

/// A POST to an endpoint: a camera that wants to publish, or a viewer that wants to watch.
pub(crate) struct Posted<Offer> {
    pub(crate) room: RoomId,
    pub(crate) offer: Offer,
    pub(crate) prefer: Prefer,
    pub(crate) bearer: Option<String>,
    /// The client's own, whatever proxies are in front.
    pub(crate) address: IpAddr,
    /// The gateway's host and port as the client addressed it.
    pub(crate) audience: String,
}

/// What a viewer gets.
pub(crate) enum Viewed {
    /// The camera's offer, to be answered by PATCH.
    CounterOffer(CounterOffer),
    /// The relay's answer.
    Answered(Answered),
}

/// Which way the media of a session goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Path {
    /// Straight from the camera to the viewer.
    Direct,
    /// Through the gateway.
    Relay,
}

impl Path {
    /// What it is called where people read.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Direct => "direct",
            Self::Relay => "relay",
        }
    }
}

/// What a PATCH with candidates led to.
pub(crate) use crate::relaying::Trickled;

impl App {
    /// Has a publisher's offer answered: by the relay at once, or by a viewer, for which
    /// it is held.
    pub(crate) async fn publish(
        &self,
        posted: Posted<PublisherOffer>,
    ) -> Result<(Answered, Path), Error> {
        let Posted {
            room,
            offer,
            prefer,
            bearer,
            address,
            audience,
        } = posted;
        let now = SystemTime::now();
        let bearer = bearer.as_deref();
        let (publisher, admission) = self
            .authority
            .publisher(&room, &offer, bearer, &audience, now)?;
        self.throttle.room(&room, Side::Camera, address)?;
        let offer = offer.into_sdp();
        let Some(terms) = self.terms(prefer, admission) else {
            let answered = self.relay_answers(&room, publisher, admission, &offer, None)?;
            return Ok((answered, Path::Relay));
        };
        // One copy waits, not two.
        let offer = without_undescribed_ssrc_groups(offer);
        let wait = self.wait(prefer, Side::Camera);
        let held = self
            .rendezvous
            .publish(room.clone(), publisher.clone(), offer, terms, wait)?;
        tracing::debug!(?room, ?wait, "a camera's offer waits");
        match held.outcome().await? {
            Published::Answered(answered) => {
                tracing::info!(?room, "a camera and a viewer have met");
                Ok((answered, Path::Direct))
            }
            Published::Taken(offer) => {
                let answered =
                    self.relay_answers(&room, publisher, admission, &offer, Some(terms))?;
                Ok((answered, Path::Relay))
            }
        }
    }

    /// Gives a viewer a camera's offer or the relay's answer, whichever path is open to
    /// both; holds its request until one is.
    pub(crate) async fn view(&self, posted: Posted<ViewerOffer>) -> Result<Viewed, Error> {
        let Posted {
            room,
            offer,
            prefer,
            bearer,
            address,
            audience,
        } = posted;
        let now = SystemTime::now();
        let ticket = self
            .authority
            .viewer(&room, bearer.as_deref(), &audience, now)?;
        self.throttle.room(&room, Side::Viewer, address)?;
        let wants = match (&self.relay, prefer.direct) {
            (None, _) => Wants::Direct,
            (Some(_), Some(_)) if prefer.strict => Wants::Direct,
            (Some(_), Some(_)) => Wants::DirectOrRelay,
            (Some(_), None) => Wants::Relay,
        };
        let wait = self.wait(prefer, Side::Viewer);
        // Only the relay has a use for the viewer's own offer.
        let offer = (wants != Wants::Direct).then(|| offer.into_sdp());
        let came = Instant::now();
        let visitor = Visitor {
            wants,
            ticket: ticket.clone(),
        };
        let held = self.rendezvous.view(room.clone(), visitor, wait)?;
        tracing::debug!(?room, ?wait, "a viewer waits");
        let met = held.outcome().await?;
        match (met, &self.relay, offer) {
            (rendezvous::Viewed::CounterOffer(counter_offer), ..) => {
                self.metrics.paired(Path::Direct, came.elapsed());
                Ok(Viewed::CounterOffer(counter_offer))
            }
            (rendezvous::Viewed::Relayed, Some(relay), Some(offer)) => {
                let answered = relay.view(&room, &offer, ticket.is_err())?;
                // Whoever has taken the room over meanwhile has not seen this viewer yet.
                if let Err(refused) = self.rendezvous.admits(&room, &ticket) {
                    let _ = relay.leave(&room, answered.session);
                    return Err(refused);
                }
                self.metrics.paired(Path::Relay, came.elapsed());
                tracing::info!(?room, "a viewer has come to the relay");
                Ok(Viewed::Answered(answered))
            }
            (rendezvous::Viewed::Relayed, ..) => Err(Error::NoCamera),
        }
    }

    /// How a camera's offer may be used; nothing if the relay answers it at once, as
    /// publishers expect who know of nothing else.
    fn terms(&self, prefer: Prefer, admission: Admission) -> Option<OfferTerms> {
        let limit = prefer
            .direct
            .map(|n| usize::try_from(n).unwrap_or(usize::MAX));
        match (&self.relay, limit) {
            (Some(_), None) => None,
            (relay, limit) => Some(OfferTerms {
                direct: limit.unwrap_or(usize::MAX),
                relay: relay.is_some() && !prefer.strict,
                admission,
            }),
        }
    }

    fn relay_answers(
        &self,
        room: &RoomId,
        publisher: Publisher,
        admission: Admission,
        offer: &Sdp,
        taken: Option<OfferTerms>,
    ) -> Result<Answered, Error> {
        let relay = self.relay.as_ref().ok_or(Error::NobodyCame)?;
        let party = Party::new(offer.ice_credentials());
        let claim = self
            .rendezvous
            .claim(room, party.id, publisher, admission, taken)?;
        let answered = relay.publish(room, party, offer, taken.is_some())?;
        // Viewers outlast their publisher, and this one may be stricter than the last.
        if admission == Admission::Ticket {
            relay.end_ticketless(room);
        }
        claim.settle();
        tracing::info!(?room, "the relay has a publisher");
        Ok(answered)
    }

    /// How long a POST with these preferences is held.
    pub(crate) fn wait(&self, prefer: Prefer, side: Side) -> Duration {
        let default = match side {
            Side::Camera => self.waits.camera,
            Side::Viewer => self.waits.viewer,
        };
        let wanted = prefer
            .wait
            .map(|seconds| Duration::from_secs(seconds.into()));
        wanted.unwrap_or(default).min(self.waits.most)
    }

    /// Completes an exchange with the viewer's answer.
    pub(crate) fn answer(
        &self,
        room: &RoomId,
        session: SessionId,
        precondition: &Precondition,
        answer: &ViewerAnswer,
        from: IpAddr,
    ) -> Result<(), Error> {
        match self.relayed(room, session) {
            Some(_) => Err(Error::AlreadyAnswered),
            None => self
                .rendezvous
                .answer(room, session, precondition, answer, from),
        }
    }

    /// Passes candidates on, or begins ICE anew where the relay is the other end.
    pub(crate) async fn trickle(
        &self,
        room: &RoomId,
        session: SessionId,
        precondition: &Precondition,
        fragment: SdpFrag,
        from: IpAddr,
    ) -> Result<Trickled, Error> {
        match self.relayed(room, session) {
            Some(relay) => relay.trickle(room, session, precondition, &fragment).await,
            None => {
                self.rendezvous
                    .trickle(room, session, precondition, fragment, from)?;
                Ok(Trickled::Noted)
            }
        }
    }

    /// Notes which layer a viewer wants; there is a choice on the relay only.
    pub(crate) fn select_layer(
        &self,
        room: &RoomId,
        session: SessionId,
        selection: &LayerSelection,
    ) -> Result<(), Error> {
        let relay = self.relayed(room, session).ok_or(Error::NoSuchResource)?;
        relay.select(room, session, selection)
    }

    /// Ends a session; the other side learns of it at once.
    pub(crate) fn leave(&self, room: &RoomId, session: SessionId) -> Result<(), Error> {
        match self.relayed(room, session) {
            Some(relay) => relay.leave(room, session)?,
            None => self.rendezvous.delete(room, session)?,
        }
        tracing::info!(?room, "a session was ended by its side");
        Ok(())
    }

    /// Which end of its connection a session is, if there is such a session.
    pub(crate) fn side(&self, room: &RoomId, session: SessionId) -> Result<Side, Error> {
        match self.relayed(room, session) {
            Some(relay) => relay.side(room, session),
            None => self.rendezvous.side(room, session),
        }
    }

    /// Which way a session's media goes.
    pub(crate) fn path(&self, room: &RoomId, session: SessionId) -> Path {
        match self.relayed(room, session) {
            Some(_) => Path::Relay,
            None => Path::Direct,
        }
    }

    /// The relay, if this is one of its sessions.
    fn relayed(&self, room: &RoomId, session: SessionId) -> Option<&Relaying> {
        let relay = self.relay.as_ref()?;
        relay.side(room, session).is_ok().then_some(relay)
    }

    fn outbox(&self, room: &RoomId, session: SessionId) -> Result<Outbox, Error> {
        match self.relayed(room, session) {
            Some(relay) => relay.outbox(room, session),
            None => self.rendezvous.outbox(room, session),
        }
    }

    /// Makes an event stream.
    pub(crate) fn add_stream(
        &self,
        room: &RoomId,
        session: SessionId,
        kinds: Vec<EventKind>,
    ) -> Result<StreamId, Error> {
        self.outbox(room, session)?.add_stream(kinds)
    }

    /// Opens an event stream that was made.
    pub(crate) fn open_stream(
        &self,
        room: &RoomId,
        session: SessionId,
        stream: StreamId,
    ) -> Result<(Outbox, Option<Listening>), Error> {
        let outbox = self.outbox(room, session)?;
        match (outbox.has_stream(stream), self.path(room, session)) {
            (false, _) => Err(Error::UnknownSession),
            // Presence is told by the stream where media is out of sight.
            (true, Path::Direct) => {
                let listening = self.rendezvous.listen(room, session)?;
                Ok((outbox, Some(listening)))
            }
            (true, Path::Relay) => Ok((outbox, None)),
        }
    }

    /// Ends an event stream.
    pub(crate) fn remove_stream(
        &self,
        room: &RoomId,
        session: SessionId,
        stream: StreamId,
    ) -> Result<(), Error> {
        let outbox = self.outbox(room, session)?;
        match outbox.remove_stream(stream) {
            true => Ok(()),
            false => Err(Error::UnknownSession),
        }
    }

    /// The links to the ICE servers, for one client.
    pub(crate) fn ice_server_links(&self) -> impl Iterator<Item = Link> {
        self.ice_servers.links(SystemTime::now())
    }
}

fn without_undescribed_ssrc_groups(offer: Sdp) -> Sdp {
    offer.without_undescribed_ssrc_groups()
}
