//! How much of everything there may be: the table `[limits]`.

use conf::Conf;

/// How much of everything there may be.
#[derive(Conf, Debug)]
#[conf(serde)]
pub struct LimitOptions {
    /// Offers, and viewers, that may wait in one room.
    #[arg(long, env, default_value = "64")]
    pub(crate) max_waiting_per_room: usize,

    /// Requests that may wait in all rooms together.
    #[arg(long, env, default_value = "20000")]
    pub(crate) max_waiting: usize,

    /// Sessions at one time, on either path; a camera and a viewer that met are two, and who waits
    /// counts as one already. An address, or an IPv6 network, has no more than are still free.
    #[arg(long, env, default_value = "20000")]
    pub(crate) max_sessions: usize,

    /// Candidates that one session may send.
    #[arg(long, env, default_value = "256")]
    pub(crate) max_candidates: usize,

    /// Bytes of memory that the candidates of one session may take.
    #[arg(long, env, default_value = "65536")]
    pub(crate) max_candidate_bytes: usize,

    /// Bytes of offers that wait and of candidates, of all together. An address, or an IPv6
    /// network, and a room have no more than are still free.
    #[arg(long, env, default_value = "134217728")]
    pub(crate) max_kept: usize,

    /// Bytes of a request's body.
    #[arg(long, env, default_value = "65536")]
    pub(crate) max_body: usize,

    /// HTTP connections at one time; more wait to be accepted.
    #[arg(long, env, default_value = "50000")]
    pub(crate) max_connections: usize,
}
