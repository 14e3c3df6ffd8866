//! Finds viewers, for ever: one offer always waits, every taken one becomes a session.
//!
//! The gateway's relay is a viewer among others: nothing here tells them apart.

use std::{
    sync::Arc,
    time::{Duration, Instant, SystemTime},
};

use sightline_spec::{ice_server::IceServer, name::CameraName, proof::ProofError};
use tokio::{sync::Semaphore, task::JoinSet};
use tokio_util::sync::CancellationToken;

use crate::{
    backoff::Backoff,
    budget::Budget,
    capacity::Capacity,
    certificate::Certificate,
    complaint::Complaint,
    pipeline::Pipeline,
    proofs::Proofs,
    unknown::UnknownViewers,
    viewer::{Viewer, ViewerError},
    whip::{Session, Whip, WhipError},
};

/// The longest pause while the gateway cannot be reached: whoever watches waits for it as well.
const UNREACHABLE: Duration = Duration::from_secs(1);

/// How long goodbyes may take when the program ends.
const GOODBYE_LIMIT: Duration = Duration::from_secs(3);

/// So many offers may follow each other at once, and after them one in each period, whoever takes
/// them and does not stay: each costs us a WebRTC element, and the gateway a request.
const MOST_OFFERS: u32 = 5;
const OFFER_PERIOD: Duration = Duration::from_millis(250);

/// Everything a session needs.
#[derive(Debug)]
pub struct Signaling {
    /// Where viewers are found.
    pub whip: Whip,
    /// What they are shown.
    pub pipeline: Arc<Pipeline>,
    /// Who we are to them.
    pub certificate: Certificate,
    /// What our owner calls us.
    pub name: Option<CameraName>,
    /// How we prove who we are, and whether they have to.
    pub proofs: Proofs,
    /// Viewers that the gateway may know nothing of.
    pub unknown: UnknownViewers,
    /// Besides those that the gateway names.
    pub ice_servers: Vec<IceServer>,
    /// How many at once.
    pub capacity: Capacity,
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
    /// Not of anything that went wrong.
    #[error("the source sends something else than the offer says, or a microphone was found")]
    Outdated,
}

impl Signaling {
    /// Serves viewers until told to stop; then says goodbye to all of them.
    ///
    /// `on_waiting` is called each time an offer is on its way.
    pub async fn run(self: Arc<Self>, stop: CancellationToken, on_waiting: impl Fn()) {
        let slots = Arc::new(Semaphore::new(self.capacity.branches()));
        let mut sessions = JoinSet::new();
        let finding = async {
            loop {
                // Who would see nothing is not invited.
                self.pipeline.has_pictures().await;
                tokio::select! {
                    () = self.find_viewers(&slots, &mut sessions, &stop, &on_waiting) => return,
                    () = self.pipeline.has_no_pictures() => {
                        tracing::warn!("no pictures come: nobody can watch until they do");
                    }
                }
            }
        };
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
        on_waiting: &impl Fn(),
    ) {
        let mut offers = Budget::new(MOST_OFFERS, OFFER_PERIOD);
        let mut backoff = Backoff::new();
        let mut complaint = Complaint::default();
        // The semaphore is never closed.
        while let Ok(slot) = slots.clone().acquire_owned().await {
            while sessions.try_join_next().is_some() {}
            tokio::time::sleep(offers.wait(Instant::now())).await;
            offers.take(Instant::now());
            match self.find_viewer(on_waiting).await {
                Ok((viewer, session)) => {
                    backoff.reset();
                    complaint.settle();
                    sessions.spawn(self.clone().serve(viewer, session, slot, stop.clone()));
                }
                // Nobody came, or whoever took the offer has gone again. The gateway is well.
                Err(Failure::Whip(WhipError::Nobody) | Failure::Outdated) => {
                    backoff.reset();
                    complaint.settle();
                }
                Err(failure) => {
                    complaint.raise(&failure);
                    tokio::time::sleep(wait_after(&failure, &mut backoff)).await;
                }
            }
        }
    }

    /// Makes a fresh offer and waits until somebody takes it.
    async fn find_viewer(&self, on_waiting: &impl Fn()) -> Result<(Viewer, Session), Failure> {
        let mut ice_servers = self.whip.ice_servers().await?;
        ice_servers.extend(self.ice_servers.iter().cloned());
        let (mut offered, mut audio) = (self.pipeline.offered(), self.pipeline.audio_offered());
        let viewer = Viewer::offer(&self.pipeline, &self.certificate, &ice_servers).await?;
        let offer = self
            .proofs
            .sign(viewer.sdp(), self.name.as_ref(), SystemTime::now())?;
        on_waiting();
        tokio::select! {
            session = self.whip.offer(&offer, self.unknown.count()) => Ok((viewer, session?)),
            // Withdraws the offer.
            Ok(()) = offered.changed() => Err(Failure::Outdated),
            Ok(()) = audio.changed() => Err(Failure::Outdated),
        }
    }
}

/// How long to wait before the next offer.
fn wait_after(failure: &Failure, backoff: &mut Backoff) -> Duration {
    let wait = backoff.next();
    match failure {
        Failure::Whip(WhipError::Unreachable(_)) => wait.min(UNREACHABLE),
        Failure::Whip(WhipError::Refused {
            retry_after: Some(after),
            ..
        }) => wait.max(*after),
        _ => wait,
    }
}
