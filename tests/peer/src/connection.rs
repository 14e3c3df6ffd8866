//! A peer's connection, as its task drives it.

use std::io;
use std::net::SocketAddr;
use std::time::{Duration, Instant};
use std::vec::Drain;

use str0m::media::{KeyframeRequest, KeyframeRequestKind, Mid, Rid};
use str0m::net::Receive;
use str0m::rtp::RtpWrite;
use str0m::{Candidate, Event, Input, Output, Rtc};
use tokio::sync::mpsc;
use tokio::time::sleep_until;

use super::film::Label;
use super::link::{Link, Way};
use super::outbox::Outbox;
use super::reel::Reel;
use super::socket::{self, Arrival, Socket, since_epoch};

/// What is done to a connection from outside of its task.
pub type Step = Box<dyn FnOnce(&mut Connection) + Send>;

/// Packets that leave at once when there are so many, whatever else there is to do.
const BATCH: usize = 64;

/// Something has happened to a connection.
#[derive(Debug)]
pub struct News {
    pub event: Event,
    /// When the kernel had what it came of, since the epoch.
    pub arrived: Duration,
}

/// Whoever a connection tells.
pub trait Observer: Send + 'static {
    /// What has happened, in that order.
    fn told(&mut self, news: Drain<'_, News>, now: Instant);

    /// A picture is about to be sent, whose first packet has this number.
    fn sends(&mut self, _number: u64) {}

    /// All packets before this number have been sent.
    fn sent(&mut self, _number: u64) {}
}

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
    /// The address that the peer has for its own, where a NAT has given it another.
    inside: Option<SocketAddr>,
    outbox: Outbox,
    news: Vec<News>,
    /// Of what is taken in at present.
    arrived: Duration,
    /// Of the next packet of all reels together.
    number: u64,
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
            inside: None,
            outbox: Outbox::default(),
            news: Vec::new(),
            arrived: Duration::ZERO,
            number: 0,
            deadline: Instant::now(),
        }
    }

    /// Runs until there can be no more steps, and returns who was told.
    pub async fn run<O: Observer>(
        mut self,
        mut steps: mpsc::UnboundedReceiver<Step>,
        mut observer: O,
    ) -> O {
        self.tick(Instant::now());
        loop {
            self.socket.send(&mut self.outbox).await;
            let wake_at = self.wake_at();
            let mut is_changed = false;
            tokio::select! {
                step = steps.recv() => match step {
                    Some(step) => {
                        step(&mut self);
                        is_changed = true;
                    }
                    None => return observer,
                },
                arrival = self.socket.arrival(), if self.is_reading => {
                    self.is_reading = arrival.and_then(|arrival| self.receive(arrival)).is_ok();
                }
                () = sleep_until(wake_at.into()) => {}
            }
            let now = Instant::now();
            while let Some((way, datagram)) = self.link.arrived(now) {
                self.arrive(way, &datagram, now);
            }
            if self.rtc.is_connected() {
                self.play(now, &mut observer);
            }
            if is_changed || self.deadline <= now {
                self.tick(now);
            }
            self.tell(&mut observer, now);
        }
    }

    fn receive(&mut self, arrival: Arrival) -> io::Result<()> {
        match arrival {
            Arrival::Datagrams => socket::read(
                self,
                |connection| &connection.socket,
                |connection, datagram| {
                    connection.arrived = datagram.arrived;
                    let from = datagram.from;
                    connection.take(Way::ToPeer { from }, datagram.bytes, datagram.at);
                },
            ),
            Arrival::Frame(from, frame) => {
                self.arrived = since_epoch();
                self.take(Way::ToPeer { from }, &frame, Instant::now());
                Ok(())
            }
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
    fn take(&mut self, way: Way, datagram: &[u8], now: Instant) {
        if self.link.passes(way, datagram, now) {
            self.arrive(way, datagram, now);
        }
    }

    /// A datagram at the far end of the link.
    fn arrive(&mut self, way: Way, datagram: &[u8], now: Instant) {
        match way {
            Way::ToGateway { to } => self.outbox.push(to, datagram),
            Way::ToPeer { from } => {
                let (protocol, local) = (self.socket.protocol(), self.local());
                if let Ok(receive) = Receive::new(protocol, from, local, datagram) {
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
                Output::Event(event) => {
                    let arrived = self.arrived;
                    self.news.push(News { event, arrived });
                }
                Output::Transmit(transmit) => {
                    let to = transmit.destination;
                    let way = Way::ToGateway { to };
                    self.take(way, &transmit.contents, Instant::now());
                }
            }
        }
    }

    fn play(&mut self, now: Instant, observer: &mut impl Observer) {
        let mut reels = std::mem::take(&mut self.reels);
        for reel in &mut reels {
            while let Some((time, label, picture)) = reel.next(now) {
                if !reel.is_sound {
                    observer.sends(self.number);
                }
                for (part, payload) in (0..).zip(picture) {
                    self.write(reel, time, Label { part, ..label }, payload, now);
                }
                observer.sent(self.number);
            }
        }
        self.reels = reels;
    }

    fn write(
        &mut self,
        reel: &mut Reel,
        time: u32,
        label: Label,
        mut payload: Vec<u8>,
        now: Instant,
    ) {
        let label = Label {
            number: self.number,
            sent: since_epoch(),
            ..label
        };
        label.append_to(&mut payload);
        let sequence = reel.sequence.into();
        let captured = now - reel.encoding;
        let write = RtpWrite::new(reel.payload_type.into(), sequence, time, captured, payload);
        let write = write
            .marker(label.part + 1 == label.parts || reel.is_sound)
            .nackable(!reel.is_sound);
        let write = write.ext_vals(reel.extensions.clone());
        reel.sequence += 1;
        self.number += 1;
        self.send_rtp(reel.mid, reel.rid, write);
    }

    /// Sends a packet of a section that was negotiated.
    pub fn send_rtp(&mut self, mid: Mid, rid: Option<Rid>, packet: RtpWrite) {
        let mut api = self.rtc.direct_api();
        let stream = api.stream_tx_by_mid(mid, rid);
        stream.expect("it was negotiated").write_rtp(packet);
        self.drain();
        if self.outbox.len() >= BATCH {
            self.socket.try_send(&mut self.outbox);
        }
    }

    /// The address that it is at, as it thinks.
    pub fn local(&self) -> SocketAddr {
        self.inside.unwrap_or_else(|| self.socket.local())
    }

    /// What is sent comes from another socket from now on, and the peer does not know, as behind
    /// a NAT that gives it another port.
    pub fn appear_at(&mut self, socket: Socket) {
        self.inside = Some(self.local());
        self.socket = socket;
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
        self.outbox.push(to, &datagram);
    }

    /// A viewer asks for a keyframe.
    pub fn request_keyframe(&mut self, source: u32) {
        let mut api = self.rtc.direct_api();
        let stream = api.stream_rx(&source.into());
        let stream = stream.expect("packets of it have come");
        stream.request_keyframe(KeyframeRequestKind::Pli);
        self.drain();
    }

    fn tell(&mut self, observer: &mut impl Observer, now: Instant) {
        if self.news.is_empty() {
            return;
        }
        let mut news = std::mem::take(&mut self.news);
        for news in &news {
            if let Event::KeyframeRequest(request) = &news.event {
                self.answer(request);
            }
        }
        observer.told(news.drain(..), now);
        // Its memory serves the next time.
        self.news = news;
    }

    fn answer(&mut self, request: &KeyframeRequest) {
        let answers = self.answers;
        let asked =
            |reel: &&mut Reel| answers && reel.mid == request.mid && reel.rid == request.rid;
        let asked = self.reels.iter_mut().filter(asked);
        asked.for_each(Reel::want_keyframe);
    }
}
