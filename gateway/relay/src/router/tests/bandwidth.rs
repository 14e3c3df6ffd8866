//! A viewer that tells of its link gets the layer that this carries.

use std::collections::{HashSet, VecDeque};

use rtcp_types::prelude::*;
use rtcp_types::{TransportFeedback, TwccBuilder, TwccPacketStatus};
use str0m::rtp::{Extension, ExtensionMap};

use super::layers::{LAYERS, layer};
use super::*;

/// One way, if no packet waits.
const DELAY: Duration = Duration::from_millis(20);

/// A packet that would wait longer than this is lost.
const QUEUE: Duration = Duration::from_millis(300);

/// What a link carries, in bit/s: both layers, or the lower one just so.
const FAST: u64 = 10_000_000;
const SLOW: u64 = 300_000;

/// The way to a viewer, and what the viewer tells of it.
struct Link {
    rate: u64,
    began: Instant,
    is_free_at: Instant,
    /// When each packet arrives.
    coming: VecDeque<(u16, Instant)>,
    /// The number after the last one of which was told.
    next: u16,
    count: u8,
    /// Layers are measured, as they are twice a second.
    has_rounds: bool,
    /// The publisher has a keyframe in so many pictures, and hears of no request.
    interval: Option<u64>,
}

impl Link {
    fn new(stage: &Stage) -> Self {
        Self {
            rate: FAST,
            began: stage.now,
            is_free_at: stage.now,
            coming: VecDeque::new(),
            next: 0,
            count: 0,
            has_rounds: true,
            interval: None,
        }
    }

    fn carry(&mut self, sent: &Sent) {
        let begins = sent.at.max(self.is_free_at);
        if begins > sent.at + QUEUE {
            return;
        }
        let bits = 8 * sent.payload.len() as u64;
        self.is_free_at = begins + Duration::from_micros(bits * 1_000_000 / self.rate);
        let number = sent.transport_sequence.expect("its link is measured");
        self.coming.push_back((number, self.is_free_at + DELAY));
    }

    /// What has arrived since the last feedback, if anything has.
    fn feedback(&mut self, now: Instant) -> Option<Vec<u8>> {
        let (first, mut statuses) = (self.next, Vec::new());
        let mut ticks = 0;
        let mut reference = None;
        while let Some((number, at)) = self.coming.pop_front_if(|(_, at)| *at <= now) {
            let since = (at - self.began).as_micros() as u64;
            // Ticks of 250 us, counted from a multiple of 64 ms.
            let begin = *reference.get_or_insert(since / 64_000);
            let delta = (since - begin * 64_000) / 250 - ticks;
            ticks += delta;
            let lost = number.wrapping_sub(self.next).into();
            statuses.extend(vec![TwccPacketStatus::NotReceived; lost]);
            let delta = i16::try_from(delta).expect("a feedback each 100 ms");
            statuses.push(TwccPacketStatus::Received { delta });
            self.next = number.wrapping_add(1);
        }
        self.count = self.count.wrapping_add(1);
        let twcc = TwccBuilder::new(first, reference? as u32, self.count, &statuses, None);
        let feedback = TransportFeedback::builder_owned(twcc);
        let mut bytes = vec![0; feedback.calculate_size().unwrap()];
        feedback.write_into(&mut bytes).unwrap();
        Some(bytes)
    }
}

impl Stage {
    /// Somebody comes to watch who tells of every packet when it arrived.
    fn measured_viewer(&mut self) -> Key {
        let mut map = ExtensionMap::empty();
        map.set(3, Extension::TransportSequenceNumber);
        let viewer = self.viewer_with(&[VIDEO], &Extensions::new(&map, ""));
        self.connect(viewer);
        viewer
    }

    /// Pictures to a viewer by its link, keyframes as they are asked for unless they have a time
    /// of their own, and feedback ten times a second. Returns what the viewer was sent.
    fn watch(&mut self, viewer: Key, link: &mut Link, pictures: u64) -> Vec<Sent> {
        let mut all = Vec::new();
        let end = self.pictures + pictures;
        while self.pictures < end {
            let asked = std::mem::take(&mut self.wire.keyframe_requests);
            let is_due = |interval| self.pictures.is_multiple_of(interval);
            let is_key = link.interval.map_or(asked > 0, is_due);
            self.picture_of(&LAYERS, is_key);
            let sent = self.sent(viewer);
            sent.iter().for_each(|sent| link.carry(sent));
            all.extend(sent);
            if self.pictures.is_multiple_of(3)
                && let Some(rtcp) = link.feedback(self.now)
            {
                self.router.take_feedback(viewer, &rtcp, self.now);
            }
            if link.has_rounds && self.pictures.is_multiple_of(15) {
                self.look();
            }
        }
        all
    }
}

/// What is not sent again.
fn media(sent: &[Sent]) -> Vec<Sent> {
    let media = sent.iter().filter(|sent| sent.original.is_none());
    media.cloned().collect()
}

/// The layers that it was sent, one after the other.
fn layers(sent: &[Sent]) -> Vec<&'static str> {
    let mut layers: Vec<_> = media(sent).iter().map(layer).collect();
    layers.dedup();
    layers
}

#[test]
fn a_link_that_gets_worse_and_better_has_the_layer_that_it_carries() {
    let mut stage = Stage::new();
    let viewer = stage.measured_viewer();
    let mut link = Link::new(&stage);
    stage.picture_of(&LAYERS, true);
    let begin = stage.watch(viewer, &mut link, 300);
    assert_eq!(layers(&begin), ["h"]);

    link.rate = SLOW;
    // It is chosen with the feedback; the rounds are for what has changed besides.
    link.has_rounds = false;
    let cut = stage.watch(viewer, &mut link, 30);
    assert_eq!(layers(&cut), ["h", "l"], "within a second");
    link.has_rounds = true;
    let low = stage.watch(viewer, &mut link, 300);
    assert_eq!(layers(&low), ["l"]);

    link.rate = FAST;
    let back = stage.watch(viewer, &mut link, 300);
    assert_eq!(layers(&back), ["l", "h"], "within ten seconds");
    let steady = stage.watch(viewer, &mut link, 900);
    assert_eq!(layers(&steady), ["h"]);

    let all = [begin, cut, low, back, steady].concat();
    let media = media(&all);
    assert!(is_unbroken(&media));
    assert!(media.is_sorted_by_key(|sent| sent.time));
    let changes = media
        .windows(2)
        .filter(|two| layer(&two[0]) != layer(&two[1]));
    assert!(changes.into_iter().all(|two| two[1].is_key()));
    // Neither with padding is an SRTP index used twice.
    let indexes: HashSet<_> = all.iter().map(|s| (s.source, s.sequence)).collect();
    assert_eq!(indexes.len(), all.len());
}

/// OBS has a keyframe in two seconds. Of a lower layer what has come since the last one is sent, as
/// fast as the link carries it.
#[test]
fn a_link_that_gets_worse_has_a_lower_layer_within_a_second_whatever_the_publisher_ignores() {
    let mut stage = Stage::new();
    let viewer = stage.measured_viewer();
    let mut link = Link::new(&stage);
    link.interval = Some(60);
    stage.watch(viewer, &mut link, 90);
    stage.router.keyframe_wanted(viewer);
    let begin = stage.watch(viewer, &mut link, 225);
    assert_eq!(layers(&begin), ["h"]);

    link.rate = 400_000;
    let waiting = link.coming.len();
    let cut = stage.watch(viewer, &mut link, 30);
    assert_eq!(layers(&cut), ["h", "l"]);
    let (cut, began) = (media(&cut), cut[0].at);
    let first = cut.iter().position(|sent| layer(sent) == "l").unwrap();
    assert!(cut[first].is_key());
    let (before, lower) = (&cut[..first], &cut[first..]);
    println!("after {:?}, {waiting} waiting", lower[0].at - began);
    assert!(lower[0].time > before.last().unwrap().time);
    // It is not sent faster than the link is.
    let soon = lower[0].at + Duration::from_millis(100);
    let soon = lower.iter().filter(|sent| sent.at < soon);
    let bytes: usize = soon.map(|sent| sent.payload.len()).sum();
    assert!(bytes <= 400_000 / 80 + 1000, "{bytes} in 100 ms");

    let low = stage.watch(viewer, &mut link, 120);
    assert_eq!(layers(&low), ["l"]);
    let all = [cut, media(&low)].concat();
    assert!(is_unbroken(&all));
    assert!(all.is_sorted_by_key(|sent| sent.time));
    // It is live again: nothing is left of what it was behind.
    let live = all.last().unwrap().at + FRAME;
    assert!(stage.now <= live + FRAME, "{:?}", stage.now - live);
}

#[test]
fn a_link_is_tried_by_retransmissions_while_a_better_layer_is_to_be_had() {
    let mut stage = Stage::new();
    let viewer = stage.measured_viewer();
    let mut link = Link::new(&stage);
    stage.picture_of(&LAYERS, true);
    let padding = |sent: &[Sent]| sent.iter().filter(|sent| sent.original.is_some()).count();
    stage.watch(viewer, &mut link, 300);
    let best = stage.watch(viewer, &mut link, 300);
    assert_eq!(padding(&best), 0, "it has the best");

    link.rate = SLOW;
    let mut sent = best;
    sent.extend(stage.watch(viewer, &mut link, 600));
    assert!(padding(&sent) > 0);
    for again in sent.iter().filter(|sent| sent.original.is_some()) {
        let is_first =
            |sent: &&Sent| sent.original.is_none() && Some(sent.sequence as u16) == again.original;
        let first = sent.iter().find(is_first).expect("it was sent before");
        assert_eq!((again.time, &again.payload), (first.time, &first.payload));
    }
}

#[test]
fn what_is_no_feedback_is_not_used() {
    let mut stage = Stage::new();
    let [viewer, other] = [stage.measured_viewer(), stage.viewer()];
    let receiver_report = [0x80, 201, 0, 1, 0, 0, 0, 1];
    for rtcp in [&receiver_report[..], &[0x8f, 205]] {
        stage.router.take_feedback(viewer, rtcp, stage.now);
    }
    stage.picture_of(&LAYERS, true);
    let sent = stage.sent(other);
    assert!(sent.iter().all(|sent| sent.transport_sequence.is_none()));
}
