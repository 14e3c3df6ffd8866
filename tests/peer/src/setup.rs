//! What a peer is, before it makes its offer.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use str0m::change::SdpOffer;
use str0m::crypto::dtls::DtlsCert;
use str0m::format::{Codec, FormatParams};
use str0m::media::{Direction, Frequency, MediaKind, Simulcast, SimulcastLayer};
use str0m::rtp::ExtensionMap;
use str0m::{Candidate, Rtc};

use crate::film::Shape;
use crate::socket::Socket;
use crate::{Connection, Fields, Http, Offering, Peer, Reel, Refusal};

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
    /// Whether RTCP and what was asked for again are told as well, which is work.
    pub tells_all: bool,
    /// What it proves who it is with; a new one if there is none.
    pub certificate: Option<DtlsCert>,
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
            tells_all: true,
            certificate: None,
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

    /// A publisher whose next connection can prove to be of the same one.
    pub fn with_certificate(mut self) -> Self {
        let dtls = str0m::crypto::from_feature_flags().dtls_provider;
        self.certificate = Some(dtls.generate_certificate().unwrap());
        self
    }

    /// Makes an offer.
    pub async fn offer(self) -> Offering {
        self.prepare()
    }

    /// The same, in the runtime that this is called in.
    pub fn prepare(self) -> Offering {
        let (mut rtc, socket) = self.build();
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

    /// Answers an offer instead of making one, as a server does.
    pub fn answer(self, offer: &str) -> (Connection, String) {
        let (mut rtc, socket) = self.build();
        let offer = SdpOffer::from_sdp_string(offer).unwrap();
        let answer = rtc.sdp_api().accept_offer(offer).unwrap();
        let connection = Connection::new(rtc, socket.unwrap(), Vec::new(), false);
        (connection, answer.to_sdp_string())
    }

    fn build(&self) -> (Rtc, Option<Socket>) {
        let provider = Arc::new(str0m::crypto::from_feature_flags());
        let builder = Rtc::builder().set_crypto_provider(provider);
        let every = Duration::from_millis(100);
        let mut config = builder
            .set_rtp_mode(true)
            .set_stats_interval(self.tells_all.then_some(every))
            .enable_raw_packets(self.tells_all)
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
        if let Some(certificate) = &self.certificate {
            config = config.set_dtls_cert(certificate.clone());
        }
        let mut rtc = config.build(Instant::now());
        let socket = (!self.by_tcp).then(|| Socket::udp(self.address).unwrap());
        if let Some(socket) = &socket {
            let local = socket.local();
            rtc.add_local_candidate(Candidate::host(local, "udp").unwrap());
        }
        (rtc, socket)
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
