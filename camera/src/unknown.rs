//! Viewers that the gateway may know nothing of.
//!
//! Media flows past the gateway, so it goes on when that is restarted; but the new one counts only
//! viewers that it has brought together itself. We know which those are: a session's event stream is
//! open while the gateway has the session.

use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};

/// How many there are. Every clone is the same count.
#[derive(Debug, Clone, Default)]
pub struct UnknownViewers(Arc<AtomicU32>);

impl UnknownViewers {
    /// How many there are now.
    pub(crate) fn count(&self) -> u32 {
        self.0.load(Ordering::Relaxed)
    }

    /// One more, until the result is dropped.
    pub(crate) fn one_more(&self) -> UnknownViewer {
        self.0.fetch_add(1, Ordering::Relaxed);
        UnknownViewer(self.0.clone())
    }
}

/// One of them.
#[derive(Debug)]
pub(crate) struct UnknownViewer(Arc<AtomicU32>);

impl Drop for UnknownViewer {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
