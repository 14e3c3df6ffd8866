//! How the packets of one probe arrived, and what that tells of the link.

use super::super::delay::STANDING;
use super::super::groups::Arrival;

/// The part of a probe that has to arrive for it to tell anything.
const ENOUGH: f64 = 0.8;

/// What arrives slower than this part of how it was sent may have filled the link.
pub(super) const UNFILLED: f64 = 0.9;

/// Packets that arrive within so many microseconds of the first came with it, as those do that
/// a busy receiver takes in at once.
const TOGETHER: i64 = 5_000;

/// What is kept of a link that was filled.
const FILLED: f64 = 0.95;

/// Packets at the end of a probe whose delays tell whether it left a queue.
const LAST: usize = 5;

/// What a probe tells of the link, in bit/s.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Shown {
    /// It carries this much, or more.
    Fits(f64),
    /// It carries about this much, and was filled.
    Fills(f64),
    /// All of it arrived at once: the receiver was busy.
    Unclear,
}

/// What is known of a probe's packets.
#[derive(Debug, Default)]
pub(super) struct Seen {
    pub(super) arrived: usize,
    pub(super) lost: usize,
    bytes: usize,
    /// When the first and the last were sent; the size of the last.
    sent: Option<(i64, i64)>,
    last_bytes: usize,
    /// When the first and the last arrived; what came with the first.
    times: Option<(i64, i64)>,
    first_bytes: usize,
    /// How long the last ones were on their way.
    delays: [i64; LAST],
}

impl Seen {
    pub(super) fn add(&mut self, packet: &Arrival) {
        let (first, last) = *self.sent.get_or_insert((packet.sent, packet.sent));
        if packet.sent >= last {
            self.last_bytes = packet.bytes;
        }
        self.sent = Some((first.min(packet.sent), last.max(packet.sent)));
        let (first, last) = *self.times.get_or_insert((packet.arrived, packet.arrived));
        if packet.arrived <= first + TOGETHER {
            self.first_bytes += packet.bytes;
        }
        self.times = Some((first.min(packet.arrived), last.max(packet.arrived)));
        self.delays.rotate_left(1);
        self.delays[LAST - 1] = packet.arrived - packet.sent;
        self.arrived += 1;
        self.bytes += packet.bytes;
    }

    /// What so many bytes tell. `base` is the delay of a packet that waits in no queue.
    pub(super) fn shown(&self, bytes: usize, base: i64) -> Option<Shown> {
        let is_enough = self.bytes as f64 >= bytes as f64 * ENOUGH;
        if !is_enough || self.arrived < LAST {
            return None;
        }
        let ((first_sent, last_sent), (first, last)) = self.sent.zip(self.times)?;
        let sent = rate(self.bytes - self.last_bytes, last_sent - first_sent)?;
        if last - first < (last_sent - first_sent) / 2 {
            return Some(Shown::Unclear);
        }
        let received = rate(self.bytes - self.first_bytes, last - first)?;
        // Packets that came late one by one do not make the last ones wait; a queue does. And
        // from a queue they come as slowly as the link is.
        let waited = self.delays.iter().min()? - base;
        match received >= sent * UNFILLED || waited <= STANDING / 2 {
            true => Some(Shown::Fits(sent)),
            false => Some(Shown::Fills(received.min(sent) * FILLED)),
        }
    }
}

/// In bit/s, if that takes any time.
fn rate(bytes: usize, micros: i64) -> Option<f64> {
    (micros > 0).then(|| bytes as f64 * 8e6 / micros as f64)
}
