//! How many datagrams of one connection are looked into: whoever sends more has them dropped
//! before they cost anything, and all others have the worker's time as before.

use std::time::{Duration, Instant};

/// What a datagram is, by what it takes to look into it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// STUN from where the peer has been heard from: signed, answered and driven.
    Check,
    /// STUN with the connection's name from anywhere else. Counted apart, as anybody can send
    /// it who has seen the name.
    CheckFromElsewhere,
    /// A record of DTLS.
    Record,
    /// RTCP.
    Report,
    /// RTP.
    Media,
}

/// So many datagrams in a second, and so many at once.
struct Rate {
    in_a_second: u32,
    at_once: u32,
}

/// See the module. When the next datagram of each kind would be due, were they sent evenly.
#[derive(Debug, Default)]
pub(crate) struct Share {
    due: [Option<Instant>; 5],
}

impl Kind {
    /// RFC 7983 section 7, and RFC 5761 section 4 for RTCP; nothing for what is not ours.
    pub(crate) fn of(datagram: &[u8]) -> Option<Self> {
        match datagram {
            [0..=3, ..] => Some(Self::Check),
            [20..=63, ..] => Some(Self::Record),
            [128..=191, 192..=223, ..] => Some(Self::Report),
            [128..=191, ..] => Some(Self::Media),
            _ => None,
        }
    }

    const fn rate(self) -> Rate {
        let (in_a_second, at_once) = match self {
            // Agents send one in 20 to 50 ms while they look for a way (RFC 8445 section
            // 14.2), and one in seconds afterwards.
            Self::Check | Self::CheckFromElsewhere => (50, 100),
            // A handshake is 20, with a long chain of certificates in small pieces.
            Self::Record => (50, 100),
            // One for each picture and packet of sound, and for losses one in some
            // milliseconds.
            Self::Report => (250, 500),
            // 50 Mbit/s are 5,000 of 1,200 bytes, and a large picture comes at once.
            Self::Media => (20_000, 10_000),
        };
        Rate {
            in_a_second,
            at_once,
        }
    }
}

impl Share {
    /// Whether one more of this kind is looked into. It counts, then.
    pub(crate) fn takes(&mut self, kind: Kind, now: Instant) -> bool {
        let next = self.next(kind, now);
        if next.is_some() {
            self.due[kind as usize] = next;
        }
        next.is_some()
    }

    /// Whether one more would be.
    pub(crate) fn has_left(&self, kind: Kind, now: Instant) -> bool {
        self.next(kind, now).is_some()
    }

    /// When the one after the next is due; nothing if the next is too early.
    fn next(&self, kind: Kind, now: Instant) -> Option<Instant> {
        let Rate {
            in_a_second,
            at_once,
        } = kind.rate();
        let pause = Duration::from_secs(1) / in_a_second;
        let due = self.due[kind as usize].map_or(now, |due| due.max(now));
        (due + pause <= now + pause * at_once).then_some(due + pause)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock;

    const SECOND: Duration = Duration::from_secs(1);

    /// How many of so many in a second are taken in `seconds`.
    fn taken(kind: Kind, sent: u32, seconds: u32, now: Instant) -> u32 {
        let mut share = Share::default();
        let times = (0..sent * seconds).map(|number| now + SECOND * number / sent);
        let taken = times.filter(|at| share.takes(kind, *at));
        u32::try_from(taken.count()).unwrap()
    }

    #[test]
    fn of_a_flood_no_more_is_taken_than_the_rate_and_what_may_come_at_once() {
        let now = clock::now();
        for kind in [
            Kind::Check,
            Kind::CheckFromElsewhere,
            Kind::Record,
            Kind::Report,
        ] {
            let Rate {
                in_a_second,
                at_once,
            } = kind.rate();
            let most = at_once + 2 * in_a_second;
            let taken = taken(kind, 200_000, 2, now);
            assert!(taken <= most && taken + 1 >= most, "{kind:?}: {taken}");
        }
        assert!(taken(Kind::Media, 400_000, 1, now) <= 30_000);
    }

    #[test]
    fn what_peers_send_is_taken() {
        let now = clock::now();
        let usual = [
            (Kind::Check, 50),
            (Kind::Record, 30),
            (Kind::Report, 200),
            // 150 Mbit/s.
            (Kind::Media, 16_000),
        ];
        for (kind, sent) in usual {
            assert_eq!(taken(kind, sent, 4, now), 4 * sent, "{kind:?}");
        }
    }

    #[test]
    fn a_large_picture_may_come_at_once_and_again_a_second_later() {
        let mut share = Share::default();
        let mut now = clock::now();
        for _ in 0..3 {
            assert!((0..10_000).all(|_| share.takes(Kind::Media, now)));
            assert!(!share.takes(Kind::Media, now));
            now += SECOND;
        }
    }

    #[test]
    fn one_kind_takes_nothing_from_another() {
        let now = clock::now();
        let mut share = Share::default();
        while share.takes(Kind::CheckFromElsewhere, now) {}
        while share.takes(Kind::Media, now) {}
        assert!(share.takes(Kind::Check, now) && share.takes(Kind::Report, now));
    }

    #[test]
    fn a_datagram_is_known_by_its_first_bytes() {
        let kinds = [
            (&[0, 1][..], Some(Kind::Check)),
            (&[22, 254], Some(Kind::Record)),
            (&[0x80, 200], Some(Kind::Report)),
            (&[0x80, 0x60], Some(Kind::Media)),
            (&[0x80, 0xe0], Some(Kind::Media)),
            (&[64, 0], None),
            (&[], None),
        ];
        for (datagram, kind) in kinds {
            assert_eq!(Kind::of(datagram), kind, "{datagram:?}");
        }
    }
}
