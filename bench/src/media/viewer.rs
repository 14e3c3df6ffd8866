//! One viewer: what it receives, and how late.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use std::vec::Drain;

use sightline_test_peer::film::Label;
use sightline_test_peer::{News, Observer};
use str0m::{Event, IceConnectionState};
use tokio::sync::watch;

use super::tally::{Arrivals, Delays};

/// What is counted of one viewer.
pub(crate) struct Viewer {
    asked: Instant,
    pub(crate) local_port: u16,
    pub(crate) arrivals: Arrivals,
    /// From its POST to its first packet.
    pub(crate) setup: Option<Duration>,
    /// Why it stopped watching, if it did.
    pub(crate) failed: Option<String>,
}

/// A viewer that counts, beside all others.
pub(super) struct Watching {
    pub(super) viewer: Viewer,
    pub(super) hall: Arc<Hall>,
}

/// What all viewers share.
pub(super) struct Hall {
    pub(super) window: Window,
    /// From the publisher's sending until the kernel had it for the viewer. Held for a count.
    pub(super) delays: Mutex<Delays>,
    /// The same without a server between them.
    pub(super) loopback: Mutex<Delays>,
    /// How many viewers have had a packet.
    pub(super) watching: watch::Sender<usize>,
}

/// The packets whose delay counts.
pub(super) struct Window {
    from: AtomicU64,
    to: AtomicU64,
}

impl Viewer {
    /// One whose offer was sent at that time.
    pub(super) fn new(local_port: u16, asked: Instant) -> Self {
        Self {
            asked,
            local_port,
            arrivals: Arrivals::default(),
            setup: None,
            failed: None,
        }
    }
}

impl Observer for Watching {
    fn told(&mut self, news: Drain<'_, News>, _: Instant) {
        let Self { viewer, hall } = self;
        for News { event, arrived } in news {
            let Event::RtpPacket(packet) = event else {
                if let Some(why) = end(&event) {
                    viewer.failed.get_or_insert(why.to_owned());
                }
                continue;
            };
            let Some(label) = Label::of(&packet.payload) else {
                continue;
            };
            if viewer.setup.is_none() {
                viewer.setup = Some(viewer.asked.elapsed());
                hall.watching.send_modify(|watching| *watching += 1);
            }
            if viewer.arrivals.note(label.number) {
                hall.note(&hall.delays, &label, arrived);
            }
        }
    }
}

impl Hall {
    /// Notes how late a packet was, if that counts.
    pub(super) fn note(&self, delays: &Mutex<Delays>, label: &Label, arrived: Duration) {
        if self.window.has(label.number) {
            let mut delays = delays.lock().unwrap_or_else(PoisonError::into_inner);
            delays.note(arrived.saturating_sub(label.sent));
        }
    }
}

fn end(event: &Event) -> Option<&'static str> {
    match event {
        Event::IceConnectionStateChange(IceConnectionState::Disconnected) => Some("no connection"),
        Event::Closed => Some("closed by the server"),
        _ => None,
    }
}

impl Default for Window {
    /// None.
    fn default() -> Self {
        Self {
            from: AtomicU64::new(u64::MAX),
            to: AtomicU64::new(u64::MAX),
        }
    }
}

impl Window {
    /// From this packet on.
    pub(super) fn open(&self, number: u64) {
        self.from.store(number, Relaxed);
    }

    /// Up to this packet.
    pub(super) fn close(&self, number: u64) {
        self.to.store(number, Relaxed);
    }

    fn has(&self, number: u64) -> bool {
        (self.from.load(Relaxed)..self.to.load(Relaxed)).contains(&number)
    }
}
