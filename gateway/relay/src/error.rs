//! What the relay cannot do, by condition.

use std::io;
use std::net::SocketAddr;

use openssl::error::ErrorStack;
use sightline_spec::sdp::SdpError;

use crate::sdp::offer::Unanswerable;

/// Why the relay did not do what it was asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    // The peer's fault: what it offered.
    /// An answer to this offer would be malformed.
    #[error(transparent)]
    BadSdp(#[from] SdpError),
    /// A publisher offers no encoding that can be forwarded.
    #[error("the offer has no encoding that can be forwarded")]
    NothingToForward,
    /// A viewer cannot decode what the publisher sends.
    #[error("the publisher sends {encoding}, which the offer does not have")]
    CodecMismatch {
        /// As it is registered.
        encoding: &'static str,
    },
    /// The offer is well-formed, and something in it has no answer.
    #[error(transparent)]
    Unanswerable(#[from] Unanswerable),
    /// The offer is well-formed, and no connection can come of it.
    #[error("the offer cannot be answered")]
    UnacceptableOffer,
    /// The publisher sends no layer like the one that was selected, or none that small.
    #[error("there is no such layer")]
    NoSuchLayer,

    // Nobody's fault.
    /// Nobody publishes in this room.
    #[error("nobody publishes in this room")]
    NoPublisher,
    /// The connection has ended.
    #[error("the connection has ended")]
    Ended,

    // Bounds.
    /// More is asked of the worker than it can do at present.
    #[error("the relay has too much to do")]
    Busy,
    /// The workers are gone.
    #[error("the relay is shutting down")]
    ShuttingDown,
}

/// Why the relay could not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A port cannot be had.
    #[error("cannot listen for media on {address}")]
    Listen {
        /// Which.
        address: SocketAddr,
        /// Why not.
        source: io::Error,
    },
    /// OpenSSL makes no certificate.
    #[error("making a certificate for DTLS")]
    Certificate(#[from] ErrorStack),
    /// There is no thread to be had, or no runtime for it.
    #[error("starting a worker")]
    Worker(#[source] io::Error),
}
