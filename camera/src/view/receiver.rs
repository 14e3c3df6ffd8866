//! A webrtcbin that takes what a camera or a relay sends, as it was encoded.
//!
//! ```text
//! webrtcbin ─▶ depayloader ─▶ parser ─▶ appsink      (picture, and the same for sound)
//! ```
//!
//! Nothing comes out before the certificate of the other end has been found to be the announced one.

use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};

use gst::{glib, prelude::*};
use gst_webrtc::{
    WebRTCICEGatheringState, WebRTCKind, WebRTCRTPTransceiver, WebRTCRTPTransceiverDirection,
    WebRTCSDPType, WebRTCSessionDescription,
};
use sightline_spec::{
    candidate::Candidate,
    ice_server::IceServer,
    sdp::{Fingerprint, Sdp},
    sdpfrag::{MediaSection, SdpFrag, Section},
};
use tokio::sync::{mpsc, watch};

use super::{
    codecs::{Codecs, NoCodec},
    output::{Output, Packet},
    timeline::Timeline,
};
use crate::{
    branch::{Connection, Media},
    candidates::HeldBack,
    certificate::{Certificate, fingerprint_of_pem},
    ice,
};

/// How long an answer waits for candidates to travel with it. Those of this machine are there at
/// once; what a STUN server says follows by PATCH.
const GATHERING: Duration = Duration::from_millis(250);

/// Why nothing can be received.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReceiverError {
    /// GStreamer lacks an element.
    #[error(
        "GStreamer is incomplete: {0} (apt install gstreamer1.0-plugins-bad gstreamer1.0-nice)"
    )]
    Incomplete(#[from] glib::BoolError),
    /// The pipeline does not start.
    #[error("the pipeline does not start: {0}")]
    Start(#[from] gst::StateChangeError),
    /// webrtcbin does not take part.
    #[error("no connection can be negotiated: {0}")]
    Negotiation(String),
    /// Nothing that is sent can be used.
    #[error(transparent)]
    NoCodec(#[from] NoCodec),
}

/// One connection. What is in it goes when it is dropped.
#[derive(Debug)]
pub(crate) struct Receiver {
    pipeline: gst::Pipeline,
    webrtc: gst::Bin,
    certificate: Certificate,
    codecs: Codecs,
    expected: Arc<OnceLock<Vec<Fingerprint>>>,
    connection: watch::Receiver<Connection>,
    candidates: mpsc::UnboundedReceiver<(u32, String)>,
    remote: HeldBack,
    local: Option<Sdp>,
    other: Option<Sdp>,
}

impl Receiver {
    /// One that gives what comes to this output.
    pub(crate) fn new(
        output: &Arc<Output>,
        timeline: &Timeline,
        certificate: &Certificate,
    ) -> Result<Self, ReceiverError> {
        let pipeline = gst::Pipeline::new();
        timeline.keep(&pipeline);
        let webrtc = gst::ElementFactory::make("webrtcbin")
            .property_from_str("bundle-policy", "max-bundle")
            .property("latency", output.jitter_buffer().mseconds() as u32)
            .build()?
            .downcast::<gst::Bin>()
            .map_err(|_| glib::bool_error!("webrtcbin is no bin"))?;
        certificate.present_on(&webrtc);
        ice::configure_agent(&webrtc);
        ice::report_often(&webrtc);
        pipeline.add(&webrtc)?;
        let (connection, watched) = watch::channel(Connection::Connecting);
        let expected = Arc::new(OnceLock::new());
        report(&pipeline, &webrtc, connection.clone());
        take_media(&pipeline, &webrtc, output, (&expected, connection));
        let candidates = local_candidates(&webrtc);
        pipeline.set_state(gst::State::Playing)?;
        Ok(Self {
            pipeline,
            webrtc,
            certificate: certificate.clone(),
            codecs: output.codecs().clone(),
            expected,
            connection: watched,
            candidates,
            remote: HeldBack::default(),
            local: None,
            other: None,
        })
    }

    /// How the connection stands, and every change of it.
    pub(crate) fn connection(&self) -> watch::Receiver<Connection> {
        self.connection.clone()
    }

    /// Whether a picture is to be expected, or sound alone.
    pub(crate) fn has_picture(&self) -> bool {
        let mut sections = self.other.iter().flat_map(Sdp::active_media);
        sections.any(|section| section.kind() == "video" && section.direction().sends())
    }

    /// Uses these STUN and TURN servers. Before there is a local description.
    pub(crate) fn use_servers(&self, servers: &[IceServer]) {
        ice::use_servers(&self.webrtc, servers);
    }

    /// An offer to receive all that can be taken. Gathering begins when it is answered.
    pub(crate) async fn offer(&mut self) -> Result<Sdp, ReceiverError> {
        for media in [Media::Video, Media::Audio] {
            let Some(caps) = self.codecs.rtp_caps(media) else {
                continue;
            };
            let direction = WebRTCRTPTransceiverDirection::Recvonly;
            let transceiver: WebRTCRTPTransceiver = self
                .webrtc
                .emit_by_name("add-transceiver", &[&direction, &caps]);
            transceiver.set_property("do-nack", media == Media::Video);
        }
        let offer = self.create("offer").await?;
        let text = as_text(&offer)?;
        parsed(&self.certificate.announce_in(&text))
    }

    /// Takes the answer to the offer; connecting begins.
    pub(crate) async fn accept(&mut self, offer: &Sdp, answer: &Sdp) -> Result<(), ReceiverError> {
        let mine = description(WebRTCSDPType::Offer, offer.as_str())?;
        self.set("set-local-description", &mine).await?;
        self.local = Some(offer.clone());
        self.expect(answer);
        let text = self.remote.take_from(answer);
        self.set_remote(WebRTCSDPType::Answer, &text).await
    }

    /// Takes a camera's offer, and answers it with the candidates that are there soon.
    pub(crate) async fn answer(&mut self, offer: &Sdp) -> Result<Sdp, ReceiverError> {
        self.expect(offer);
        // A camera waits for our checks of its host candidates.
        let _ = self.remote.release();
        let text = self.remote.take_from(&parsed(&self.codecs.choose(offer)?)?);
        self.set_remote(WebRTCSDPType::Offer, &text).await?;
        let answer = self.create("answer").await?;
        let gathered = self.gathered();
        self.set("set-local-description", &answer).await?;
        let _ = tokio::time::timeout(GATHERING, gathered).await;
        let local: Option<WebRTCSessionDescription> = self.webrtc.property("local-description");
        let local = local.ok_or_else(|| ReceiverError::Negotiation("no answer".to_owned()))?;
        let text = self.certificate.announce_in(&as_text(&local)?);
        let local = parsed(&text)?;
        self.local = Some(local.clone());
        Ok(local)
    }

    /// The next of our own candidates that are not in the local description, as they are sent.
    pub(crate) async fn candidates(&mut self) -> Option<SdpFrag> {
        loop {
            let mut found = vec![self.candidates.recv().await?];
            while let Ok(more) = self.candidates.try_recv() {
                found.push(more);
            }
            let fragment = self.fragment(&found);
            if fragment.is_some() {
                return fragment;
            }
        }
    }

    /// Adds candidates of the other end.
    pub(crate) fn add_candidates(&mut self, fragment: &SdpFrag) {
        for (mid, candidate) in fragment.candidates() {
            let section = mid.and_then(|mid| self.section_of(mid)).unwrap_or(0);
            if let Some(candidate) = self.remote.filter(section, candidate) {
                let index = u32::try_from(section).unwrap_or(0);
                let candidate = candidate.to_string();
                self.webrtc
                    .emit_by_name::<()>("add-ice-candidate", &[&index, &candidate]);
            }
        }
    }

    /// Asks for a picture that needs no other; how often it is told is RTCP's to say (RFC 4585).
    pub(crate) fn want_keyframe(&self) {
        for pad in self.webrtc.src_pads() {
            let transceiver: WebRTCRTPTransceiver = pad.property("transceiver");
            if transceiver.property::<WebRTCKind>("kind") == WebRTCKind::Video {
                let request = gst_video::UpstreamForceKeyUnitEvent::builder().build();
                pad.send_event(request);
            }
        }
    }

    /// Ends the connection, with a goodbye by DTLS, and waits until everything of it is gone.
    pub(crate) async fn close(self) {
        let pipeline = self.pipeline.clone();
        let stop = move || pipeline.set_state(gst::State::Null);
        let _ = tokio::task::spawn_blocking(stop).await;
    }
}

impl Receiver {
    /// From now on only who has one of these certificates is listened to.
    fn expect(&mut self, other: &Sdp) {
        let _ = self.expected.set(other.fingerprints());
        self.other = Some(other.clone());
    }

    fn section_of(&self, mid: &str) -> Option<usize> {
        let mut sections = self.other.as_ref()?.media();
        sections.position(|section| section.mid() == Some(mid))
    }

    async fn set_remote(&self, kind: WebRTCSDPType, text: &str) -> Result<(), ReceiverError> {
        let remote = description(kind, text)?;
        self.set("set-remote-description", &remote).await
    }

    async fn set(
        &self,
        signal: &str,
        description: &WebRTCSessionDescription,
    ) -> Result<(), ReceiverError> {
        let (promise, reply) = gst::Promise::new_future();
        self.webrtc
            .emit_by_name::<()>(signal, &[description, &promise]);
        let reply = reply.await.map_err(negotiation)?;
        match reply.and_then(|reply| reply.get::<glib::Error>("error").ok()) {
            Some(error) => Err(ReceiverError::Negotiation(error.to_string())),
            None => Ok(()),
        }
    }

    /// An offer or an answer, as webrtcbin has it.
    async fn create(&self, what: &str) -> Result<WebRTCSessionDescription, ReceiverError> {
        let (promise, reply) = gst::Promise::new_future();
        let signal = format!("create-{what}");
        self.webrtc
            .emit_by_name::<()>(&signal, &[&None::<gst::Structure>, &promise]);
        let reply = reply.await.map_err(negotiation)?;
        let made = reply.and_then(|reply| reply.get::<WebRTCSessionDescription>(what).ok());
        made.ok_or_else(|| ReceiverError::Negotiation(format!("webrtcbin has no {what}")))
    }

    /// Waits until all candidates of ours are in the local description.
    fn gathered(&self) -> impl Future<Output = ()> + use<> {
        let (sender, mut receiver) = watch::channel(false);
        self.webrtc
            .connect_notify(Some("ice-gathering-state"), move |webrtc, _| {
                let state: WebRTCICEGatheringState = webrtc.property("ice-gathering-state");
                let _ = sender.send(state == WebRTCICEGatheringState::Complete);
            });
        async move {
            let _ = receiver.wait_for(|complete| *complete).await;
        }
    }

    /// Candidates as a PATCH sends them, but for those that the local description had.
    fn fragment(&self, found: &[(u32, String)]) -> Option<SdpFrag> {
        let local = self.local.as_ref()?;
        let candidates = found.iter().filter(|(_, text)| {
            let line = format!("a={text}");
            !local.as_str().lines().any(|known| known.trim_end() == line)
        });
        let candidates: Vec<Candidate> = candidates
            .filter_map(|(_, text)| text.parse().ok())
            .collect();
        if candidates.is_empty() {
            return None;
        }
        // All share the first section's transport.
        let first = local.active_media().next()?;
        let (_, m_line) = first.lines().next()?;
        let section = Section {
            mid: first.mid().map(str::to_owned),
            candidates,
            ..Section::default()
        };
        Some(SdpFrag {
            session: Section {
                credentials: first.ice_credentials(),
                ..Section::default()
            },
            media: vec![MediaSection {
                m_line: m_line.strip_prefix("m=")?.to_owned(),
                section,
            }],
        })
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        let pipeline = self.pipeline.clone();
        // Stopping joins threads, and a destructor may run on the executor.
        std::thread::spawn(move || pipeline.set_state(gst::State::Null));
    }
}

/// Tells of every change of the connection, until it is over.
fn report(pipeline: &gst::Pipeline, webrtc: &gst::Bin, to: watch::Sender<Connection>) {
    let failing = to.clone();
    webrtc.connect_notify(Some("connection-state"), move |webrtc, _| {
        if let Some(now) = Connection::of(webrtc) {
            tell(&to, now);
        }
    });
    if let Some(bus) = pipeline.bus() {
        bus.set_sync_handler(move |_, message| {
            if let gst::MessageView::Error(error) = message.view() {
                tracing::debug!(?error, "receiving");
                tell(&failing, Connection::Over(error.error().to_string()));
            }
            gst::BusSyncReply::Drop
        });
    }
}

fn tell(to: &watch::Sender<Connection>, now: Connection) {
    to.send_if_modified(|before| {
        let is_news = !matches!(before, Connection::Over(_)) && *before != now;
        if is_news {
            *before = now;
        }
        is_news
    });
}

fn local_candidates(webrtc: &gst::Bin) -> mpsc::UnboundedReceiver<(u32, String)> {
    // As many as this machine has addresses, twice or three times.
    let (sender, candidates) = mpsc::unbounded_channel();
    webrtc.connect("on-ice-candidate", false, move |values| {
        let section = values.get(1)?.get::<u32>().ok()?;
        let candidate = values.get(2)?.get::<String>().ok()?;
        let _ = sender.send((section, candidate));
        None
    });
    candidates
}

/// Gives what comes in to the output, if it comes from who was announced.
fn take_media(
    pipeline: &gst::Pipeline,
    webrtc: &gst::Bin,
    output: &Arc<Output>,
    (expected, connection): (&Arc<OnceLock<Vec<Fingerprint>>>, watch::Sender<Connection>),
) {
    let (pipeline, output) = (pipeline.downgrade(), output.clone());
    let expected = expected.clone();
    webrtc.connect_pad_added(move |webrtc, pad| {
        let Some(pipeline) = pipeline.upgrade() else {
            return;
        };
        if pad.direction() != gst::PadDirection::Src {
            return;
        }
        let Some(webrtc) = webrtc.downcast_ref::<gst::Bin>() else {
            return;
        };
        // webrtcbin 1.22 accepts any certificate; RFC 8827 section 6.5 says the fingerprint MUST
        // match. Where there is a packet, the handshake is over.
        let peer = ice::peer_certificate(webrtc);
        let peer = peer.as_deref().and_then(fingerprint_of_pem);
        let is_expected = |peer: &Fingerprint| expected.get().is_some_and(|it| it.contains(peer));
        if !peer.as_ref().is_some_and(is_expected) {
            let why = "the DTLS certificate of the other side is not the one it announced";
            return tell(&connection, Connection::Over(why.to_owned()));
        }
        if let Err(error) = depayload(&pipeline, pad, &output) {
            tell(&connection, Connection::Over(error.to_string()));
        }
    });
}

fn depayload(
    pipeline: &gst::Pipeline,
    pad: &gst::Pad,
    output: &Arc<Output>,
) -> Result<(), ReceiverError> {
    let caps = pad.current_caps();
    let encoding = caps.as_ref().and_then(|caps| {
        let structure = caps.structure(0)?;
        structure.get::<String>("encoding-name").ok()
    });
    let kind = encoding.as_deref().and_then(Codecs::named);
    let chain = kind.map_or("fakesink sync=false async=false".to_owned(), |kind| {
        format!(
            "queue max-size-time=0 ! {} ! appsink name=out sync=false async=false",
            kind.depayload
        )
    });
    let bin = gst::parse::bin_from_description(&chain, true)
        .map_err(|error| ReceiverError::Negotiation(error.to_string()))?;
    let out = bin
        .by_name("out")
        .map(|out| out.downcast::<gst_app::AppSink>());
    if let (Some(kind), Some(Ok(sink))) = (kind, out) {
        let output = output.clone();
        let callbacks = gst_app::AppSinkCallbacks::builder().new_sample(move |sink| {
            let sample = sink.pull_sample().map_err(|_| gst::FlowError::Eos)?;
            if let Some(packet) = Packet::of(kind, &sample) {
                output.take(packet);
            }
            Ok(gst::FlowSuccess::Ok)
        });
        sink.set_callbacks(callbacks.build());
    }
    pipeline.add(&bin)?;
    bin.sync_state_with_parent()?;
    let entrance = bin
        .static_pad("sink")
        .ok_or_else(|| glib::bool_error!("a chain without an entrance"))?;
    pad.link(&entrance)
        .map_err(|error| ReceiverError::Negotiation(error.to_string()))?;
    Ok(())
}

fn description(kind: WebRTCSDPType, text: &str) -> Result<WebRTCSessionDescription, ReceiverError> {
    let message = gst_sdp::SDPMessage::parse_buffer(text.as_bytes()).map_err(negotiation)?;
    Ok(WebRTCSessionDescription::new(kind, message))
}

fn as_text(description: &WebRTCSessionDescription) -> Result<String, ReceiverError> {
    description.sdp().as_text().map_err(negotiation)
}

fn parsed(text: &str) -> Result<Sdp, ReceiverError> {
    Sdp::parse(text).map_err(negotiation)
}

fn negotiation(error: impl std::fmt::Debug) -> ReceiverError {
    ReceiverError::Negotiation(format!("{error:?}"))
}
