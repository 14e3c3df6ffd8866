//! What the gateway does, in the words of the protocol and without those of HTTP.

mod admin;
mod session;

use std::net::IpAddr;
use std::time::{Duration, Instant, SystemTime};

use sightline_spec::link::Link;
use sightline_spec::prefer::Prefer;
use sightline_spec::room::RoomId;
use sightline_spec::sdp::{PublisherOffer, Sdp, ViewerOffer};
use sightline_spec::token::Admission;

use crate::auth::Authority;
use crate::error::Error;
use crate::ice_servers::IceServers;
use crate::metrics::Metrics;
use crate::relaying::{Relaying, Standing};
use crate::rendezvous::{self, Claimed, Published, Rendezvous};
use crate::room::{Answered, CounterOffer, OfferTerms, Offered, Publisher, Visitor, Wants};
use crate::session::{Holds, Party, Path, Side};
use crate::throttle::{Neighbourhood, Throttle};
pub(crate) use session::{Session, Trickled};

/// How long POSTs are held.
#[derive(Debug, Clone)]
pub(crate) struct Waits {
    /// A camera's that does not say.
    pub(crate) camera: Duration,
    /// A viewer's that does not say.
    pub(crate) viewer: Duration,
    /// A publisher's whose room another one has, who may be gone.
    pub(crate) publisher_grace: Duration,
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
        let (publisher, admission) =
            self.authority
                .publisher(&room, &offer, bearer.as_deref(), &audience, now)?;
        // What has served its purpose does not wait with the offer.
        drop((bearer, audience));
        self.throttle.room(&room, Side::Camera, address)?;
        let grace = self.waits.publisher_grace;
        let grace = prefer
            .wait
            .map_or(grace, |_| grace.min(self.wait(prefer, Side::Camera)));
        self.rendezvous.until_free(&room, &publisher, grace).await?;
        let offer = offer.into_sdp();
        let from = Neighbourhood::of(address);
        let bytes = offer.as_str().len();
        let memory = self.rendezvous.memory(&room, from, bytes)?;
        let Some(terms) = self.terms(prefer, admission) else {
            let holds = self.rendezvous.holds(&room, from)?;
            let admitted = (publisher, admission);
            let answered = self.relay_answers(&room, admitted, holds, &offer, None)?;
            return Ok((answered, Path::Relay));
        };
        // One copy waits, not two.
        let offer = without_undescribed_ssrc_groups(offer);
        let wait = self.wait(prefer, Side::Camera);
        let _place = self.rendezvous.place(from)?;
        let offered = Offered {
            publisher: publisher.clone(),
            sdp: offer,
            terms,
            from,
            holds: Holds { _place, memory },
        };
        let held = self.rendezvous.publish(room.clone(), offered, wait)?;
        tracing::debug!(?room, ?wait, "a camera's offer waits");
        match held.outcome().await? {
            Published::Answered(answered) => {
                tracing::info!(?room, "a camera and a viewer have met");
                Ok((answered, Path::Direct))
            }
            Published::Taken(offer, holds) => {
                let admitted = (publisher, admission);
                let answered = self.relay_answers(&room, admitted, holds, &offer, Some(terms))?;
                Ok((answered, Path::Relay))
            }
        }
    }

    /// Whether a camera is in `room`, for whoever may watch it; nothing for anybody else.
    pub(crate) fn camera_is_here(
        &self,
        room: &RoomId,
        bearer: Option<&str>,
        audience: &str,
    ) -> Option<bool> {
        let now = SystemTime::now();
        let ticket = self.authority.viewer(room, bearer, audience, now).ok()?;
        self.rendezvous.admits(room, &ticket).ok()?;
        Some(self.rendezvous.has_camera(room))
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
        let direct = prefer.direct.filter(|viewers| *viewers > 0);
        let wants = match (&self.relay, direct) {
            (None, _) => Wants::Direct,
            (Some(_), Some(_)) if prefer.strict => Wants::Direct,
            (Some(_), Some(_)) => Wants::DirectOrRelay,
            (Some(_), None) => Wants::Relay,
        };
        let wait = self.wait(prefer, Side::Viewer);
        // Only the relay has a use for the viewer's own offer.
        let offer = (wants != Wants::Direct).then(|| offer.into_sdp());
        let from = Neighbourhood::of(address);
        let bytes = offer.as_ref().map_or(0, |offer| offer.as_str().len());
        let _kept = self.rendezvous.memory(&room, from, bytes)?;
        let came = Instant::now();
        let visitor = Visitor {
            wants,
            ticket: ticket.clone(),
            from,
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
                let holds = self.rendezvous.holds(&room, from)?;
                let answered = relay.view(&room, &offer, ticket.is_err(), holds)?;
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
        admitted: (Publisher, Admission),
        holds: Holds,
        offer: &Sdp,
        taken: Option<OfferTerms>,
    ) -> Result<Answered, Error> {
        let relay = self.relay.as_ref().ok_or(Error::NobodyCame)?;
        let party = Party::new(offer.ice_credentials(), holds);
        let admission = admitted.1;
        let claimed = self.rendezvous.claim(room, party.id, admitted, taken)?;
        let answer = |standing| relay.publish(room, party, offer, taken.is_some(), standing);
        let (claim, answered) = match claimed {
            Claimed::Room(claim) => (claim, answer(Standing::InRoom)?),
            Claimed::PlaceApart(claim) => {
                let answered = answer(Standing::Apart)?;
                claim.settle_apart();
                tracing::info!(
                    ?room,
                    "a publisher is to prove that it is the one that is here"
                );
                return Ok(answered);
            }
        };
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

    /// The links to the ICE servers, for one client.
    pub(crate) fn ice_server_links(&self) -> impl Iterator<Item = Link> {
        self.ice_servers.links(SystemTime::now())
    }
}

fn without_undescribed_ssrc_groups(offer: Sdp) -> Sdp {
    offer.without_undescribed_ssrc_groups()
}
