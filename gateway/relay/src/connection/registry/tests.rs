//! Whose datagrams are whose when somebody sends too many of them, in virtual time.

use std::iter;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use slotmap::SlotMap;
use str0m::Rtc;
use str0m::ice::IceCreds;

use super::*;
use crate::clock;
use crate::connection::peer::Role;
use crate::connection::stun::{self, Transaction};
use crate::keys::RoomKey;
use crate::publisher::sources::Sources;

const PASSWORD: &str = "asecretoftwentytwochars";
const WRONG: &str = "another secret than that";
const HOME: &str = "192.0.2.1:1000";
const ELSEWHERE: &str = "198.51.100.1:2000";

/// More than a second of what a peer may send.
const MANY: usize = 100_000;

struct Scene {
    registry: Registry,
    now: Instant,
}

impl Scene {
    fn new() -> Self {
        Self {
            registry: Registry::default(),
            now: clock::now(),
        }
    }

    fn add(&mut self, ufrag: &str, role: Role) -> Key {
        let credentials = IceCreds {
            ufrag: ufrag.to_owned(),
            pass: PASSWORD.to_owned(),
        };
        let rtc = Rtc::builder()
            .set_crypto_provider(Arc::new(str0m::crypto::from_feature_flags()))
            .set_local_ice_credentials(credentials)
            .set_ice_lite(true)
            .build(self.now);
        let new = NewPeer {
            rtc: Box::new(rtc),
            session: SessionId::random(),
            room: SlotMap::<RoomKey, ()>::with_key().insert(()),
            ufrag: ufrag.to_owned(),
            theirs: None,
            role,
        };
        self.registry.add(new, self.now)
    }

    fn publisher(&mut self, ufrag: &str) -> Key {
        self.add(ufrag, Role::Publisher(Sources::default()))
    }

    fn find(&mut self, from: &str, datagram: &[u8]) -> Option<Key> {
        let from: SocketAddr = from.parse().unwrap();
        let to = "203.0.113.1:9000".parse().unwrap();
        let back = Route {
            proto: Protocol::Udp,
            source: to,
            destination: from,
        };
        let found = self.registry.find(&back, datagram, self.now);
        found.map(|(found, _)| found.key)
    }

    /// How many of so many in one second are let through.
    fn found(&mut self, from: &str, mut datagram: impl FnMut() -> Vec<u8>) -> usize {
        let pause = Duration::from_secs(1) / u32::try_from(MANY).unwrap();
        let found = (0..MANY).filter(|_| {
            self.now += pause;
            self.find(from, &datagram()).is_some()
        });
        found.count()
    }
}

fn check(ufrag: &str, password: &str) -> Vec<u8> {
    stun::check(
        Transaction::random().unwrap(),
        &format!("{ufrag}:them"),
        password,
    )
}

#[test]
fn of_good_checks_without_end_few_are_looked_into_and_others_are_found_as_before() {
    let mut scene = Scene::new();
    let (loud, other) = (scene.publisher("loud"), scene.publisher("other"));
    assert_eq!(scene.find(HOME, &check("loud", PASSWORD)), Some(loud));
    let found = scene.found(HOME, || check("loud", PASSWORD));
    assert!((100..=151).contains(&found), "{found}");
    assert_eq!(
        scene.find(ELSEWHERE, &check("other", PASSWORD)),
        Some(other)
    );
    // And itself again when it has calmed down.
    scene.now += Duration::from_secs(1);
    assert_eq!(scene.find(HOME, &check("loud", PASSWORD)), Some(loud));
}

#[test]
fn who_has_seen_a_name_spends_nothing_of_its_peer_s() {
    let mut scene = Scene::new();
    let peer = scene.publisher("peer");
    assert_eq!(scene.find(HOME, &check("peer", PASSWORD)), Some(peer));
    assert_eq!(scene.found(ELSEWHERE, || check("peer", WRONG)), 0);
    // Its signature has not been looked at: even a good one is dropped.
    assert_eq!(scene.find(ELSEWHERE, &check("peer", PASSWORD)), None);
    for _ in 0..50 {
        assert_eq!(scene.find(HOME, &check("peer", PASSWORD)), Some(peer));
    }
}

#[test]
fn of_junk_no_more_is_looked_into_than_a_peer_could_send_of_good_ones() {
    let mut scene = Scene::new();
    scene.publisher("loud");
    let viewer = scene.add("viewer", Role::Viewer);
    assert!(scene.find(HOME, &check("loud", PASSWORD)).is_some());
    assert_eq!(
        scene.find(ELSEWHERE, &check("viewer", PASSWORD)),
        Some(viewer)
    );
    let record = vec![22; 200];
    let report = [&[0x80, 200][..], &[0; 98]].concat();
    let media = [&[0x80, 96][..], &[0; 98]].concat();
    for (from, datagram, most) in [
        (HOME, &record, 151),
        (HOME, &report, 751),
        (HOME, &media, 30_001),
        (ELSEWHERE, &record, 151),
        (ELSEWHERE, &media, 751),
    ] {
        let found = scene.found(from, || datagram.clone());
        assert!(found > most / 2 && found <= most, "{found} of {most}");
    }
}

#[test]
fn connected_viewers_are_driven_together_and_no_one_else_late() {
    let mut scene = Scene::new();
    let viewers = ["one", "two", "three"].map(|name| scene.add(name, Role::Viewer));
    let publisher = scene.publisher("publisher");
    while scene.registry.pop_due(scene.now).is_some() {}
    let millis = |count| scene.now + Duration::from_millis(count);
    let dues = [310, 360, 395].map(millis);
    for (viewer, due) in viewers.into_iter().zip(dues) {
        let peer = scene.registry.get_mut(viewer).unwrap();
        peer.connected();
        peer.next = due;
        scene.registry.note(viewer);
    }
    scene.registry.get_mut(publisher).unwrap().next = millis(350);
    scene.registry.note(publisher);
    assert_eq!(scene.registry.next_due(), Some(millis(350)));
    assert_eq!(scene.registry.pop_due(millis(399)), Some(publisher));
    assert_eq!(scene.registry.pop_due(millis(399)), None);
    let mut driven: Vec<Key> = iter::from_fn(|| scene.registry.pop_due(millis(400))).collect();
    driven.sort_unstable();
    assert_eq!(driven, viewers);
}
