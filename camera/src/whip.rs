//! The HTTP side of WHIP (RFC 9725): one method for each request.

mod error;

pub use error::WhipError;

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use reqwest::{
    Client, Method, Response, StatusCode, Url,
    header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, DATE, HeaderMap, HeaderValue, LINK, LOCATION},
};
use sightline_spec::{
    event::EventKind,
    ice_server::IceServer,
    link::{Link, OWN_EVENTS},
    room::RoomId,
    sdp::Sdp,
    token::Admission,
};

use crate::{
    capacity::Capacity,
    clock::{Difference, GatewayClock},
    key::{RoomKey, Validity},
    token::Token,
    trust::Trust,
};
use error::{refusal, text, unreachable};

/// How long we ask the gateway to hold an offer; most proxies end a silent request after 60 s.
const WAIT: Duration = Duration::from_secs(55);

/// How long a publish token is good for: one is made for every request.
const TOKEN_LIFETIME: Duration = Duration::from_secs(60);

/// How long a connection may take, TLS included. What is lost of it is sent again after one second
/// and after three: a new attempt is there before that, when a network is back.
const CONNECT: Duration = Duration::from_millis(2500);

/// How long any other answer may take.
const PATIENCE: Duration = Duration::from_secs(8);

/// Where to publish, and how to say who we are.
#[derive(Debug, Clone)]
pub struct Whip {
    http: Client,
    endpoint: Url,
    license: Option<License>,
    /// Where there is no license: what the gateway may have for a room with a name.
    token: Option<Token>,
    /// By which tokens begin and end.
    clock: Arc<GatewayClock>,
    capacity: Capacity,
}

/// What lets us publish in a room that is a key.
#[derive(Debug, Clone)]
pub struct License {
    /// Signs for the room.
    pub key: RoomKey,
    /// Whom the gateway is to let watch.
    pub admission: Admission,
}

/// What a 201 created. Whoever knows the URL can end the session, so `Debug` does not show it.
pub struct Session {
    /// The viewer's answer.
    pub answer: Sdp,
    url: Url,
    events: Option<Url>,
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Session(…)")
    }
}

impl Session {
    /// Where its events can be subscribed to, if anywhere.
    pub(crate) fn events(&self) -> Option<&Url> {
        self.events.as_ref()
    }
}

impl Whip {
    /// A client for one room of a gateway.
    pub fn new(
        gateway: &Url,
        room: &RoomId,
        license: Option<License>,
        capacity: Capacity,
        trust: &Trust,
    ) -> Result<Self, WhipError> {
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
        let http = trust.applied_to(client)?.build().map_err(unreachable)?;
        Ok(Self {
            http,
            endpoint: below(gateway, &["whip", room.as_str()]),
            license,
            token: None,
            clock: Arc::default(),
            capacity,
        })
    }

    /// The same, with a token for a room with a name.
    pub fn with_token(self, token: Option<Token>) -> Self {
        Self { token, ..self }
    }

    /// Asks for the ICE servers to use (RFC 9725 section 4.6). Also tells that the gateway is
    /// there.
    pub async fn ice_servers(&self) -> Result<Vec<IceServer>, WhipError> {
        let request = self.http.request(Method::OPTIONS, self.endpoint.clone());
        let response = request
            .timeout(PATIENCE)
            .send()
            .await
            .map_err(unreachable)?;
        if !response.status().is_success() {
            return Err(refusal(response).await);
        }
        let links = links(response.headers());
        Ok(links.iter().filter_map(IceServer::from_link).collect())
    }

    /// Offers, and waits until somebody takes the offer (RFC 9725 section 4.2). The gateway may
    /// know nothing of `unknown` viewers that are being served.
    pub async fn offer(&self, offer: &Sdp, unknown: u32) -> Result<Session, WhipError> {
        let prefer = self.capacity.prefer(WAIT.as_secs() as u32, unknown);
        let mut request = self
            .http
            .post(self.endpoint.clone())
            .timeout(WAIT + PATIENCE)
            .header(CONTENT_TYPE, "application/sdp")
            .header("Prefer", prefer.to_string())
            .body(offer.as_str().to_owned());
        if let Some(authorization) = self.authorization() {
            request = request.header(AUTHORIZATION, authorization);
        }
        let response = request.send().await.map_err(unreachable)?;
        match response.status() {
            StatusCode::CREATED => {}
            StatusCode::UNAUTHORIZED => return Err(self.unauthorized(response).await),
            _ => return Err(refusal(response).await),
        }
        let location = location(&response).ok_or(WhipError::Malformed("no Location"))?;
        let events = links(response.headers())
            .into_iter()
            .find(|link| link.has_rel(OWN_EVENTS))
            .and_then(|link| response.url().join(&link.target).ok());
        let answer = text(response).await?;
        let answer = Sdp::parse(&answer).map_err(|_| WhipError::Malformed("no SDP answer"))?;
        Ok(Session {
            answer,
            url: location,
            events,
        })
    }

    /// Ends the session. That it cannot be ended is nobody's concern: it ends by itself.
    pub async fn end(&self, session: Session) {
        let request = self
            .http
            .delete(session.url)
            .timeout(Duration::from_secs(2));
        if let Err(error) = request.send().await {
            tracing::debug!("DELETE failed: {}", unreachable(error));
        }
    }

    /// Subscribes to a session's events; the result is the stream's address.
    pub(crate) async fn subscribe(&self, events: &Url) -> Result<Url, WhipError> {
        let request = self.http.post(events.clone()).timeout(PATIENCE);
        let response = request
            .json(&EventKind::FOR_CAMERAS)
            .send()
            .await
            .map_err(unreachable)?;
        if response.status() != StatusCode::CREATED {
            return Err(refusal(response).await);
        }
        location(&response).ok_or(WhipError::Malformed("no Location"))
    }

    /// Opens an event stream, behind the last event that was seen.
    pub(crate) async fn listen(&self, stream: &Url, last: &str) -> Result<Response, WhipError> {
        let mut request = self
            .http
            .get(stream.clone())
            .header(ACCEPT, "text/event-stream");
        if let Ok(last) = HeaderValue::from_str(last)
            && !last.is_empty()
        {
            request = request.header("Last-Event-ID", last);
        }
        let response = tokio::time::timeout(PATIENCE, request.send())
            .await
            .map_err(|_| WhipError::Unreachable("no answer in time".to_owned()))?
            .map_err(unreachable)?;
        match response.status() {
            StatusCode::OK => Ok(response),
            _ => Err(refusal(response).await),
        }
    }

    /// Why a token was refused; mostly, one of the clocks is wrong.
    ///
    /// By TLS the next token goes by the gateway's clock, which harms nobody: the token is for this
    /// gateway alone. Without TLS anybody in between could have us sign tokens for later.
    async fn unauthorized(&self, response: Response) -> WhipError {
        let date = response.headers().get(DATE).and_then(|d| d.to_str().ok());
        let difference = date.and_then(|date| Difference::of(date, SystemTime::now()));
        let by_tls = response.url().scheme() == "https";
        let mut refused = refusal(response).await;
        let Some(difference) = difference else {
            return refused;
        };
        if by_tls {
            self.clock.set(difference);
        }
        if let WhipError::Refused { what, .. } = &mut refused
            && difference.matters()
        {
            what.push_str(&format!("; {difference}"));
        }
        refused
    }

    fn authorization(&self) -> Option<HeaderValue> {
        let value = match &self.license {
            Some(license) => format!("Bearer {}", self.signed_by(license)?),
            None => format!("Bearer {}", self.token.as_ref()?.now()?.expose()),
        };
        let mut value = HeaderValue::from_str(&value).ok()?;
        value.set_sensitive(true);
        Some(value)
    }

    /// A token for one request, so that one seen by others is soon worthless.
    fn signed_by(&self, license: &License) -> Option<String> {
        let audience = audience(&self.endpoint)?;
        let validity = Validity {
            from: self.clock.at(SystemTime::now()),
            lifetime: TOKEN_LIFETIME,
        };
        let License { key, admission } = license;
        key.publish_token(&audience, *admission, validity)
    }
}

/// Host and port as the `Host` field has them (RFC 9110 section 7.2).
pub fn audience(url: &Url) -> Option<String> {
    let host = url.host_str()?;
    Some(match url.port() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    })
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

fn location(response: &Response) -> Option<Url> {
    let location = response.headers().get(LOCATION)?.to_str().ok()?;
    response.url().join(location).ok()
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
