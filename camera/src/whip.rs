//! The HTTP side of WHIP (RFC 9725): one method for each request.

pub use crate::http::RequestError as WhipError;

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use reqwest::{
    Method, Response, StatusCode, Url,
    header::{AUTHORIZATION, CONTENT_TYPE, DATE, HeaderValue},
};
use sightline_spec::{ice_server::IceServer, room::RoomId, sdp::Sdp, token::Admission};

use crate::{
    capacity::Capacity,
    clock::{Difference, GatewayClock},
    http::{self, Http, PATIENCE, RequestError, WAIT, below, refusal, text, unreachable},
    key::{RoomKey, Validity},
    token::Token,
    trust::Trust,
};

/// How long a publish token is good for: one is made for every request.
const TOKEN_LIFETIME: Duration = Duration::from_secs(60);

/// Where to publish, and how to say who we are.
#[derive(Debug, Clone)]
pub struct Whip {
    http: Http,
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
    ) -> Result<Self, RequestError> {
        Ok(Self {
            http: Http::new(gateway, trust)?,
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
    pub async fn ice_servers(&self) -> Result<Vec<IceServer>, RequestError> {
        self.http.ice_servers(&self.endpoint).await
    }

    /// Offers, and waits until somebody takes the offer (RFC 9725 section 4.2). The gateway may
    /// know nothing of `unknown` viewers that are being served.
    pub async fn offer(&self, offer: &Sdp, unknown: u32) -> Result<Session, RequestError> {
        let prefer = self.capacity.prefer(WAIT.as_secs() as u32, unknown);
        let mut request = self
            .http
            .request(Method::POST, &self.endpoint)
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
        let location = http::location(&response).ok_or(RequestError::Malformed("no Location"))?;
        let events = http::events(&response);
        let answer = text(response).await?;
        let answer = Sdp::parse(&answer).map_err(|_| RequestError::Malformed("no SDP answer"))?;
        Ok(Session {
            answer,
            url: location,
            events,
        })
    }

    /// Ends the session. That it cannot be ended is nobody's concern: it ends by itself.
    pub async fn end(&self, session: Session) {
        self.http.end(&session.url).await;
    }

    /// The client that it speaks by.
    pub(crate) fn http(&self) -> &Http {
        &self.http
    }

    /// Why a token was refused; mostly, one of the clocks is wrong.
    ///
    /// By TLS the next token goes by the gateway's clock, which harms nobody: the token is for this
    /// gateway alone. Without TLS anybody in between could have us sign tokens for later.
    async fn unauthorized(&self, response: Response) -> RequestError {
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
        if let RequestError::Refused { what, .. } = &mut refused
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
