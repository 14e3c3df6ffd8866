//! A viewer gets the layer that its link carries, or the one that it asked for.

use super::*;

/// The names of the layers, the largest first.
const LAYERS: [&str; 2] = ["h", "l"];

/// Two seconds of two layers, which are measured then; and a viewer that str0m sends to.
fn measured() -> (Stage, Key) {
    let mut stage = Stage::new();
    let viewer = stage.viewer();
    stage.wire.by_str0m.push(viewer);
    stage.picture_of(&LAYERS, true);
    stage.second();
    stage.second();
    stage.sent(viewer);
    (stage, viewer)
}

impl Stage {
    /// Pictures without a keyframe, and what was measured of them.
    fn half_a_second(&mut self) -> Vec<Event> {
        (0..15).for_each(|_| drop(self.picture_of(&LAYERS, false)));
        self.look()
    }

    fn second(&mut self) -> Vec<Event> {
        let mut told = self.half_a_second();
        told.extend(self.half_a_second());
        told
    }

    /// What the worker does twice a second. Returns what viewers are told of layers.
    fn look(&mut self) -> Vec<Event> {
        let period = Duration::from_millis(500);
        let _ = self.router.measure(period, self.now);
        self.router.other_layers(self.now)
    }
}

/// Which layer it is, by its size.
fn layer(sent: &Sent) -> &'static str {
    match sent.payload.len() {
        1000 => LAYERS[0],
        _ => LAYERS[1],
    }
}

#[test]
fn a_worse_link_gets_the_lower_layer_at_its_next_keyframe_and_numbers_go_on() {
    let (mut stage, viewer) = measured();
    stage.picture_of(&LAYERS, false);
    let before = stage.sent(viewer);
    assert!(before.iter().all(|sent| layer(sent) == "h"));

    stage.router.estimated(viewer, Bitrate::kbps(1000));
    stage.second();
    let asked = stage.wire.keyframe_requests;
    stage.router.estimated(viewer, Bitrate::kbps(300));
    stage.half_a_second();
    assert_eq!(
        stage.wire.keyframe_requests, asked,
        "congestion of a moment"
    );
    stage.half_a_second();
    stage.picture_of(&LAYERS, false);
    assert!(stage.wire.keyframe_requests > asked);
    let waiting = stage.sent(viewer);
    assert!(waiting.iter().all(|sent| layer(sent) == "h"));
    stage.picture_of(&LAYERS, true);
    let after = stage.sent(viewer);
    assert!(after.iter().all(|sent| layer(sent) == "l" && sent.is_key()));
    let all = [before, waiting, after].concat();
    assert!(is_unbroken(&all));
    assert!(all.is_sorted_by_key(|sent| sent.time));
}

#[test]
fn what_a_viewer_asks_for_it_gets_whatever_its_link_carries() {
    let (mut stage, viewer) = measured();
    stage.router.select(viewer, Some("l".into()));
    stage.look();
    stage.picture_of(&LAYERS, true);
    assert!(stage.sent(viewer).iter().all(|sent| layer(sent) == "l"));
    stage.router.select(viewer, None);
    // Going up is tried some time after the last change.
    stage.wait(Duration::from_secs(3));
    stage.picture_of(&LAYERS, false);
    stage.look();
    stage.picture_of(&LAYERS, true);
    assert!(stage.sent(viewer).iter().any(|sent| layer(sent) == "h"));
}

/// How many layers there are to choose from, by the last of these events.
fn choice(told: &[Event]) -> Option<usize> {
    match told.last()? {
        Event::Layers { layers, .. } => layers.0.get(&0).map(Vec::len),
        other => panic!("{other:?}"),
    }
}

#[test]
fn viewers_are_told_of_layers_that_have_been_measured_and_when_they_change() {
    let mut stage = Stage::new();
    stage.viewer();
    stage.picture_of(&LAYERS, true);
    assert_eq!(choice(&stage.second()), Some(2));
    assert_eq!(stage.second(), []);
    // One of them stops.
    (0..45).for_each(|_| drop(stage.picture_of(&LAYERS[..1], false)));
    assert_eq!(choice(&stage.look()), Some(1));
}
