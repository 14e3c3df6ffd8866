//! One viewer: a webrtcbin, with a queue for picture and one for sound, at the encoders' tees.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use gst::{glib, prelude::*};
use gst_webrtc::{
    WebRTCICEGatheringState, WebRTCRTPTransceiver, WebRTCRTPTransceiverDirection, WebRTCSDPType,
    WebRTCSessionDescription,
};
use sightline_spec::{
    candidate::Candidate,
    ice_server::IceServer,
    sdp::{Direction, Fingerprint, Sdp},
    sdpfrag::SdpFrag,
};
use tokio::sync::watch;

use crate::{
    branch::{Branch, Connection, Media},
    candidates::HeldBack,
    certificate::{Certificate, fingerprint_of_pem},
    ice::{self, Heard},
    pipeline::{Pipeline, PipelineError, Watching},
    stats::ViewerStats,
};

/// Candidates that take longer than this to find are left out: a STUN server that does not answer
/// must not keep viewers waiting.
const GATHERING_LIMIT: Duration = Duration::from_secs(2);

/// Why a viewer cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum ViewerError {
    /// GStreamer lacks an element.
    #[error(
        "GStreamer is incomplete: {0} (apt install gstreamer1.0-plugins-bad gstreamer1.0-nice)"
    )]
    Incomplete(#[from] glib::BoolError),
    /// webrtcbin would not make an offer.
    #[error("no offer could be made: {0}")]
    Offer(String),
    /// The peer sent what is no answer to the offer.
    #[error("the viewer's answer is not usable: {0}")]
    Answer(String),
    /// Whoever ended the handshake is not who the answer spoke of.
    #[error("the viewer's DTLS certificate is not the one its answer announced")]
    Certificate,
    /// The pipeline is broken.
    #[error(transparent)]
    Pipeline(#[from] PipelineError),
}

/// A viewer that is being waited for, or watches. Its branch goes when this is dropped.
#[derive(Debug)]
pub struct Viewer {
    branch: Arc<Branch>,
    webrtc: gst::Bin,
    heard: Heard,
    held_back: HeldBack,
    pipeline: Arc<Pipeline>,
    offer: Sdp,
    stage: Stage,
}

/// What has happened to the offer.
#[derive(Debug)]
enum Stage {
    /// Nobody has answered it.
    Offered,
    /// Somebody has, whose certificate must be one of these.
    Answered {
        expected: Vec<Fingerprint>,
        /// What it takes.
        media: Vec<Media>,
        since: Instant,
        _watching: Watching,
    },
    /// Packets flow through these pads of the tees.
    Live {
        taps: Vec<gst::Pad>,
        since: Instant,
        _watching: Watching,
    },
    /// Taken apart.
    Gone,
}

impl Viewer {
    /// Makes a branch and an offer with all its candidates.
    pub async fn offer(
        pipeline: &Arc<Pipeline>,
        certificate: &Certificate,
        ice_servers: &[IceServer],
    ) -> Result<Self, ViewerError> {
        let (webrtc, pads) = build_webrtcbin(&pipeline.media(), certificate)?;
        let heard = Heard::of(&webrtc);
        ice::use_servers(&webrtc, ice_servers);
        let branch = Arc::new(Branch::new(webrtc.clone().upcast(), pads)?);
        branch.report_connection_of(&webrtc);
        pipeline.adopt(&branch)?;
        // From here on dropping the viewer cleans up.
        let mut viewer = Self {
            branch,
            webrtc,
            heard,
            held_back: HeldBack::default(),
            pipeline: pipeline.clone(),
            offer: Sdp::parse(EMPTY_SDP).map_err(|error| ViewerError::Offer(error.to_string()))?,
            stage: Stage::Offered,
        };
        let text = viewer.describe().await?;
        viewer.offer = Sdp::parse(&certificate.announce_in(&text))
            .map_err(|error| ViewerError::Offer(error.to_string()))?;
        Ok(viewer)
    }

    /// The offer to POST.
    pub fn sdp(&self) -> &Sdp {
        &self.offer
    }

    async fn describe(&self) -> Result<String, ViewerError> {
        let webrtc = &self.webrtc;
        let (promise, reply) = gst::Promise::new_future();
        webrtc.emit_by_name::<()>("create-offer", &[&None::<gst::Structure>, &promise]);
        let reply = reply
            .await
            .map_err(|error| ViewerError::Offer(format!("{error:?}")))?;
        let offer = reply
            .and_then(|reply| reply.get::<WebRTCSessionDescription>("offer").ok())
            .ok_or_else(|| ViewerError::Offer("webrtcbin has none".to_owned()))?;
        let gathered = self.gathered();
        webrtc.emit_by_name::<()>("set-local-description", &[&offer, &None::<gst::Promise>]);
        if tokio::time::timeout(GATHERING_LIMIT, gathered)
            .await
            .is_err()
        {
            tracing::debug!("not all candidates were found in time: is a STUN server silent?");
        }
        let local: Option<WebRTCSessionDescription> = webrtc.property("local-description");
        let local = local.ok_or_else(|| ViewerError::Offer("it is not set".to_owned()))?;
        local
            .sdp()
            .as_text()
            .map_err(|error| ViewerError::Offer(error.to_string()))
    }

    /// Waits until all candidates are in the local description.
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

    /// Takes the viewer's answer; connecting begins.
    pub async fn answer(&mut self, answer: &Sdp) -> Result<(), ViewerError> {
        let refused = |error: String| ViewerError::Answer(error);
        if answer.active_media().next().is_none() {
            return Err(refused("it takes no media".to_owned()));
        }
        let text = self.held_back.take_from(answer);
        let message = gst_sdp::SDPMessage::parse_buffer(text.as_bytes())
            .map_err(|error| refused(error.to_string()))?;
        let description = WebRTCSessionDescription::new(WebRTCSDPType::Answer, message);
        let (promise, reply) = gst::Promise::new_future();
        self.webrtc
            .emit_by_name::<()>("set-remote-description", &[&description, &promise]);
        let reply = reply.await.map_err(|error| refused(format!("{error:?}")))?;
        if let Some(error) = reply.and_then(|reply| reply.get::<glib::Error>("error").ok()) {
            return Err(refused(error.to_string()));
        }
        self.stage = Stage::Answered {
            expected: answer.fingerprints(),
            media: self.media_taken_by(answer),
            since: Instant::now(),
            // The encoder warms up while ICE and DTLS go their way.
            _watching: self.pipeline.watch(),
        };
        Ok(())
    }

    /// Sections are answered in the order in which they were offered (RFC 3264 section 6).
    fn media_taken_by(&self, answer: &Sdp) -> Vec<Media> {
        let sections = self.branch.media().zip(answer.media());
        let taken = sections.filter(|(_, section)| {
            !section.is_rejected() && section.direction() != Direction::Inactive
        });
        taken.map(|(media, _)| media).collect()
    }

    /// Adds candidates that came after the answer.
    pub fn add_candidates(&mut self, fragment: &SdpFrag) {
        for (mid, candidate) in fragment.candidates() {
            let section = mid.and_then(|mid| self.offer.media().position(|m| m.mid() == Some(mid)));
            let section = section.unwrap_or(0);
            if let Some(candidate) = self.held_back.filter(section, candidate) {
                self.add_candidate(section, &candidate);
            }
        }
    }

    /// Adds the candidates that were held back, when the viewer's own checks did not suffice.
    pub fn add_held_candidates(&mut self) {
        for (section, candidate) in self.held_back.release() {
            self.add_candidate(section, &candidate);
        }
    }

    fn add_candidate(&self, section: usize, candidate: &Candidate) {
        let index = u32::try_from(section).unwrap_or(0);
        self.webrtc
            .emit_by_name::<()>("add-ice-candidate", &[&index, &candidate.to_string()]);
    }

    /// How the connection stands, and every change of it.
    pub fn connection(&self) -> watch::Receiver<Connection> {
        self.branch.connection()
    }

    /// How long ago it answered.
    pub fn age(&self) -> Duration {
        match &self.stage {
            Stage::Answered { since, .. } | Stage::Live { since, .. } => since.elapsed(),
            Stage::Offered | Stage::Gone => Duration::ZERO,
        }
    }

    /// For how long nothing has been heard of the viewer.
    pub fn silence(&self) -> Duration {
        self.heard.silence()
    }

    /// Sends pictures, to whoever the answer announced and nobody else. Once connected.
    pub fn go_live(&mut self) -> Result<(), ViewerError> {
        let stage = std::mem::replace(&mut self.stage, Stage::Gone);
        let Stage::Answered {
            expected,
            media,
            since,
            _watching,
        } = stage
        else {
            self.stage = stage;
            return Ok(());
        };
        // webrtcbin 1.22 accepts any certificate; RFC 8827 section 6.5 says the fingerprint MUST
        // match.
        let peer = ice::peer_certificate(&self.webrtc);
        let peer = peer.as_deref().and_then(fingerprint_of_pem);
        if !peer.is_some_and(|peer| expected.contains(&peer)) {
            return Err(ViewerError::Certificate);
        }
        let mut taps = Vec::new();
        for media in media {
            match self.pipeline.connect(&self.branch, media) {
                Ok(tap) => taps.push(tap),
                Err(error) => {
                    taps.iter().for_each(|tap| self.pipeline.disconnect(tap));
                    return Err(error.into());
                }
            }
        }
        self.stage = Stage::Live {
            taps,
            since,
            _watching,
        };
        Ok(())
    }

    /// Bytes, round trip and loss, as far as known.
    pub async fn stats(&self) -> ViewerStats {
        let (promise, reply) = gst::Promise::new_future();
        self.webrtc
            .emit_by_name::<()>("get-stats", &[&None::<gst::Pad>, &promise]);
        match reply.await {
            Ok(Some(reply)) => ViewerStats::read(&reply),
            _ => ViewerStats::default(),
        }
    }

    /// Ends the connection and waits until everything of it is gone.
    pub async fn close(mut self) {
        let dismantle = self.dismantle();
        let _ = tokio::task::spawn_blocking(dismantle).await;
    }

    fn dismantle(&mut self) -> impl FnOnce() + Send + use<> {
        let stage = std::mem::replace(&mut self.stage, Stage::Gone);
        let (pipeline, branch) = (self.pipeline.clone(), self.branch.clone());
        move || {
            if let Stage::Live { taps, .. } = &stage {
                taps.iter().for_each(|tap| pipeline.disconnect(tap));
            }
            pipeline.release(&branch);
        }
    }
}

impl Drop for Viewer {
    fn drop(&mut self) {
        if !matches!(self.stage, Stage::Gone) {
            // Stopping joins threads, and a destructor may run on the executor.
            std::thread::spawn(self.dismantle());
        }
    }
}

/// With a pad for each kind of media.
fn build_webrtcbin(
    media: &[(Media, &gst::Caps)],
    certificate: &Certificate,
) -> Result<(gst::Bin, Vec<(Media, gst::Pad)>), glib::BoolError> {
    let webrtc = gst::ElementFactory::make("webrtcbin")
        .property_from_str("bundle-policy", "max-bundle")
        .build()?
        .downcast::<gst::Bin>()
        .map_err(|_| glib::bool_error!("webrtcbin is no bin"))?;
    certificate.present_on(&webrtc);
    ice::configure_agent(&webrtc);
    ice::report_capture_times(&webrtc);
    let mut pads = Vec::new();
    for (media, caps) in media {
        let sink = webrtc
            .request_pad_simple("sink_%u")
            .ok_or_else(|| glib::bool_error!("webrtcbin has no sink pad"))?;
        let transceiver: WebRTCRTPTransceiver = sink.property("transceiver");
        transceiver.set_direction(WebRTCRTPTransceiverDirection::Sendonly);
        transceiver.set_codec_preferences(Some(*caps));
        // Opus has its own remedy for a lost packet, and sound cannot wait for it.
        transceiver.set_property("do-nack", *media == Media::Video);
        pads.push((*media, sink));
    }
    Ok((webrtc, pads))
}

/// What stands in for an offer while there is none.
const EMPTY_SDP: &str = "v=0\r\no=- 0 0 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\n";
