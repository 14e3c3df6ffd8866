//! The publisher's thread: 30 pictures per second, a keyframe every two seconds and on
//! request, and if wanted some sound.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use mio::{Events, Poll, Token};
use str0m::Event;
use str0m::format::Codec;
use str0m::media::{Mid, Pt};
use tokio::sync::watch;

use super::endpoint::{Endpoint, Packet};
use super::frames::{Encoder, FPS, sound};
use super::publisher::{Programme, Shared};
use super::socket::{Buffers, Outbox, Socket};
use super::stamp::Stamp;

const ENDPOINT: Token = Token(0);
pub(super) const STOP: Token = Token(1);

/// How often there is sound, where there is sound.
const SOUND_EVERY: Duration = Duration::from_millis(20);
const VIDEO_CLOCK: u32 = 90_000;
const AUDIO_CLOCK: u32 = 48_000;

pub(super) struct Camera {
    link: Link,
    video: Track,
    audio: Option<Track>,
    encoder: Encoder,
    loopback: Loopback,
    shared: Arc<Shared>,
}

/// The way to the server.
struct Link {
    endpoint: Endpoint,
    heard: Heard,
    /// Packets of all tracks.
    sent: watch::Sender<u64>,
}

/// What the server has said.
#[derive(Default)]
struct Heard {
    connected: bool,
    keyframe_requests: u64,
}

/// One stream of packets, in RTP's terms.
struct Track {
    media: Mid,
    payload_type: Pt,
    sequence: u64,
    time: u32,
    /// From one frame to the next, in the codec's clock.
    step: u32,
    /// … and in real time.
    every: Duration,
    due: Instant,
}

/// The way to the viewers that does not lead through the server.
struct Loopback {
    socket: Socket,
    to: SocketAddr,
}

impl Camera {
    pub(super) fn new(
        endpoint: Endpoint,
        programme: &Programme,
        shared: Arc<Shared>,
        sent: watch::Sender<u64>,
    ) -> anyhow::Result<Self> {
        let video = endpoint.payload_type(programme.video, Codec::H264)?;
        let picture = Duration::from_secs(1) / FPS;
        let video = Track::new(programme.video, video, VIDEO_CLOCK, picture);
        let audio = match programme.audio {
            None => None,
            Some(media) => {
                let payload_type = endpoint.payload_type(media, Codec::Opus)?;
                Some(Track::new(media, payload_type, AUDIO_CLOCK, SOUND_EVERY))
            }
        };
        Ok(Self {
            link: Link {
                endpoint,
                heard: Heard::default(),
                sent,
            },
            video,
            audio,
            encoder: Encoder::new(programme.bitrate),
            loopback: Loopback {
                socket: Socket::bind(programme.loopback.ip())?,
                to: programme.loopback,
            },
            shared,
        })
    }

    /// Until it is stopped.
    pub(super) fn run(mut self, mut poll: Poll) -> anyhow::Result<()> {
        let link = &mut self.link;
        link.endpoint.register(poll.registry(), ENDPOINT)?;
        let (mut events, mut buffers) = (Events::with_capacity(8), Buffers::new());
        while !self.shared.stopped.load(Relaxed) {
            let now = Instant::now();
            self.link.wake(now)?;
            self.heed_requests();
            if self.link.heard.connected {
                self.send_what_is_due(now)?;
            }
            let wait = self.due().saturating_duration_since(Instant::now());
            match poll.poll(&mut events, Some(wait)) {
                Err(error) if error.kind() != ErrorKind::Interrupted => return Err(error.into()),
                _ => {}
            }
            if events.iter().any(|event| event.token() == ENDPOINT) {
                self.link.receive(&mut buffers)?;
            }
        }
        Ok(())
    }

    fn heed_requests(&mut self) {
        let requests = std::mem::take(&mut self.link.heard.keyframe_requests);
        if requests > 0 {
            self.encoder.request_keyframe();
            let so_far = &self.shared.keyframe_requests;
            so_far.fetch_add(requests, Relaxed);
        }
    }

    fn due(&self) -> Instant {
        let due = self.link.endpoint.deadline();
        if !self.link.heard.connected {
            return due;
        }
        let tracks = self.audio.iter().chain([&self.video]);
        tracks.map(|track| track.due).fold(due, Instant::min)
    }

    fn send_what_is_due(&mut self, now: Instant) -> anyhow::Result<()> {
        if self.video.is_due(now) {
            self.loopback.send(*self.link.sent.borrow())?;
            let picture = self.encoder.picture();
            self.link.send(&mut self.video, picture)?;
        }
        if let Some(audio) = &mut self.audio
            && audio.is_due(now)
        {
            self.link.send(audio, vec![sound()])?;
        }
        Ok(())
    }
}

impl Link {
    fn wake(&mut self, now: Instant) -> anyhow::Result<()> {
        let Self {
            endpoint, heard, ..
        } = self;
        if now < endpoint.deadline() {
            return Ok(());
        }
        endpoint.wake(now, |event| heard.note(&event))
    }

    fn receive(&mut self, buffers: &mut Buffers) -> anyhow::Result<()> {
        let heard = &mut self.heard;
        let note = |event, _| heard.note(&event);
        self.endpoint.receive(Instant::now(), buffers, note)
    }

    /// Sends one frame, its packets together.
    fn send(&mut self, track: &mut Track, payloads: Vec<Vec<u8>>) -> anyhow::Result<()> {
        let Self {
            endpoint,
            heard,
            sent,
        } = self;
        let now = Instant::now();
        let count = payloads.len();
        let mut number = *sent.borrow();
        for (place, mut payload) in payloads.into_iter().enumerate() {
            Stamp::now(number)?.append_to(&mut payload);
            let packet = Packet {
                media: track.media,
                payload_type: track.payload_type,
                sequence: track.sequence,
                time: track.time,
                is_last_of_frame: place + 1 == count,
                payload,
            };
            endpoint.write(now, packet, |event| heard.note(&event))?;
            track.sequence += 1;
            number += 1;
        }
        track.time = track.time.wrapping_add(track.step);
        endpoint.wake(now, |event| heard.note(&event))?;
        sent.send_replace(number);
        Ok(())
    }
}

impl Heard {
    fn note(&mut self, event: &Event) {
        match event {
            Event::Connected => self.connected = true,
            Event::KeyframeRequest(_) => self.keyframe_requests += 1,
            _ => {}
        }
    }
}

impl Track {
    fn new(media: Mid, payload_type: Pt, clock: u32, every: Duration) -> Self {
        Self {
            media,
            payload_type,
            sequence: 1,
            time: 0,
            step: (f64::from(clock) * every.as_secs_f64()).round() as u32,
            every,
            due: Instant::now(),
        }
    }

    /// Whether there is a frame to send now; if so, the next one's time is set.
    fn is_due(&mut self, now: Instant) -> bool {
        if now < self.due {
            return false;
        }
        self.due += self.every;
        if self.due < now {
            // We were held up. A camera does not make up for it either.
            self.due = now + self.every;
        }
        true
    }
}

impl Loopback {
    /// The stamp of this packet, alone.
    fn send(&self, number: u64) -> anyhow::Result<()> {
        let mut stamp = Vec::with_capacity(Stamp::LENGTH);
        Stamp::now(number)?.append_to(&mut stamp);
        let mut outbox = Outbox::default();
        outbox.push(&self.socket, &stamp, self.to)?;
        Ok(outbox.flush(&self.socket)?)
    }
}
