//! A viewer, its link and a publisher of three layers, in virtual time.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use rtcp_types::prelude::*;
use rtcp_types::{TransportFeedback, TwccBuilder, TwccPacketStatus};

use super::super::{Bandwidth, LayerChoice};
use crate::clock;

/// Everything happens at multiples of this, in microseconds.
const STEP: i64 = 1_000;

/// What a publisher sends, in bit/s, the best first.
pub(super) const BITRATES: [u64; 3] = [2_500_000, 700_000, 200_000];
pub(super) const BEST: usize = 0;
pub(super) const MIDDLE: usize = 1;
pub(super) const LOWEST: usize = 2;

/// Microseconds between two pictures.
const PICTURE: i64 = 33_333;

/// What a packet carries, and what its heads take.
const PAYLOAD: usize = 1150;
const HEADS: usize = 60;

/// How often there is one anyway.
const KEYFRAMES: i64 = 60 * PICTURE;

/// How long a keyframe of another layer takes to come, in microseconds.
const KEYFRAME: i64 = 250_000;

/// The way to a viewer, and what happens at both ends of it.
#[derive(Debug, Clone)]
pub(super) struct Link {
    /// In bit/s.
    pub(super) capacity: f64,
    /// What it carries at once after a pause, in bytes.
    pub(super) burst: f64,
    /// What its queue holds, in bytes.
    pub(super) queue: usize,
    /// In microseconds, one way; and by how much single packets take longer.
    pub(super) delay: i64,
    pub(super) jitter: i64,
    /// The part of all packets that is lost.
    pub(super) loss: f64,
    /// What the viewer's clock shows besides, in microseconds.
    pub(super) clock: i64,
    /// Whether feedback comes back.
    pub(super) has_feedback: bool,
    /// How often each end is busy with something else, in microseconds, and for how long.
    pub(super) sender_away: (i64, i64),
    pub(super) receiver_away: (i64, i64),
    /// How often this machine is stopped after it has noted a picture and before that leaves,
    /// in microseconds, and for how long.
    pub(super) stopped: (i64, i64),
}

impl Default for Link {
    fn default() -> Self {
        Self {
            capacity: 3e6,
            burst: 1_500.0,
            queue: 100_000,
            delay: 25_000,
            jitter: 2_000,
            loss: 0.0,
            clock: 0,
            has_feedback: true,
            sender_away: (1_000_000, 0),
            receiver_away: (1_000_000, 0),
            stopped: (1_000_000, 0),
        }
    }
}

/// See the module.
pub(super) struct Stage {
    pub(super) link: Link,
    pub(super) layer: usize,
    /// When the viewer got another layer, in microseconds.
    pub(super) changes: Vec<i64>,
    pub(super) now: i64,
    start: Instant,
    bandwidth: Bandwidth,
    choice: LayerChoice,
    /// The layer to go over to once its keyframe comes.
    wanted: Option<(usize, i64)>,
    next_picture: i64,
    next_choice: i64,
    /// Noted before this machine was stopped: number and size.
    held: Vec<(u16, usize)>,
    /// Waiting at the link, in the same way.
    queue: VecDeque<(u16, usize)>,
    queued: usize,
    credit: f64,
    /// On the way from the link: when each arrives.
    coming: Vec<(i64, u16)>,
    receiver: Receiver,
    feedback: VecDeque<(i64, Vec<u8>)>,
    random: fastrand::Rng,
    pub(super) padding: usize,
    pub(super) media: usize,
}

/// What a viewer has received, for its next feedback.
struct Receiver {
    next: u16,
    arrived: Vec<(u16, i64)>,
    feedback_at: i64,
    count: u8,
}

impl Stage {
    pub(super) fn new(link: Link, seed: u64) -> Self {
        let start = clock::now();
        let bandwidth = Bandwidth::new(1_500_000, true, start);
        let mut choice = LayerChoice::default();
        let layer = choice.choose(&BITRATES, None, bandwidth.link(start), start);
        Self {
            link,
            layer,
            changes: Vec::new(),
            now: 0,
            start,
            bandwidth,
            choice,
            wanted: None,
            next_picture: 0,
            next_choice: 0,
            held: Vec::new(),
            queue: VecDeque::new(),
            queued: 0,
            credit: 0.0,
            coming: Vec::new(),
            receiver: Receiver {
                next: 0,
                arrived: Vec::new(),
                feedback_at: 50_000,
                count: 0,
            },
            feedback: VecDeque::new(),
            random: fastrand::Rng::with_seed(seed),
            padding: 0,
            media: 0,
        }
    }

    /// What fits, in bit/s.
    pub(super) fn estimate(&self) -> f64 {
        self.bandwidth.link(self.instant()).estimate
    }

    pub(super) fn run(&mut self, seconds: i64) {
        self.run_until(seconds * 1_000_000, |_| false);
    }

    /// Until something holds; how many microseconds that took, if it came to hold in time.
    pub(super) fn run_until(&mut self, limit: i64, holds: impl Fn(&Self) -> bool) -> Option<i64> {
        let begin = self.now;
        while self.now < begin + limit {
            if holds(self) {
                return Some(self.now - begin);
            }
            self.step();
        }
        None
    }

    pub(super) fn changes_since(&self, time: i64) -> usize {
        self.changes
            .iter()
            .filter(|change| **change >= time)
            .count()
    }

    fn step(&mut self) {
        self.now += STEP;
        let is_stopped = is_away(self.link.stopped, self.now);
        if is_stopped && self.held.is_empty() {
            self.send();
        } else if !is_stopped && !is_away(self.link.sender_away, self.now) {
            for (number, bytes) in std::mem::take(&mut self.held) {
                self.leave(number, bytes);
            }
            self.send();
            self.listen();
        }
        self.carry();
        if !is_away(self.link.receiver_away, self.now) {
            self.receive();
        }
    }

    fn send(&mut self) {
        while self.now >= self.next_picture {
            self.next_picture += PICTURE;
            let is_key = self.wanted.is_some_and(|(_, at)| self.now >= at);
            if let Some((wanted, _)) = self.wanted.take_if(|_| is_key) {
                self.layer = wanted;
                self.changes.push(self.now);
            }
            // A second is not more than that, with a keyframe or without.
            let average = 0.95 * BITRATES[self.layer] as f64 * PICTURE as f64 / 8e6;
            let size = average * (0.6 + 0.8 * self.random.f64());
            let is_key = is_key || self.now % KEYFRAMES < PICTURE;
            let mut left = if is_key { 4.0 * size } else { size } as usize;
            while left > 0 {
                let payload = left.min(PAYLOAD);
                self.media += payload + HEADS;
                self.packet(payload + HEADS);
                left -= payload;
            }
        }
        let padding = self.bandwidth.padding(self.instant());
        let mut padding = padding.map_or(0, |(bytes, _)| bytes);
        while padding > 0 {
            self.padding += PAYLOAD + HEADS;
            self.packet(PAYLOAD + HEADS);
            padding = padding.saturating_sub(PAYLOAD + HEADS);
        }
    }

    fn packet(&mut self, bytes: usize) {
        let number = self.bandwidth.send(bytes, self.instant());
        match is_away(self.link.stopped, self.now) {
            true => self.held.push((number, bytes)),
            false => self.leave(number, bytes),
        }
    }

    fn leave(&mut self, number: u16, bytes: usize) {
        let is_lost = self.random.f64() < self.link.loss;
        if !is_lost && self.queued + bytes <= self.link.queue {
            self.queue.push_back((number, bytes));
            self.queued += bytes;
        }
    }

    fn listen(&mut self) {
        while let Some((_, rtcp)) = self.feedback.pop_front_if(|(at, _)| *at <= self.now) {
            self.bandwidth.take_in(&rtcp, self.instant()).unwrap();
            self.next_choice = self.now;
        }
        if self.now < self.next_choice {
            return;
        }
        self.next_choice = self.now + 100_000;
        let present = self.wanted.map_or(self.layer, |(wanted, _)| wanted);
        let now = self.instant();
        let link = self.bandwidth.link(now);
        let chosen = self.choice.choose(&BITRATES, Some(present), link, now);
        self.bandwidth
            .want(BITRATES[chosen.saturating_sub(1)], BITRATES[BEST]);
        if chosen != present {
            self.wanted = (chosen != self.layer).then_some((chosen, self.now + KEYFRAME));
        }
    }

    /// The link empties its queue.
    fn carry(&mut self) {
        self.credit += self.link.capacity * STEP as f64 / 8e6;
        while let Some((number, bytes)) = self.queue.pop_front_if(|(_, b)| *b as f64 <= self.credit)
        {
            self.credit -= bytes as f64;
            self.queued -= bytes;
            let late = (self.random.f64() * self.link.jitter as f64) as i64;
            self.coming
                .push((self.now + self.link.delay + late, number));
        }
        if self.queue.is_empty() {
            self.credit = self.credit.min(self.link.burst);
        }
    }

    fn receive(&mut self) {
        let now = self.now;
        let receiver = &mut self.receiver;
        let here = self.coming.extract_if(.., |(at, _)| *at <= now);
        let clock = now + self.link.clock;
        let here = here.map(|(_, number)| (number, clock));
        receiver.arrived.extend(here);
        if now < receiver.feedback_at || receiver.arrived.is_empty() {
            return;
        }
        receiver.feedback_at = now + 80_000;
        let rtcp = receiver.feedback();
        if self.link.has_feedback {
            self.feedback.push_back((now + self.link.delay, rtcp));
        }
    }

    fn instant(&self) -> Instant {
        self.start + Duration::from_micros(self.now as u64)
    }
}

impl Receiver {
    fn feedback(&mut self) -> Vec<u8> {
        // A straggler was told to be missing before; that is not taken back here.
        let (base, next) = (self.next, self.next);
        self.arrived
            .retain(|(number, _)| (number.wrapping_sub(next) as i16) >= 0);
        self.arrived
            .sort_by_key(|(number, _)| number.wrapping_sub(next));
        let reference = self
            .arrived
            .iter()
            .map(|(_, at)| at / 64_000)
            .min()
            .unwrap_or_default();
        let mut statuses = Vec::new();
        let mut before = reference * 64_000;
        for (number, at) in self.arrived.drain(..) {
            while self.next != number {
                statuses.push(TwccPacketStatus::NotReceived);
                self.next = self.next.wrapping_add(1);
            }
            let delta = ((at - before) / 250) as i16;
            statuses.push(TwccPacketStatus::Received { delta });
            self.next = number.wrapping_add(1);
            before = at;
        }
        self.count = self.count.wrapping_add(1);
        let twcc = TwccBuilder::new(base, reference as u32, self.count, &statuses, None);
        let feedback = TransportFeedback::builder_owned(twcc);
        let mut bytes = vec![0; feedback.calculate_size().unwrap()];
        feedback.write_into(&mut bytes).unwrap();
        bytes
    }
}

fn is_away((every, away): (i64, i64), now: i64) -> bool {
    now % every < away
}
