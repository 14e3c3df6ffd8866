//! The HTTP side of a test's peer: POST, PATCH, DELETE, events.

use eventsource_stream::Eventsource;
use futures_util::StreamExt;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::{Client, Method, Response, StatusCode};
use serde_json::Value;
use sightline_spec::event::Event;
use tokio::sync::mpsc;
use tokio::task::AbortHandle;
use tokio::time::timeout;

use crate::LONG;

/// A client of one gateway. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Http {
    client: Client,
    host: String,
}

/// What a POST is sent with.
#[derive(Debug, Clone, Default)]
pub struct Fields {
    pub prefer: Option<&'static str>,
    pub token: Option<String>,
}

/// A session that a POST has created.
#[derive(Debug, Clone)]
pub struct Session {
    http: Http,
    pub location: String,
    pub etag: String,
    pub answer: String,
    pub headers: HeaderMap,
}

/// What a gateway says instead of 201.
#[derive(Debug, Clone)]
pub struct Refusal {
    pub status: StatusCode,
    pub problem: Value,
}

/// A session's event stream. Dropping it closes it.
pub struct Events {
    incoming: mpsc::UnboundedReceiver<Event>,
    /// All that have been taken from it.
    told: Vec<Event>,
    reader: AbortHandle,
}

impl Http {
    /// Of a gateway at this host and port.
    pub fn new(host: impl Into<String>) -> Self {
        let client = Client::builder().no_proxy().timeout(8 * LONG);
        Self {
            client: client.build().unwrap(),
            host: host.into(),
        }
    }

    /// The gateway's host and port.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// One request. `fields` are name and value.
    pub async fn send(
        &self,
        method: Method,
        path: &str,
        fields: &[(&str, &str)],
        body: impl Into<String>,
    ) -> Response {
        let url = format!("http://{}{path}", self.host);
        let mut request = self.client.request(method, url).body(body.into());
        for (name, value) in fields {
            request = request.header(*name, *value);
        }
        request.send().await.unwrap()
    }

    /// POSTs an offer to `/whip/…` or `/whep/…`.
    pub async fn offer(
        &self,
        path: &str,
        offer: String,
        fields: &Fields,
    ) -> Result<Session, Refusal> {
        let token = fields.token.as_ref().map(|token| format!("Bearer {token}"));
        let optional = [
            ("prefer", fields.prefer),
            ("authorization", token.as_deref()),
        ];
        let mut all = vec![("content-type", "application/sdp")];
        all.extend(optional.into_iter().filter_map(|(n, v)| Some((n, v?))));
        let response = self.send(Method::POST, path, &all, offer).await;
        let status = response.status();
        if status != StatusCode::CREATED {
            let problem = response.json().await.unwrap_or_default();
            return Err(Refusal { status, problem });
        }
        let headers = response.headers().clone();
        Ok(Session {
            http: self.clone(),
            location: field(&headers, "location"),
            etag: field(&headers, "etag"),
            answer: response.text().await.unwrap(),
            headers,
        })
    }
}

impl Session {
    /// PATCHes a fragment; `condition` is If-Match.
    pub async fn patch(&self, fragment: String, condition: &str) -> Response {
        let fields = [
            ("content-type", "application/trickle-ice-sdpfrag"),
            ("if-match", condition),
        ];
        let http = &self.http;
        http.send(Method::PATCH, &self.location, &fields, fragment)
            .await
    }

    /// Ends the session, as a peer does that says goodbye.
    pub async fn delete(&self) {
        let http = &self.http;
        let response = http.send(Method::DELETE, &self.location, &[], "").await;
        assert_eq!(response.status(), StatusCode::OK);
    }

    /// Whether the session is not over: one that is takes no candidates.
    pub async fn exists(&self) -> bool {
        let fragment = "m=video 9 UDP/TLS/RTP/SAVPF 0\r\na=mid:0\r\n";
        let status = self.patch(fragment.to_owned(), "*").await.status();
        match status {
            StatusCode::NO_CONTENT => true,
            StatusCode::NOT_FOUND | StatusCode::GONE => false,
            other => panic!("{other} to a PATCH"),
        }
    }

    /// Chooses a layer; `selection` is the extension's JSON.
    pub async fn select(&self, selection: &str) -> StatusCode {
        let json = [("content-type", "application/json")];
        let path = format!("{}/layer", self.location);
        let http = &self.http;
        http.send(Method::POST, &path, &json, selection)
            .await
            .status()
    }

    /// Subscribes to all events that there are.
    pub async fn events(&self) -> Events {
        let kinds = match self.location.starts_with("/whip") {
            true => r#"["join","leave","candidates"]"#,
            false => r#"["active","inactive","layers","viewercount","reconnect","problem"]"#,
        };
        let json = [("content-type", "application/json")];
        let path = format!("{}/events", self.location);
        let created = self.http.send(Method::POST, &path, &json, kinds).await;
        assert_eq!(created.status(), StatusCode::CREATED);
        let stream = field(created.headers(), "location");
        let accept = [("accept", "text/event-stream")];
        let opened = self.http.send(Method::GET, &stream, &accept, "").await;
        assert_eq!(opened.status(), StatusCode::OK);
        let (sender, incoming) = mpsc::unbounded_channel();
        let reader = tokio::spawn(async move {
            let mut messages = opened.bytes_stream().eventsource();
            while let Some(Ok(message)) = messages.next().await {
                let event = Event::parse(&message.event, &message.data).unwrap();
                let _ = sender.send(event);
            }
        });
        let reader = reader.abort_handle();
        Events {
            incoming,
            told: Vec::new(),
            reader,
        }
    }
}

impl Events {
    /// The next event; nothing when the stream has ended.
    pub async fn next(&mut self) -> Option<Event> {
        let Ok(next) = timeout(LONG, self.incoming.recv()).await else {
            panic!(
                "neither an event nor the end in time, after {:?}",
                self.told
            );
        };
        self.told.extend(next.clone());
        next
    }

    /// Reads on until this event, and returns all that came before it.
    pub async fn until(&mut self, wanted: &Event) -> Vec<Event> {
        let mut before = Vec::new();
        loop {
            match self.next().await {
                Some(event) if event == *wanted => return before,
                Some(event) => before.push(event),
                None => panic!("the stream ended after {before:?}, without {wanted:?}"),
            }
        }
    }
}

impl Drop for Events {
    fn drop(&mut self) {
        self.reader.abort();
    }
}

fn field(headers: &HeaderMap, name: &'static str) -> String {
    let value = headers.get(HeaderName::from_static(name));
    let text = value.map(HeaderValue::to_str).and_then(Result::ok);
    text.unwrap_or_default().to_owned()
}
