//! What one read of a socket brings.

use std::net::{IpAddr, SocketAddr};

use quinn_udp::{BATCH_SIZE, RecvMeta};

use super::MAX_DATAGRAM;

/// Room for what one read brings.
pub(crate) struct Incoming {
    pub(super) buffers: Vec<Vec<u8>>,
    pub(super) metas: Vec<RecvMeta>,
}

/// What came in one buffer: datagrams of `stride` bytes from one peer.
pub(crate) struct Datagrams<'a> {
    pub(crate) source: SocketAddr,
    pub(crate) destination: Option<IpAddr>,
    bytes: &'a [u8],
    stride: usize,
}

impl Incoming {
    pub(crate) fn new() -> Self {
        Self {
            buffers: (0..BATCH_SIZE).map(|_| vec![0; MAX_DATAGRAM]).collect(),
            metas: vec![RecvMeta::default(); BATCH_SIZE],
        }
    }

    /// Empties what is not from one of these.
    pub(super) fn drop_others(&mut self, count: usize, admitted: &[IpAddr]) {
        let read = self.metas.iter_mut().take(count);
        let others = read.filter(|meta| !admitted.contains(&meta.addr.ip()));
        others.for_each(|meta| meta.len = 0);
    }

    pub(crate) fn read(&self, count: usize) -> impl Iterator<Item = Datagrams<'_>> {
        let filled = self.buffers.iter().zip(&self.metas).take(count);
        filled.map(|(buffer, meta)| Datagrams {
            source: SocketAddr::new(meta.addr.ip().to_canonical(), meta.addr.port()),
            destination: meta.dst_ip.map(|ip| ip.to_canonical()),
            bytes: &buffer[..meta.len.min(buffer.len())],
            stride: meta.stride.max(1),
        })
    }
}

impl<'a> Datagrams<'a> {
    pub(crate) fn iter(&self) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        self.bytes.chunks(self.stride)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_others_send_is_not_looked_at() {
        let mut incoming = Incoming::new();
        for (index, last) in [1, 2].into_iter().enumerate() {
            incoming.buffers[index][..4].copy_from_slice(b"STUN");
            let meta = &mut incoming.metas[index];
            (meta.len, meta.stride) = (4, 4);
            meta.addr = SocketAddr::new([192, 0, 2, last].into(), 9);
        }
        incoming.drop_others(2, &[[192, 0, 2, 1].into()]);
        let read: Vec<usize> = incoming.read(2).map(|all| all.iter().count()).collect();
        assert_eq!(read, [1, 0]);
    }
}
