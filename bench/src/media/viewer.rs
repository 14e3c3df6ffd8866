//! One viewer: what it receives, and how late.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use str0m::{Event, IceConnectionState};
use tokio::sync::watch;

use super::endpoint::Endpoint;
use super::socket::Buffers;
use super::stamp::Stamp;
use super::tally::{Arrivals, Delays};

/// One viewer.
pub(crate) struct Viewer {
    endpoint: Endpoint,
    asked: Instant,
    pub(crate) arrivals: Arrivals,
    /// From its POST to its first packet.
    pub(crate) setup: Option<Duration>,
    /// Why it stopped watching, if it did.
    pub(crate) failed: Option<String>,
}

/// What all viewers share.
pub(super) struct Ears<'a> {
    pub(super) window: &'a Window,
    pub(super) delays: &'a mut Delays,
    /// How many viewers have had a packet.
    pub(super) watching: &'a watch::Sender<usize>,
}

/// The packets whose delay counts.
pub(super) struct Window {
    from: AtomicU64,
    to: AtomicU64,
}

impl Viewer {
    /// One whose offer was sent at that time, and has been answered.
    pub(crate) fn new(endpoint: Endpoint, asked: Instant) -> Self {
        Self {
            endpoint,
            asked,
            arrivals: Arrivals::default(),
            setup: None,
            failed: None,
        }
    }

    pub(crate) fn local_port(&self) -> u16 {
        self.endpoint.local_port()
    }

    pub(super) fn endpoint(&mut self) -> &mut Endpoint {
        &mut self.endpoint
    }

    pub(super) fn receive(&mut self, ears: &mut Ears, buffers: &mut Buffers) -> anyhow::Result<()> {
        let Self {
            endpoint,
            asked,
            arrivals,
            setup,
            failed,
        } = self;
        endpoint.receive(Instant::now(), buffers, |event, arrived| match event {
            Event::RtpPacket(packet) => {
                let Some(stamp) = Stamp::at_end_of(&packet.payload) else {
                    return;
                };
                if setup.is_none() {
                    *setup = Some(asked.elapsed());
                    ears.watching.send_modify(|watching| *watching += 1);
                }
                if arrivals.note(stamp.number) && ears.window.has(stamp.number) {
                    ears.delays.note(arrived.saturating_sub(stamp.sent));
                }
            }
            other => note_end(&other, failed),
        })
    }

    pub(super) fn wake(&mut self, now: Instant) -> anyhow::Result<()> {
        let failed = &mut self.failed;
        self.endpoint.wake(now, |event| note_end(&event, failed))
    }
}

fn note_end(event: &Event, failed: &mut Option<String>) {
    let why = match event {
        Event::IceConnectionStateChange(IceConnectionState::Disconnected) => "no connection",
        Event::Closed => "closed by the server",
        _ => return,
    };
    failed.get_or_insert(why.to_owned());
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

    pub(super) fn has(&self, number: u64) -> bool {
        (self.from.load(Relaxed)..self.to.load(Relaxed)).contains(&number)
    }
}
