use str0m::net::DatagramSend;

use super::*;
use crate::clock;

const PASSWORD: &str = "asecretoftwentytwochars";
const HOME: &str = "192.0.2.1:1000";
const VICTIM: &str = "198.51.100.1:2000";

/// What the first byte says: a STUN answer, an SRTCP report, a record of a handshake.
const STUN: u8 = 1;
const REPORT: u8 = 200;
const RECORD: u8 = 22;

fn route(to: &str) -> Route {
    Route {
        proto: Protocol::Udp,
        source: "203.0.113.1:9000".parse().unwrap(),
        destination: to.parse().unwrap(),
    }
}

fn address(of: &str) -> Address {
    route(of).address()
}

/// A datagram of str0m's.
fn datagram(to: &str, contents: Vec<u8>) -> Transmit {
    let Route {
        proto,
        source,
        destination,
    } = route(to);
    Transmit {
        proto,
        source,
        destination,
        contents: DatagramSend::from(contents),
    }
}

fn of_kind(to: &str, first: u8, length: usize) -> Transmit {
    let mut contents = vec![0; length];
    contents[0] = first;
    datagram(to, contents)
}

fn handshake(to: &str, kind: u8) -> Transmit {
    let mut contents = vec![0; 200];
    contents[0] = RECORD;
    contents[13] = kind;
    datagram(to, contents)
}

fn paths() -> Paths {
    let mut paths = Paths::default();
    paths.identify("us", IceCredentials::new("them", PASSWORD));
    paths
}

/// Connected by a handshake that went to one address.
fn at_home(now: Instant) -> Paths {
    let mut paths = paths();
    paths.way(&handshake(HOME, 11), now).unwrap();
    paths.shaken_hands(now);
    assert_eq!(paths.route(), Some(&route(HOME)));
    paths
}

/// A check has come from there, we check, and the answer comes from there.
fn prove(paths: &mut Paths, at: &str, now: Instant) -> bool {
    paths.hear(address(at), 100, now);
    let check = paths.check(&route(at), now).unwrap();
    let answer = stun::answer(&check, PASSWORD, true);
    paths.answered(address(at), &answer, now)
}

#[test]
fn media_goes_nowhere_before_an_address_has_proved_that_it_receives() {
    let now = clock::now();
    let mut paths = paths();
    assert_eq!(paths.way(&of_kind(HOME, REPORT, 100), now), None);
    assert_eq!(paths.route(), None);
    assert!(prove(&mut paths, HOME, now));
    assert_eq!(paths.route(), Some(&route(HOME)));
}

#[test]
fn media_stays_where_it_was_until_the_new_address_has_proved_itself() {
    let now = clock::now();
    let mut paths = at_home(now);
    for first in [REPORT, RECORD] {
        let way = paths.way(&of_kind(VICTIM, first, 100), now);
        assert_eq!(way, Some(route(HOME)), "{first}");
    }
    assert_eq!(paths.route(), Some(&route(HOME)));
    assert!(prove(&mut paths, VICTIM, now), "it was none");
    assert_eq!(paths.route(), Some(&route(VICTIM)));
    let way = paths.way(&of_kind(VICTIM, REPORT, 100), now);
    assert_eq!(way, Some(route(VICTIM)));
}

#[test]
fn media_follows_a_peer_that_has_not_noticed_that_it_moved() {
    let now = clock::now();
    let mut paths = at_home(now);
    for moved_to in [VICTIM, "198.51.100.1:2001"] {
        let before = *paths.route().unwrap();
        paths.follow(route(moved_to));
        // ICE still has the address that it chose.
        let way = paths.way(&of_kind(HOME, REPORT, 100), now);
        assert_eq!(way, Some(before), "nothing is proved");
        // Another packet from there comes before the answer.
        paths.follow(route(moved_to));
        assert!(prove(&mut paths, moved_to, now));
        let way = paths.way(&of_kind(HOME, REPORT, 100), now);
        assert_eq!(way, Some(route(moved_to)));
        assert_eq!(paths.route(), Some(&route(moved_to)));
    }
}

#[test]
fn the_latest_choice_of_the_peer_counts_once_it_is_proved() {
    let now = clock::now();
    let mut paths = at_home(now);
    paths.choose(&route(VICTIM));
    assert_eq!(paths.route(), Some(&route(HOME)));
    assert!(prove(&mut paths, VICTIM, now));
    // str0m has not changed its mind.
    let way = paths.way(&of_kind(HOME, REPORT, 100), now);
    assert_eq!(way, Some(route(VICTIM)));
    assert_eq!(paths.route(), Some(&route(VICTIM)));
}

#[test]
fn who_is_back_where_ice_chose_to_reach_it_is_reached_there() {
    let now = clock::now();
    let mut paths = at_home(now);
    paths.follow(route(VICTIM));
    assert!(prove(&mut paths, VICTIM, now));
    paths.choose(&route(HOME));
    let way = paths.way(&of_kind(HOME, REPORT, 100), now);
    assert_eq!(way, Some(route(HOME)));
    // And whom ICE has chosen anew, it has.
    paths.follow(route(VICTIM));
    assert!(prove(&mut paths, VICTIM, now + 2 * RENEWAL));
    let elsewhere = "198.51.100.1:2001";
    assert!(prove(&mut paths, elsewhere, now));
    let way = paths.way(&of_kind(elsewhere, REPORT, 100), now);
    assert_eq!(way, Some(route(elsewhere)));
}

#[test]
fn only_the_signed_answer_to_this_check_from_this_address_is_a_proof() {
    let now = clock::now();
    let mut paths = at_home(now);
    paths.hear(address(VICTIM), 100, now);
    let check = paths.check(&route(VICTIM), now).unwrap();
    let answer = stun::answer(&check, PASSWORD, false);
    let of_a_server = stun::answer(&check, "another secret than that", true);
    let of_another = stun::check(Transaction::random().unwrap(), "them:us", PASSWORD);
    let of_another = stun::answer(&of_another, PASSWORD, true);
    assert!(!paths.answered(address(HOME), &answer, now));
    assert!(!paths.answered(address(VICTIM), &of_a_server, now));
    assert!(!paths.answered(address(VICTIM), &of_another, now));
    assert!(paths.answered(address(VICTIM), &answer, now));
    assert!(!paths.answered(address(VICTIM), &answer, now), "a copy");
}

#[test]
fn a_handshake_proves_one_address_and_not_one_of_several() {
    let now = clock::now();
    let mut to_several = paths();
    for to in [HOME, VICTIM] {
        to_several.way(&handshake(to, 11), now).unwrap();
    }
    to_several.shaken_hands(now);
    assert_eq!(to_several.route(), None);

    let mut hello_to_another = paths();
    hello_to_another.way(&handshake(VICTIM, 1), now).unwrap();
    hello_to_another.way(&handshake(HOME, 11), now).unwrap();
    hello_to_another.shaken_hands(now);
    assert_eq!(hello_to_another.route(), Some(&route(HOME)));
}

#[test]
fn little_is_sent_blindly_and_never_more_than_three_for_one() {
    let now = clock::now();
    let mut paths = paths();
    let (mut received, mut sent) = (0, 0);
    for heard in [0, 100, 10_000] {
        paths.hear(address(VICTIM), heard, now);
        received += heard;
        for first in [STUN, RECORD] {
            while paths.way(&of_kind(VICTIM, first, 64), now).is_some() {
                sent += 64;
            }
        }
        let most = 3 * received + IN_ADVANCE;
        assert!(sent <= most && sent + 3 * 64 > most, "{sent} of {most}");
    }
    assert!(paths.check(&route(VICTIM), now).is_none());
}

#[test]
fn what_one_address_has_not_used_is_not_another_s() {
    let now = clock::now();
    let mut paths = at_home(now);
    paths.hear(address("198.51.100.9:9"), 1 << 20, now);
    paths.hear(address(VICTIM), 64, now);
    for _ in 0..2 {
        assert!(paths.way(&of_kind(VICTIM, STUN, 64), now).is_some());
    }
    assert_eq!(paths.way(&of_kind(VICTIM, STUN, 64), now), None);
}

#[test]
fn what_comes_from_a_proved_address_is_no_reason_to_send_more_elsewhere() {
    let now = clock::now();
    let mut paths = at_home(now);
    paths.hear(address(HOME), 1 << 30, now);
    assert_eq!(paths.way(&of_kind(VICTIM, STUN, 64), now), None);
    let way = paths.way(&of_kind(HOME, STUN, 64), now);
    assert_eq!(way, Some(route(HOME)));
}

#[test]
fn a_forged_check_has_less_sent_than_twice_its_size() {
    let now = clock::now();
    let mut paths = at_home(now);
    let mut sent = 0;
    paths.hear(address(VICTIM), 104, now);
    for round in 0..100 {
        let now = now + round * PAUSE;
        let answer = paths
            .way(&of_kind(VICTIM, STUN, 64), now)
            .filter(|_| round == 0);
        sent += answer.map_or(0, |_| 64);
        sent += paths
            .check(&route(VICTIM), now)
            .map_or(0, |check| check.len());
    }
    assert!(sent > 64 && sent <= 208, "{sent}");
}

#[test]
fn many_addresses_at_once_have_little_sent_each() {
    let now = clock::now();
    let mut paths = at_home(now);
    for number in 1..=1000 {
        let victim = format!("198.51.100.1:{number}");
        paths.hear(address(&victim), 100, now);
        assert!(paths.way(&of_kind(&victim, STUN, 64), now).is_some());
        assert!(paths.check(&route(&victim), now).is_some());
        let way = paths.way(&of_kind(&victim, REPORT, 1000), now);
        assert_eq!(way, Some(route(HOME)));
    }
    assert_eq!(paths.in_advance, 200, "for the handshake at home");
    assert!(paths.open.len() <= MOST_OPEN);
    assert!(paths.asked.len() <= MOST_ASKED && paths.proved.len() <= MOST_PROVED);
}

#[test]
fn a_handshake_goes_through_with_a_peer_that_cannot_answer_checks() {
    let now = clock::now();
    let mut paths = paths();
    paths.hear(address(HOME), 100, now);
    assert!(paths.way(&of_kind(HOME, STUN, 64), now).is_some());
    assert!(paths.check(&route(HOME), now).is_some());
    for _ in 0..4 {
        assert!(paths.way(&handshake(HOME, 1), now).is_some());
    }
    // Its flight with a small certificate, and twice ours.
    paths.hear(address(HOME), 700, now);
    for _ in 0..2 {
        assert!(paths.way(&of_kind(HOME, RECORD, 1000), now).is_some());
    }
}

#[test]
fn a_check_is_repeated_after_a_while_and_not_where_it_was_answered() {
    let now = clock::now();
    let mut paths = at_home(now);
    paths.hear(address(VICTIM), 100, now);
    assert!(paths.check(&route(HOME), now).is_none());
    assert!(paths.check(&route(VICTIM), now).is_some());
    assert!(paths.check(&route(VICTIM), now).is_none());
    assert!(paths.check(&route(VICTIM), now + PAUSE).is_some());
    paths.way(&of_kind(VICTIM, REPORT, 100), now);
    assert_eq!(paths.due(false, now), Some(route(VICTIM)));
    assert!(prove(&mut paths, VICTIM, now + 2 * PAUSE));
    assert_eq!(paths.due(false, now + 2 * PAUSE), None);
}

#[test]
fn a_proof_gets_old_and_is_renewed() {
    let now = clock::now();
    let mut paths = at_home(now);
    let mut at = now;
    while at < now + 4 * PROOF {
        at += RENEWAL;
        assert_eq!(paths.due(true, at), Some(route(HOME)));
        assert!(prove(&mut paths, HOME, at));
        assert!(paths.check(&route(HOME), at + RENEWAL / 2).is_none());
    }
    assert!(!paths.is_lost(at + PROOF / 2));
    assert!(paths.is_lost(at + PROOF));

    // An address of long ago is proved anew.
    assert!(prove(&mut paths, VICTIM, at));
    paths.way(&of_kind(VICTIM, REPORT, 100), at);
    let later = at + 2 * PROOF;
    paths.way(&of_kind(HOME, REPORT, 100), later);
    assert_eq!(paths.route(), Some(&route(VICTIM)));
}

#[test]
fn a_restart_proves_nothing_and_takes_no_answer_to_what_was_asked_before() {
    let now = clock::now();
    let mut paths = at_home(now);
    paths.hear(address(VICTIM), 100, now);
    let check = paths.check(&route(VICTIM), now).unwrap();
    paths.identify("again", IceCredentials::new("anew", PASSWORD));
    let answer = stun::answer(&check, PASSWORD, true);
    assert!(!paths.answered(address(VICTIM), &answer, now));
    let way = paths.way(&of_kind(VICTIM, REPORT, 100), now);
    assert_eq!(way, Some(route(HOME)));
}

#[test]
fn a_tcp_connection_has_proved_itself() {
    let now = clock::now();
    let mut paths = at_home(now);
    let mut report = of_kind(VICTIM, REPORT, 100);
    report.proto = Protocol::Tcp;
    let way = paths.way(&report, now).unwrap();
    assert_eq!(way.proto, Protocol::Tcp);
    assert_eq!(paths.route(), Some(&way));
    assert!(!paths.is_lost(now + 2 * PROOF));
    assert_eq!(paths.check(&way, now + 2 * PROOF), None);
}
