//! A peer's connection, as its task drives it.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use futures_util::{SinkExt, StreamExt};
use str0m::media::KeyframeRequestKind;
use str0m::net::{Protocol, Receive};
use str0m::rtp::RtpWrite;
use str0m::{Event, IceConnectionState, Input, Output, Rtc};
use tokio::net::{TcpStream, UdpSocket};
use tokio::sync::mpsc;
use tokio::time::sleep_until;
use tokio_util::codec::{Framed, LengthDelimitedCodec};

use super::link::{Link, Way};
use super::reel::Reel;
use super::seen::Arrived;
use super::{Shared, Step};

/// What the task of a peer has.
pub(crate) struct Connection {
    pub(crate) rtc: Rtc,
    pub(crate) link: Link,
    pub(crate) reels: Vec<Reel>,
    /// Whether keyframe requests are answered.
    pub(crate) answers: bool,
    /// A peer that does not read: its socket fills up.
    pub(crate) is_reading: bool,
    socket: Socket,
    outgoing: Vec<(SocketAddr, Vec<u8>)>,
    news: Vec<Event>,
    deadline: Instant,
}

/// Where datagrams come and go.
pub(crate) enum Socket {
    Udp(UdpSocket),
    Tcp(Framed<TcpStream, LengthDelimitedCodec>),
}

impl Socket {
    /// A connection with the framing of RFC 4571.
    pub(crate) fn tcp(stream: TcpStream) -> Self {
        let codec = LengthDelimitedCodec::builder()
            .length_field_length(2)
            .new_codec();
        Self::Tcp(Framed::new(stream, codec))
    }

    fn local(&self) -> SocketAddr {
        let local = match self {
            Self::Udp(socket) => socket.local_addr(),
            Self::Tcp(stream) => stream.get_ref().local_addr(),
        };
        local.unwrap()
    }

    fn protocol(&self) -> Protocol {
        match self {
            Self::Udp(_) => Protocol::Udp,
            Self::Tcp(_) => Protocol::Tcp,
        }
    }

    /// Can be given up at any time without losing anything.
    async fn receive(&mut self) -> io::Result<(SocketAddr, Vec<u8>)> {
        match self {
            Self::Udp(socket) => {
                let mut datagram = vec![0; 2000];
                let (length, from) = socket.recv_from(&mut datagram).await?;
                datagram.truncate(length);
                Ok((from, datagram))
            }
            Self::Tcp(stream) => {
                let frame = stream.next().await.ok_or(io::ErrorKind::UnexpectedEof)??;
                Ok((stream.get_ref().peer_addr()?, frame.to_vec()))
            }
        }
    }

    async fn send(&mut self, to: SocketAddr, datagram: Vec<u8>) -> io::Result<()> {
        match self {
            Self::Udp(socket) => socket.send_to(&datagram, to).await.map(drop),
            Self::Tcp(stream) => stream.send(datagram.as_slice()).await,
        }
    }
}

impl Connection {
    pub(crate) fn new(rtc: Rtc, socket: Socket, reels: Vec<Reel>, answers: bool) -> Self {
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
    pub(crate) async fn run(
        mut self,
        mut steps: mpsc::UnboundedReceiver<Step>,
        shared: Arc<Shared>,
    ) {
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
                    Ok((from, datagram)) => self.take(Way::ToPeer { from }, datagram),
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
    fn take(&mut self, way: Way, datagram: Vec<u8>) {
        let now = Instant::now();
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
                    self.take(Way::ToGateway { to }, transmit.contents.into());
                }
            }
        }
    }

    fn play(&mut self, now: Instant) {
        let mut reels = std::mem::take(&mut self.reels);
        for reel in &mut reels {
            while let Some(picture) = reel.next(now) {
                let last = picture.len() - 1;
                for (part, payload) in picture.into_iter().enumerate() {
                    self.write(reel, part == last, payload, now);
                }
                reel.time = reel.time.wrapping_add(reel.step);
            }
        }
        self.reels = reels;
    }

    fn write(&mut self, reel: &mut Reel, is_last: bool, payload: Vec<u8>, now: Instant) {
        let sequence = reel.sequence.into();
        let write = RtpWrite::new(reel.payload_type.into(), sequence, reel.time, now, payload);
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

    /// Sends a datagram of the test's own, from the peer's address.
    pub(crate) fn send(&mut self, to: SocketAddr, datagram: Vec<u8>) {
        self.outgoing.push((to, datagram));
    }

    /// A viewer asks for a keyframe.
    pub(crate) fn request_keyframe(&mut self, source: u32) {
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
                Event::RtpPacket(packet) => seen.packets.push(Arrived::new(packet, now)),
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
                Event::MediaEgressStats(stats) => seen.nacks = stats.nacks,
                Event::Closed
                | Event::IceConnectionStateChange(IceConnectionState::Disconnected) => {
                    seen.is_over = true;
                }
                _ => {}
            }
        }
        shared.changed.notify_waiters();
    }
}
