//! Whether pictures come in another order than they are shown in, as with B-frames. Browsers
//! show them by the order in which they come, so most of those pictures are too late for them.

use std::time::{Duration, Instant};

use super::packet_cache::Position;

/// So many steps back in time are no accident,
const STEPS: u32 = 5;

/// if they come within this time. B-frames are several in a second.
const WITHIN: Duration = Duration::from_secs(2);

/// Without any for so long it is over.
const OVER: Duration = Duration::from_secs(5);

/// A step back that is larger is another beginning, as of a film in a loop: a second.
const MAX_STEP: u64 = 90_000;

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Reordering {
    latest: Option<Position>,
    /// When the steps that are counted began, and how many there were.
    steps: Option<(Instant, u32)>,
    /// When it was last seen to be so.
    found: Option<Instant>,
}

impl Reordering {
    /// Takes in a packet. Those that came in another order than they were sent tell nothing.
    pub(crate) fn note(&mut self, position: Position, now: Instant) {
        let before = self.latest.replace(position);
        let goes_back = before.is_some_and(|before| {
            let step = before.time.saturating_sub(position.time);
            position.sequence == before.sequence + 1 && (1..MAX_STEP).contains(&step)
        });
        if !goes_back {
            return;
        }
        let (began, count) = match self.steps {
            Some((began, count)) if now < began + WITHIN => (began, count + 1),
            _ => (now, 1),
        };
        self.steps = Some((began, count));
        if count >= STEPS || self.is_found(now) {
            self.found = Some(now);
        }
    }

    /// Whether it is so at present.
    pub(crate) fn is_found(&self, now: Instant) -> bool {
        self.found.is_some_and(|found| now < found + OVER)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock;

    const FRAME: Duration = Duration::from_millis(33);

    /// Whether it is found in pictures of two packets that are shown in this order, again and
    /// again.
    fn is_found(order: &[u64], rounds: u64, sequence_step: u64) -> bool {
        let mut reordering = Reordering::default();
        let (mut now, mut sequence) = (clock::now(), 0);
        for round in 0..rounds {
            for shown in order {
                let time = 3000 * (round * order.len() as u64 + shown);
                for _ in 0..2 {
                    sequence += sequence_step;
                    reordering.note(Position { sequence, time }, now);
                }
                now += FRAME;
            }
        }
        reordering.is_found(now)
    }

    #[test]
    fn b_frames_are_found_and_pictures_in_order_are_not() {
        assert!(is_found(&[3, 1, 2], 10, 1));
        assert!(is_found(&[2, 1], 10, 1));
        assert!(!is_found(&[0, 1, 2], 100, 1));
        assert!(!is_found(&[3, 1, 2], 3, 1), "it might be an accident");
        assert!(
            !is_found(&[3, 1, 2], 10, 2),
            "packets between them are missing"
        );
    }

    #[test]
    fn a_film_in_a_loop_is_none() {
        let mut reordering = Reordering::default();
        let now = clock::now();
        for sequence in 0..1000 {
            let time = 3000 * (sequence % 60);
            let at = now + FRAME * sequence as u32;
            reordering.note(Position { sequence, time }, at);
            assert!(!reordering.is_found(at));
        }
    }

    #[test]
    fn it_is_over_when_there_are_none_any_more() {
        let mut reordering = Reordering::default();
        let now = clock::now();
        for sequence in 0..20 {
            let time = 90_000 + 3000 * (sequence ^ 1);
            reordering.note(Position { sequence, time }, now);
        }
        assert!(reordering.is_found(now));
        assert!(!reordering.is_found(now + OVER));
    }
}
