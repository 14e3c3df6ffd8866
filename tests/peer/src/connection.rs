//! A peer's connection, as its task drives it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use str0m::media::KeyframeRequestKind;
use str0m::net::Receive;
use str0m::rtp::{RawPacket, RtpWrite};
use str0m::{Candidate, Event, IceConnectionState, Input, Output, Rtc};
use tokio::sync::mpsc;
use tokio::time::sleep_until;

use super::link::{Link, Way};
use super::reel::Reel;
use super::seen::Arrived;
use super::socket::{Datagram, Socket};
use super::{Shared, Step};

/// What the task of a peer has.
pub struct Connection {
    pub rtc: Rtc,
    pub link: Link,
    pub reels: Vec<Reel>,
    /// Whether keyframe requests are answered.
    pub answers: bool,
    /// A peer that does not read: its socket fills up.
    pub is_reading: bool,
    socket: Socket,
    outgoing: Vec<(SocketAddr, Vec<u8>)>,
    news: Vec<Event>,
    deadline: Instant,
}

impl Connection {
    pub fn new(rtc: Rtc, socket: Socket, reels: Vec<Reel>, answers: bool) -> Self {
        Self {
            rtc,
            link: Link::default(),
            reels,
            answers,
            is_reading: true,
            socket,
            outgoing: Vec::new(),
            news: Vec::new(),
            deadline: Instant::now(),
        }
    }

    /// Runs until its peer is dropped.
    pub async fn run(mut self, mut steps: mpsc::UnboundedReceiver<Step>, shared: Arc<Shared>) {
        self.tick(Instant::now());
        loop {
            for (to, datagram) in std::mem::take(&mut self.outgoing) {
                // The other side is gone; what follows from that, str0m says.
                let _ = self.socket.send(to, datagram).await;
            }
            let wake_at = self.wake_at();
            tokio::select! {
                step = steps.recv() => match step {
                    Some(step) => step(&mut self),
                    None => return,
                },
                received = self.socket.receive(), if self.is_reading => match received {
                    Ok(datagrams) => for Datagram { at, from, bytes } in datagrams {
                        self.take(Way::ToPeer { from }, bytes, at);
                    },
                    Err(_) => self.is_reading = false,
                },
                () = sleep_until(wake_at.into()) => {}
            }
            let now = Instant::now();
            while let Some((way, datagram)) = self.link.arrived(now) {
                self.arrive(way, datagram, now);
            }
            if self.rtc.is_connected() {
                self.play(now);
            }
            self.tick(now);
            self.tell(&shared, now);
        }
    }

    fn wake_at(&self) -> Instant {
        let is_playing = self.rtc.is_connected();
        let reels = self
            .reels
            .iter()
            .filter(|reel| is_playing && reel.is_running);
        let all = reels.map(|reel| reel.due).chain(self.link.next());
        all.fold(self.deadline, Instant::min)
    }

    /// A datagram at the near end of the link.
    fn take(&mut self, way: Way, datagram: Vec<u8>, now: Instant) {
        if let Some(datagram) = self.link.pass(way, datagram, now) {
            self.arrive(way, datagram, now);
        }
    }

    /// A datagram at the far end of the link.
    fn arrive(&mut self, way: Way, datagram: Vec<u8>, now: Instant) {
        match way {
            Way::ToGateway { to } => self.outgoing.push((to, datagram)),
            Way::ToPeer { from } => {
                let (protocol, local) = (self.socket.protocol(), self.socket.local());
                if let Ok(receive) = Receive::new(protocol, from, local, &datagram) {
                    self.rtc.handle_input(Input::Receive(now, receive)).unwrap();
                    self.drain();
                }
            }
        }
    }

    fn tick(&mut self, now: Instant) {
        self.rtc.handle_input(Input::Timeout(now)).unwrap();
        self.drain();
    }

    fn drain(&mut self) {
        loop {
            match self.rtc.poll_output().unwrap() {
                Output::Timeout(deadline) => {
                    self.deadline = deadline;
                    return;
                }
                Output::Event(event) => self.news.push(event),
                Output::Transmit(transmit) => {
                    let to = transmit.destination;
                    self.take(
                        Way::ToGateway { to },
                        transmit.contents.into(),
                        Instant::now(),
                    );
                }
            }
        }
    }

    fn play(&mut self, now: Instant) {
        let mut reels = std::mem::take(&mut self.reels);
        for reel in &mut reels {
            while let Some((time, picture)) = reel.next(now) {
                let last = picture.len() - 1;
                for (part, payload) in picture.into_iter().enumerate() {
                    self.write(reel, (time, part == last), payload, now);
                }
            }
        }
        self.reels = reels;
    }

    fn write(
        &mut self,
        reel: &mut Reel,
        (time, is_last): (u32, bool),
        payload: Vec<u8>,
        now: Instant,
    ) {
        let sequence = reel.sequence.into();
        let captured = now - reel.encoding;
        let write = RtpWrite::new(reel.payload_type.into(), sequence, time, captured, payload);
        let write = write
            .marker(is_last || reel.is_sound)
            .nackable(!reel.is_sound);
        let write = write.ext_vals(reel.extensions.clone());
        reel.sequence += 1;
        let mut api = self.rtc.direct_api();
        let stream = api.stream_tx_by_mid(reel.mid, reel.rid);
        stream.expect("it was negotiated").write_rtp(write);
        self.drain();
    }

    /// The address of the socket.
    pub fn local(&self) -> SocketAddr {
        self.socket.local()
    }

    /// Another socket instead of the present one.
    pub fn move_to(&mut self, socket: Socket) {
        let old = Candidate::host(self.local(), "udp").unwrap();
        self.rtc.direct_api().invalidate_candidate(&old);
        self.drain();
        self.socket = socket;
        let new = Candidate::host(self.local(), "udp").unwrap();
        self.rtc.add_local_candidate(new);
        self.drain();
    }

    /// Sends a datagram of the test's own, from the peer's address.
    pub fn send(&mut self, to: SocketAddr, datagram: Vec<u8>) {
        self.outgoing.push((to, datagram));
    }

    /// A viewer asks for a keyframe.
    pub fn request_keyframe(&mut self, source: u32) {
        let mut api = self.rtc.direct_api();
        let stream = api.stream_rx(&source.into());
        let stream = stream.expect("packets of it have come");
        stream.request_keyframe(KeyframeRequestKind::Pli);
        self.drain();
    }

    fn tell(&mut self, shared: &Shared, now: Instant) {
        if self.news.is_empty() {
            return;
        }
        let mut seen = shared.seen.lock().unwrap();
        for event in self.news.drain(..) {
            match event {
                Event::Connected => seen.connected = Some(now),
                Event::RtpPacket(packet) => seen.packets.push(Arrived::new(packet)),
                Event::KeyframeRequest(request) => {
                    seen.note_request(&request, now);
                    let asked = |reel: &&mut Reel| {
                        self.answers && reel.mid == request.mid && reel.rid == request.rid
                    };
                    self.reels
                        .iter_mut()
                        .filter(asked)
                        .for_each(Reel::want_keyframe);
                }
                Event::RawPacket(packet) => {
                    if let RawPacket::RtcpRx(rtcp) = *packet {
                        seen.note_rtcp(rtcp, now);
                    }
                }
                Event::MediaEgressStats(stats) => seen.nacks = stats.nacks,
                Event::Closed => {
                    seen.is_closed = true;
                    seen.is_over = true;
                }
                Event::IceConnectionStateChange(IceConnectionState::Disconnected) => {
                    seen.is_over = true;
                }
                _ => {}
            }
        }
        shared.changed.notify_waiters();
    }
}
