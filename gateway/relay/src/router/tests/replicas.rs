//! A room whose viewers are in two places: the home, and a replica of it.

mod needs;
mod publishers;

use std::time::UNIX_EPOCH;

use rtcp_types::{Compound, Packet as Rtcp};

use super::layers::{LAYERS, layer};
use super::*;
use crate::keys::RoomKey;
use crate::publisher::capture_clock::SenderReport;

const LINGER: Duration = Duration::from_secs(30);

/// The two, and what is on its way between them.
pub(super) struct Two {
    pub(super) home: Stage,
    pub(super) away: Stage,
    replica: Replica,
    /// Viewers at the replica that cannot go on.
    stranded: Vec<Key>,
    /// The layers of the packets that have crossed.
    crossed: Vec<Option<Rid>>,
}

impl Two {
    /// Somebody publishes video, and nobody watches yet.
    fn new() -> Self {
        Self::of(Stage::new())
    }

    pub(super) fn of(home: Stage) -> Self {
        let mut rooms = SlotMap::<RoomKey, ()>::with_key();
        let replica = Replica {
            worker: WorkerId { index: 1, start: 0 },
            room: rooms.insert(()),
        };
        let mut away = Stage::empty();
        away.now = home.now;
        let stranded = Vec::new();
        let mut two = Self {
            home,
            away,
            replica,
            stranded,
            crossed: Vec::new(),
        };
        two.pull();
        two
    }

    fn pull(&mut self) {
        self.home.router.add_replica(self.replica, self.home.now);
        self.carry();
    }

    fn leave(&mut self) {
        let now = self.home.now;
        let is_it = |replica: &Replica| *replica == self.replica;
        self.home.router.remove_replicas(is_it, now);
    }

    /// What is on its way arrives, and what follows from it.
    fn carry(&mut self) {
        for _ in 0..2 {
            self.home.flush();
            self.away.now = self.home.now;
            for (replica, update) in std::mem::take(&mut self.home.wire.updates) {
                assert_eq!(replica, self.replica);
                if let Update::Packet { layer, .. } = &update {
                    self.crossed.push(layer.1);
                }
                let stranded = self.away.router.take_update(update, self.away.now);
                self.stranded.extend(stranded);
            }
            self.away.flush();
            for wish in std::mem::take(&mut self.away.wire.wishes) {
                self.home.router.take_wish(self.replica.worker, &wish);
            }
        }
    }

    fn picture(&mut self, is_key: bool) {
        self.picture_of(&[""], is_key);
    }

    pub(super) fn picture_of(&mut self, layers: &[&'static str], is_key: bool) {
        self.home.picture_of(layers, is_key);
        self.carry();
    }

    fn pictures(&mut self, count: usize) {
        (0..count).for_each(|_| self.picture(false));
    }

    fn wait(&mut self, time: Duration) {
        self.home.wait(time);
        self.away.wait(time);
        self.carry();
    }

    /// Two seconds of two layers, which are measured at home.
    fn measured() -> Self {
        Self::measured_of(&LAYERS)
    }

    fn measured_of(layers: &[&'static str]) -> Self {
        let mut home = Stage::new();
        home.picture_of(layers, true);
        for _ in 0..4 {
            (0..15).for_each(|_| drop(home.picture_of(layers, false)));
            home.look();
        }
        Self::of(home)
    }
}

fn payloads(sent: &[Sent]) -> Vec<&[u8]> {
    sent.iter().map(|sent| sent.payload.as_slice()).collect()
}

#[test]
fn who_watches_a_replica_gets_what_others_get_at_home() {
    let mut two = Two::new();
    let [here, there] = [two.home.viewer(), two.away.viewer()];
    two.picture(true);
    two.pictures(99);
    let (here, there) = (two.home.sent(here), two.away.sent(there));
    assert_eq!(there.len(), 100 * PARTS);
    assert_eq!(payloads(&here), payloads(&there));
    assert!(is_unbroken(&there) && there.is_sorted_by_key(|sent| sent.time));
}

/// A payload is not copied on its way.
#[test]
fn the_payload_is_shared() {
    let mut two = Two::new();
    two.home.packet("", 0, true, 1000);
    two.home.flush();
    let there = two
        .home
        .wire
        .updates
        .iter()
        .find_map(|(_, update)| match update {
            Update::Packet { packet, .. } => Some(packet.payload.clone()),
            _ => None,
        });
    let here = &two.home.router.tracks()[0].layers[0].cache;
    let here = &here.get(here.first()).unwrap().payload;
    assert!(std::sync::Arc::ptr_eq(here, &there.unwrap()));
}

#[test]
fn a_newcomer_at_a_replica_begins_with_the_group_that_is_there() {
    let mut two = Two::new();
    two.picture(true);
    two.pictures(20);
    let first = two.away.viewer();
    let sent = two.away.sent(first);
    assert!(sent[0].is_key());
    two.wait(Duration::from_millis(50));
    assert_eq!(sent.len() + two.away.sent(first).len(), 21 * PARTS);
    assert_eq!(two.home.wire.keyframe_requests, 0, "nothing was asked for");
}

/// Who pulls late gets the group as well, and knows whether the publisher answers.
#[test]
fn a_replica_begins_with_what_is_known_at_home() {
    let mut home = Stage::new();
    home.picture(true);
    let viewer = home.viewer();
    home.router.keyframe_wanted(viewer);
    (0..89).for_each(|_| drop(home.picture(false)));
    assert_eq!(home.wire.keyframe_requests, 1, "which was not answered");
    let mut two = Two::of(home);
    let newcomer = two.away.viewer();
    two.wait(Duration::from_millis(50));
    let sent = two.away.sent(newcomer);
    assert_eq!(sent.len(), 90 * PARTS, "without waiting for an answer");
    assert!(sent[0].is_key() && is_unbroken(&sent));
}

/// What the home finds out later its replicas are told.
#[test]
fn whether_the_publisher_answers_is_found_out_at_home() {
    let mut two = Two::new();
    let viewer = two.home.viewer();
    two.picture(true);
    two.pictures(30);
    two.picture(true);
    two.pictures(60);
    two.home.router.keyframe_wanted(viewer);
    two.pictures(15);
    assert_eq!(two.home.wire.keyframe_requests, 1, "which was not answered");
    let newcomer = two.away.viewer();
    assert!(
        two.away.sent(newcomer)[0].is_key(),
        "there is no other to wait for"
    );
    two.home.router.keyframe_wanted(viewer);
    two.home.flush();
    two.picture(true);
    two.pictures(60);
    let newcomer = two.away.viewer();
    two.carry();
    assert_eq!(two.away.sent(newcomer), [], "a new one is worth the while");
}

/// An encoder that begins anew has another source, and begins with other numbers.
#[test]
fn another_source_takes_over_at_replicas_as_well() {
    let mut two = Two::new();
    let viewer = two.away.viewer();
    two.picture(true);
    two.picture(false);
    // What of the last one is on its way is not taken for the new one's.
    two.home.wire.room = 0;
    two.picture(false);
    two.home.packets.insert("", 5);
    two.home.pictures = 7;
    for number in 0..PARTS + 1 {
        two.home.packet("", 99, number < PARTS, 900);
    }
    two.home.wire.room = usize::MAX;
    two.carry();
    let sent = two.away.sent(viewer);
    assert_eq!(sent.len(), 4 * PARTS + 1);
    assert!(is_unbroken(&sent) && sent.is_sorted_by_key(|sent| sent.time));
    assert!(sent[3 * PARTS].is_key());
}

/// Some publishers send them once.
#[test]
fn parameter_sets_that_came_before_a_replica_began_are_known_there() {
    const SETS: [&[u8]; 2] = [&[0x67, 0x42, 0xe0, 0x1f, 0x80], &[0x68, 0xce, 0x38, 0x80]];
    let mut home = Stage::new();
    for set in SETS {
        let packet = home.next_packet("", set.to_vec());
        home.receive("", 0, packet);
    }
    home.picture(true);
    (0..60).for_each(|number| drop(home.picture(number % 30 == 0)));
    let mut two = Two::of(home);
    let viewer = two.away.viewer();
    let sent = two.away.sent(viewer);
    let first: Vec<&[u8]> = payloads(&sent).into_iter().take(2).collect();
    assert_eq!(first, SETS);
    assert!(sent[2].is_key() && is_unbroken(&sent));
}

#[test]
fn wishes_for_keyframes_are_one_wherever_they_come_from() {
    let mut two = Two::new();
    let here: Vec<Key> = (0..50).map(|_| two.home.viewer()).collect();
    let there: Vec<Key> = (0..50).map(|_| two.away.viewer()).collect();
    two.picture(true);
    two.pictures(60);
    assert_eq!(two.home.wire.keyframe_requests, 0);
    here.iter()
        .for_each(|key| two.home.router.keyframe_wanted(*key));
    there
        .iter()
        .for_each(|key| two.away.router.keyframe_wanted(*key));
    two.away.flush();
    assert_eq!(two.away.wire.wishes.len(), 1);
    two.carry();
    assert_eq!(two.away.wire.keyframe_requests, 0, "no publisher is there");
    assert_eq!(two.home.wire.keyframe_requests, 1);
    two.picture(true);
    two.wait(Duration::from_secs(1));
    assert_eq!(two.home.wire.keyframe_requests, 1);
}

#[test]
fn a_wish_of_a_replica_alone_reaches_the_publisher() {
    let mut two = Two::new();
    let there = two.away.viewer();
    two.picture(true);
    two.pictures(30);
    two.away.router.keyframe_wanted(there);
    two.carry();
    assert_eq!(two.home.wire.keyframe_requests, 1);
}

/// There was no room for it on its way.
#[test]
fn a_wish_that_is_lost_is_wished_again_while_somebody_waits() {
    let mut two = Two::new();
    let viewer = two.home.viewer();
    two.picture(true);
    two.pictures(60);
    two.home.router.keyframe_wanted(viewer);
    two.home.flush();
    two.picture(true);
    two.pictures(60);
    let before = two.home.wire.keyframe_requests;
    let newcomer = two.away.viewer();
    assert_eq!(two.away.sent(newcomer), [], "it waits for a new one");
    assert_eq!(two.away.wire.wishes.len(), 1);
    two.away.wire.wishes.clear();
    two.pictures(15);
    assert_eq!(two.home.wire.keyframe_requests, before + 1);
    two.picture(true);
    assert!(two.away.sent(newcomer)[0].is_key());
}

#[test]
fn layers_are_known_at_a_replica_at_once_and_chosen_there() {
    let mut two = Two::measured();
    // What came of the past all at once is not its bitrate.
    two.away.look();
    let rates = |stage: &Stage| -> Vec<u64> {
        let layers = &stage.router.tracks()[0].layers;
        layers.iter().map(|layer| layer.bitrate).collect()
    };
    assert!(
        rates(&two.away) <= rates(&two.home),
        "{:?}",
        rates(&two.away)
    );
    let viewer = two.away.viewer();
    for _ in 0..4 {
        (0..15).for_each(|_| two.picture_of(&LAYERS, false));
        two.home.look();
        two.away.look();
    }
    let (here, there) = (rates(&two.home), rates(&two.away));
    let is_near = |(here, there): (&u64, &u64)| here.abs_diff(*there) < here / 5;
    assert!(here.iter().zip(&there).all(is_near), "{here:?} {there:?}");
    two.picture_of(&LAYERS, true);
    two.away.sent(viewer);
    two.away.router.select(viewer, of_rid(Some("l")));
    two.away.look();
    two.carry();
    two.picture_of(&LAYERS, true);
    two.picture_of(&LAYERS, false);
    let sent = two.away.sent(viewer);
    assert!(!sent.is_empty() && sent.iter().all(|sent| layer(sent) == "l"));
}

#[test]
fn who_comes_to_a_replica_is_told_of_layers_that_are_measured_at_home() {
    let mut two = Two::measured();
    let subscription = Subscription {
        down_tracks: Vec::new(),
        name: String::new(),
    };
    let key = two.away.keys.insert(());
    let (session, now) = (SessionId::random(), two.away.now);
    let told = two.away.router.subscribe(key, session, subscription, now);
    let is_told = matches!(told, Joined::Watching(Some(Event::Layers { .. })));
    assert!(is_told, "{told:?}");
}

#[test]
fn what_was_missed_is_sent_again_by_the_replica() {
    let mut two = Two::new();
    let viewer = two.away.viewer();
    two.picture(true);
    two.picture(false);
    let sent = two.away.sent(viewer);
    loss::miss(&mut two.away, viewer, sent[0].source, sent[0].sequence);
    let again = two.away.sent(viewer);
    assert_eq!(again.len(), 2);
    assert_eq!(again[0].payload, sent[0].payload);
}

#[test]
fn the_time_of_day_is_told_at_a_replica_as_at_home() {
    let mut two = Two::new();
    let viewers = (two.home.viewer(), two.away.viewer());
    two.picture(true);
    let publisher = two.home.publisher.unwrap();
    // The picture that comes now was captured half a second ago.
    let said = SenderReport {
        source: Ssrc::from(0),
        wall: UNIX_EPOCH + reports::WALL,
        time: (two.home.pictures * TICKS_PER_FRAME) as u32 + 45_000,
    };
    let now = two.home.now;
    two.home.router.sender_report(publisher, said, now);
    two.pictures(30);
    let report = |stage: &mut Stage, viewer| {
        let first = stage.sent(viewer)[0].time;
        let reports = reports::reports(stage, viewer, false);
        let mut packets = Compound::parse(&reports[0].packet).unwrap();
        match packets.next() {
            Some(Ok(Rtcp::Sr(report))) => (
                report.rtp_timestamp().wrapping_sub(first),
                report.ntp_timestamp(),
            ),
            other => panic!("{other:?}"),
        }
    };
    let here = report(&mut two.home, viewers.0);
    assert_eq!(here, report(&mut two.away, viewers.1));
    // 31 pictures and the half second, give or take a tick for each.
    let ahead = here.0.abs_diff(31 * TICKS_PER_FRAME as u32 + 45_000);
    assert!(ahead < 40, "{here:?}");
}

#[test]
fn what_there_is_no_room_for_just_now_comes_later() {
    let mut two = Two::new();
    let viewer = two.away.viewer();
    two.picture(true);
    two.home.wire.room = 0;
    two.pictures(10);
    assert_eq!(two.away.sent(viewer).len(), PARTS);
    assert!(two.home.flush_at.is_some(), "it is tried again by itself");
    two.home.wire.room = 7;
    two.carry();
    two.home.wire.room = usize::MAX;
    two.carry();
    let sent = two.away.sent(viewer);
    assert_eq!(sent.len(), 10 * PARTS);
    assert!(is_unbroken(&sent));
    assert_eq!(two.home.wire.not_handed_over, 0);
}

#[test]
fn a_replica_without_room_for_long_goes_on_with_a_keyframe_and_nothing_grows() {
    let mut two = Two::new();
    let viewer = two.away.viewer();
    two.picture(true);
    two.home.wire.room = 0;
    two.pictures(60);
    two.picture(true);
    two.pictures(60);
    assert!(two.home.wire.updates.is_empty());
    let cache = &two.home.router.tracks()[0].layers[0].cache;
    let kept = cache.end().since(cache.first());
    assert_eq!(kept as usize, 61 * PARTS, "the last group and no more");
    two.away.sent(viewer);
    two.home.wire.room = usize::MAX;
    two.carry();
    assert_eq!(two.home.wire.not_handed_over as usize, 60 * PARTS);
    two.wait(Duration::from_millis(50));
    let sent = two.away.sent(viewer);
    assert_eq!(sent.len(), 61 * PARTS);
    assert!(sent[0].is_key());
}
