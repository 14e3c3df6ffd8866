//! The relay's bounds.

use std::time::Duration;

/// How long things may take.
#[derive(Debug, Clone)]
pub struct Limits {
    /// From the answer until ICE and DTLS are done.
    pub connect: Duration,
    /// The same of a publisher, for which others wait meanwhile.
    pub publisher_connect: Duration,
    /// Between two signs of life of a peer.
    pub silence: Duration,
    /// How long viewers outlast their publisher.
    pub linger: Duration,
}
