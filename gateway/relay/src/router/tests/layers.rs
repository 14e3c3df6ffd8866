//! A viewer gets the layer that it asked for, and is told which there are. What its link carries
//! is in `bandwidth`.

use super::*;

/// The names of the layers, the largest first.
pub(super) const LAYERS: [&str; 2] = ["h", "l"];

/// Two seconds of two layers, which are measured then; and a viewer.
pub(super) fn measured() -> (Stage, Key) {
    let mut stage = Stage::new();
    let viewer = stage.viewer();
    stage.picture_of(&LAYERS, true);
    stage.second();
    stage.second();
    stage.sent(viewer);
    (stage, viewer)
}

impl Stage {
    /// Pictures without a keyframe, and what was measured of them.
    pub(super) fn half_a_second(&mut self) -> Vec<Event> {
        (0..15).for_each(|_| drop(self.picture_of(&LAYERS, false)));
        self.look()
    }

    pub(super) fn second(&mut self) -> Vec<Event> {
        let mut told = self.half_a_second();
        told.extend(self.half_a_second());
        told
    }

    /// What the worker does twice a second. Returns what viewers are told of layers.
    pub(super) fn look(&mut self) -> Vec<Event> {
        let period = Duration::from_millis(500);
        self.router.measure(period, self.now);
        self.router.other_layers(self.now)
    }
}

/// Which layer it is, by its size.
pub(super) fn layer(sent: &Sent) -> &'static str {
    match sent.payload.len() {
        1000 => LAYERS[0],
        _ => LAYERS[1],
    }
}

#[test]
fn what_a_viewer_asks_for_it_gets_until_it_asks_for_nothing() {
    let (mut stage, viewer) = measured();
    stage.router.select(viewer, of_rid(Some("l")));
    stage.look();
    stage.picture_of(&LAYERS, true);
    assert!(stage.sent(viewer).iter().all(|sent| layer(sent) == "l"));
    stage.router.select(viewer, of_rid(None));
    // Of whose link nothing is known gets the best.
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
