//! Finds viewers, for ever: one offer always waits, every taken one becomes a session.
//!
//! The gateway's relay is a viewer among others: nothing here tells them apart.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use sightline_spec::{event::Event, link::IceServer, proof::ProofError};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore, mpsc},
    task::JoinSet,
    time::{Instant, MissedTickBehavior},
};
use tokio_util::sync::CancellationToken;

use crate::{
    backoff::Backoff,
    branch::Connection,
    capacity::Capacity,
    certificate::Certificate,
    complaint::Complaint,
    events,
    pipeline::Pipeline,
    proofs::Proofs,
    stats::Rates,
    viewer::{Viewer, ViewerError},
    whip::{Session, Whip, WhipError},
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

/// How often that is looked at.
const SILENCE_CHECK: Duration = Duration::from_secs(2);

/// How late the end of a private link may be noticed when the clock is set.
const CLOCK_CHECK: Duration = Duration::from_secs(30);

/// How long goodbyes may take when the program ends.
const GOODBYE_LIMIT: Duration = Duration::from_secs(3);

/// Events of one session that have not been acted on yet.
const EVENT_BACKLOG: usize = 64;

/// Everything a session needs.
#[derive(Debug)]
pub struct Signaling {
    /// Where viewers are found.
    pub whip: Whip,
    /// What they are shown.
    pub pipeline: Arc<Pipeline>,
    /// Who we are to them.
    pub certificate: Certificate,
    /// How we prove that, and whether they have to.
    pub proofs: Proofs,
    /// Besides those that the gateway names.
    pub ice_servers: Vec<IceServer>,
    /// How many at once.
    pub capacity: Capacity,
    /// How often to log statistics; zero for never.
    pub stats_interval: Duration,
}

/// Why no viewer was found this time.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error(transparent)]
    Whip(#[from] WhipError),
    #[error(transparent)]
    Viewer(#[from] ViewerError),
    #[error("the offer cannot be signed: {0}")]
    Proof(#[from] ProofError),
}

/// Why a session ended.
#[derive(Debug, PartialEq, Eq)]
enum End {
    Left,
    NeverConnected,
    Silent,
    LinkExpired,
    Connection(String),
    ShuttingDown,
}

impl Signaling {
    /// Serves viewers until told to stop; then says goodbye to all of them.
    ///
    /// `on_waiting` is called each time an offer is on its way.
    pub async fn run(self: Arc<Self>, stop: CancellationToken, on_waiting: impl Fn()) {
        let slots = Arc::new(Semaphore::new(self.capacity.branches()));
        let mut sessions = JoinSet::new();
        let finding = self.find_viewers(&slots, &mut sessions, &stop, on_waiting);
        tokio::select! {
            () = finding => {}
            () = stop.cancelled() => {}
        }
        let goodbyes = async { while sessions.join_next().await.is_some() {} };
        let _ = tokio::time::timeout(GOODBYE_LIMIT, goodbyes).await;
    }

    async fn find_viewers(
        self: &Arc<Self>,
        slots: &Arc<Semaphore>,
        sessions: &mut JoinSet<()>,
        stop: &CancellationToken,
        on_waiting: impl Fn(),
    ) {
        let mut backoff = Backoff::new();
        let mut complaint = Complaint::default();
        // The semaphore is never closed.
        while let Ok(slot) = slots.clone().acquire_owned().await {
            while sessions.try_join_next().is_some() {}
            let started = Instant::now();
            match self.find_viewer(&on_waiting).await {
                Ok((viewer, session)) => {
                    backoff.reset();
                    complaint.settle();
                    sessions.spawn(self.clone().serve(viewer, session, slot, stop.clone()));
                }
                Err(failure) => {
                    match &failure {
                        Failure::Whip(WhipError::Nobody) => complaint.settle(),
                        failure => complaint.raise(failure),
                    }
                    let wait = wait_after(&failure, started.elapsed(), &mut backoff);
                    tokio::time::sleep(wait).await;
                }
            }
        }
    }

    /// Makes a fresh offer and waits until somebody takes it.
    async fn find_viewer(&self, on_waiting: impl Fn()) -> Result<(Viewer, Session), Failure> {
        let mut ice_servers = self.whip.ice_servers().await?;
        ice_servers.extend(self.ice_servers.iter().cloned());
        let viewer = Viewer::offer(&self.pipeline, &self.certificate, &ice_servers).await?;
        let offer = self.proofs.sign(viewer.sdp(), SystemTime::now())?;
        on_waiting();
        let session = self.whip.offer(&offer).await?;
        Ok((viewer, session))
    }

    /// One viewer, from the answer to the end.
    async fn serve(
        self: Arc<Self>,
        mut viewer: Viewer,
        session: Session,
        slot: OwnedSemaphorePermit,
        stop: CancellationToken,
    ) {
        // Whoever may not watch is not even connected to.
        match self.proofs.admit(&session.answer, SystemTime::now()) {
            Ok(until) => self.watch(&mut viewer, &session, until, &stop).await,
            Err(error) => tracing::warn!("a viewer is refused: {error}"),
        }
        tokio::join!(self.whip.end(session), viewer.close());
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
        if let Err(error) = viewer.answer(&session.answer).await {
            tracing::warn!("{error}");
            return;
        }
        let end = tokio::select! {
            end = self.stream(viewer, session, stop) => end,
            () = clock_reaches(until) => End::LinkExpired,
        };
        tracing::info!(?end, "viewer gone");
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
        let mut stats = self.stats_ticks();
        let mut rates = Rates::default();
        let mut pulse = tokio::time::interval(SILENCE_CHECK);
        loop {
            let until = deadline.as_ref().map(|(until, _)| *until);
            tokio::select! {
                Ok(()) = connection.changed() => {
                    let now = connection.borrow_and_update().clone();
                    if let Some(end) = on_change(viewer, now, &mut deadline) {
                        return end;
                    }
                }
                Some(event) = events.recv() => match event {
                    Event::Leave => return End::Left,
                    Event::Candidates(fragment) => viewer.add_candidates(&fragment),
                    _ => {}
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
                    if deadline.is_none() && viewer.silence() > SILENCE_LIMIT {
                        return End::Silent;
                    }
                }
                () = tick(&mut stats) => {
                    rates.log(viewer.stats().await, self.pipeline.frames_encoded());
                }
                () = stop.cancelled() => return End::ShuttingDown,
            }
        }
    }

    fn listen(&self, session: &Session) -> (mpsc::Receiver<Event>, JoinSet<()>) {
        let (sender, events) = mpsc::channel(EVENT_BACKLOG);
        let mut listener = JoinSet::new();
        if let Some(url) = session.events() {
            listener.spawn(events::follow(self.whip.clone(), url.clone(), sender));
        }
        (events, listener)
    }

    fn stats_ticks(&self) -> Option<tokio::time::Interval> {
        (!self.stats_interval.is_zero()).then(|| {
            let first = Instant::now() + self.stats_interval;
            let mut ticks = tokio::time::interval_at(first, self.stats_interval);
            ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
            ticks
        })
    }
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
            tracing::info!(ms = viewer.age().as_millis(), "viewer connected");
        }
        Connection::Disconnected => {
            *deadline = Some((Instant::now() + DISCONNECTED_LIMIT, End::Silent));
        }
        Connection::Over(why) => return Some(End::Connection(why)),
    }
    None
}

/// How long to wait before the next offer.
fn wait_after(failure: &Failure, lasted: Duration, backoff: &mut Backoff) -> Duration {
    // Nothing is wrong, unless the gateway says so at once, over and over.
    if matches!(failure, Failure::Whip(WhipError::Nobody)) && lasted > Duration::from_secs(1) {
        backoff.reset();
        return Duration::ZERO;
    }
    let wait = backoff.next();
    match failure {
        Failure::Whip(WhipError::Refused {
            retry_after: Some(after),
            ..
        }) => wait.max(*after),
        _ => wait,
    }
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

async fn tick(ticks: &mut Option<tokio::time::Interval>) {
    match ticks {
        Some(ticks) => {
            ticks.tick().await;
        }
        None => std::future::pending().await,
    }
}
