//! A session's event stream: candidates that come late, and the news that the viewer left.

use std::time::Duration;

use eventsource_stream::Eventsource;
use futures_util::StreamExt;
use reqwest::{StatusCode, Url};
use sightline_spec::event::Event;
use tokio::sync::mpsc;

use crate::{
    backoff::Backoff,
    whip::{Whip, WhipError},
};

/// The gateway sends a comment every 15 s; a stream that is silent for longer than two of them is
/// dead.
const SILENCE_LIMIT: Duration = Duration::from_secs(35);

/// Passes on a session's events until the session is gone. Opens the stream again when it breaks:
/// the gateway takes a party without one for gone.
pub(crate) async fn follow(whip: Whip, events: Url, to: mpsc::Sender<Event>) {
    let mut backoff = Backoff::new();
    let mut stream = None;
    let mut last = String::new();
    while !to.is_closed() {
        match listen(&whip, &events, &mut stream, &mut last, &to).await {
            Ok(()) => backoff.reset(),
            // The gateway knows nothing of the session: it was restarted, or the viewer left
            // while we were away. Media flows past the gateway, so whether the viewer is still
            // there is for ICE to say.
            Err(error) if is_gone(&error) && stream.is_none() => return,
            Err(error) if is_gone(&error) => stream = None,
            Err(error) => tracing::debug!("event stream: {error}"),
        }
        tokio::time::sleep(backoff.next()).await;
    }
}

fn is_gone(error: &WhipError) -> bool {
    matches!(
        error,
        WhipError::Refused {
            status: StatusCode::NOT_FOUND | StatusCode::GONE,
            ..
        }
    )
}

/// Opens the stream once and reads it to its end.
async fn listen(
    whip: &Whip,
    events: &Url,
    stream: &mut Option<Url>,
    last: &mut String,
    to: &mpsc::Sender<Event>,
) -> Result<(), WhipError> {
    let url = match stream {
        Some(url) => url.clone(),
        None => stream.insert(whip.subscribe(events).await?).clone(),
    };
    let response = whip.listen(&url, last).await?;
    let mut incoming = response.bytes_stream().eventsource();
    while let Ok(Some(Ok(message))) = tokio::time::timeout(SILENCE_LIMIT, incoming.next()).await {
        if !message.id.is_empty() {
            *last = message.id;
        }
        // What we do not know is for somebody else.
        let Ok(event) = Event::parse(&message.event, &message.data) else {
            continue;
        };
        if to.send(event).await.is_err() {
            break;
        }
    }
    Ok(())
}
