//! Groups of pictures, late packets, parameter sets, and what is forgotten.

use super::*;
use crate::clock;

const SEQUENCE: &[u8] = &[0x67, 0x42, 0xe0, 0x1f, 0x80];
const PICTURE: &[u8] = &[0x68, 0x80];
const KEY: &[u8] = &[0x65, 1];
const OTHER: &[u8] = &[0x41, 1];

fn cache(packets: &[(u64, u64, &[u8])]) -> PacketCache {
    let mut cache = PacketCache::new(Encoding::H264, ParameterSets::new(Encoding::H264, &[]));
    packets.iter().for_each(|packet| add(&mut cache, *packet));
    cache
}

fn add(cache: &mut PacketCache, (sequence, time, payload): (u64, u64, &[u8])) {
    let packet = Packet {
        position: Position { sequence, time },
        marker: false,
        extensions: ExtensionValues::default(),
        payload: payload.into(),
        arrived: clock::now(),
        captured: None,
    };
    cache.push(packet, None);
}

/// When all viewers have everything, and nobody may ask for it again.
fn trim(cache: &mut PacketCache) {
    cache.trim(cache.end(), clock::now() + SENT_HISTORY);
}

/// The sequence numbers from the group's beginning on.
fn group(cache: &PacketCache) -> Vec<u64> {
    let cursor = cache.group().unwrap().cursor;
    let numbers = (cursor.0..cache.end().0).map(Cursor);
    let packets = numbers.map(|cursor| cache.get(cursor).unwrap());
    packets.map(|packet| packet.position.sequence).collect()
}

#[test]
fn a_group_begins_with_all_of_its_first_picture() {
    let mut cache = cache(&[(1, 0, OTHER), (2, 3000, SEQUENCE)]);
    // Everyone has got the parameters before the picture itself arrives.
    trim(&mut cache);
    add(&mut cache, (3, 3000, KEY));
    add(&mut cache, (4, 3000, KEY));
    add(&mut cache, (5, 6000, OTHER));
    trim(&mut cache);
    assert_eq!(group(&cache), [2, 3, 4, 5]);
}

/// The parameter sets that a newcomer is given before the group.
fn given(cache: &PacketCache) -> Vec<&[u8]> {
    let sets = cache.group_sets().iter();
    sets.map(|packet| &*packet.payload).collect()
}

#[test]
fn parameter_sets_that_came_once_are_there_for_every_group() {
    let mut cache = cache(&[(1, 0, SEQUENCE), (2, 0, PICTURE), (3, 0, KEY)]);
    assert!(given(&cache).is_empty(), "it brings them itself");
    add(&mut cache, (4, 3000, KEY));
    assert_eq!(given(&cache), [SEQUENCE, PICTURE]);
    trim(&mut cache);
    assert_eq!(given(&cache), [SEQUENCE, PICTURE]);
}

#[test]
fn a_group_has_the_sets_that_were_before_it_and_not_those_of_the_next() {
    let mut cache = cache(&[(1, 0, SEQUENCE), (2, 0, PICTURE), (3, 1500, KEY)]);
    let other: &[u8] = &[0x67, 0x42, 0xe0, 0x1f, 0x81];
    add(&mut cache, (4, 4000, other));
    assert_eq!(given(&cache), [SEQUENCE, PICTURE]);
    add(&mut cache, (5, 4500, KEY));
    assert_eq!(given(&cache), [other, PICTURE]);
}

#[test]
fn sets_that_come_after_their_keyframe_count_as_its_own() {
    let mut cache = cache(&[(3, 0, KEY), (1, 0, SEQUENCE)]);
    assert_eq!(given(&cache), [SEQUENCE]);
    add(&mut cache, (2, 0, PICTURE));
    assert!(given(&cache).is_empty());
}

#[test]
fn a_newer_group_takes_the_place_of_an_older_one() {
    let mut cache = cache(&[(1, 0, KEY), (2, 3000, OTHER), (3, 6000, KEY)]);
    trim(&mut cache);
    assert_eq!(group(&cache), [3]);
    assert_eq!(cache.packets.len(), 1);
}

#[test]
fn a_late_packet_belongs_to_its_own_picture() {
    let mut cache = cache(&[(2, 0, KEY), (4, 3000, OTHER)]);
    add(&mut cache, (3, 0, OTHER));
    add(&mut cache, (5, 3000, OTHER));
    let present = cache.pictures.latest().unwrap();
    assert_eq!(present.start, Cursor(1), "the present picture is still one");
    add(&mut cache, (1, 0, SEQUENCE));
    assert_eq!(group(&cache), [2, 4, 3, 5, 1]);
    let first = cache.group().unwrap().first;
    assert_eq!(first.sequence, 1, "what came last comes first");
    assert_eq!(cache.latest().unwrap().sequence, 5);
}

#[test]
fn a_keyframe_that_comes_late_does_not_take_a_newer_ones_place() {
    let mut cache = cache(&[(2, 0, OTHER), (3, 3000, KEY)]);
    add(&mut cache, (1, 0, KEY));
    assert_eq!(group(&cache), [3, 1]);
}

#[test]
fn a_keyframe_of_which_nothing_came_before_does_so_neither() {
    let mut cache = cache(&[(5, 3000, KEY)]);
    add(&mut cache, (1, 0, KEY));
    assert_eq!(cache.group().unwrap().first.sequence, 5);
}

#[test]
fn what_follows_a_keyframe_and_came_before_it_is_of_its_group() {
    let mut cache = cache(&[(1, 0, OTHER), (4, 6000, OTHER)]);
    add(&mut cache, (3, 3000, KEY));
    add(&mut cache, (2, 3000, SEQUENCE));
    assert_eq!(group(&cache), [4, 3, 2]);
    assert_eq!(cache.group().unwrap().first.sequence, 2);
}

#[test]
fn another_source_has_a_group_of_its_own() {
    let mut cache = cache(&[(500, 90_000, KEY), (501, 93_000, OTHER)]);
    cache.begin_source();
    assert!(cache.group().is_none());
    add(&mut cache, (2, 0, OTHER));
    add(&mut cache, (3, 3000, KEY));
    assert_eq!(group(&cache), [3]);
    assert_eq!(cache.latest().unwrap().sequence, 3);
    trim(&mut cache);
    assert_eq!(cache.packets.len(), 1);
}

/// Each packet is of an older picture than all before: to look for where it begins must
/// not be to look through them all.
#[test]
fn many_late_pictures_cost_no_more_than_many_in_order() {
    const MANY: u64 = 40_000;
    let began = clock::now();
    let mut cache = cache(&[(10 * MANY, 10 * MANY, KEY)]);
    for number in 1..MANY {
        let late = 10 * MANY - 2 * number;
        add(&mut cache, (late, late, KEY));
    }
    assert_eq!(cache.packets.len(), MANY as usize);
    // To look through all would be 800 million looks.
    assert!(clock::now() - began < Duration::from_secs(5));
}

#[test]
fn what_has_just_been_sent_can_be_sent_again() {
    let mut cache = cache(&[(1, 0, KEY), (2, 3000, OTHER), (3, 6000, KEY)]);
    cache.trim(cache.end(), clock::now());
    assert!(cache.get(Cursor::default()).is_some());
    trim(&mut cache);
    assert!(cache.get(Cursor::default()).is_none());
}

#[test]
fn what_a_viewer_still_needs_is_kept_until_it_is_too_much() {
    let mut cache = cache(&[(1, 0, OTHER)]);
    let slow = Cursor::default();
    let large = vec![0x41; 1 << 20];
    for number in 2..50 {
        add(&mut cache, (number, number * 3000, &large));
        cache.trim(slow, clock::now() + SENT_HISTORY);
        assert!(cache.bytes <= 2 * MAX_BYTES);
    }
    assert!(cache.get(slow).is_none());
    assert!(cache.bytes > MAX_BYTES);
}

#[test]
fn what_is_below_zero_is_earlier() {
    let zero = Position::of_source(0, 0);
    let below = Position::of_source(0_u64.wrapping_sub(3), 0_u64.wrapping_sub(9_000));
    assert!(below.sequence < zero.sequence && below.time < zero.time);
    let of = |position: Position| (position.sequence, position.time, KEY);
    let cache = cache(&[zero, below, Position::of_source(1, 3_000)].map(of));
    assert_eq!(cache.latest(), Some(Position::of_source(1, 3_000)));
}

#[test]
fn small_packets_do_not_take_more_than_large_ones() {
    let mut cache = cache(&[(1, 0, KEY)]);
    for number in 2..200_000 {
        add(&mut cache, (number, number * 3000, OTHER));
        trim(&mut cache);
    }
    assert!(cache.packets.len() * size_of::<(SourceNumber, Packet)>() < 2 * MAX_BYTES);
}
