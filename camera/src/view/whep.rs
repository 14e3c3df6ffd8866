//! The HTTP side of WHEP (draft-ietf-wish-whep-04): one method for each request.

use reqwest::{
    Method, RequestBuilder, StatusCode, Url,
    header::{AUTHORIZATION, CONTENT_TYPE, ETAG, HeaderValue, IF_MATCH},
};
use sightline_spec::{
    event::EventKind, ice_server::IceServer, prefer::Prefer, sdp::Sdp, sdpfrag::SdpFrag,
};

use crate::{
    http::{self, Http, PATIENCE, RequestError, WAIT, refusal, text, unreachable},
    option::Secret,
};

/// How media comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    /// Straight from the camera: a 406 brought its offer.
    Direct,
    /// By the gateway's relay, or from another WHEP server: a 201 brought an answer.
    Relay,
}

impl Way {
    /// In a word, for people.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Direct => "direct",
            Self::Relay => "relay",
        }
    }
}

/// Where to watch, and how to say that we may.
#[derive(Debug, Clone)]
pub(crate) struct Whep {
    pub(crate) http: Http,
    pub(crate) endpoint: Url,
    pub(crate) ticket: Option<Secret>,
}

/// What a 201 or a 406 created. Whoever knows the URL can end the session, so `Debug` does not show
/// it.
pub(crate) struct Session {
    pub(crate) way: Way,
    /// The camera's offer, or the relay's answer.
    pub(crate) description: Sdp,
    pub(crate) ice_servers: Vec<IceServer>,
    events: Option<Url>,
    url: Url,
    etag: Option<HeaderValue>,
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Session({:?}, …)", self.way)
    }
}

impl Session {
    /// Where which of its events can be subscribed to.
    pub(crate) fn events(&self) -> Option<(Url, &'static [EventKind])> {
        let kinds = match self.way {
            Way::Direct => EventKind::FOR_VIEWERS.as_slice(),
            Way::Relay => EventKind::FOR_RELAYED_VIEWERS.as_slice(),
        };
        Some((self.events.clone()?, kinds))
    }
}

impl Whep {
    /// Asks to watch, and waits while nobody publishes (WHEP section 4.3). `direct` asks for the
    /// camera's own offer.
    pub(crate) async fn open(
        &self,
        offer: &Sdp,
        direct: bool,
        strict: bool,
    ) -> Result<Session, RequestError> {
        let prefer = Prefer {
            direct: direct.then_some(1),
            wait: Some(WAIT.as_secs() as u32),
            strict,
        };
        let request = self
            .authorized(self.http.request(Method::POST, &self.endpoint))
            .timeout(WAIT + PATIENCE)
            .header(CONTENT_TYPE, "application/sdp")
            .header("Prefer", prefer.to_string())
            .body(offer.as_str().to_owned());
        let response = request.send().await.map_err(unreachable)?;
        let is_sdp = response
            .headers()
            .get(CONTENT_TYPE)
            .and_then(|kind| kind.to_str().ok())
            .is_some_and(|kind| kind.to_ascii_lowercase().starts_with("application/sdp"));
        let way = match response.status() {
            StatusCode::CREATED => Way::Relay,
            StatusCode::NOT_ACCEPTABLE if is_sdp => Way::Direct,
            _ => return Err(refusal(response).await),
        };
        let url = http::location(&response).ok_or(RequestError::Malformed("no Location"))?;
        let (events, ice_servers) = (
            http::events(&response),
            http::ice_servers(response.headers()),
        );
        let etag = response.headers().get(ETAG).cloned();
        let description = text(response).await?;
        let description =
            Sdp::parse(&description).map_err(|_| RequestError::Malformed("no SDP"))?;
        Ok(Session {
            way,
            description,
            ice_servers,
            events,
            url,
            etag,
        })
    }

    /// Answers the camera's offer (WHEP section 4.3.2).
    pub(crate) async fn answer(&self, session: &Session, answer: &Sdp) -> Result<(), RequestError> {
        let patch = self
            .patch(session, "application/sdp")
            .body(answer.as_str().to_owned());
        succeed(patch).await
    }

    /// Sends candidates (WHEP section 4.5.2).
    pub(crate) async fn trickle(
        &self,
        session: &Session,
        candidates: &SdpFrag,
    ) -> Result<(), RequestError> {
        let patch = self
            .patch(session, "application/trickle-ice-sdpfrag")
            .body(candidates.to_string());
        let patch = match &session.etag {
            Some(etag) => patch.header(IF_MATCH, etag),
            None => patch,
        };
        succeed(patch).await
    }

    /// Ends the session.
    pub(crate) async fn end(&self, session: &Session) {
        self.http.end(&session.url).await;
    }

    fn patch(&self, session: &Session, kind: &'static str) -> RequestBuilder {
        self.authorized(self.http.request(Method::PATCH, &session.url))
            .timeout(PATIENCE)
            .header(CONTENT_TYPE, kind)
    }

    fn authorized(&self, request: RequestBuilder) -> RequestBuilder {
        let header = self.ticket.as_ref().and_then(|ticket| {
            let mut value = HeaderValue::from_str(&format!("Bearer {}", ticket.expose())).ok()?;
            value.set_sensitive(true);
            Some(value)
        });
        match header {
            Some(value) => request.header(AUTHORIZATION, value),
            None => request,
        }
    }
}

async fn succeed(request: RequestBuilder) -> Result<(), RequestError> {
    let response = request.send().await.map_err(unreachable)?;
    match response.status().is_success() {
        true => Ok(()),
        false => Err(refusal(response).await),
    }
}
