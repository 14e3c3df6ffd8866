//! Frames of RFC 4571: two bytes of length, and a datagram.
//!
//! Memory grows with what is sent, so that a connection that says little costs little.

use std::io::{Error, ErrorKind, Result};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::sync::mpsc;

/// No frame of ICE, DTLS or RTP is longer.
const MAX_FRAME: usize = 2048;

const LENGTH: usize = 2;

/// What is read at once: a check at first, and more from who has filled that.
const FIRST_READ: usize = 256;
const MOST_READ: usize = 16 * 1024;

/// What is written at once.
const BUNCH: usize = 64 * 1024;

/// Reads frames.
pub(super) struct Reader<R> {
    from: R,
    buffer: Vec<u8>,
    /// What of the buffer has been taken.
    taken: usize,
}

impl<R: AsyncRead + Unpin> Reader<R> {
    pub(super) fn new(from: R) -> Self {
        Self {
            from,
            buffer: Vec::with_capacity(FIRST_READ),
            taken: 0,
        }
    }

    /// The next frame. Nothing is lost of one that is not waited for to the end.
    pub(super) async fn next(&mut self) -> Result<Vec<u8>> {
        loop {
            if let Some(frame) = self.take()? {
                return Ok(frame);
            }
            self.buffer.drain(..self.taken);
            self.taken = 0;
            if self.from.read_buf(&mut self.buffer).await? == 0 {
                return Err(ErrorKind::UnexpectedEof.into());
            }
            let capacity = self.buffer.capacity();
            if self.buffer.len() == capacity && capacity < MOST_READ {
                self.buffer.reserve_exact(capacity);
            }
        }
    }

    fn take(&mut self) -> Result<Option<Vec<u8>>> {
        let rest = &self.buffer[self.taken..];
        let Some((length, rest)) = rest.split_first_chunk::<LENGTH>() else {
            return Ok(None);
        };
        let length = usize::from(u16::from_be_bytes(*length));
        if length > MAX_FRAME {
            return Err(Error::new(ErrorKind::InvalidData, "too long a frame"));
        }
        let frame = rest.get(..length).map(<[u8]>::to_vec);
        if frame.is_some() {
            self.taken += LENGTH + length;
        }
        Ok(frame)
    }
}

/// Writes frames until there are no more to come. All that is there goes out together.
pub(super) async fn write_frames(
    mut write: impl AsyncWrite + Unpin,
    mut frames: mpsc::Receiver<Vec<u8>>,
) -> Result<()> {
    let mut bunch = Vec::new();
    while let Some(frame) = frames.recv().await {
        append(&mut bunch, &frame);
        while bunch.len() < BUNCH
            && let Ok(frame) = frames.try_recv()
        {
            append(&mut bunch, &frame);
        }
        write.write_all(&bunch).await?;
        bunch.clear();
    }
    Ok(())
}

fn append(bunch: &mut Vec<u8>, frame: &[u8]) {
    if let Ok(length) = u16::try_from(frame.len()) {
        bunch.extend(length.to_be_bytes());
        bunch.extend(frame);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn framed(lengths: &[usize]) -> Vec<u8> {
        let mut all = Vec::new();
        for length in lengths {
            append(&mut all, &vec![7; *length]);
        }
        all
    }

    #[tokio::test]
    async fn frames_come_as_they_were_sent_whatever_the_pieces() {
        let lengths = [100, 0, 1, MAX_FRAME, 1200, 1200, 5, 0];
        let all = framed(&lengths);
        for piece in [1, 3, 257, 5000] {
            let mut pieces = in_pieces(&all, piece);
            let mut reader = Reader::new(&mut pieces);
            for length in lengths {
                assert_eq!(reader.next().await.unwrap().len(), length);
            }
            let end = reader.next().await.unwrap_err();
            assert_eq!(end.kind(), ErrorKind::UnexpectedEof);
        }
    }

    /// A stream that gives so many bytes at a time.
    fn in_pieces(all: &[u8], piece: usize) -> tokio::io::DuplexStream {
        let (mut near, far) = tokio::io::duplex(piece);
        let all = all.to_vec();
        tokio::spawn(async move { near.write_all(&all).await });
        far
    }

    #[tokio::test]
    async fn memory_grows_with_what_is_sent_and_is_bounded() {
        let check = framed(&[100]);
        let mut reader = Reader::new(check.as_slice());
        reader.next().await.unwrap();
        assert_eq!(reader.buffer.capacity(), FIRST_READ);
        let many = framed(&[1200; 1000]);
        let mut reader = Reader::new(many.as_slice());
        for _ in 0..1000 {
            reader.next().await.unwrap();
        }
        assert!(reader.buffer.capacity() <= MOST_READ);
    }

    #[tokio::test]
    async fn a_frame_that_is_too_long_is_refused_by_its_length() {
        let mut reader = Reader::new(&[0xff, 0xff][..]);
        let error = reader.next().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidData);
    }
}
