//! What can happen in a room.

use std::time::Duration;

use proptest::collection::vec;
use proptest::prelude::*;

use super::super::{SOUND, VIDEO};

/// What is published, and what is watched.
pub(super) const ENCODINGS: [&[&str]; 4] = [&[VIDEO, SOUND], &[VIDEO], &["VP8"], &[SOUND]];
pub(super) const LAYERS: [&str; 3] = ["h", "m", "l"];

/// The largest datagram.
pub(super) const LARGE: usize = 65_000;

/// Something happens.
#[derive(Debug, Clone)]
pub(super) enum Step {
    Publish(usize),
    PublisherLeaves,
    Subscribe {
        encodings: usize,
        is_measured: bool,
    },
    Connect(usize),
    Leave(usize),
    Packets {
        count: usize,
        packet: Arriving,
    },
    Nack {
        viewer: usize,
        back: u16,
        following: u16,
    },
    Keyframe(usize),
    Select(usize, Option<usize>),
    Feedback {
        viewer: usize,
        received: Vec<bool>,
    },
    Garbage(usize, Vec<u8>),
    Wait(Duration),
    Look(Duration),
}

/// A packet, by where it stands from the last one of its layer.
#[derive(Debug, Clone)]
pub(super) struct Arriving {
    pub(super) track: usize,
    pub(super) layer: Option<usize>,
    /// Packets ahead, or behind.
    pub(super) ahead: i64,
    /// Whether its time is another than its number says.
    pub(super) strays: Option<i64>,
    pub(super) is_key: bool,
    pub(super) marker: bool,
    pub(super) size: usize,
}

fn viewers() -> impl Strategy<Value = usize> {
    0..6_usize
}

fn arriving() -> impl Strategy<Value = Arriving> {
    let ahead = prop_oneof![16 => Just(1_i64), 8 => -5..6_i64, 1 => -40_000..40_000_i64];
    let strays = prop_oneof![
        9 => Just(None),
        1 => prop_oneof![-200_000..200_000_i64, any::<i32>().prop_map(i64::from)].prop_map(Some)
    ];
    let layer = prop_oneof![6 => Just(None), 4 => (0..LAYERS.len()).prop_map(Some)];
    let size = prop_oneof![20 => 1..1200_usize, 1 => Just(LARGE), 1 => Just(0_usize)];
    let is_key = prop_oneof![8 => Just(false), 2 => Just(true)];
    (
        0..2_usize,
        layer,
        ahead,
        strays,
        is_key,
        any::<bool>(),
        size,
    )
        .prop_map(
            |(track, layer, ahead, strays, is_key, marker, size)| Arriving {
                track,
                layer,
                ahead,
                strays,
                is_key,
                marker,
                size,
            },
        )
}

pub(super) fn step() -> impl Strategy<Value = Step> {
    let count = prop_oneof![4 => 1..4_usize, 1 => 1..60_usize];
    let wait = prop_oneof![
        2 => Just(Duration::ZERO),
        6 => (0..50_u64).prop_map(Duration::from_millis),
        1 => (0..5_000_u64).prop_map(Duration::from_millis),
    ];
    let look = prop_oneof![4 => Just(500_u64), 1 => 0..5_000_u64];
    prop_oneof![
        1 => (0..ENCODINGS.len()).prop_map(Step::Publish),
        1 => Just(Step::PublisherLeaves),
        2 => (0..ENCODINGS.len(), any::<bool>())
            .prop_map(|(encodings, is_measured)| Step::Subscribe { encodings, is_measured }),
        3 => viewers().prop_map(Step::Connect),
        1 => viewers().prop_map(Step::Leave),
        30 => (count, arriving()).prop_map(|(count, packet)| Step::Packets { count, packet }),
        3 => (viewers(), 0..200_u16, any::<u16>())
            .prop_map(|(viewer, back, following)| Step::Nack { viewer, back, following }),
        2 => viewers().prop_map(Step::Keyframe),
        2 => (viewers(), proptest::option::of(0..LAYERS.len()))
            .prop_map(|(viewer, layer)| Step::Select(viewer, layer)),
        3 => (viewers(), vec(any::<bool>(), 1..40))
            .prop_map(|(viewer, received)| Step::Feedback { viewer, received }),
        1 => (viewers(), vec(any::<u8>(), 0..60)).prop_map(|(v, bytes)| Step::Garbage(v, bytes)),
        8 => wait.prop_map(Step::Wait),
        2 => look.prop_map(|ms| Step::Look(Duration::from_millis(ms))),
    ]
}
