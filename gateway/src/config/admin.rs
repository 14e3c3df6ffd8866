//! What the gateway's operator may see and do, and where.

use std::net::SocketAddr;

use conf::Conf;

use crate::secret::Secret;

/// The administrator's interface.
#[derive(Conf, Debug)]
#[conf(serde)]
pub struct AdminOptions {
    /// Address and port of the administrator's interface, off by default: /metrics for
    /// Prometheus, /api/v1/rooms, and DELETE of sessions. Needs an admin token.
    ///
    /// It speaks plain HTTP: keep it on loopback or in a network of your own.
    #[arg(long, env)]
    pub(crate) listen: Option<SocketAddr>,

    /// What the administrator's interface asks for, as `Authorization: Bearer …`.
    ///
    /// In the environment (SIGHTLINE_ADMIN_TOKEN) or in the file only: others can read a
    /// program's arguments.
    #[arg(env, secret, serde(use_value_parser))]
    pub(crate) token: Option<Secret>,

    /// Bits per second that a viewer is taken to receive, for the metric of what direct
    /// viewers have saved: the gateway does not see their media.
    #[arg(long, env, default_value = "2500000")]
    pub(crate) assumed_bitrate: u64,
}

impl AdminOptions {
    /// Where the interface is and what it asks for, if it is wanted.
    pub(crate) fn interface(&self) -> Option<(SocketAddr, Secret)> {
        Some((self.listen?, self.token.clone()?))
    }

    /// Nobody is an administrator just by reaching a port.
    pub(crate) fn asks_for_a_token(&self) -> Result<(), String> {
        match (self.listen, &self.token) {
            (Some(_), None) => Err(
                "--admin-listen needs an admin token: set SIGHTLINE_ADMIN_TOKEN, or \
                 token in the file's table [admin]"
                    .to_owned(),
            ),
            _ => Ok(()),
        }
    }
}
