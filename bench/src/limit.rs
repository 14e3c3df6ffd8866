//! What one packet costs this machine at least: its encryption, and its share of the system call
//! that sends a run of them. What a server uses is a multiple of it.

use std::io::IoSliceMut;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use aws_lc_rs::aead::{AES_128_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use mio::net::UdpSocket;
use mio::{Events, Interest, Poll, Token};
use nix::time::{ClockId, clock_gettime};
use quinn_udp::{RecvMeta, Transmit, UdpSockRef, UdpSocketState};
use serde::Serialize;

use crate::LimitOptions;
use crate::report::{Figures, round};

/// What the kernel may hold for the reader in each socket.
const RECEIVE_BUFFER: usize = 1 << 20;

/// An RTP header with one extension (RFC 3550 section 5.1, RFC 8285): it is authenticated and
/// not encrypted.
const HEAD: usize = 20;

/// How often the reader looks whether it is to end.
const LOOK: Duration = Duration::from_millis(100);

#[derive(Serialize)]
pub(crate) struct Limit {
    name: &'static str,
    viewers: usize,
    packet_bytes: usize,
    run: usize,
    packets: u64,
    /// Of these, those that the reader got: it shares the machine.
    arrived: u64,
    encryption_microseconds_per_packet: f64,
    cpu_microseconds_per_packet: f64,
}

/// One viewer: a key of its own, so that as many are in use as in a server.
struct Viewer {
    key: LessSafeKey,
    sequence: u64,
}

/// Sends for as long as asked, and returns what the sending thread has used.
pub(crate) fn measure(options: &LimitOptions) -> anyhow::Result<Limit> {
    ensure!(options.viewers > 0 && options.run > 0, "nothing to send");
    ensure!(
        options.packet_bytes > HEAD && options.packet_bytes * options.run <= u16::MAX.into(),
        "a run must fit into one datagram of 64 KiB, and a packet hold more than its head",
    );
    let viewers: anyhow::Result<Vec<_>> = (0..options.viewers).map(Viewer::new).collect();
    let mut viewers = viewers?;
    let seconds = Duration::from_secs(options.seconds);
    let encryption = repeated(options, &mut viewers, seconds / 4, |_, _| Ok(()))?;

    let reader = Reader::start(options.viewers)?;
    let socket = std::net::UdpSocket::bind("127.0.0.1:0")?;
    let state = UdpSocketState::new(UdpSockRef::from(&socket))?;
    socket.set_nonblocking(false)?;
    let all = repeated(options, &mut viewers, seconds, |viewer, contents| {
        let run = Transmit {
            destination: reader.addresses[viewer],
            ecn: None,
            contents,
            segment_size: (options.run > 1).then_some(options.packet_bytes),
            src_ip: None,
        };
        Ok(state.try_send(UdpSockRef::from(&socket), &run)?)
    })?;
    Ok(Limit {
        name: "limit",
        viewers: options.viewers,
        packet_bytes: options.packet_bytes,
        run: options.run,
        packets: all.packets,
        arrived: reader.stop() / options.packet_bytes as u64,
        encryption_microseconds_per_packet: encryption.microseconds_per_packet(),
        cpu_microseconds_per_packet: all.microseconds_per_packet(),
    })
}

/// What some packets have cost.
struct Cost {
    packets: u64,
    cpu: Duration,
}

impl Cost {
    fn microseconds_per_packet(&self) -> f64 {
        round(self.cpu.as_secs_f64() * 1e6 / self.packets as f64, 3)
    }
}

/// Encrypts a run for each viewer in turn, since all of them get the same pictures, and has it
/// sent, for as long as asked.
fn repeated(
    options: &LimitOptions,
    viewers: &mut [Viewer],
    time: Duration,
    mut send: impl FnMut(usize, &[u8]) -> anyhow::Result<()>,
) -> anyhow::Result<Cost> {
    let mut buffer = Vec::new();
    let mut packets = 0;
    let (began, before) = (Instant::now(), thread_cpu()?);
    while began.elapsed() < time {
        for (number, viewer) in viewers.iter_mut().enumerate() {
            buffer.clear();
            for _ in 0..options.run {
                viewer.encrypt(&mut buffer, options.packet_bytes)?;
            }
            send(number, &buffer)?;
            packets += options.run as u64;
        }
    }
    let cpu = thread_cpu()?.saturating_sub(before);
    Ok(Cost { packets, cpu })
}

impl Viewer {
    fn new(number: usize) -> anyhow::Result<Self> {
        let mut key = [0; 16];
        key[..8].copy_from_slice(&(number as u64).to_be_bytes());
        let key = UnboundKey::new(&AES_128_GCM, &key).context("a key has 16 bytes")?;
        Ok(Self {
            key: LessSafeKey::new(key),
            sequence: 0,
        })
    }

    /// Appends a packet of this many bytes in all.
    fn encrypt(&mut self, buffer: &mut Vec<u8>, bytes: usize) -> anyhow::Result<()> {
        self.sequence += 1;
        let mut nonce = [0; 12];
        nonce[4..].copy_from_slice(&self.sequence.to_be_bytes());
        let start = buffer.len();
        buffer.resize(start + bytes, 0);
        let (head, rest) = buffer[start..].split_at_mut(HEAD);
        let payload = rest.len().saturating_sub(AES_128_GCM.tag_len());
        let (payload, tag) = rest.split_at_mut(payload);
        let nonce = Nonce::assume_unique_for_key(nonce);
        let sealed = self
            .key
            .seal_in_place_separate_tag(nonce, Aad::from(&*head), payload)
            .ok()
            .context("it cannot be encrypted")?;
        tag.copy_from_slice(sealed.as_ref());
        Ok(())
    }
}

/// CPU time of the calling thread.
fn thread_cpu() -> anyhow::Result<Duration> {
    Ok(clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID)?.into())
}

/// Takes what is sent to each viewer's own socket, on a thread whose work is not counted.
struct Reader {
    addresses: Vec<SocketAddr>,
    bytes: Arc<AtomicU64>,
    is_over: Arc<AtomicBool>,
    thread: thread::JoinHandle<()>,
}

impl Reader {
    fn start(viewers: usize) -> anyhow::Result<Self> {
        let poll = Poll::new()?;
        let sockets: anyhow::Result<Vec<_>> = (0..viewers)
            .map(|viewer| {
                let mut socket = UdpSocket::bind("127.0.0.1:0".parse()?)?;
                let state = UdpSocketState::new(UdpSockRef::from(&socket))?;
                state.set_recv_buffer_size(UdpSockRef::from(&socket), RECEIVE_BUFFER)?;
                let readable = Interest::READABLE;
                poll.registry()
                    .register(&mut socket, Token(viewer), readable)?;
                Ok((socket, state))
            })
            .collect();
        let sockets = sockets?;
        let addresses: Result<_, _> = sockets.iter().map(|(it, _)| it.local_addr()).collect();
        let (bytes, is_over) = <(Arc<AtomicU64>, Arc<AtomicBool>)>::default();
        let thread = thread::spawn({
            let (bytes, is_over) = (bytes.clone(), is_over.clone());
            move || read(poll, &sockets, &bytes, &is_over)
        });
        Ok(Self {
            addresses: addresses?,
            bytes,
            is_over,
            thread,
        })
    }

    /// Returns the bytes that have arrived.
    fn stop(self) -> u64 {
        // What was sent last is in the sockets.
        thread::sleep(2 * LOOK);
        self.is_over.store(true, Ordering::Relaxed);
        // A reader that has panicked has read what it has read.
        let _ = self.thread.join();
        self.bytes.load(Ordering::Relaxed)
    }
}

fn read(
    mut poll: Poll,
    sockets: &[(UdpSocket, UdpSocketState)],
    bytes: &AtomicU64,
    is_over: &AtomicBool,
) {
    let mut buffer = vec![0; 1 << 16];
    let mut ready = Events::with_capacity(sockets.len());
    while !is_over.load(Ordering::Relaxed) && poll.poll(&mut ready, Some(LOOK)).is_ok() {
        for Token(viewer) in ready.iter().map(mio::event::Event::token) {
            let Some((socket, state)) = sockets.get(viewer) else {
                continue;
            };
            let mut meta = [RecvMeta::default()];
            let mut buffers = [IoSliceMut::new(&mut buffer)];
            while state
                .recv(UdpSockRef::from(socket), &mut buffers, &mut meta)
                .is_ok()
            {
                bytes.fetch_add(meta[0].len as u64, Ordering::Relaxed);
            }
        }
    }
}

impl Figures for Limit {
    fn rows(&self) -> Vec<(&'static str, String)> {
        vec![
            (
                "sent",
                format!(
                    "{} packets of {} bytes in runs of {}, to {} viewers",
                    self.packets, self.packet_bytes, self.run, self.viewers
                ),
            ),
            ("arrived", self.arrived.to_string()),
            (
                "CPU for each packet",
                format!(
                    "{} µs, {} of them for its encryption",
                    self.cpu_microseconds_per_packet, self.encryption_microseconds_per_packet
                ),
            ),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sent_is_really_encrypted_and_as_long_as_asked() {
        let mut viewer = Viewer::new(7).unwrap();
        let mut buffer = Vec::new();
        viewer.encrypt(&mut buffer, 1200).unwrap();
        viewer.encrypt(&mut buffer, 1200).unwrap();
        assert_eq!(buffer.len(), 2400);
        let (head, rest) = buffer[1200..].split_at_mut(HEAD);
        let mut nonce = [0; 12];
        nonce[11] = 2;
        let nonce = Nonce::assume_unique_for_key(nonce);
        let plain = viewer.key.open_in_place(nonce, Aad::from(&*head), rest);
        assert_eq!(plain.unwrap(), [0; 1200 - HEAD - 16]);
    }
}
