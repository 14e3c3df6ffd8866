//! A room under arbitrary sequences of whatever can happen in one: what must hold after each.

mod steps;
mod viewer;

use std::sync::Arc;

use proptest::collection::vec;
use proptest::prelude::*;
use str0m::rtp::{Extension, ExtensionMap};

use super::*;
use crate::publisher::packet_cache::Cursor;
use steps::{Arriving, ENCODINGS, LARGE, LAYERS, Step, step};
use viewer::Viewer;

/// What one layer of a publisher may have in memory: see `packet_cache`.
const MOST_BYTES: usize = 16 << 20;

/// Flushes that may follow each other without time going on.
const MOST_AT_ONCE: usize = 4;

/// A room, and what has been seen of it.
struct Room {
    stage: Stage,
    viewers: Vec<Viewer>,
    /// The last packet of each layer of the present publisher.
    last: HashMap<(usize, Option<usize>), i64>,
    is_sending: bool,
    filler: Arc<[u8]>,
    /// All times are what the numbers say, so those of viewers have the order of their numbers.
    is_orderly: bool,
}

impl Room {
    fn new(is_orderly: bool) -> Self {
        Self {
            stage: Stage::empty(),
            viewers: Vec::new(),
            last: HashMap::new(),
            is_sending: false,
            filler: vec![0; LARGE].into(),
            is_orderly,
        }
    }

    fn happen(&mut self, step: Step) {
        match step {
            Step::Publish(encodings) => self.publish(ENCODINGS[encodings]),
            Step::PublisherLeaves => {
                if let Some(publisher) = self.stage.publisher.take() {
                    let event = self.stage.router.remove(publisher, self.stage.now);
                    self.hear(event);
                    self.flush();
                }
            }
            Step::Subscribe {
                encodings,
                is_measured,
            } => self.subscribe(ENCODINGS[encodings], is_measured),
            Step::Packets { count, packet } => {
                (0..count).for_each(|_| self.arrive(&packet));
                self.flush();
            }
            Step::Wait(time) => self.wait(time),
            Step::Look(period) => self.look(period),
            step => self.of_viewer(step),
        }
        self.check();
    }

    /// What a viewer does, if there is that viewer.
    fn of_viewer(&mut self, step: Step) {
        let (Step::Connect(index)
        | Step::Leave(index)
        | Step::Keyframe(index)
        | Step::Select(index, _)
        | Step::Garbage(index, _)
        | Step::Nack { viewer: index, .. }
        | Step::Feedback { viewer: index, .. }) = step
        else {
            return;
        };
        let Some(viewer) = self.viewers.get_mut(index).filter(|v| v.is_here) else {
            return;
        };
        let (key, now) = (viewer.key, self.stage.now);
        let Stage { router, wire, .. } = &mut self.stage;
        wire.now = now;
        match step {
            Step::Connect(_) => {
                viewer.is_connected = true;
                router.connected(key, now);
            }
            Step::Leave(_) => {
                viewer.is_here = false;
                assert_eq!(router.remove(key, now), None, "it does not publish");
            }
            Step::Keyframe(_) => router.keyframe_wanted(key),
            Step::Select(_, layer) => {
                router.select(key, of_rid(layer.map(|index| LAYERS[index])));
            }
            Step::Garbage(_, bytes) => router.take_feedback(key, &bytes, now),
            Step::Nack {
                back, following, ..
            } => {
                for (source, sent) in &viewer.sent {
                    let last = sent.keys().next_back().copied().unwrap_or_default() as u16;
                    let first = last.wrapping_sub(back);
                    let offsets =
                        (0..17_u16).filter(|bit| (u32::from(following) << 1 | 1) >> bit & 1 == 1);
                    let missing = Missing {
                        source: *source,
                        sequences: offsets.map(|offset| first.wrapping_add(offset)).collect(),
                    };
                    router.retransmit(key, &missing, now, wire);
                }
            }
            Step::Feedback { received, .. } => {
                if let Some(rtcp) = viewer.feedback(&received) {
                    router.take_feedback(key, &rtcp, now);
                }
            }
            _ => {}
        }
        self.flush();
    }

    fn publish(&mut self, encodings: &[&'static str]) {
        let takeover = self.stage.publish(encodings, false);
        self.last.clear();
        for gone in takeover.previous.into_iter().chain(takeover.stranded) {
            let stopped = self.stage.router.remove(gone, self.stage.now);
            assert_eq!(stopped, None, "somebody publishes still");
            let viewers = self.viewers.iter_mut().filter(|v| v.key == gone);
            viewers.for_each(|viewer| viewer.is_here = false);
        }
        self.flush();
    }

    fn subscribe(&mut self, encodings: &[&'static str], is_measured: bool) {
        // Whoever negotiates chooses among what is published.
        let published = self.stage.router.tracks();
        let has = |encoding: &'static str| {
            let encoding = format(encoding).encoding;
            published.iter().any(|p| p.encoding() == encoding)
        };
        let encodings = encodings.iter().copied().filter(|encoding| has(encoding));
        let encodings: Vec<&'static str> = encodings.collect();
        if encodings.is_empty() || self.viewers.len() >= 6 {
            return;
        }
        let mut map = ExtensionMap::empty();
        if is_measured {
            map.set(3, Extension::TransportSequenceNumber);
        }
        let extensions = Extensions::new(&map, "");
        let key = self.stage.viewer_with(&encodings, &extensions);
        self.viewers.push(Viewer::new(key));
    }

    fn arrive(&mut self, arriving: &Arriving) {
        if self.stage.publisher.is_none() {
            return;
        }
        let layer = (arriving.track, arriving.layer);
        let last = self.last.entry(layer).or_insert(100_000);
        let sequence = (*last + arriving.ahead).max(0);
        *last = sequence.max(*last);
        // Two packets are a picture; what begins before the stream does has its time too.
        let time = 10_000_000 + sequence / PARTS as i64 * TICKS_PER_FRAME as i64;
        let strays = arriving.strays.filter(|_| !self.is_orderly);
        let strayed = time + strays.unwrap_or_default();
        let number = [sequence.to_be_bytes(), time.to_be_bytes()].concat();
        let mut payload = vec![if arriving.is_key { 0x65 } else { 0x41 }];
        payload.extend(number);
        payload.extend(&self.filler[..arriving.size]);
        payload.truncate(arriving.size);
        let packet = Packet {
            position: Position {
                sequence: sequence as u64,
                time: strayed.max(0) as u64,
            },
            marker: arriving.marker,
            extensions: ExtensionValues::default(),
            payload: payload.into(),
            arrived: self.stage.now,
            captured: None,
        };
        let rid = arriving.layer.map(|index| Rid::from(LAYERS[index]));
        let source = Ssrc::from(arriving.layer.map_or(9, |index| index as u32));
        let layer = (arriving.track, rid);
        let now = self.stage.now;
        let event = self.stage.router.receive(layer, source, packet, now);
        self.hear(event);
    }

    fn look(&mut self, period: Duration) {
        let (router, now) = (&mut self.stage.router, self.stage.now);
        router.measure(period, now);
        router.other_layers(now);
        let event = router.fallen_silent(now);
        self.hear(event);
        self.flush();
    }

    /// Who is told that media comes was told before that it does not, and the other way round.
    fn hear(&mut self, event: Option<Event>) {
        if let Some(Event::Sending { is_sending, .. }) = event {
            assert_ne!(is_sending, self.is_sending);
            self.is_sending = is_sending;
        }
    }

    fn flush(&mut self) {
        self.stage.flush();
        self.take_in();
    }

    /// Time passes, with what is due in it.
    fn wait(&mut self, time: Duration) {
        let until = self.stage.now + time;
        let mut at_once = 0;
        while let Some(at) = self.stage.flush_at.filter(|at| *at <= until) {
            at_once = if at > self.stage.now { 0 } else { at_once + 1 };
            assert!(at_once <= MOST_AT_ONCE, "it is always too late already");
            self.stage.now = self.stage.now.max(at);
            self.flush();
        }
        self.stage.now = until;
    }

    /// Notes what has been sent, and to whom.
    fn take_in(&mut self) {
        for (key, sent) in std::mem::take(&mut self.stage.wire.sent) {
            let viewer = self.viewers.iter_mut().find(|viewer| viewer.key == key);
            let viewer = viewer.expect("somebody is sent it");
            assert!(viewer.is_here && viewer.is_connected, "it cannot receive");
            viewer.transport_sequences.extend(sent.transport_sequence);
            let stream = viewer.sent.entry(sent.source).or_default();
            // RFC 3711 section 9.1: not even the same payload.
            let before = stream.insert(sent.sequence, sent.clone());
            assert_eq!(before, None, "a number was used twice, now for {sent:?}");
        }
    }

    fn check(&self) {
        for viewer in &self.viewers {
            viewer.check_transport_sequences();
            let media = |sent: &&BTreeMap<u64, Sent>| sent.values().all(|s| s.original.is_none());
            for stream in viewer.sent.values().filter(media) {
                let times: Vec<u32> = stream.values().map(|sent| sent.time).collect();
                let goes_back = times.windows(2).any(|two| two[1] < two[0]);
                assert!(!self.is_orderly || !goes_back, "{times:?}");
            }
        }
        for layer in self.stage.router.layers() {
            let end = layer.cache.end();
            let cursors = std::iter::successors(Some(Cursor::default()), |c| Some(c.next()));
            let all = cursors.take_while(|cursor| *cursor < end);
            let held = all.filter_map(|cursor| layer.cache.get(cursor));
            let bytes: usize = held.map(|packet| packet.payload.len()).sum();
            assert!(bytes <= MOST_BYTES, "{bytes} bytes");
        }
    }
}

proptest! {
    #[test]
    fn whatever_happens_in_a_room_the_invariants_hold(
        is_orderly in any::<bool>(),
        steps in vec(step(), 1..120),
    ) {
        let mut room = Room::new(is_orderly);
        room.publish(&[VIDEO, SOUND]);
        room.subscribe(&[VIDEO, SOUND], true);
        room.happen(Step::Connect(0));
        for step in steps {
            room.happen(step);
        }
        // Everybody leaves.
        for viewer in 0..room.viewers.len() {
            room.happen(Step::Leave(viewer));
        }
        room.happen(Step::PublisherLeaves);
        prop_assert!(room.stage.router.is_empty());
        prop_assert_eq!(room.stage.flush_at, None);
    }
}
