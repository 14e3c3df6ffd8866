//! A publisher or a viewer: str0m on a socket of its own, in a task of the test.
//!
//! Dropping a [`Peer`] is how a peer vanishes: its socket is gone and nothing is said.
#![expect(clippy::unwrap_used, reason = "an unwrap in a test is an assertion")]
#![expect(missing_docs, reason = "most fields say it by their names")]

mod connection;
pub mod film;
pub mod link;
mod reel;
pub mod seen;
pub mod signaling;
mod socket;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use str0m::change::{SdpAnswer, SdpPendingOffer};
use str0m::format::{Codec, FormatParams};
use str0m::media::{Direction, Frequency, MediaKind, Mid, Simulcast, SimulcastLayer};
use str0m::net::TcpType;
use str0m::rtp::ExtensionMap;
use str0m::{Candidate, Rtc};
use tokio::net::TcpStream;
use tokio::sync::{Notify, mpsc, oneshot};
use tokio::time::timeout;

pub use connection::Connection;
use film::Shape;
pub use reel::Reel;
pub use seen::Seen;
pub use signaling::{Fields, Http, Refusal, Session};
use socket::Socket;

/// Nothing that works takes longer, not even on a busy machine.
pub const LONG: Duration = Duration::from_secs(30);

/// How a peer is set up before it makes its offer.
#[derive(Debug, Clone)]
pub struct Setup {
    path: &'static str,
    direction: Direction,
    /// In its order of preference: what, payload type, that of retransmissions.
    pub formats: Vec<(Shape, u8, Option<u8>)>,
    /// What a publisher sends, one for each layer, and its sound.
    pub reels: Vec<Reel>,
    pub extensions: ExtensionMap,
    pub fields: Fields,
    pub address: IpAddr,
    pub by_tcp: bool,
    /// Whether keyframe requests are answered.
    pub answers: bool,
    /// Marks what this publisher sends.
    pub author: u8,
}

/// A peer whose offer has not been answered yet.
pub struct Offering {
    setup: Setup,
    rtc: Rtc,
    pending: SdpPendingOffer,
    pub sdp: String,
    socket: Option<Socket>,
    video: Option<Mid>,
    audio: Option<Mid>,
}

/// A peer of the relay.
pub struct Peer {
    pub session: Session,
    steps: mpsc::UnboundedSender<Step>,
    shared: Arc<Shared>,
}

/// What is done to a connection by its test.
pub type Step = Box<dyn FnOnce(&mut Connection) + Send>;

/// What a peer's task and its test have in common.
#[derive(Default)]
pub struct Shared {
    /// Guards what was seen; held for a look.
    pub seen: Mutex<Seen>,
    pub changed: Notify,
}

impl Setup {
    /// 30 pictures per second of H.264, two packets each, a keyframe every two seconds and
    /// when asked; no sound.
    pub fn publisher() -> Self {
        Self {
            path: "whip",
            direction: Direction::SendOnly,
            formats: vec![(Shape::H264, 96, Some(97))],
            reels: vec![Reel::default()],
            extensions: ExtensionMap::standard(),
            fields: Fields::default(),
            address: Ipv4Addr::LOCALHOST.into(),
            by_tcp: false,
            answers: true,
            author: 0,
        }
    }

    /// One that takes H.264 and Opus, by other numbers than [`Setup::publisher`] has.
    pub fn viewer() -> Self {
        Self {
            path: "whep",
            direction: Direction::RecvOnly,
            formats: vec![(Shape::H264, 102, Some(103)), (Shape::Opus, 111, None)],
            reels: Vec::new(),
            ..Self::publisher()
        }
    }

    /// A publisher with these layers, the best first: rid and packets per picture.
    pub fn with_layers(mut self, layers: &[(&'static str, u16)]) -> Self {
        let reels = (0..).zip(layers).map(|(layer, (rid, parts))| Reel {
            rid: Some((*rid).into()),
            layer,
            parts: *parts,
            ..Reel::default()
        });
        self.reels = reels.collect();
        self
    }

    /// A publisher that has sound as well.
    pub fn with_sound(mut self) -> Self {
        self.formats.push((Shape::Opus, 111, None));
        self.reels.push(Reel::sound());
        self
    }

    /// Makes an offer.
    pub async fn offer(self) -> Offering {
        let provider = Arc::new(str0m::crypto::from_feature_flags());
        let builder = Rtc::builder().set_crypto_provider(provider);
        let mut config = builder
            .set_rtp_mode(true)
            .set_stats_interval(Some(Duration::from_millis(100)))
            .enable_raw_packets(true)
            .set_extension_map(self.extensions.clone())
            .clear_codecs();
        for (shape, number, rtx) in &self.formats {
            let (codec, parameters) = described(*shape);
            let (frequency, channels) = match shape.is_video() {
                true => (Frequency::NINETY_KHZ, None),
                false => (Frequency::FORTY_EIGHT_KHZ, Some(2)),
            };
            let parameters = FormatParams::parse_line(parameters);
            let (number, rtx) = ((*number).into(), rtx.map(Into::into));
            let codecs = config.codec_config();
            codecs.add_config(number, rtx, codec, frequency, channels, parameters);
        }
        let mut rtc = config.build(Instant::now());
        let socket = match self.by_tcp {
            true => None,
            false => Some(Socket::udp(self.address).await),
        };
        if let Some(socket) = &socket {
            let local = socket.local();
            rtc.add_local_candidate(Candidate::host(local, "udp").unwrap());
        }
        let mut changes = rtc.sdp_api();
        let mut add = |kind: MediaKind| {
            let is_video = kind == MediaKind::Video;
            let has = self
                .formats
                .iter()
                .any(|(shape, ..)| shape.is_video() == is_video);
            let simulcast = self.simulcast().filter(|_| is_video);
            has.then(|| changes.add_media(kind, self.direction, None, None, simulcast))
        };
        let (video, audio) = (add(MediaKind::Video), add(MediaKind::Audio));
        let (offer, pending) = changes.apply().unwrap();
        let sdp = offer.to_sdp_string();
        Offering {
            setup: self,
            rtc,
            pending,
            sdp,
            socket,
            video,
            audio,
        }
    }

    /// Offers, and goes on with the answer; or what the gateway said instead.
    pub async fn try_open(self, http: &Http, room: &str) -> Result<Peer, Refusal> {
        let path = format!("/{}/{room}", self.path);
        let offering = self.offer().await;
        let fields = &offering.setup.fields;
        let session = http.offer(&path, offering.sdp.clone(), fields).await?;
        Ok(offering.answered(session).await)
    }

    /// Offers, and goes on with the answer.
    pub async fn open(self, http: &Http, room: &str) -> Peer {
        self.try_open(http, room).await.unwrap()
    }

    fn simulcast(&self) -> Option<Simulcast> {
        let mut simulcast = Simulcast::new();
        for rid in self.reels.iter().filter_map(|reel| reel.rid) {
            simulcast.add_send_layer(SimulcastLayer::new(&rid));
        }
        (!simulcast.send.is_empty()).then_some(simulcast)
    }
}

impl Offering {
    /// Takes the answer of this session, and runs from now on.
    pub async fn answered(mut self, session: Session) -> Peer {
        let answer = SdpAnswer::from_sdp_string(&session.answer).unwrap();
        self.rtc
            .sdp_api()
            .accept_answer(self.pending, answer)
            .unwrap();
        let socket = match self.socket {
            Some(socket) => socket,
            None => {
                let remote = tcp_candidate(&session.answer);
                let stream = TcpStream::connect(remote).await.unwrap();
                let local = stream.local_addr().unwrap();
                let candidate = Candidate::builder().tcp().host(local);
                let candidate = candidate.tcptype(TcpType::Active).build().unwrap();
                self.rtc.add_local_candidate(candidate);
                Socket::tcp(stream)
            }
        };
        let mut reels = self.setup.reels;
        for reel in &mut reels {
            let (shape, number, _) = match reel.is_sound {
                true => self.setup.formats.last().copied().unwrap(),
                false => self.setup.formats[0],
            };
            let mid = if reel.is_sound {
                self.audio
            } else {
                self.video
            };
            reel.cast(self.setup.author, shape, number, mid.unwrap());
        }
        let shared = Arc::new(Shared::default());
        let (steps, taken) = mpsc::unbounded_channel();
        let connection = Connection::new(self.rtc, socket, reels, self.setup.answers);
        // Ends when the peer, and with it `steps`, is dropped.
        tokio::spawn(connection.run(taken, shared.clone()));
        Peer {
            session,
            steps,
            shared,
        }
    }
}

impl Peer {
    /// Does something to the connection, and returns what came of it.
    pub async fn act<T: Send + 'static>(
        &self,
        step: impl FnOnce(&mut Connection) -> T + Send + 'static,
    ) -> T {
        let (done, outcome) = oneshot::channel();
        let step: Step = Box::new(|connection| drop(done.send(step(connection))));
        let _ = self.steps.send(step);
        outcome
            .await
            .expect("the connection runs as long as its peer is there")
    }

    /// Goes on from another port of the same address, as behind another NAT.
    pub async fn move_to_another_port(&self) {
        let local = self.act(|connection| connection.local()).await;
        let socket = Socket::udp(local.ip()).await;
        self.act(move |connection| connection.move_to(socket)).await;
    }

    /// Looks at what has been seen so far.
    pub fn seen<T>(&self, look: impl FnOnce(&Seen) -> T) -> T {
        look(&self.shared.seen.lock().unwrap())
    }

    /// Waits until what has been seen is as described, and returns what `look` makes of it.
    pub async fn until<T>(&self, what: &str, mut look: impl FnMut(&Seen) -> Option<T>) -> T {
        let waiting = async {
            loop {
                let changed = self.shared.changed.notified();
                if let Some(found) = self.seen(&mut look) {
                    return found;
                }
                changed.await;
            }
        };
        let waited = timeout(LONG, waiting).await;
        waited.unwrap_or_else(|_| panic!("not in time: {what}\n{}", self.seen(Seen::summary)))
    }

    /// Waits until ICE and DTLS are done.
    pub async fn connected(&self) -> Instant {
        self.until("a connection", |seen| seen.connected).await
    }

    /// Sends no more pictures. Returns when the last one went.
    pub async fn pause(&self) -> Instant {
        self.act(|connection| {
            connection.reels[0].is_running = false;
            connection.reels[0].given
        })
        .await
    }

    /// Sends pictures again.
    pub async fn resume(&self) {
        self.act(|connection| connection.reels[0].is_running = true)
            .await;
    }

    /// Waits until this picture has come, for as long as others do.
    pub async fn until_picture(&self, picture: u32) {
        let mut packets = 0;
        while !self.seen(|seen| seen.has_reached(picture)) {
            let more = |seen: &Seen| Some(seen.packets.len()).filter(|count| *count > packets);
            packets = self.until("a later picture", more).await;
        }
    }

    /// Waits until so many more packets of video than now have arrived.
    pub async fn more_video(&self, count: usize) {
        let goal = self.seen(|seen| seen.video().count()) + count;
        let has = |seen: &Seen| (seen.video().count() >= goal).then_some(());
        self.until("more video", has).await;
    }
}

/// What str0m calls it, and the parameters that go with it.
fn described(shape: Shape) -> (Codec, &'static str) {
    match shape {
        Shape::H264 => (
            Codec::H264,
            "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f",
        ),
        Shape::H265 => (Codec::H265, "profile-id=1;tier-flag=0;level-id=93"),
        Shape::Vp8 => (Codec::Vp8, ""),
        Shape::Vp9 => (Codec::Vp9, "profile-id=0"),
        Shape::Av1 => (Codec::Av1, "profile=0;level-idx=5;tier=0"),
        Shape::Opus => (Codec::Opus, "minptime=10;useinbandfec=1"),
    }
}

/// `a=candidate:… 1 tcp PRIORITY ADDRESS PORT typ host tcptype passive`
pub fn tcp_candidate(answer: &str) -> SocketAddr {
    let candidate = answer.lines().find_map(|line| {
        let words: Vec<&str> = line.split(' ').collect();
        let [_, _, protocol, _, address, port, ..] = *words else {
            return None;
        };
        let is_tcp = line.starts_with("a=candidate:") && protocol.eq_ignore_ascii_case("tcp");
        is_tcp.then(|| Some(SocketAddr::new(address.parse().ok()?, port.parse().ok()?)))?
    });
    candidate.expect("the answer has a TCP candidate")
}
