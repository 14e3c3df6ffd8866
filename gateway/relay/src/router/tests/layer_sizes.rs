//! Viewers are told how large the layers are and how many pictures a second they have, and
//! choose by it.

use sightline_spec::layer::Layer;

use super::layers::{LAYERS, layer};
use super::replicas::Two;
use super::*;

/// Sequence parameter sets of these heights.
const SETS: [(u32, &[u8]); 3] = [
    (720, &[0x67, 0x42, 0xe0, 0x1f, 0xda, 1, 0x40, 0x16, 0xe4]),
    (
        360,
        &[0x67, 0x42, 0xe0, 0x1f, 0xda, 2, 0x80, 0xbf, 0xe5, 0x40],
    ),
    (180, &[0x67, 0x42, 0xe0, 0x1f, 0xda, 5, 6, 0x7e, 0x74]),
];

/// A layer as viewers are told of it: its height, and its pictures per second.
type Told = (Option<u32>, Option<u32>);

impl Stage {
    /// A keyframe of each layer, in these sizes.
    fn keyframe_of(&mut self, heights: [u32; 2]) {
        for (index, (rid, height)) in LAYERS.into_iter().zip(heights).enumerate() {
            let (_, set) = SETS.iter().find(|(known, _)| *known == height).unwrap();
            let packet = self.next_packet(rid, set.to_vec());
            self.receive(rid, index as u32, packet);
        }
        self.picture_of(&LAYERS, true);
    }

    /// A second of every other picture only, and what viewers are told then.
    fn slow_second(&mut self) -> Vec<Event> {
        let mut told = Vec::new();
        for number in 0..15 {
            self.picture_of(&LAYERS, false);
            self.pictures += 1;
            self.wait(FRAME);
            if number % 7 == 6 {
                told.extend(self.look());
            }
        }
        told
    }

    fn select_height(&mut self, viewer: Key, height: u32) -> bool {
        let selection = Selection {
            max_height: Some(height),
            ..Selection::default()
        };
        self.router.select(viewer, selection)
    }

    /// The layers that a viewer gets now.
    fn gets(&mut self, viewer: Key, heights: [u32; 2]) -> Vec<&'static str> {
        self.look();
        self.keyframe_of(heights);
        self.sent(viewer);
        self.picture_of(&LAYERS, false);
        let mut layers: Vec<_> = self.sent(viewer).iter().map(layer).collect();
        layers.dedup();
        layers
    }
}

/// Two seconds of two layers of 720 and 360 rows, and a viewer.
fn measured() -> (Stage, Key, Vec<Event>) {
    let mut stage = Stage::new();
    let viewer = stage.viewer();
    stage.keyframe_of([720, 360]);
    let mut told = stage.second();
    told.extend(stage.second());
    (stage, viewer, told)
}

/// What the last of these events says.
pub(super) fn told(events: &[Event]) -> Option<Vec<Told>> {
    let told = |layer: &Layer| {
        assert_eq!(layer.width.map(|w| w / 16), layer.height.map(|h| h / 9));
        (layer.height, layer.frames_per_second)
    };
    match events.last()? {
        Event::Layers { layers, .. } => Some(layers.0.get(&0)?.iter().map(told).collect()),
        other => panic!("{other:?}"),
    }
}

fn at(rate: u32, heights: [u32; 2]) -> Option<Vec<Told>> {
    Some(heights.map(|height| (Some(height), Some(rate))).to_vec())
}

#[test]
fn viewers_are_told_of_sizes_and_rates_once() {
    let (mut stage, _, events) = measured();
    assert_eq!(told(&events), at(30, [720, 360]));
    assert_eq!(events.len(), 2, "before, that there is nothing yet");
    assert_eq!(stage.second(), []);
}

#[test]
fn another_size_is_news_at_once() {
    let (mut stage, _, _) = measured();
    stage.keyframe_of([720, 180]);
    assert_eq!(told(&stage.half_a_second()), at(30, [720, 180]));
    assert_eq!(stage.second(), []);
}

#[test]
fn another_rate_is_news_and_one_that_varies_is_no_storm() {
    let (mut stage, _, _) = measured();
    (0..5).for_each(|_| assert_eq!(stage.second(), []));
    let events: Vec<Event> = (0..8).flat_map(|_| stage.slow_second()).collect();
    assert_eq!(told(&events), at(15, [720, 360]));
    // Perhaps one of the second in which it changed.
    assert!(events.len() <= 2, "{}", events.len());
    let mut events = Vec::new();
    for _ in 0..10 {
        events.extend((0..2).flat_map(|_| stage.second()));
        events.extend((0..2).flat_map(|_| stage.slow_second()));
    }
    assert!((1..=9).contains(&events.len()), "{} in 40 s", events.len());
}

#[test]
fn a_viewer_gets_the_best_layer_that_is_no_larger_than_it_asks_for() {
    let (mut stage, viewer, _) = measured();
    for (height, expected) in [(500, "l"), (720, "h"), (360, "l"), (2000, "h")] {
        assert!(stage.select_height(viewer, height));
        assert_eq!(stage.gets(viewer, [720, 360]), [expected], "{height}");
    }
    // Layers may change their size under the choice.
    assert!(stage.select_height(viewer, 400));
    assert_eq!(stage.gets(viewer, [360, 180]), ["l"]);
    assert_eq!(stage.gets(viewer, [360, 180]), ["h"]);
}

#[test]
fn where_no_layer_fits_the_choice_stays_as_it_was() {
    let (mut stage, viewer, _) = measured();
    assert!(stage.select_height(viewer, 360));
    assert!(!stage.select_height(viewer, 359));
    assert_eq!(stage.gets(viewer, [720, 360]), ["l"]);
    let narrow = Selection {
        max_width: Some(639),
        ..Selection::default()
    };
    assert!(!stage.router.select(viewer, narrow));
    let named = |max_width| Selection {
        rid: Some(LAYERS[0].into()),
        max_width: Some(max_width),
        max_height: None,
    };
    assert!(!stage.router.select(viewer, named(1000)), "it is wider");
    assert!(stage.router.select(viewer, named(1280)));
}

#[test]
fn layers_of_which_no_size_is_known_fit_nowhere() {
    let mut stage = Stage::new();
    let viewer = stage.viewer();
    stage.picture_of(&LAYERS, true);
    let events = stage.second();
    assert_eq!(told(&events), Some(vec![(None, Some(30)); 2]));
    assert!(!stage.select_height(viewer, 2000));
}

/// The parameter sets came once, long before.
#[test]
fn sizes_and_rates_are_known_where_a_stream_is_pulled_to() {
    let (mut home, _, _) = measured();
    home.picture_of(&LAYERS, true);
    let mut two = Two::of(home);
    let viewer = two.away.viewer();
    two.picture_of(&LAYERS, false);
    assert_eq!(told(&two.away.look()), at(30, [720, 360]));
    assert!(two.away.select_height(viewer, 360));
    assert!(!two.away.select_height(viewer, 100));
}
