//! Where a request comes from and what it takes the gateway for, also when a proxy has
//! passed it on. Only a trusted proxy is believed.

#[cfg(test)]
mod tests;

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::str::FromStr;

use axum::extract::ConnectInfo;
use axum::http::request::Parts;
use axum::http::uri::Authority;
use axum::http::{HeaderMap, Uri, header};
use ipnet::IpNet;
use sightline_spec::forwarded::{Hop, forwarded, x_forwarded_for};

use crate::error::Error;

/// Whose word counts.
#[derive(Debug, Clone, Default)]
pub(crate) struct Proxies {
    /// Where proxies are that say the truth of what they pass on.
    pub(crate) trusted: Vec<IpNet>,
    /// What the gateway is called. If this is known, no request can say otherwise.
    pub(crate) public_urls: Vec<PublicUrl>,
    /// Whether what comes from nobody else comes by HTTPS.
    pub(crate) https: bool,
}

/// Where clients reach the gateway: `http[s]://HOST[:PORT]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PublicUrl {
    https: bool,
    /// In lower case, without the scheme's own port.
    authority: String,
}

impl FromStr for PublicUrl {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const WANTED: &str = "http[s]://HOST[:PORT], without a path";
        let uri: Uri = text.parse().map_err(|_| WANTED)?;
        let https = match uri.scheme_str() {
            Some("https") => true,
            Some("http") => false,
            _ => return Err(WANTED),
        };
        let authority = uri.authority().ok_or(WANTED)?.as_str();
        match uri.path() == "/" && uri.query().is_none() && !authority.contains('@') {
            true => Ok(Self {
                https,
                authority: without_own_port(authority, https),
            }),
            false => Err(WANTED),
        }
    }
}

impl PublicUrl {
    /// The host and the port, if this is HTTPS.
    pub(crate) fn https(&self) -> Option<(String, u16)> {
        let authority: Authority = self.authority.parse().ok()?;
        let port = authority.port_u16().unwrap_or(443);
        self.https.then(|| (authority.host().to_owned(), port))
    }
}

impl fmt::Display for PublicUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.https { "https" } else { "http" };
        write!(f, "{scheme}://{}", self.authority)
    }
}

/// What is known of a request beside what it says itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Origin {
    /// The client's own address, as far as it is known.
    pub(super) address: IpAddr,
    /// The gateway's host and port as the client addressed it, in lower case, which is
    /// what a token's audience is compared with.
    pub(super) audience: String,
}

/// What proxies have told.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Told {
    from: Option<IpAddr>,
    host: Option<String>,
    proto: Option<String>,
}

impl Proxies {
    /// # Errors
    /// [`Error::BadForwarded`] if a trusted proxy has passed on what cannot be believed.
    pub(super) fn origin(&self, parts: &Parts) -> Result<Origin, Error> {
        let peer = peer(parts);
        let told = match self.trusts(peer) {
            true => self.told(&parts.headers)?,
            false => Told::default(),
        };
        let https = told.proto.map_or(self.https, |proto| proto == "https");
        let host = told.host.unwrap_or_else(|| host(parts).to_owned());
        Ok(Origin {
            address: told.from.unwrap_or(peer),
            audience: self.audience(without_own_port(&host, https)),
        })
    }

    fn trusts(&self, address: IpAddr) -> bool {
        self.trusted.iter().any(|net| net.contains(&address))
    }

    /// The public name that the client used, or ours if it used none of them: then a token
    /// that was made for another gateway does not fit, whatever the request calls us.
    fn audience(&self, addressed: String) -> String {
        let mut names = self.public_urls.iter().map(|url| &url.authority);
        match names.any(|name| *name == addressed) {
            true => addressed,
            false => self
                .public_urls
                .first()
                .map_or(addressed, |url| url.authority.clone()),
        }
    }

    /// A proxy that writes one of the two kinds of fields may pass on a client's own of the
    /// other kind. So both count only if they say the same.
    fn told(&self, headers: &HeaderMap) -> Result<Told, Error> {
        let newer = match headers.contains_key("forwarded") {
            true => Some(self.nearest(forwarded(lines(headers, "forwarded")?))?),
            false => None,
        };
        let older = match headers.contains_key("x-forwarded-for") {
            true => {
                let hops = x_forwarded_for(lines(headers, "x-forwarded-for")?);
                Some(Told {
                    host: last(headers, "x-forwarded-host")?,
                    proto: last(headers, "x-forwarded-proto")?,
                    ..self.nearest(hops)?
                })
            }
            false => None,
        };
        match (newer, older) {
            (Some(newer), Some(older)) if newer != older => Err(Error::BadForwarded),
            (newer, older) => Ok(newer.or(older).unwrap_or_default()),
        }
    }

    /// What the proxy farthest from us says that is still trusted: further out, anybody may
    /// have written anything.
    fn nearest<E>(&self, hops: Result<Vec<Hop>, E>) -> Result<Told, Error> {
        let hops = hops.map_err(|_| Error::BadForwarded)?;
        let mut told = Told::default();
        for Hop { from, host, proto } in hops.into_iter().rev() {
            told = Told {
                from: from.or(told.from),
                host: host.map(|host| host.to_ascii_lowercase()),
                proto,
            };
            if !from.is_some_and(|from| self.trusts(from)) {
                break;
            }
        }
        Ok(told)
    }
}

fn peer(parts: &Parts) -> IpAddr {
    let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>();
    let address = peer.map_or(Ipv4Addr::LOCALHOST.into(), |peer| peer.0.ip());
    address.to_canonical()
}

/// The host and port that the request is addressed to.
fn host(parts: &Parts) -> &str {
    let in_target = parts.uri.authority().map(Authority::as_str);
    let in_header = || parts.headers.get(header::HOST)?.to_str().ok();
    in_target.or_else(in_header).unwrap_or_default()
}

fn without_own_port(authority: &str, https: bool) -> String {
    let own = if https { ":443" } else { ":80" };
    let bare = authority.strip_suffix(own).unwrap_or(authority);
    bare.to_ascii_lowercase()
}

fn lines<'h>(headers: &'h HeaderMap, name: &str) -> Result<Vec<&'h str>, Error> {
    let lines = headers.get_all(name).into_iter();
    let lines: Result<Vec<_>, _> = lines.map(|line| line.to_str()).collect();
    lines.map_err(|_| Error::BadForwarded)
}

/// The last value of a list, which the nearest proxy wrote.
fn last(headers: &HeaderMap, name: &str) -> Result<Option<String>, Error> {
    let lines = lines(headers, name)?;
    let values = lines.into_iter().flat_map(|line| line.split(','));
    Ok(values.last().map(|value| value.trim().to_ascii_lowercase()))
}
