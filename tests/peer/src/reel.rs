//! What a publisher plays: pictures of one layer, or sound.

use std::time::{Duration, Instant};

use str0m::media::{Mid, Rid};
use str0m::rtp::ExtensionValues;

use super::film::{Label, Shape};

/// One stream of pictures, or of sound.
#[derive(Debug, Clone)]
pub struct Reel {
    pub rid: Option<Rid>,
    pub layer: u8,
    /// Packets of a picture, and bytes of a packet.
    pub parts: u16,
    pub size: usize,
    /// How many packets each picture has, instead of `parts`.
    pub rate: Option<Rate>,
    /// Pictures from one keyframe to the next, without being asked.
    pub group: u32,
    pub interval: Duration,
    /// RTP ticks from one picture to the next.
    pub step: u32,
    /// How long before it is sent each was captured, as the publisher's reports say.
    pub encoding: Duration,
    /// Every other picture is shown before the one that was sent before it, as with B-frames.
    pub swaps: bool,
    /// Pictures that follow each other without their interval.
    pub in_a_hurry: u32,
    /// Nothing is sent while it stands still.
    pub is_running: bool,
    pub is_sound: bool,
    pub extensions: ExtensionValues,
    pub shape: Shape,
    pub author: u8,
    pub mid: Mid,
    pub payload_type: u8,
    /// Of the next packet.
    pub sequence: u64,
    /// Of the next picture.
    pub time: u32,
    pub picture: u32,
    pub since_keyframe: Option<u32>,
    pub due: Instant,
    /// When the last picture was given out.
    pub given: Instant,
}

/// Pictures from one keyframe to the next: two seconds.
const GROUP: u32 = 60;

/// How many times as large as another picture a keyframe is.
const KEYFRAME_WEIGHT: u32 = 6;

/// How large the pictures of a stream are that keeps its bitrate.
#[derive(Debug, Clone)]
pub struct Rate {
    /// What a picture may have that is no keyframe, in packets.
    share: f64,
    /// What the pictures so far have left of their shares.
    saved: f64,
}

impl Rate {
    /// The packets of the next picture. One at least; what that takes too much the next ones
    /// lack.
    fn packets(&mut self, is_key: bool) -> u16 {
        let weight = if is_key { KEYFRAME_WEIGHT } else { 1 };
        self.saved += self.share * f64::from(weight);
        let packets = self.saved.floor().max(1.0);
        self.saved -= packets;
        // What a decoder needs for a keyframe goes before it.
        packets as u16 + u16::from(is_key)
    }
}

impl Default for Reel {
    fn default() -> Self {
        Self {
            rid: None,
            layer: 0,
            parts: 2,
            size: 1000,
            rate: None,
            group: GROUP,
            interval: Duration::from_micros(33_333),
            step: 3000,
            encoding: Duration::ZERO,
            swaps: false,
            in_a_hurry: 0,
            is_running: true,
            is_sound: false,
            extensions: ExtensionValues::default(),
            shape: Shape::H264,
            author: 0,
            mid: "?".into(),
            payload_type: 0,
            sequence: 1000,
            time: 0x1234_5678,
            picture: 0,
            since_keyframe: None,
            due: Instant::now(),
            given: Instant::now(),
        }
    }
}

impl Reel {
    /// 20 ms of Opus at a time.
    pub fn sound() -> Self {
        Self {
            parts: 1,
            size: 120,
            interval: Duration::from_millis(20),
            step: 960,
            is_sound: true,
            ..Self::default()
        }
    }

    /// Pictures of so many bits per second, in packets of this size. Keyframes are larger.
    pub fn of_bitrate(bits_per_second: u64, size: usize) -> Self {
        let reel = Self::default();
        let packets = bits_per_second as f64 / 8.0 / size as f64;
        let group = packets * reel.interval.as_secs_f64() * f64::from(GROUP);
        let share = group / f64::from(GROUP - 1 + KEYFRAME_WEIGHT);
        let rate = Some(Rate { share, saved: 0.0 });
        Self { size, rate, ..reel }
    }

    /// Says what it is and where it is shown.
    pub fn cast(&mut self, author: u8, shape: Shape, payload_type: u8, mid: Mid) {
        self.author = author;
        self.shape = shape;
        self.payload_type = payload_type;
        self.mid = mid;
    }

    /// The next picture is one that needs no other.
    pub fn want_keyframe(&mut self) {
        self.since_keyframe = None;
    }

    fn ticks(&self, duration: Duration) -> u32 {
        (duration.as_secs_f64() / self.interval.as_secs_f64() * f64::from(self.step)) as u32
    }

    /// The next picture, its RTP time, and the label that its first packet lacks, if it is time
    /// for one.
    pub fn next(&mut self, now: Instant) -> Option<(u32, Label, Vec<Vec<u8>>)> {
        if !self.is_running || now < self.due {
            return None;
        }
        let pause = match self.in_a_hurry.checked_sub(1) {
            Some(left) => {
                self.in_a_hurry = left;
                Duration::from_millis(1)
            }
            None => self.interval,
        };
        // One that was held up does not make up for it, as no camera does; its clock goes on.
        let due = self.due + pause;
        self.due = due.max(now);
        let time = self.time;
        let passed = self.step + self.ticks(self.due - due);
        self.time = time.wrapping_add(passed);
        self.given = now;
        let number = self.since_keyframe.map_or(0, |pictures| pictures + 1);
        let is_key = !self.is_sound && number.is_multiple_of(self.group);
        self.since_keyframe = Some(if is_key { 0 } else { number });
        let label = Label {
            author: self.author,
            layer: self.layer,
            is_key,
            picture: self.picture,
            part: 0,
            parts: match &mut self.rate {
                Some(rate) => rate.packets(is_key),
                None => self.parts,
            },
            ..Label::default()
        };
        let shown = match (self.swaps, self.picture % 2) {
            (false, _) => time,
            (true, 0) => time.wrapping_add(self.step),
            (true, _) => time.wrapping_sub(self.step),
        };
        self.picture += 1;
        Some((shown, label, self.shape.without_labels(label, self.size)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZE: usize = 1150;

    /// So many pictures of a reel, in virtual time: whether each is a keyframe, and its packets.
    fn pictures(reel: &mut Reel, count: usize) -> Vec<(bool, usize)> {
        let pictures = (0..count).map(|_| {
            let (_, label, payloads) = reel.next(reel.due).unwrap();
            (label.is_key, payloads.len())
        });
        pictures.collect()
    }

    #[test]
    fn a_keyframe_comes_every_two_seconds_and_when_one_is_asked_for() {
        let mut reel = Reel::of_bitrate(1_000_000, SIZE);
        let mut all = pictures(&mut reel, 70);
        reel.want_keyframe();
        all.extend(pictures(&mut reel, 80));
        let keyframes = (0..).zip(all).filter(|(_, (is_key, _))| *is_key);
        let keyframes: Vec<usize> = keyframes.map(|(number, _)| number).collect();
        assert_eq!(keyframes, [0, 60, 70, 130]);
    }

    #[test]
    fn the_bitrate_is_reached() {
        for bitrate in [1_000_000, 2_500_000, 8_000_000] {
            let all = pictures(&mut Reel::of_bitrate(bitrate, SIZE), 20 * 30);
            let slices = all
                .iter()
                .map(|(is_key, count)| count - usize::from(*is_key));
            let reached = (slices.sum::<usize>() * SIZE * 8 / 20) as f64;
            let off = (reached - bitrate as f64).abs() / bitrate as f64;
            assert!(off < 0.01, "{reached} instead of {bitrate}");
        }
    }
}
