//! The only reader of arguments, environment and configuration file.

#![expect(unreachable_pub, reason = "the derive macro exposes these types")]

mod access;
mod admin;
mod limits;
mod proxies;
#[cfg(test)]
mod tests;
mod throttle;
mod tls;
mod waits;

use std::net::{AddrParseError, IpAddr, SocketAddr};
use std::num::NonZero;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use anyhow::{Context, anyhow};
use conf::{Conf, find_parameter};
use humantime::parse_duration;
use sightline_relay::MediaPorts;

use access::AccessOptions;
use limits::LimitOptions;
use proxies::ProxyOptions;
use throttle::ThrottleOptions;
use tls::TlsOptions;
use waits::WaitOptions;

use crate::app::Waits;
use crate::auth::Authority;
use crate::http::{Https, Proxies, PublicUrl};
use crate::ice_servers::{ConfiguredIceServer, IceServers, TurnSecret};
use crate::relaying::RelayingLimits;
use crate::rendezvous::Bounds;
use crate::room::Limits;
use crate::serve::ConnectionLimits;
use crate::session::CandidateLimits;
use crate::throttle::Crowd;
pub use admin::AdminOptions;

/// Where media is received unless told otherwise.
const DEFAULT_MEDIA_PORT: u16 = 8189;

/// A WHIP and WHEP gateway for live cameras: it pairs a camera that POSTs to
/// /whip/ROOM with a viewer who opens /watch/ROOM, and stays out of the media path where
/// it can. Where it cannot, its relay carries the media: for OBS and other publishers that
/// serve no viewers themselves, for standard WHEP players, across networks that block the
/// straight line, and beyond what a camera's uplink can carry.
///
/// Every option can also be set in the environment (SIGHTLINE_LISTEN, …) or, in
/// snake_case, in a TOML file given by --config, where waits and timeouts stand in
/// the table [waits], bounds in [limits], and what begins with admin in [admin]. The file
/// alone holds who may publish and watch in rooms with a name: [[access.tokens]] and
/// [[access.issuers]], see docs/access.md. Arguments win over the environment, and the
/// environment over the file.
#[derive(Conf, Debug)]
#[conf(env_prefix = "SIGHTLINE_", serde, name = "sightline-gateway", version)]
#[conf(validation_predicate = Config::is_sound)]
pub struct Config {
    /// Read options from this TOML file.
    // `Config::read` finds the file before anything is parsed; this is for --help.
    #[expect(dead_code)]
    #[arg(long, env)]
    config: Option<PathBuf>,

    /// What to log, on standard error: error, warn, info, debug, trace, or a filter
    /// such as sightline_relay=debug,info.
    ///
    /// Of the libraries below, whose debug lines would tell secrets, it has no more than info.
    #[arg(long, env, default_value = "info")]
    pub(crate) log: String,

    /// Address and port to serve HTTP on, or HTTPS with --tls; port 0 takes a free one.
    #[arg(long, env, default_value = "127.0.0.1:8080")]
    pub(crate) listen: SocketAddr,

    /// Whether the gateway carries media for those who cannot have it directly.
    ///
    /// Off: media only ever flows between cameras and viewers, and only players that take
    /// a counter-offer can watch.
    #[arg(long, env, default_value = "on", serde(use_value_parser))]
    pub(crate) relay: Switch,

    /// Address and port to receive media on, UDP and TCP: ADDRESS or ADDRESS:PORT.
    ///
    /// Each worker has a port of its own, counted up from this one: open them all in a
    /// firewall. Port 0 takes free ones. Default: the address of --listen, with port 8189,
    /// or with free ports if that is loopback; UDP then also at another address of the machine,
    /// for what the machine itself sends.
    #[arg(long, env, serde(use_value_parser))]
    pub(crate) media_listen: Option<MediaListen>,

    /// An address at which others reach the media ports, if it is not the machine's own:
    /// behind NAT, in a container. Can be repeated.
    #[arg(
        repeat,
        long = "media-address",
        env = "MEDIA_ADDRESSES",
        serde(rename = "media_addresses")
    )]
    pub(crate) media_addresses: Vec<IpAddr>,

    /// Threads that carry media, over which rooms and their viewers are spread. Default: one
    /// for each core.
    #[arg(long, env)]
    pub(crate) media_workers: Option<usize>,

    /// A STUN or TURN server that clients are told of; can be repeated.
    ///
    /// stun:HOST[:PORT] or turn[s]:[USER:PASSWORD@]HOST[:PORT][?transport=udp|tcp].
    /// Without a user and a password, --turn-secret makes them. Passwords are better
    /// kept in the file than in the arguments.
    #[arg(
        repeat,
        long = "ice-server",
        env = "ICE_SERVERS",
        serde(rename = "ice_servers", use_value_parser)
    )]
    ice_servers: Vec<ConfiguredIceServer>,

    /// The secret that TURN servers know as well (static-auth-secret of coturn): each
    /// client gets credentials of its own, which expire.
    ///
    /// Better kept in the file, or in the environment, than in the arguments.
    #[arg(long, env, serde(use_value_parser))]
    turn_secret: Option<TurnSecret>,

    /// How long such credentials are good for.
    #[arg(long, env, default_value = "12h", value_parser = parse_duration, serde(use_value_parser))]
    turn_ttl: Duration,

    /// Open rooms with a name (/whip/garage) to everyone who can reach the gateway.
    ///
    /// Always so when it listens on loopback only, has no tokens configured and knows of no
    /// proxy (--trusted-proxy, --public-url). Otherwise only rooms that are a key can be used,
    /// where only the key's holder can publish, and those with a name for which the table
    /// [access] of the file has tokens or issuers.
    #[arg(long, env)]
    pub(crate) open_rooms: bool,

    /// Demand If-Match in every PATCH with candidates, as RFC 9725 has it.
    ///
    /// Many players do not send it, so the default accepts its absence.
    #[arg(long, env)]
    pub(crate) strict: bool,

    /// Serve the player from this folder instead of from the program (for development).
    #[arg(long, env)]
    pub(crate) player_dir: Option<PathBuf>,

    #[conf(flatten, serde(flatten))]
    pub(crate) tls: TlsOptions,

    #[conf(flatten, serde(flatten))]
    proxies: ProxyOptions,

    #[conf(flatten, serde(flatten))]
    pub(crate) throttle: ThrottleOptions,

    #[conf(flatten)]
    access: AccessOptions,
    #[conf(flatten, prefix)]
    pub(crate) admin: AdminOptions,

    #[conf(flatten)]
    pub(crate) waits: WaitOptions,

    #[conf(flatten)]
    pub(crate) limits: LimitOptions,
}

/// On or off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Switch {
    /// `on`
    On,
    /// `off`
    Off,
}

impl FromStr for Switch {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "on" => Ok(Self::On),
            "off" => Ok(Self::Off),
            _ => Err("on or off"),
        }
    }
}

/// `ADDRESS` or `ADDRESS:PORT`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MediaListen {
    address: IpAddr,
    port: Option<u16>,
}

impl FromStr for MediaListen {
    type Err = AddrParseError;

    fn from_str(text: &str) -> Result<Self, AddrParseError> {
        let alone = || text.parse().map(|address| (address, None));
        let with_port = text.parse::<SocketAddr>();
        let (address, port) =
            with_port.map_or_else(|_| alone(), |a| Ok((a.ip(), Some(a.port()))))?;
        Ok(Self { address, port })
    }
}

impl Config {
    /// Reads the process's arguments and environment and the file they name. Prints
    /// help or all mistakes at once and ends the process where that is called for.
    pub(crate) fn read() -> anyhow::Result<Self> {
        let file = find_parameter("config", std::env::args_os())
            .or_else(|| std::env::var_os("SIGHTLINE_CONFIG"))
            .map(PathBuf::from);
        let Some(file) = file else {
            return Ok(Self::parse());
        };
        let name = file.display().to_string();
        let text = std::fs::read_to_string(&file).with_context(|| format!("reading {name}"))?;
        // The whole error would show the line, which may hold a secret.
        let document: toml::Table = text.parse().map_err(|error: toml::de::Error| {
            let before = error.span().and_then(|span| text.get(..span.start));
            let line = before.unwrap_or_default().matches('\n').count() + 1;
            anyhow!("in {name}, line {line}: {}", error.message())
        })?;
        Ok(Self::conf_builder().doc(name, document).parse())
    }

    /// Who may publish and who may watch.
    pub(crate) fn authority(&self) -> Authority {
        let access = self.access.access();
        // Behind a proxy, loopback is where everyone comes from.
        let is_alone = self.listen.ip().is_loopback() && !self.proxies.are_there();
        let is_private = is_alone && access.is_empty();
        Authority {
            named_rooms_open: self.open_rooms || is_private,
            access,
        }
    }

    /// The servers that clients are told of.
    pub(crate) fn ice_servers(&self) -> IceServers {
        IceServers {
            servers: self.ice_servers.clone(),
            turn_secret: self.turn_secret.clone(),
            turn_ttl: self.turn_ttl,
        }
    }

    /// What each option alone cannot say.
    fn is_sound(&self) -> Result<(), String> {
        self.turn_has_credentials()?;
        self.admin.asks_for_a_token()
    }

    fn turn_has_credentials(&self) -> Result<(), String> {
        for server in &self.ice_servers {
            if let ConfiguredIceServer::NeedsSecret(uri) = server
                && self.turn_secret.is_none()
            {
                let wants = "needs USER:PASSWORD@ before its host, or --turn-secret";
                return Err(format!("--ice-server {uri} {wants}"));
            }
        }
        Ok(())
    }

    /// How long POSTs are held.
    pub(crate) fn waits(&self) -> Waits {
        Waits {
            camera: self.waits.camera_wait,
            viewer: self.waits.viewer_wait,
            most: self.waits.max_wait,
            publisher_grace: self.waits.publisher_grace,
        }
    }

    /// Where the relay receives media.
    pub(crate) fn media_ports(&self) -> MediaPorts {
        let address = match self.media_listen {
            Some(MediaListen { address, .. }) => address,
            None => self.listen.ip(),
        };
        let port = self.media_listen.and_then(|listen| listen.port);
        let default = match address.is_loopback() {
            true => 0,
            false => DEFAULT_MEDIA_PORT,
        };
        let cores = || std::thread::available_parallelism().map_or(1, NonZero::get);
        MediaPorts {
            address,
            port: port.unwrap_or(default),
            workers: self.media_workers.unwrap_or_else(cores),
            advertised: self.media_addresses.clone(),
        }
    }

    /// The bounds of the relay.
    pub(crate) fn relaying_limits(&self) -> RelayingLimits {
        RelayingLimits {
            media: sightline_relay::Limits {
                connect: self.waits.media_connect,
                publisher_connect: self.waits.publisher_connect,
                silence: self.waits.media_silence,
                linger: self.waits.relay_linger,
            },
            candidates: self.candidate_limits(),
            remember: self.waits.session_linger,
        }
    }

    /// The bounds of connections.
    pub(crate) fn connection_limits(&self) -> ConnectionLimits {
        ConnectionLimits {
            handshake_timeout: self.tls.handshake_timeout,
            header_timeout: self.waits.header_timeout,
            connections: self.limits.max_connections,
            crowd: Crowd::new(self.throttle.connections(), self.proxies.trusted.clone()),
        }
    }

    /// Whose word counts about where requests come from.
    pub(crate) fn proxies(&self) -> Proxies {
        Proxies {
            trusted: self.proxies.trusted.clone(),
            public_urls: self.proxies.public_urls.clone(),
            https: self.tls.is_on(),
        }
    }

    /// Where plain HTTP is sent on to: the public URLs, or else the names that the certificate
    /// is for, and the port that HTTPS listens on.
    pub(crate) fn https(&self, names: Vec<String>, port: u16) -> Https {
        let public = self.proxies.public_urls.iter().filter_map(PublicUrl::https);
        let (hosts, ports): (Vec<_>, Vec<_>) = public.unzip();
        Https {
            hosts: if hosts.is_empty() { names } else { hosts },
            port: ports.first().copied().unwrap_or(port),
        }
    }

    /// The bounds of the rendezvous.
    pub(crate) fn bounds(&self) -> Bounds {
        Bounds {
            room: Limits {
                waiting: self.limits.max_waiting_per_room,
                candidates: self.candidate_limits(),
                answer_within: self.waits.answer_within,
                event_grace: self.waits.event_grace,
                idle: self.waits.session_idle,
                linger: self.waits.session_linger,
            },
            waiting: self.limits.max_waiting,
            sessions: self.limits.max_sessions,
            memory: self.limits.max_kept,
        }
    }

    fn candidate_limits(&self) -> CandidateLimits {
        CandidateLimits {
            count: self.limits.max_candidates,
            bytes: self.limits.max_candidate_bytes,
        }
    }
}
