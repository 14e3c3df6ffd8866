//! Datagrams on their way out.

use std::collections::VecDeque;
use std::net::SocketAddr;

/// Datagrams that wait to be sent, in their order.
#[derive(Debug, Default)]
pub struct Outbox {
    bytes: VecDeque<u8>,
    waiting: VecDeque<(SocketAddr, usize)>,
}

/// Datagrams of one size to one address, of which the last may be shorter: they can leave
/// together.
#[derive(Debug, PartialEq, Eq)]
pub struct Run<'a> {
    pub to: SocketAddr,
    pub size: usize,
    pub bytes: &'a [u8],
    count: usize,
}

/// What one run may have, headers included.
const MOST_BYTES: usize = (1 << 16) - 100;

impl Outbox {
    pub fn push(&mut self, to: SocketAddr, datagram: &[u8]) {
        self.bytes.extend(datagram);
        self.waiting.push_back((to, datagram.len()));
    }

    pub fn len(&self) -> usize {
        self.waiting.len()
    }

    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// The first ones, at most so many.
    pub fn first(&mut self, most: usize) -> Option<Run<'_>> {
        let &(to, size) = self.waiting.front()?;
        let (mut bytes, mut count) = (0, 0);
        for &(other, length) in self.waiting.iter().take(most.max(1)) {
            if other != to || length > size || (count > 0 && bytes + length > MOST_BYTES) {
                break;
            }
            bytes += length;
            count += 1;
            if length < size {
                break;
            }
        }
        let bytes = &self.bytes.make_contiguous()[..bytes];
        Some(Run {
            to,
            size,
            bytes,
            count,
        })
    }

    /// The first ones have gone: so many datagrams of so many bytes.
    pub fn remove(&mut self, (count, bytes): (usize, usize)) {
        self.waiting.drain(..count);
        self.bytes.drain(..bytes);
    }
}

impl Run<'_> {
    /// Its datagrams and its bytes.
    pub fn extent(&self) -> (usize, usize) {
        (self.count, self.bytes.len())
    }
}
