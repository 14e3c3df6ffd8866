//! Which packets of a source are one picture, found by their numbers: packets that stand next
//! to each other and have the same time. They may have come in any order.

use std::collections::BTreeMap;

use super::packet_cache::{Cursor, Position};
use super::parameter_sets::Kinds;

/// The pictures of one source whose packets are in the cache.
#[derive(Debug, Default)]
pub(super) struct Pictures {
    /// By the lowest sequence number of each that has come.
    pictures: BTreeMap<u64, Picture>,
}

/// One picture, as far as it has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Picture {
    /// Its first packet in the publisher's order, which is not always the one that came first.
    pub(super) first: Position,
    /// Where the packet is that came first.
    pub(super) start: Cursor,
    /// The parameter sets that it brings.
    pub(super) sets: Kinds,
}

impl Pictures {
    /// Takes in a packet that is now at `cursor` and brings these parameter sets; returns its
    /// picture.
    pub(super) fn add(&mut self, position: Position, cursor: Cursor, sets: Kinds) -> Picture {
        let Position { sequence, time } = position;
        let before = self.pictures.range_mut(..=sequence).next_back();
        if let Some((_, picture)) = before.filter(|(_, picture)| picture.first.time == time) {
            picture.sets = picture.sets.and(sets);
            return *picture;
        }
        let after = self.pictures.range(sequence..).next();
        let after = after.filter(|(_, picture)| picture.first.time == time);
        let after = after.map(|(key, _)| *key);
        let known = after.and_then(|key| self.pictures.remove(&key));
        let picture = Picture {
            first: position,
            start: known.map_or(cursor, |known| known.start),
            sets: known.map_or(sets, |known| known.sets.and(sets)),
        };
        self.pictures.insert(sequence, picture);
        picture
    }

    /// The picture that is furthest ahead in the publisher's order.
    pub(super) fn latest(&self) -> Option<Picture> {
        Some(*self.pictures.last_key_value()?.1)
    }

    /// Where the first packet of this picture or of a later one is. Some of those may have
    /// come before it; so many that it takes long to look they are not.
    pub(super) fn start_with_later(&self, picture: Picture) -> Cursor {
        const MOST: usize = 16;
        let later = self.pictures.range(picture.first.sequence..).take(MOST);
        let starts = later.map(|(_, later)| later.start);
        starts.fold(picture.start, Cursor::min)
    }

    /// The packet at `cursor` is not there any more, and with it the picture that began there.
    pub(super) fn forget(&mut self, position: Position, cursor: Cursor) {
        let of_packet = self.pictures.range(..=position.sequence).next_back();
        let began_there = of_packet.filter(|(_, picture)| picture.start == cursor);
        if let Some(key) = began_there.map(|(key, _)| *key) {
            self.pictures.remove(&key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cursors() -> impl Iterator<Item = Cursor> {
        std::iter::successors(Some(Cursor::default()), |cursor| Some(cursor.next()))
    }

    /// The first number and the start of each packet's picture, of packets that come so.
    fn pictures(packets: &[(u64, u64)]) -> Vec<(u64, Cursor)> {
        let mut pictures = Pictures::default();
        let added = packets.iter().zip(cursors()).map(|(packet, cursor)| {
            let (sequence, time) = *packet;
            let picture = pictures.add(Position { sequence, time }, cursor, Kinds::default());
            (picture.first.sequence, picture.start)
        });
        added.collect()
    }

    #[test]
    fn packets_of_one_time_are_one_picture_in_whatever_order_they_come() {
        let at: Vec<Cursor> = cursors().take(4).collect();
        let one = [(2, 7), (4, 7), (1, 7), (3, 7)];
        assert_eq!(
            pictures(&one),
            [(2, at[0]), (2, at[0]), (1, at[0]), (1, at[0])]
        );
    }

    /// A film in a loop has each time again and again.
    #[test]
    fn another_picture_of_the_same_time_is_another() {
        let at: Vec<Cursor> = cursors().take(3).collect();
        let film = [(1, 0), (2, 3000), (3, 0)];
        assert_eq!(pictures(&film), [(1, at[0]), (2, at[1]), (3, at[2])]);
    }

    #[test]
    fn a_picture_is_forgotten_with_the_packet_that_came_first() {
        let mut pictures = Pictures::default();
        let [first, second] = [1, 2].map(|sequence| Position { sequence, time: 7 });
        let start = Cursor::default();
        pictures.add(first, start, Kinds::default());
        pictures.add(second, start.next(), Kinds::default());
        pictures.forget(second, start.next());
        assert_eq!(pictures.latest().unwrap().first, first);
        pictures.forget(first, start);
        assert_eq!(pictures.latest(), None);
    }
}
