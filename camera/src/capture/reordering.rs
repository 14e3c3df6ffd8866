//! Whether a stream has B-frames: pictures that are shown before some that they are sent after.

/// So many pictures out of order are no mistake of the camera's clock.
const ENOUGH: u32 = 3;

/// Within so many packets.
const WITHIN: u32 = 3000;

/// Further back is no order, but a clock that was set: two seconds at 90 kHz.
const FURTHEST: i32 = -180_000;

/// What the packets' timestamps, which are the times of showing (RFC 6184 section 5.1), tell.
#[derive(Debug, Default)]
pub(super) struct Reordering {
    last: Option<u32>,
    packets: u32,
    times: u32,
}

impl Reordering {
    /// With each packet in the order of sending; whether there are B-frames.
    pub(super) fn is_shown_by(&mut self, packet: &[u8]) -> bool {
        let Some(stamp) = packet.get(4..8).and_then(|stamp| stamp.try_into().ok()) else {
            return false;
        };
        let stamp = u32::from_be_bytes(stamp);
        let step = stamp.wrapping_sub(self.last.replace(stamp).unwrap_or(stamp)) as i32;
        self.packets += 1;
        if self.packets > WITHIN {
            (self.packets, self.times) = (0, 0);
        }
        if (FURTHEST..0).contains(&step) {
            self.times += 1;
        }
        self.times >= ENOUGH
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_found_in(stamps: impl IntoIterator<Item = u32>) -> bool {
        let mut reordering = Reordering::default();
        let packet = |stamp: u32| [&[0x80, 96, 0, 1][..], &stamp.to_be_bytes()].concat();
        stamps
            .into_iter()
            .any(|stamp| reordering.is_shown_by(&packet(stamp)))
    }

    #[test]
    fn times_that_go_back_and_forth_are_b_frames() {
        let frames = [0_u32, 3, 1, 2, 6, 4, 5, 9, 7, 8];
        // Two packets for each, over the end of the numbers.
        let stamps = frames.map(|frame| (frame * 3000).wrapping_sub(9000));
        assert!(is_found_in(stamps.into_iter().flat_map(|at| [at, at])));
    }

    #[test]
    fn order_and_clocks_that_are_set_are_none() {
        assert!(!is_found_in((0..9000).map(|frame| frame * 3000)));
        let set = (0..50).flat_map(|_| [10_000_000_u32, 10_003_000, 3_000, 6_000]);
        assert!(!is_found_in(set));
        let now_and_then = (0..20).flat_map(|time| {
            (0..2000).map(move |packet| {
                time * 6_000_000 + packet * 3000 - u32::from(packet == 9) * 6000 + 6000
            })
        });
        assert!(!is_found_in(now_and_then));
        assert!(!Reordering::default().is_shown_by(&[0x80; 7]));
    }
}
