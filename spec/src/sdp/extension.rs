//! RTP header extensions as descriptions name them (RFC 8285 section 5).

use super::attribute::Direction;
use super::media::{Media, value_of};

/// One `a=extmap` line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HeaderExtension<'a> {
    /// The number of its line in the description; the first is 1.
    pub line: usize,
    /// Its id in packets; those from 4096 on only number what is offered.
    pub id: u16,
    /// Which way it goes, seen from who wrote this; both if that is not said.
    pub direction: Option<Direction>,
    /// What it is.
    pub uri: &'a str,
    /// What is said of it beside that.
    pub attributes: &'a str,
}

impl<'a> HeaderExtension<'a> {
    /// `<id>[/<direction>] <uri> [<attributes>]`
    fn parse(line: usize, value: &'a str) -> Option<Self> {
        let (mapping, rest) = value.split_once(' ')?;
        let (id, direction) = match mapping.split_once('/') {
            Some((id, direction)) => (id, Some(Direction::of_name(direction)?)),
            None => (mapping, None),
        };
        let rest = rest.trim();
        let (uri, attributes) = rest.split_once(' ').unwrap_or((rest, ""));
        Some(Self {
            line,
            id: id.parse().ok()?,
            direction,
            uri,
            attributes: attributes.trim(),
        })
    }
}

impl<'a> Media<'a> {
    /// The section's header extensions in its order; lines that cannot be read are none.
    pub fn header_extensions(&self) -> impl Iterator<Item = HeaderExtension<'a>> + use<'a> {
        self.lines()
            .filter_map(|(line, text)| HeaderExtension::parse(line, value_of(text, "extmap")?))
    }
}
