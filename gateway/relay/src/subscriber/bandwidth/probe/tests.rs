use super::*;

const BYTES: usize = 1200;

/// A link that carries so much, in bit/s, after the first `burst` bytes.
struct Link {
    capacity: f64,
    burst: f64,
    /// Packets with these numbers arrive together.
    held_up: std::ops::Range<usize>,
}

/// What probes confirm of a link.
fn confirmed(needed: f64, goal: f64, estimate: f64, link: &Link) -> Option<f64> {
    let mut probing = Probing::new();
    probing.set_goal(needed, goal);
    let base = (BYTES as f64 * 8e6 / link.capacity) as i64;
    (0..4).find_map(|round| probe(&mut probing, estimate, link, base, round * 2_000_000))
}

fn lacking(probing: &mut Probing, now: i64) -> usize {
    probing.padding(now).map_or(0, |(bytes, _)| bytes)
}

/// One probe, sent and reported on.
fn probe(
    probing: &mut Probing,
    estimate: f64,
    link: &Link,
    base: i64,
    mut now: i64,
) -> Option<f64> {
    let mut packets: Vec<Arrival> = Vec::new();
    let (end, mut free_at, mut tokens) = (now + 1_500_000, now, link.burst);
    probing.begin(estimate, now);
    while now < end {
        let mut padding = lacking(probing, now);
        while padding > 0 {
            let probe = probing.note(BYTES);
            tokens -= BYTES as f64;
            let takes = if tokens > 0.0 { 0 } else { base };
            free_at = free_at.max(now) + takes;
            packets.push(Arrival {
                sent: now,
                arrived: free_at.max(now + base),
                bytes: BYTES,
                probe,
            });
            padding = padding.saturating_sub(BYTES);
        }
        now += 2_000;
    }
    let held_up = link.held_up.start..link.held_up.end.min(packets.len());
    if let Some(last) = held_up.clone().last().map(|last| packets[last].arrived) {
        packets[held_up]
            .iter_mut()
            .for_each(|held| held.arrived = last);
    }
    packets.iter().for_each(|packet| probing.arrived(packet));
    probing.result(estimate, base, now)
}

fn plain(capacity: f64) -> Link {
    Link {
        capacity,
        burst: 0.0,
        held_up: 0..0,
    }
}

#[test]
fn a_link_that_carries_it_shows_it() {
    let confirmed = confirmed(2.0e6, 2.8e6, 1.5e6, &plain(20e6)).unwrap();
    assert!((2.7e6..2.9e6).contains(&confirmed), "{confirmed}");
}

#[test]
fn a_link_that_carries_a_part_of_it_shows_that() {
    let confirmed = confirmed(0.7e6, 2.8e6, 0.4e6, &plain(1.5e6)).unwrap();
    assert!((1.2e6..1.5e6).contains(&confirmed), "{confirmed}");
}

#[test]
fn nothing_is_confirmed_that_is_of_no_use() {
    let mut probing = Probing::new();
    probing.set_goal(0.8e6, 2.8e6);
    assert_eq!(probe(&mut probing, 0.4e6, &plain(0.5e6), 19_200, 0), None);
    assert!(!probing.is_to_confirm);
    assert!(probing.next >= PAUSE);
}

#[test]
fn no_more_is_tried_than_twice_what_fits() {
    let mut probing = Probing::new();
    probing.set_goal(8e6, 9e6);
    probe(&mut probing, 1e6, &plain(100e6), 96, 0);
    assert!((1.7e6..2.3e6).contains(&probing.shown), "{}", probing.shown);
}

#[test]
fn a_busy_receiver_does_not_make_a_link_better() {
    for held_up in [0..4, 3..9, 0..15, 5..19] {
        let link = Link {
            held_up: held_up.clone(),
            ..plain(1e6)
        };
        let confirmed = confirmed(1.2e6, 2.8e6, 0.8e6, &link);
        assert_eq!(confirmed, None, "{held_up:?}");
    }
}

#[test]
fn what_a_token_bucket_lets_pass_is_not_confirmed() {
    let link = Link {
        burst: 15_000.0,
        ..plain(0.5e6)
    };
    assert_eq!(confirmed(0.8e6, 2.8e6, 0.4e6, &link), None);
}

#[test]
fn nothing_is_sent_for_nothing() {
    let mut probing = Probing::new();
    probing.set_goal(1e6, 1e6);
    probing.begin(1e6, 0);
    assert_eq!(lacking(&mut probing, 0), 0);
}

#[test]
fn a_probe_that_is_lost_is_repeated_later() {
    let mut probing = Probing::new();
    probing.set_goal(1e6, 1e6);
    probing.begin(0.5e6, 0);
    assert!(lacking(&mut probing, 0) > 0);
    (0..6).for_each(|_| assert_eq!(probing.note(BYTES), 1));
    assert_eq!(lacking(&mut probing, SHORT), 0);
    assert_eq!(probing.note(BYTES), 0, "it has ended");
    (0..6).for_each(|_| probing.lost(1));
    assert_eq!(probing.result(0.5e6, 0, 2 * SHORT), None);
    let next = 2 * SHORT + PAUSE;
    probing.begin(0.5e6, next - 1);
    assert_eq!(lacking(&mut probing, next - 1), 0);
    probing.begin(0.5e6, next);
    assert!(lacking(&mut probing, next) > 0);
}

#[test]
fn a_queue_ends_a_probe() {
    let mut probing = Probing::new();
    probing.set_goal(1e6, 1e6);
    probing.begin(0.5e6, 0);
    assert!(lacking(&mut probing, 0) > 0);
    probing.postpone(10_000);
    assert_eq!(lacking(&mut probing, 20_000), 0);
}
