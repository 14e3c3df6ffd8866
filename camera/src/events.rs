//! A session's event stream: candidates that come late, and the news of who came and left.

use std::time::Duration;

use eventsource_stream::Eventsource;
use futures_util::StreamExt;
use reqwest::{Response, StatusCode, Url};
use sightline_spec::event::{Event, EventKind};
use tokio::{sync::mpsc, time::Instant};

use crate::{
    backoff::Backoff,
    http::{Http, RequestError},
    unknown::UnknownViewers,
};

/// The gateway sends a comment every 15 s; a stream that is silent for longer than two of them is
/// dead.
const SILENCE_LIMIT: Duration = Duration::from_secs(35);

/// The longest pause before a broken stream is opened again: the gateway has its grace, and after a
/// restart it is to know soon whom it cannot count.
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// What is told of a session.
#[derive(Debug)]
pub(crate) enum News {
    /// An event of it.
    Event(Event),
    /// The gateway knows nothing of it: it was restarted, or the viewer left while we were away.
    /// Media flows past the gateway, so the other side may be there all the same.
    Forgotten {
        /// When the gateway was last heard of.
        since: Instant,
    },
}

/// Passes on a session's events until it is dropped. Opens the stream again when it breaks: the
/// gateway takes a party without one for gone. Meanwhile the viewer is one of the `unknown`.
pub(crate) async fn follow(
    http: Http,
    (events, kinds): (Url, &[EventKind]),
    to: mpsc::Sender<News>,
    unknown: UnknownViewers,
) {
    let mut backoff = Backoff::new();
    let mut stream = None;
    let mut last = String::new();
    let mut is_unknown = None;
    let mut since = Instant::now();
    while !to.is_closed() {
        let listened = match open(&http, (&events, kinds), &mut stream, &last).await {
            Ok(response) => {
                is_unknown = None;
                backoff.reset();
                pass_on(response, &mut last, &to).await;
                since = Instant::now();
                Ok(())
            }
            Err(error) => Err(error),
        };
        is_unknown.get_or_insert_with(|| unknown.one_more());
        match listened {
            Err(error) if is_stop(&error) => return to.closed().await,
            Err(error) if is_gone(&error) && stream.is_none() => {
                // Whoever does not take it is not interested.
                let _ = to.send(News::Forgotten { since }).await;
                return to.closed().await;
            }
            Err(error) if is_gone(&error) => {
                stream = None;
                continue;
            }
            Err(error) => tracing::debug!("event stream: {error}"),
            Ok(()) => {}
        }
        tokio::time::sleep(backoff.next().min(LONGEST_PAUSE)).await;
    }
}

fn is_gone(error: &RequestError) -> bool {
    matches!(
        error,
        RequestError::Refused {
            status: StatusCode::NOT_FOUND | StatusCode::GONE,
            ..
        }
    )
}

/// "A client can be told to stop reconnecting using the HTTP 204 No Content response code" (HTML,
/// section 9.2.1). What becomes of the viewer is seen by its media alone then.
fn is_stop(error: &RequestError) -> bool {
    matches!(
        error,
        RequestError::Refused {
            status: StatusCode::NO_CONTENT,
            ..
        }
    )
}

/// Opens the stream, which is made if need be.
async fn open(
    http: &Http,
    (events, kinds): (&Url, &[EventKind]),
    stream: &mut Option<Url>,
    last: &str,
) -> Result<Response, RequestError> {
    let url = match stream {
        Some(url) => url.clone(),
        None => stream.insert(http.subscribe(events, kinds).await?).clone(),
    };
    http.listen(&url, last).await
}

/// Reads an open stream to its end.
async fn pass_on(response: Response, last: &mut String, to: &mpsc::Sender<News>) {
    let mut incoming = response.bytes_stream().eventsource();
    while let Ok(Some(Ok(message))) = tokio::time::timeout(SILENCE_LIMIT, incoming.next()).await {
        if !message.id.is_empty() {
            *last = message.id;
        }
        // What we do not know is for somebody else.
        let Ok(event) = Event::parse(&message.event, &message.data) else {
            continue;
        };
        if to.send(News::Event(event)).await.is_err() {
            break;
        }
    }
}
