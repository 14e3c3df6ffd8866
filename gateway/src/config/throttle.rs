//! How much one client may ask for.

use std::num::NonZero;

use conf::Conf;

use crate::throttle::Rates;

/// Options about how much is too much. Zero is no bound, and this machine has none.
#[derive(Conf, Debug)]
#[conf(serde)]
pub struct ThrottleOptions {
    /// POSTs in a minute from one address, or one IPv6 network of 64 bits; 0 is no bound.
    #[arg(long, env, default_value = "600")]
    posts_per_address: u32,

    /// POSTs in a minute of a room's cameras, and as many of its viewers; 0 is no bound.
    #[arg(long, env, default_value = "6000")]
    posts_per_room: u32,

    /// Requests in a minute about sessions (PATCH, DELETE, events), and about whether there is a
    /// camera (HEAD), from one address, or one IPv6 network; 0 is no bound.
    #[arg(long, env, default_value = "6000")]
    requests_per_address: u32,

    /// Requests in a minute about one session, but for its DELETE, from wherever; 0 is no
    /// bound.
    #[arg(long, env, default_value = "600")]
    requests_per_session: u32,

    /// Connections at one time from one address, or one IPv6 network; 0 is no bound.
    #[arg(long, env, default_value = "1000")]
    connections_per_address: usize,
}

impl ThrottleOptions {
    /// Requests in a minute.
    pub(crate) fn rates(&self) -> Rates {
        Rates {
            address: NonZero::new(self.posts_per_address),
            room: NonZero::new(self.posts_per_room),
            requests: NonZero::new(self.requests_per_address),
            session: NonZero::new(self.requests_per_session),
        }
    }

    /// Connections of one address.
    pub(crate) fn connections(&self) -> Option<NonZero<usize>> {
        NonZero::new(self.connections_per_address)
    }
}
