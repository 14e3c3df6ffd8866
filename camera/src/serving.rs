//! One viewer, from its answer to its end.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use sightline_spec::{
    event::{Event, EventKind},
    sdp::Sdp,
};
use tokio::{
    sync::{OwnedSemaphorePermit, mpsc},
    task::JoinSet,
    time::Instant,
};
use tokio_util::sync::CancellationToken;

use crate::{
    branch::Connection,
    events::{self, News},
    signaling::Signaling,
    viewer::Viewer,
    whip::Session,
};

/// A viewer that has not connected in this time does not. Browsers give up sooner.
const CONNECT_LIMIT: Duration = Duration::from_secs(15);

/// How long the viewer's own checks may take before we try its host candidates.
const HEAD_START: Duration = Duration::from_millis(250);

/// A viewer that ICE calls disconnected has this long to come back.
const DISCONNECTED_LIMIT: Duration = Duration::from_secs(6);

/// A viewer that has not sent a packet for this long is gone. Receivers report every 5 s at most,
/// give or take a half (RFC 3550 section 6.2).
const SILENCE_LIMIT: Duration = Duration::from_secs(12);

/// The same for one of which nothing has been heard since the gateway forgot it: it may have been the
/// relay of a gateway that is gone, and keep the place that the new one needs. Browsers that receive
/// pictures report every second and a half at the latest.
const FORGOTTEN_LIMIT: Duration = Duration::from_secs(2);

/// What comes sooner after the end of an event stream may have been sent before it.
const UNDERWAY: Duration = Duration::from_millis(500);

/// How often that is looked at.
const SILENCE_CHECK: Duration = Duration::from_millis(500);

/// How late the end of a private link may be noticed when the clock is set.
const CLOCK_CHECK: Duration = Duration::from_secs(30);

/// Events of one session that have not been acted on yet.
const EVENT_BACKLOG: usize = 64;

/// For how long a refused viewer keeps its place: strangers must not have the camera make one
/// offer after the other.
const REFUSED_PAUSE: Duration = Duration::from_secs(1);

/// Why a session ended.
#[derive(Debug, PartialEq, Eq)]
enum End {
    Left,
    NeverConnected,
    Silent,
    LinkExpired,
    /// The source gives nothing that could be shown.
    NoPictures,
    Connection(String),
    /// The source sends another now. Whoever comes again is offered that.
    CodecEnded,
    ShuttingDown,
}

impl Signaling {
    /// One viewer, from the answer to the end.
    pub(crate) async fn serve(
        self: Arc<Self>,
        mut viewer: Viewer,
        session: Session,
        slot: OwnedSemaphorePermit,
        stop: CancellationToken,
    ) {
        // Whoever may not watch is not even connected to.
        let admitted = self.proofs.admit(&session.answer, SystemTime::now());
        match &admitted {
            Ok(until) => self.watch(&mut viewer, &session, *until, &stop).await,
            Err(error) => tracing::warn!("a viewer is refused: {error}"),
        }
        tokio::join!(self.whip.end(session), viewer.close());
        if admitted.is_err() {
            let _ = tokio::time::timeout(REFUSED_PAUSE, stop.cancelled()).await;
        }
        drop(slot);
    }

    /// A viewer that may watch, for as long as it may.
    async fn watch(
        &self,
        viewer: &mut Viewer,
        session: &Session,
        until: Option<SystemTime>,
        stop: &CancellationToken,
    ) {
        if !takes_pictures(&session.answer) {
            tracing::warn!(
                "the viewer takes none of the codecs that it was offered, {} first: it sees nothing",
                self.pipeline.first_codec()
            );
        }
        if let Err(error) = viewer.answer(&session.answer).await {
            tracing::warn!("{error}");
            return;
        }
        let codec = viewer.codec();
        let end = tokio::select! {
            end = self.stream(viewer, session, stop) => end,
            () = clock_reaches(until) => End::LinkExpired,
            () = self.pipeline.ends_codec(codec) => End::CodecEnded,
        };
        tracing::info!(viewer = viewer.number(), ?end, "viewer gone");
    }

    async fn stream(
        &self,
        viewer: &mut Viewer,
        session: &Session,
        stop: &CancellationToken,
    ) -> End {
        // Listening ends with this function.
        let (mut events, _listener) = self.listen(session);
        let mut connection = viewer.connection();
        // It may have connected before we looked.
        connection.mark_changed();
        let mut deadline: Deadline = Some((Instant::now() + CONNECT_LIMIT, End::NeverConnected));
        let mut head_start = std::pin::pin!(tokio::time::sleep(HEAD_START));
        let mut pulse = tokio::time::interval(SILENCE_CHECK);
        let mut source_is_silent = std::pin::pin!(self.pipeline.has_no_pictures());
        let mut forgotten = None;
        loop {
            let until = deadline.as_ref().map(|(until, _)| *until);
            tokio::select! {
                Ok(()) = connection.changed() => {
                    let now = connection.borrow_and_update().clone();
                    if let Some(end) = on_change(viewer, now, &mut deadline) {
                        return end;
                    }
                }
                Some(news) = events.recv() => match news {
                    News::Event(Event::Leave) => return End::Left,
                    News::Event(Event::Candidates(fragment)) => viewer.add_candidates(&fragment),
                    News::Event(_) => {}
                    News::Forgotten { since } => forgotten = Some(since),
                },
                () = &mut head_start, if !head_start.is_elapsed() => {
                    if *connection.borrow() == Connection::Connecting {
                        viewer.add_held_candidates();
                    }
                }
                () = sleep_until(until) => {
                    if let Some((_, end)) = deadline {
                        return end;
                    }
                }
                _ = pulse.tick() => {
                    let silence = viewer.silence();
                    // Once heard of, it is a viewer as any other.
                    forgotten = forgotten.filter(|since| since.elapsed() < silence + UNDERWAY);
                    let limit = forgotten.map_or(SILENCE_LIMIT, |_| FORGOTTEN_LIMIT);
                    if deadline.is_none() && silence > limit {
                        return End::Silent;
                    }
                }
                // So it hears that there is nothing to see, and comes again.
                () = &mut source_is_silent => return End::NoPictures,
                () = stop.cancelled() => return End::ShuttingDown,
            }
        }
    }

    fn listen(&self, session: &Session) -> (mpsc::Receiver<News>, JoinSet<()>) {
        let (sender, events) = mpsc::channel(EVENT_BACKLOG);
        let mut listener = JoinSet::new();
        if let Some(url) = session.events() {
            let (http, unknown) = (self.whip.http().clone(), self.unknown.clone());
            let events = (url.clone(), EventKind::FOR_CAMERAS.as_slice());
            listener.spawn(events::follow(http, events, sender, unknown));
        }
        (events, listener)
    }
}

fn takes_pictures(answer: &Sdp) -> bool {
    let mut media = answer.media();
    media.any(|section| section.kind() == "video" && !section.is_rejected())
}

/// By when something has to happen, or else.
type Deadline = Option<(Instant, End)>;

/// Acts on a change of the connection, which may be its end.
fn on_change(viewer: &mut Viewer, now: Connection, deadline: &mut Deadline) -> Option<End> {
    match now {
        Connection::Connecting => {}
        Connection::Connected => {
            *deadline = None;
            if let Err(error) = viewer.go_live() {
                return Some(End::Connection(error.to_string()));
            }
            let (viewer, ms) = (viewer.number(), viewer.age().as_millis());
            tracing::info!(viewer, ms, "viewer connected");
        }
        Connection::Disconnected => {
            *deadline = Some((Instant::now() + DISCONNECTED_LIMIT, End::Silent));
        }
        Connection::Over(why) => return Some(End::Connection(why)),
    }
    None
}

/// Waits until the clock says so. It may be set meanwhile, so it is looked at now and then.
async fn clock_reaches(time: Option<SystemTime>) {
    let Some(time) = time else {
        return std::future::pending().await;
    };
    while let Ok(left) = time.duration_since(SystemTime::now()) {
        tokio::time::sleep(left.min(CLOCK_CHECK)).await;
    }
}

async fn sleep_until(until: Option<Instant>) {
    match until {
        Some(until) => tokio::time::sleep_until(until).await,
        None => std::future::pending().await,
    }
}
