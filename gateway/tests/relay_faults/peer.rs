//! A WebRTC peer on str0m that publishes or watches at a real gateway, over loopback.
//!
//! It runs by itself until it is dropped; a test looks at what it has seen, and can have
//! something odd done to its connection.

use std::collections::HashSet;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use str0m::change::{SdpAnswer, SdpPendingOffer};
use str0m::media::{Direction, MediaKind, Mid};
use str0m::net::{Protocol, Receive, TcpType};
use str0m::{Candidate, Event, Input, Output, Rtc};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

use crate::link::{Datagram, Link};
use crate::picture::{self, Picture};
use crate::rig::{DEADLINE, Rig, Session};

/// Datagrams that a peer keeps of those that it has sent.
const KEPT: usize = 400;

/// What a peer is to be.
pub(crate) struct Wanted {
    pub(crate) role: Role,
    pub(crate) over: Protocol,
    /// What becomes of its offer before it is POSTed.
    pub(crate) forge: fn(String) -> String,
}

#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Role {
    Publisher,
    Viewer,
}

impl Wanted {
    pub(crate) fn new(role: Role) -> Self {
        Self {
            role,
            over: Protocol::Udp,
            forge: |offer| offer,
        }
    }
}

/// What a peer knows of its connection.
#[derive(Clone, Default)]
pub(crate) struct Seen {
    pub(crate) is_connected: bool,
    /// Its own end of the connection says that it is over.
    pub(crate) is_over: bool,
    /// Media packets that arrived.
    pub(crate) packets: u64,
    /// Packets that had arrived before.
    pub(crate) repeated: u64,
    /// The first datagrams that it sent.
    pub(crate) sent: Vec<Vec<u8>>,
}

type Deed = Box<dyn FnOnce(&mut Rtc, &mut Picture) + Send>;

/// A peer whose offer has been answered, and which has sent nothing yet.
pub(crate) struct Offered {
    pub(crate) session: Session,
    rtc: Rtc,
    udp: Link,
    mid: Mid,
    pending: SdpPendingOffer,
    wanted: Wanted,
}

impl Offered {
    pub(crate) async fn post(rig: &Rig, wanted: Wanted) -> Self {
        let config = Rtc::builder().set_rtp_mode(true).clear_codecs();
        let mut rtc = config.enable_h264(true).build(Instant::now());
        let udp = Link::udp().await;
        rtc.add_local_candidate(Candidate::host(udp.local, "udp").unwrap());
        let (mid, offer, pending) = offer(&mut rtc, wanted.role);
        let session = rig.offer(wanted.role, (wanted.forge)(offer)).await;
        Self {
            session,
            rtc,
            udp,
            mid,
            pending,
            wanted,
        }
    }

    pub(crate) async fn connect(mut self) -> Peer {
        let answer = &self.session.answer;
        let link = match self.wanted.over {
            Protocol::Udp => self.udp,
            _ => {
                let tcp = Link::tcp(passive_candidate(answer)).await;
                let active = Candidate::builder().tcp().host(tcp.local);
                let active = active.tcptype(TcpType::Active).build().unwrap();
                self.rtc.add_local_candidate(active);
                tcp
            }
        };
        let answer = SdpAnswer::from_sdp_string(answer).unwrap();
        let accepted = self.rtc.sdp_api().accept_answer(self.pending, answer);
        accepted.unwrap();
        let picture = Picture::new(self.wanted.role, self.mid);
        Peer::run(self.rtc, picture, link, self.session)
    }
}

/// A running peer; dropping it ends it without a word.
pub(crate) struct Peer {
    pub(crate) session: Session,
    pub(crate) link: Arc<Link>,
    seen: watch::Receiver<Seen>,
    deeds: mpsc::UnboundedSender<Deed>,
    _running: JoinSet<()>,
}

impl Peer {
    pub(crate) async fn publishing(rig: &Rig) -> Self {
        Self::start(rig, Wanted::new(Role::Publisher)).await
    }

    pub(crate) async fn watching(rig: &Rig) -> Self {
        Self::start(rig, Wanted::new(Role::Viewer)).await
    }

    /// POSTs its offer and begins to connect.
    pub(crate) async fn start(rig: &Rig, wanted: Wanted) -> Self {
        Offered::post(rig, wanted).await.connect().await
    }

    fn run(rtc: Rtc, picture: Picture, link: Link, session: Session) -> Self {
        let link = Arc::new(link);
        let (seen_by_peer, seen) = watch::channel(Seen::default());
        let (deeds, to_do) = mpsc::unbounded_channel();
        let driver = Driver {
            rtc,
            picture,
            link: link.clone(),
            seen: seen_by_peer,
            arrived: HashSet::new(),
        };
        let mut running = JoinSet::new();
        running.spawn(driver.drive(to_do));
        Self {
            session,
            link,
            seen,
            deeds,
            _running: running,
        }
    }

    /// Does something to the connection.
    pub(crate) fn does(&self, deed: impl FnOnce(&mut Rtc, &mut Picture) + Send + 'static) {
        assert!(self.deeds.send(Box::new(deed)).is_ok(), "the peer runs");
    }

    pub(crate) fn seen(&self) -> Seen {
        self.seen.borrow().clone()
    }

    /// Waits until this holds.
    pub(crate) async fn sees(&self, what: &str, holds: impl FnMut(&Seen) -> bool) {
        let mut seen = self.seen.clone();
        let waiting = tokio::time::timeout(DEADLINE, seen.wait_for(holds)).await;
        assert!(matches!(waiting, Ok(Ok(_))), "not in time: {what}");
    }

    /// Waits for so many packets more.
    pub(crate) async fn sees_more(&self, packets: u64) {
        let enough = self.seen().packets + packets;
        self.sees("media flows", |seen| seen.packets >= enough)
            .await;
    }
}

fn offer(rtc: &mut Rtc, role: Role) -> (Mid, String, SdpPendingOffer) {
    let direction = match role {
        Role::Publisher => Direction::SendOnly,
        Role::Viewer => Direction::RecvOnly,
    };
    let mut changes = rtc.sdp_api();
    let mid = changes.add_media(MediaKind::Video, direction, None, None, None);
    let (offer, pending) = changes.apply().unwrap();
    (mid, offer.to_sdp_string(), pending)
}

/// Where the gateway accepts ICE-TCP (RFC 6544).
fn passive_candidate(answer: &str) -> SocketAddr {
    let tcp = |line: &&str| line.starts_with("a=candidate:") && line.contains("tcptype passive");
    let line = answer.lines().find(tcp).expect("a TCP candidate");
    let words: Vec<&str> = line.split(' ').collect();
    format!("{}:{}", words[4], words[5]).parse().unwrap()
}

struct Driver {
    rtc: Rtc,
    picture: Picture,
    link: Arc<Link>,
    seen: watch::Sender<Seen>,
    arrived: HashSet<u64>,
}

impl Driver {
    async fn drive(mut self, mut deeds: mpsc::UnboundedReceiver<Deed>) {
        let mut pictures = tokio::time::interval(Duration::from_millis(33));
        while let Some(until) = self.drain().await {
            tokio::select! {
                Some(datagram) = self.link.received() => self.take(&datagram),
                () = tokio::time::sleep_until(until.into()) => {}
                _ = pictures.tick() => self.picture.send(&mut self.rtc),
                Some(deed) = deeds.recv() => deed(&mut self.rtc, &mut self.picture),
            }
            if self
                .rtc
                .handle_input(Input::Timeout(Instant::now()))
                .is_err()
            {
                break;
            }
        }
        self.seen.send_modify(|seen| seen.is_over = true);
    }

    fn take(&mut self, Datagram { from, bytes }: &Datagram) {
        let (proto, local) = (self.link.proto, self.link.local);
        // What cannot be read is not for us.
        let Ok(receive) = Receive::new(proto, *from, local, bytes) else {
            return;
        };
        let input = Input::Receive(Instant::now(), receive);
        let _ = self.rtc.handle_input(input);
    }

    /// Until when nothing is to be done; nothing if the connection is over.
    async fn drain(&mut self) -> Option<Instant> {
        loop {
            match self.rtc.poll_output() {
                Ok(Output::Timeout(until)) => return self.rtc.is_alive().then_some(until),
                Ok(Output::Transmit(transmit)) => {
                    let bytes = transmit.contents.to_vec();
                    self.link.send(transmit.destination, &bytes).await;
                    self.seen.send_if_modified(|seen| {
                        let has_room = seen.sent.len() < KEPT;
                        if has_room {
                            seen.sent.push(bytes);
                        }
                        has_room
                    });
                }
                Ok(Output::Event(event)) => self.hear(event),
                Err(_) => return None,
            }
        }
    }

    fn hear(&mut self, event: Event) {
        match event {
            Event::Connected => {
                self.picture.is_connected = true;
                self.seen.send_modify(|seen| seen.is_connected = true);
            }
            Event::KeyframeRequest(_) => self.picture.begin_anew(),
            Event::RtpPacket(packet) => {
                let number = picture::number(&packet.payload);
                let is_new = number.is_none_or(|number| self.arrived.insert(number));
                self.seen.send_modify(|seen| {
                    seen.packets += u64::from(is_new);
                    seen.repeated += u64::from(!is_new);
                });
            }
            _ => {}
        }
    }
}
