//! One end of a WebRTC session, on a socket of its own.

use std::net::IpAddr;
use std::time::{Duration, Instant};

use anyhow::Context;
use mio::{Interest, Registry, Token};
use str0m::change::{SdpAnswer, SdpOffer, SdpPendingOffer};
use str0m::format::Codec;
use str0m::media::{Direction, MediaKind, Mid, Pt};
use str0m::net::{Protocol, Receive};
use str0m::rtp::RtpWrite;
use str0m::{Candidate, Event, Input, Output, Rtc, RtcConfig};

use super::socket::{Buffers, Outbox, Socket};

/// Constrained baseline, level 3.1: what every browser and camera has.
const H264_PROFILE: u32 = 0x42_e0_1f;

/// One end. After whatever is done to it, it has sent what there was to send.
pub(crate) struct Endpoint {
    rtc: Rtc,
    socket: Socket,
    outbox: Outbox,
    deadline: Instant,
}

/// An end whose offer has not been answered.
pub(crate) struct Offering {
    endpoint: Endpoint,
    pending: SdpPendingOffer,
    offer: SdpOffer,
    video: Mid,
    audio: Option<Mid>,
}

/// One packet to send.
pub(crate) struct Packet {
    pub(crate) media: Mid,
    pub(crate) payload_type: Pt,
    pub(crate) sequence: u64,
    pub(crate) time: u32,
    pub(crate) is_last_of_frame: bool,
    pub(crate) payload: Vec<u8>,
}

impl Offering {
    /// Offers H.264, and Opus if there is to be sound, on a free port of this address.
    pub(crate) fn new(
        address: IpAddr,
        direction: Direction,
        with_sound: bool,
    ) -> anyhow::Result<Self> {
        let mut endpoint = Endpoint::new(address)?;
        let mut changes = endpoint.rtc.sdp_api();
        let video = changes.add_media(MediaKind::Video, direction, None, None, None);
        let audio =
            with_sound.then(|| changes.add_media(MediaKind::Audio, direction, None, None, None));
        let (offer, pending) = changes.apply().context("nothing is offered")?;
        Ok(Self {
            endpoint,
            pending,
            offer,
            video,
            audio,
        })
    }

    /// See [`Socket::cut_up_runs`].
    pub(crate) fn cut_up_runs(&self) -> std::io::Result<()> {
        self.endpoint.socket.cut_up_runs()
    }

    /// What is to be POSTed.
    pub(crate) fn sdp(&self) -> String {
        self.offer.to_sdp_string()
    }

    /// The end that this answer completes, its video and its audio.
    pub(crate) fn answered(mut self, sdp: &str) -> anyhow::Result<(Endpoint, Mid, Option<Mid>)> {
        let answer = SdpAnswer::from_sdp_string(sdp)?;
        let api = self.endpoint.rtc.sdp_api();
        api.accept_answer(self.pending, answer)?;
        Ok((self.endpoint, self.video, self.audio))
    }
}

impl Endpoint {
    fn new(address: IpAddr) -> anyhow::Result<Self> {
        let mut config = RtcConfig::new().set_rtp_mode(true).clear_codecs();
        config = config.enable_opus(true, false);
        let codecs = config.codec_config();
        codecs.add_h264(96.into(), Some(97.into()), true, H264_PROFILE);
        let mut rtc = config.build(Instant::now());

        let socket = Socket::bind(address)?;
        rtc.add_local_candidate(Candidate::host(socket.local, "udp")?)
            .context("a candidate that cannot be used")?;
        Ok(Self {
            rtc,
            socket,
            outbox: Outbox::default(),
            deadline: Instant::now(),
        })
    }

    /// One that answers instead of offering, and its answer.
    #[cfg(test)]
    pub(crate) fn answering(address: IpAddr, offer: &str) -> anyhow::Result<(Self, String)> {
        let mut endpoint = Self::new(address)?;
        let offer = SdpOffer::from_sdp_string(offer)?;
        let answer = endpoint.rtc.sdp_api().accept_offer(offer)?;
        Ok((endpoint, answer.to_sdp_string()))
    }

    pub(crate) fn local_port(&self) -> u16 {
        self.socket.local.port()
    }

    /// When [`Endpoint::wake`] is due.
    pub(crate) fn deadline(&self) -> Instant {
        self.deadline
    }

    /// mio says with this token when [`Endpoint::receive`] is due.
    pub(crate) fn register(&mut self, registry: &Registry, token: Token) -> std::io::Result<()> {
        registry.register(&mut self.socket.io, token, Interest::READABLE)
    }

    /// The payload type that was agreed upon for this codec.
    pub(crate) fn payload_type(&self, media: Mid, codec: Codec) -> anyhow::Result<Pt> {
        let agreed = self.rtc.media(media).context("no such media")?.remote_pts();
        let params = self.rtc.codec_config().params();
        params
            .iter()
            .filter(|params| params.spec().codec == codec)
            .map(|params| params.pt())
            .find(|pt| agreed.contains(pt))
            .with_context(|| format!("the server does not take {codec:?}"))
    }

    /// Works off what has arrived; with each event comes when its packet arrived.
    pub(crate) fn receive(
        &mut self,
        now: Instant,
        buffers: &mut Buffers,
        mut on_event: impl FnMut(Event, Duration),
    ) -> anyhow::Result<()> {
        let Self {
            rtc,
            socket,
            outbox,
            deadline,
        } = self;
        socket.receive(buffers, |datagram| {
            let (from, arrived) = (datagram.from, datagram.arrived);
            let received = Receive::new(Protocol::Udp, from, socket.local, datagram.bytes);
            // What is no packet of WebRTC is nothing to us.
            let Ok(received) = received else {
                return Ok(());
            };
            rtc.handle_input(Input::Receive(now, received))?;
            let event = |event| on_event(event, arrived);
            *deadline = drain(rtc, socket, outbox, event)?;
            Ok(())
        })?;
        Ok(self.outbox.flush(&self.socket)?)
    }

    /// Does what is due at this time.
    pub(crate) fn wake(&mut self, now: Instant, on_event: impl FnMut(Event)) -> anyhow::Result<()> {
        self.rtc.handle_input(Input::Timeout(now))?;
        self.deadline = drain(&mut self.rtc, &self.socket, &mut self.outbox, on_event)?;
        Ok(self.outbox.flush(&self.socket)?)
    }

    /// Encrypts a packet, which leaves at the next [`Endpoint::wake`] if not earlier.
    pub(crate) fn write(
        &mut self,
        now: Instant,
        packet: Packet,
        on_event: impl FnMut(Event),
    ) -> anyhow::Result<()> {
        let mut api = self.rtc.direct_api();
        let stream = api.stream_tx_by_mid(packet.media, None);
        let stream = stream.context("nothing can be sent there")?;
        let write = RtpWrite::new(
            packet.payload_type,
            packet.sequence.into(),
            packet.time,
            now,
            packet.payload,
        );
        stream.write_rtp(write.marker(packet.is_last_of_frame).nackable(true));
        drain(&mut self.rtc, &self.socket, &mut self.outbox, on_event)?;
        Ok(())
    }
}

/// Takes everything out that came of one mutation, as str0m demands, and returns when to
/// come again.
fn drain(
    rtc: &mut Rtc,
    socket: &Socket,
    outbox: &mut Outbox,
    mut on_event: impl FnMut(Event),
) -> anyhow::Result<Instant> {
    loop {
        match rtc.poll_output()? {
            Output::Transmit(transmit) => {
                outbox.push(socket, &transmit.contents, transmit.destination)?;
            }
            Output::Event(event) => on_event(event),
            Output::Timeout(deadline) => return Ok(deadline),
        }
    }
}
