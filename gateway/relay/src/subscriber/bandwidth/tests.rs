//! Links that are cut and come back, and machines that are busy.

mod stage;

use stage::{BEST, LOWEST, Link, MIDDLE, Stage};

const SECOND: i64 = 1_000_000;

/// What holds by chance shows it with one of these.
const SEEDS: std::ops::Range<u64> = 0..3;

/// A viewer that has watched for a while.
fn settled(link: Link, seed: u64) -> Stage {
    let mut stage = Stage::new(link, seed);
    stage.run(15);
    stage
}

#[test]
fn a_viewer_gets_the_best_layer_that_its_link_carries() {
    let links = [(20e6, BEST), (3e6, BEST), (1.2e6, MIDDLE), (0.5e6, LOWEST)];
    for (capacity, layer) in links {
        for seed in SEEDS {
            let link = Link {
                capacity,
                ..Link::default()
            };
            let stage = settled(link, seed);
            assert_eq!(stage.layer, layer, "{capacity} {seed} {}", stage.estimate());
        }
    }
}

#[test]
fn a_link_that_is_cut_gets_a_lower_layer_within_a_second_and_the_best_after_it_is_back() {
    for seed in SEEDS {
        for queue in [15_000, 40_000, 200_000] {
            let mut stage = settled(
                Link {
                    queue,
                    ..Link::default()
                },
                seed,
            );
            assert_eq!(stage.layer, BEST);
            stage.link.capacity = 0.5e6;
            let down = stage.run_until(SECOND, |stage| stage.layer != BEST);
            assert!(down.is_some(), "{queue} {seed} {}", stage.estimate());
            stage.run(15);
            assert_eq!(stage.layer, LOWEST, "{queue} {seed} {}", stage.estimate());
            stage.link.capacity = 3e6;
            let up = stage.run_until(10 * SECOND, |stage| stage.layer == BEST);
            assert!(up.is_some(), "{queue} {seed} {}", stage.estimate());
        }
    }
}

/// At most two changes in a minute, on a link that stays as it is.
fn assert_steady(name: &str, link: &Link, layer: Option<usize>) {
    for seed in SEEDS {
        let mut stage = settled(link.clone(), seed);
        let begin = stage.now;
        stage.run(60);
        let changes = stage.changes_since(begin);
        assert!(changes <= 2, "{name} {seed}: {changes}");
        let is_right = layer.is_none_or(|layer| stage.layer == layer);
        assert!(
            is_right,
            "{name} {seed}: {} {}",
            stage.layer,
            stage.estimate()
        );
    }
}

#[test]
fn a_steady_link_has_steady_layers() {
    // Wherever it is: also where a layer just fits or just does not.
    for capacity in [
        0.25e6, 0.5e6, 0.75e6, 0.9e6, 1.5e6, 2.5e6, 2.7e6, 2.8e6, 3e6, 4e6,
    ] {
        for queue in [20_000, 100_000] {
            let link = Link {
                capacity,
                queue,
                ..Link::default()
            };
            assert_steady(&format!("{capacity} {queue}"), &link, None);
        }
    }
}

#[test]
fn a_token_bucket_is_not_taken_for_a_better_link() {
    for (capacity, layer) in [(0.5e6, LOWEST), (1.2e6, MIDDLE), (3e6, BEST)] {
        let link = Link {
            capacity,
            burst: 15_000.0,
            ..Link::default()
        };
        assert_steady(&format!("{capacity}"), &link, Some(layer));
    }
}

#[test]
fn a_radio_link_is_no_bad_link() {
    let jitter = Link {
        jitter: 30_000,
        ..Link::default()
    };
    assert_steady("jitter", &jitter, Some(BEST));
    let loss = Link {
        loss: 0.02,
        ..Link::default()
    };
    assert_steady("loss", &loss, Some(BEST));
    let both = Link {
        loss: 0.02,
        jitter: 15_000,
        capacity: 6e6,
        ..Link::default()
    };
    assert_steady("both", &both, Some(BEST));
}

#[test]
fn a_busy_machine_is_no_bad_link() {
    let every = SECOND + 7_000;
    let wide = Link {
        capacity: 20e6,
        ..Link::default()
    };
    for away in [20_000, 60_000, 100_000, 200_000] {
        let receiver = Link {
            receiver_away: (every, away),
            ..wide.clone()
        };
        assert_steady(&format!("receiver {away}"), &receiver, Some(BEST));
        let sender = Link {
            sender_away: (every, away),
            ..wide.clone()
        };
        assert_steady(&format!("sender {away}"), &sender, Some(BEST));
    }
    // What was held up leaves at once, and fills a link that is no wider than it has to be.
    for away in [60_000, 150_000] {
        let sender = Link {
            sender_away: (3 * every, away),
            ..Link::default()
        };
        assert_steady(&format!("narrow {away}"), &sender, Some(BEST));
    }
    let always = Link {
        sender_away: (71_000, 40_000),
        receiver_away: (93_000, 50_000),
        ..wide
    };
    assert_steady("always", &always, Some(BEST));
}

#[test]
fn a_machine_that_is_stopped_is_no_bad_link() {
    // A short queue loses of what leaves at once when the machine goes on.
    let links = [
        (20e6, 100_000, BEST),
        (3e6, 100_000, BEST),
        (3e6, 20_000, MIDDLE),
    ];
    for (capacity, queue, lowest) in links {
        for length in [150_000, 250_000, 500_000, 1_000_000] {
            for (seed, is_noted) in SEEDS.flat_map(|seed| [(seed, false), (seed, true)]) {
                let link = Link {
                    capacity,
                    queue,
                    ..Link::default()
                };
                let mut stage = settled(link, seed);
                let once = (stage.now + 5 * SECOND, length);
                match is_noted {
                    true => stage.link.stopped = once,
                    false => stage.link.sender_away = once,
                }
                let below = stage.run_until(8 * SECOND, |stage| stage.layer > lowest);
                let name = format!("{capacity} {queue} {length} {seed} {is_noted}");
                assert_eq!(below, None, "{name}: {}", stage.estimate());
            }
        }
    }
}

/// Where single packets take so long that there are gaps between them.
#[test]
fn a_link_that_is_cut_to_almost_nothing_is_not_taken_for_a_machine_that_is_stopped() {
    for capacity in [0.03e6, 0.05e6, 0.1e6] {
        for seed in SEEDS {
            let mut stage = settled(Link::default(), seed);
            stage.link.capacity = capacity;
            let down = stage.run_until(3 * SECOND / 2, |stage| stage.layer != BEST);
            assert!(down.is_some(), "{capacity} {seed}: {}", stage.estimate());
        }
    }
}

#[test]
fn a_viewer_that_tells_nothing_any_more_gets_less_and_less() {
    let mut stage = settled(Link::default(), 0);
    stage.run(20);
    stage.link.has_feedback = false;
    stage.run(2);
    assert_eq!(stage.layer, BEST);
    stage.run(15);
    assert_eq!(stage.layer, LOWEST);
    stage.link.has_feedback = true;
    stage.run(10);
    assert_eq!(stage.layer, BEST);
}

#[test]
fn a_clock_that_is_set_anew_is_no_delay() {
    for clock in [0, 1_005 * SECOND] {
        let link = Link {
            clock: 1_005 * SECOND - clock,
            queue: 1_000_000,
            ..Link::default()
        };
        let mut stage = settled(link, 0);
        let begin = stage.now;
        stage.link.clock = clock;
        stage.run(60);
        assert_eq!(stage.changes_since(begin), 0);
        // What it carries now is noticed as before.
        stage.link.capacity = 0.5e6;
        let down = stage.run_until(SECOND, |stage| stage.layer != BEST);
        assert!(down.is_some(), "{clock}");
    }
}

#[test]
fn probes_are_a_small_part_of_what_is_sent() {
    for (capacity, most) in [(0.5e6, 0.25), (1.2e6, 0.1), (5e6, 0.001)] {
        let mut stage = settled(
            Link {
                capacity,
                ..Link::default()
            },
            1,
        );
        (stage.padding, stage.media) = (0, 0);
        stage.run(60);
        let part = stage.padding as f64 / stage.media as f64;
        assert!(part <= most, "{capacity}: {part}");
    }
}
