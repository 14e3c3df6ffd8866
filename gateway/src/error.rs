//! What can go wrong, by condition; `http/error.rs` says how HTTP tells it.

use std::time::Duration;

use sightline_relay::Unanswerable;
use sightline_spec::layer::LayerSelectionError;
use sightline_spec::room::RoomIdError;
use sightline_spec::sdp::SdpError;
use sightline_spec::sdpfrag::SdpFragError;
use sightline_spec::shared_events::SharedEventsError;
use sightline_spec::token::{Scope, TokenError};

use crate::shares::Spent;

/// Why a request was not carried out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Error {
    // The client's fault: what it sent.
    #[error("a request names one host (RFC 9112 section 3.2)")]
    BadHost,
    #[error(transparent)]
    BadRoom(#[from] RoomIdError),
    #[error(transparent)]
    BadSdp(#[from] SdpError),
    #[error(transparent)]
    BadSdpFrag(#[from] SdpFragError),
    #[error("the body must be a JSON array of events that the Link header announced")]
    BadEvents,
    #[error(transparent)]
    BadSharedEvents(#[from] SharedEventsError),
    #[error(transparent)]
    BadSelection(#[from] LayerSelectionError),
    #[error("there is no resource at this address")]
    NoSuchResource,
    #[error("this resource knows other methods")]
    WrongMethod,
    #[error("the body must be {expected}")]
    WrongMediaType { expected: &'static str },
    #[error("the body must not be longer than {limit} bytes")]
    BodyTooLong { limit: usize },
    #[error("the body did not arrive within {limit:?}")]
    BodyTooSlow { limit: Duration },
    #[error("the body was cut off")]
    BodyCutOff,
    #[error(
        "Forwarded or X-Forwarded-For is malformed, or they differ: let the proxy remove the one \
         that it does not write"
    )]
    BadForwarded,

    // The client's fault: who it is.
    #[error("publishing in this room takes a token signed by its key")]
    NoToken,
    #[error("this camera shows its picture to whoever has a ticket: ask for a link with one")]
    NoTicket,
    #[error("{} in this room takes a token", doing(*.0))]
    NoRoomToken(Scope),
    #[error(transparent)]
    BadToken(TokenError),
    #[error("{error}")]
    NotPermitted { to: Scope, error: TokenError },
    #[error(
        "this room is closed on this gateway: use a camera's own room (its key), or have the \
         gateway configured with tokens for this one, or started with --open-rooms"
    )]
    NamedRoomsClosed,

    // The client's fault: when it came.
    #[error("no such session, or it has ended")]
    UnknownSession,
    #[error("this counter-offer has been answered already")]
    AlreadyAnswered,
    #[error(
        "this session has no counter-offer to answer: a PATCH of it carries candidates or an ICE \
         restart, as application/trickle-ice-sdpfrag"
    )]
    NoCounterOffer,
    #[error("the answer came too late, or the camera has gone: POST again")]
    OfferExpired,
    #[error("this session's connection is gone: POST again")]
    SessionOver,
    #[error("If-Match is required here (--strict)")]
    PreconditionRequired,
    #[error("If-Match does not name this session's ICE session")]
    PreconditionFailed,
    #[error("media flows directly here, so this session cannot restart ICE: make a new one")]
    RestartUnsupported,

    #[error("there is no such layer: the `layers` event says what there is to choose from")]
    NoSuchLayer,
    #[error(
        "this publisher sends {encoding}, which your offer does not have: offer it, or use a \
         player that decodes it"
    )]
    CodecMismatch { encoding: &'static str },
    #[error(
        "there is nothing here to forward: offer H264, H265, VP8, VP9 or AV1 for video, opus \
         for audio"
    )]
    NothingToForward,
    #[error("the relay cannot answer this offer: {0}")]
    Unanswerable(Unanswerable),
    #[error("the relay cannot answer this offer")]
    UnacceptableOffer,
    #[error(
        "this camera sends only directly to viewers: POST with `Prefer: direct`, or use a player \
         that takes a counter-offer"
    )]
    DirectOnly,
    #[error("this publisher can only be had by way of the relay: POST without `handling=strict`")]
    RelayOnly,

    // Nobody's fault.
    #[error("another camera publishes in this room")]
    RoomTaken,
    #[error("no camera publishes in this room yet")]
    NoCamera,
    #[error("the camera serves as many viewers as it can")]
    CameraBusy,
    #[error("no viewer came while the offer waited")]
    NobodyCame,
    #[error("a viewer took the offer but did not answer: make a fresh one")]
    OfferSpent,

    // Bounds.
    #[error("too many are waiting in this room, or too large offers")]
    RoomFull,
    #[error("too many are waiting on this gateway, or too large offers")]
    GatewayFull,
    #[error("your address has its share of this gateway; others need the rest")]
    AddressFull,
    #[error("this gateway holds as many sessions as it may")]
    TooManySessions,
    #[error("this session has sent more candidates than any peer has")]
    TooManyCandidates,
    #[error("this session has as many event streams as it may")]
    TooManyStreams,
    #[error("too many requests: the next one in {retry_after:?}")]
    TooOften { retry_after: Duration },
    #[error("the gateway is shutting down")]
    ShuttingDown,
    #[error("a part of the relay is not at work; it is being started again")]
    RelayBroken,

    // The gateway's fault.
    #[error("the gateway has a fault: this request met it, others may not")]
    Panicked,

    // The administrator's interface.
    #[error("this takes the admin token, as `Authorization: Bearer …`")]
    NotAdministrator,
}

impl Error {
    /// There is no place for another session.
    pub(crate) fn too_many(spent: Spent) -> Self {
        match spent {
            Spent::Address => Self::AddressFull,
            Spent::All | Spent::Room => Self::TooManySessions,
        }
    }

    /// There is no memory for what somebody has sent.
    pub(crate) fn too_large(spent: Spent) -> Self {
        match spent {
            Spent::Address => Self::AddressFull,
            Spent::Room => Self::RoomFull,
            Spent::All => Self::GatewayFull,
        }
    }
}

fn doing(scope: Scope) -> &'static str {
    match scope {
        Scope::Publish => "publishing",
        Scope::View => "watching",
    }
}
