//! What stands in front of the gateway, and what it is called there.

use std::net::IpAddr;

use conf::Conf;
use ipnet::{AddrParseError, IpNet};

use crate::http::PublicUrl;

/// Options about proxies.
#[derive(Conf, Debug)]
#[conf(serde)]
pub struct ProxyOptions {
    /// A proxy whose word counts about where requests come from, as an address or a network
    /// such as 10.0.0.0/8; can be repeated.
    ///
    /// From there, Forwarded or X-Forwarded-For, -Host and -Proto say who the client is and
    /// what it took the gateway for. From elsewhere they say nothing.
    #[arg(
        repeat,
        long = "trusted-proxy",
        env = "TRUSTED_PROXIES",
        value_parser = network,
        serde(rename = "trusted_proxies", use_value_parser)
    )]
    pub(crate) trusted: Vec<IpNet>,

    /// Where clients reach the gateway: http[s]://HOST[:PORT]; can be repeated.
    ///
    /// Tokens are then good only if they were made for one of these, whatever a request
    /// says in its Host field.
    #[arg(
        repeat,
        long = "public-url",
        env = "PUBLIC_URLS",
        serde(rename = "public_urls", use_value_parser)
    )]
    pub(crate) public_urls: Vec<PublicUrl>,
}

impl ProxyOptions {
    /// Whether something in front makes the gateway reachable from further away than
    /// its own address tells.
    pub(crate) fn are_there(&self) -> bool {
        !self.trusted.is_empty() || !self.public_urls.is_empty()
    }
}

/// A network, or an address alone.
fn network(text: &str) -> Result<IpNet, AddrParseError> {
    let alone = text.parse::<IpAddr>().map(IpNet::from);
    alone.or_else(|_| text.parse())
}
