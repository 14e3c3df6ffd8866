//! How much the relay carries, for the metrics.

use std::sync::atomic::{AtomicU64, Ordering};

/// Bytes of datagrams and TCP frames at the relay's ports, all of its workers together.
///
/// Each worker counts for itself and adds here twice a second, so no packet meets an
/// atomic.
#[derive(Debug, Default)]
pub struct Traffic {
    received: AtomicU64,
    sent: AtomicU64,
    not_handed_over: AtomicU64,
}

/// What one worker has counted since it last added it.
#[derive(Debug, Default)]
pub(crate) struct Counted {
    pub(crate) received: u64,
    pub(crate) sent: u64,
    /// Both, in packets.
    pub(crate) packets: u64,
    /// Packets that another worker had no room for.
    pub(crate) not_handed_over: u64,
}

impl Traffic {
    /// Adds what a worker has counted, and has it begin anew. Returns how many packets it were.
    pub(crate) fn add(&self, counted: &mut Counted) -> u64 {
        let Counted {
            received,
            sent,
            packets,
            not_handed_over,
        } = std::mem::take(counted);
        self.received.fetch_add(received, Ordering::Relaxed);
        self.sent.fetch_add(sent, Ordering::Relaxed);
        self.not_handed_over
            .fetch_add(not_handed_over, Ordering::Relaxed);
        packets
    }

    /// Bytes received since the start.
    pub fn received(&self) -> u64 {
        self.received.load(Ordering::Relaxed)
    }

    /// Bytes sent since the start.
    pub fn sent(&self) -> u64 {
        self.sent.load(Ordering::Relaxed)
    }

    /// Packets that never reached the viewers on another worker than their publisher's, since
    /// that had no room for them.
    pub fn not_handed_over(&self) -> u64 {
        self.not_handed_over.load(Ordering::Relaxed)
    }
}
