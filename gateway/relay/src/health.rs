//! What has broken, and who is at work: for health checks and metrics.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::watch;

/// What a panic was contained in. Each is a fault of ours or of a library below; none is meant
/// to happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// Answering an offer: that offer was refused.
    Negotiation,
    /// Driving a connection: that connection was ended.
    Connection,
    /// A worker: all of its sessions were ended, and another has taken its place.
    Worker,
}

impl Part {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Negotiation, Self::Connection, Self::Worker];

    /// What it is called where people read.
    pub fn name(self) -> &'static str {
        match self {
            Self::Negotiation => "negotiation",
            Self::Connection => "connection",
            Self::Worker => "worker",
        }
    }
}

/// How the relay is.
#[derive(Debug, Default)]
pub struct Health {
    panics: [AtomicU64; Part::ALL.len()],
    at_work: watch::Sender<usize>,
}

/// Counts as a worker at work, until it is dropped.
pub(crate) struct AtWork(Arc<Health>);

impl Health {
    /// How many workers are at work.
    pub fn at_work(&self) -> usize {
        *self.at_work.borrow()
    }

    /// Panics in this part since the start.
    pub fn panics(&self, part: Part) -> u64 {
        self.panics[part as usize].load(Ordering::Relaxed)
    }

    pub(crate) fn broke(&self, part: Part) {
        self.panics[part as usize].fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn goes_to_work(self: &Arc<Self>) -> AtWork {
        self.at_work.send_modify(|count| *count += 1);
        AtWork(self.clone())
    }

    /// Waits until no worker is at work.
    pub(crate) async fn is_idle(&self) {
        let mut at_work = self.at_work.subscribe();
        // The sender is here, so it cannot be gone.
        let _ = at_work.wait_for(|count| *count == 0).await;
    }
}

impl Drop for AtWork {
    fn drop(&mut self) {
        self.0.at_work.send_modify(|count| *count -= 1);
    }
}
