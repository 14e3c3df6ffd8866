//! What happens to datagrams between a test's peer and the gateway.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

/// What becomes of one datagram.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    Passes,
    IsLost,
    /// Arrives, but not before this time.
    Waits(Instant),
}

/// Decides over datagrams, one after the other.
pub type Rule = Box<dyn FnMut(&[u8], Instant) -> Fate + Send>;

/// Which way a datagram goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    ToPeer { from: SocketAddr },
    ToGateway { to: SocketAddr },
}

/// Both directions of one peer's path.
pub struct Link {
    pub to_peer: Rule,
    pub to_gateway: Rule,
    /// By the time when they arrive; the number keeps apart what arrives together.
    waiting: BTreeMap<(Instant, u64), (Way, Vec<u8>)>,
    number: u64,
}

/// What anyone can see of an RTP packet, encrypted or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RtpHead {
    pub payload_type: u8,
    pub sequence: u16,
    pub source: u32,
}

impl Default for Link {
    fn default() -> Self {
        Self {
            to_peer: passing(),
            to_gateway: passing(),
            waiting: BTreeMap::new(),
            number: 0,
        }
    }
}

impl Link {
    /// Whether the datagram goes through at once.
    pub fn passes(&mut self, way: Way, bytes: &[u8], now: Instant) -> bool {
        let rule = match way {
            Way::ToPeer { .. } => &mut self.to_peer,
            Way::ToGateway { .. } => &mut self.to_gateway,
        };
        match rule(bytes, now) {
            Fate::Passes => true,
            Fate::IsLost => false,
            Fate::Waits(until) => {
                self.number += 1;
                let waiting = (way, bytes.to_vec());
                self.waiting.insert((until, self.number), waiting);
                false
            }
        }
    }

    /// One that has waited long enough.
    pub fn arrived(&mut self, now: Instant) -> Option<(Way, Vec<u8>)> {
        let (&(until, _), _) = self.waiting.first_key_value()?;
        (until <= now)
            .then(|| self.waiting.pop_first())?
            .map(|(_, held)| held)
    }

    /// When the next one arrives.
    pub fn next(&self) -> Option<Instant> {
        self.waiting.keys().next().map(|(until, _)| *until)
    }
}

impl RtpHead {
    /// Of an RTP packet; nothing of RTCP and whatever else comes (RFC 5761 section 4).
    pub fn of(datagram: &[u8]) -> Option<Self> {
        let [first, second, s0, s1, _, _, _, _, o0, o1, o2, o3, ..] = *datagram else {
            return None;
        };
        let is_rtp = first >> 6 == 2 && !(64..96).contains(&(second & 0x7f));
        is_rtp.then(|| Self {
            payload_type: second & 0x7f,
            sequence: u16::from_be_bytes([s0, s1]),
            source: u32::from_be_bytes([o0, o1, o2, o3]),
        })
    }
}

/// A perfect link.
pub fn passing() -> Rule {
    Box::new(|_, _| Fate::Passes)
}

/// Loses those RTP packets of which `is_lost` says so.
pub fn losing(mut is_lost: impl FnMut(RtpHead) -> bool + Send + 'static) -> Rule {
    Box::new(move |datagram, _| match RtpHead::of(datagram) {
        Some(head) if is_lost(head) => Fate::IsLost,
        _ => Fate::Passes,
    })
}

/// Carries so many bits per second, and loses what would have to wait longer than `most`.
pub fn narrow(bits_per_second: u32, most: Duration) -> Rule {
    let mut free_at = Instant::now();
    Box::new(move |datagram, now| {
        let begins = free_at.max(now);
        if begins > now + most {
            return Fate::IsLost;
        }
        let bits = f64::from(u32::try_from(datagram.len() * 8).unwrap_or(u32::MAX));
        free_at = begins + Duration::from_secs_f64(bits / f64::from(bits_per_second));
        Fate::Waits(free_at)
    })
}

/// Loses so much of everything, and delays the rest by `delay`, give or take `jitter`.
pub fn rough(loss: f64, delay: Duration, jitter: Duration) -> Rule {
    // The same losses in every run.
    let mut random = fastrand::Rng::with_seed(7);
    Box::new(move |_, now| {
        if random.f64() < loss {
            return Fate::IsLost;
        }
        Fate::Waits(now + delay - jitter + jitter.mul_f64(2.0 * random.f64()))
    })
}
