//! Requests to a gateway, as a camera and a viewer both make them.

mod error;

pub use error::RequestError;
pub(crate) use error::{refusal, text, unreachable};

use std::time::Duration;

use reqwest::{
    Client, Method, RequestBuilder, Response, StatusCode, Url,
    header::{ACCEPT, HeaderMap, HeaderValue, LINK, LOCATION},
};
use sightline_spec::{
    event::EventKind,
    ice_server::IceServer,
    link::{Link, OWN_EVENTS},
};

use crate::trust::Trust;

/// How long we ask the gateway to hold an offer; most proxies end a silent request after 60 s.
pub(crate) const WAIT: Duration = Duration::from_secs(55);

/// How long a connection may take, TLS included. What is lost of it is sent again after one second
/// and after three: a new attempt is there before that, when a network is back.
const CONNECT: Duration = Duration::from_millis(2500);

/// How long any answer may take that is not held.
pub(crate) const PATIENCE: Duration = Duration::from_secs(8);

/// How long a goodbye may take.
const GOODBYE: Duration = Duration::from_secs(2);

/// A client of one gateway.
#[derive(Debug, Clone)]
pub(crate) struct Http(Client);

impl Http {
    /// One that trusts so, and only by TLS where the gateway has it.
    pub(crate) fn new(gateway: &Url, trust: &Trust) -> Result<Self, RequestError> {
        let client = Client::builder()
            .user_agent(concat!("sightline-camera/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(CONNECT)
            // A waiting offer costs the gateway 13 KiB by HTTP/1 and 45 by HTTP/2.
            .http1_only()
            // A held request is silent for a minute. Only probes tell that the network is gone.
            .tcp_keepalive(Duration::from_secs(4))
            .tcp_keepalive_interval(Duration::from_secs(2))
            .tcp_keepalive_retries(2)
            .redirect(reqwest::redirect::Policy::limited(3))
            // Nobody can send us where there is no TLS.
            .https_only(gateway.scheme() == "https");
        let client = trust.applied_to(client)?.build().map_err(unreachable)?;
        Ok(Self(client))
    }

    pub(crate) fn request(&self, method: Method, url: &Url) -> RequestBuilder {
        self.0.request(method, url.clone())
    }

    /// Asks for the ICE servers to use (RFC 9725 section 4.6). Also tells that the gateway is
    /// there.
    pub(crate) async fn ice_servers(&self, endpoint: &Url) -> Result<Vec<IceServer>, RequestError> {
        let request = self.request(Method::OPTIONS, endpoint).timeout(PATIENCE);
        let response = request.send().await.map_err(unreachable)?;
        if !response.status().is_success() {
            return Err(refusal(response).await);
        }
        Ok(ice_servers(response.headers()))
    }

    /// Ends a session. That it cannot be ended is nobody's concern: it ends by itself.
    pub(crate) async fn end(&self, session: &Url) {
        let request = self.request(Method::DELETE, session).timeout(GOODBYE);
        if let Err(error) = request.send().await {
            tracing::debug!("DELETE failed: {}", unreachable(error));
        }
    }

    /// Subscribes to these events of a session; the result is the stream's address.
    pub(crate) async fn subscribe(
        &self,
        events: &Url,
        kinds: &[EventKind],
    ) -> Result<Url, RequestError> {
        let request = self.request(Method::POST, events).timeout(PATIENCE);
        let response = request.json(kinds).send().await.map_err(unreachable)?;
        if response.status() != StatusCode::CREATED {
            return Err(refusal(response).await);
        }
        location(&response).ok_or(RequestError::Malformed("no Location"))
    }

    /// Opens an event stream, behind the last event that was seen.
    pub(crate) async fn listen(&self, stream: &Url, last: &str) -> Result<Response, RequestError> {
        let mut request = self
            .request(Method::GET, stream)
            .header(ACCEPT, "text/event-stream");
        if let Ok(last) = HeaderValue::from_str(last)
            && !last.is_empty()
        {
            request = request.header("Last-Event-ID", last);
        }
        let response = tokio::time::timeout(PATIENCE, request.send())
            .await
            .map_err(|_| RequestError::Unreachable("no answer in time".to_owned()))?
            .map_err(unreachable)?;
        match response.status() {
            StatusCode::OK => Ok(response),
            _ => Err(refusal(response).await),
        }
    }
}

/// The URL with these segments below its path, which may have a prefix.
pub(crate) fn below(base: &Url, segments: &[&str]) -> Url {
    let mut url = base.clone();
    url.set_query(None);
    url.set_fragment(None);
    if let Ok(mut path) = url.path_segments_mut() {
        path.pop_if_empty().extend(segments);
    }
    url
}

/// What a response created.
pub(crate) fn location(response: &Response) -> Option<Url> {
    let location = response.headers().get(LOCATION)?.to_str().ok()?;
    response.url().join(location).ok()
}

/// Where the events of a session can be subscribed to, ours among them.
pub(crate) fn events(response: &Response) -> Option<Url> {
    let links = links(response.headers());
    let link = links.into_iter().find(|link| link.has_rel(OWN_EVENTS))?;
    response.url().join(&link.target).ok()
}

/// The ICE servers that a response names.
pub(crate) fn ice_servers(headers: &HeaderMap) -> Vec<IceServer> {
    let links = links(headers);
    links.iter().filter_map(IceServer::from_link).collect()
}

fn links(headers: &HeaderMap) -> Vec<Link> {
    let lines = headers.get_all(LINK).iter();
    Link::parse_all(lines.filter_map(|line| line.to_str().ok()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gateway_may_live_below_a_path() {
        let url = |text: &str| Url::parse(text).unwrap();
        for base in ["http://h/cam", "http://h/cam/", "http://h/cam/?x=1#y"] {
            assert_eq!(
                below(&url(base), &["whip", "r"]),
                url("http://h/cam/whip/r")
            );
        }
        assert_eq!(
            below(&url("http://h:1"), &["watch", "r"]),
            url("http://h:1/watch/r")
        );
    }
}
