//! One viewer: a webrtcbin, with a queue for picture and one for sound, at the encoders' tees.

mod negotiation;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use gst::{glib, prelude::*};
use sightline_spec::{
    ice_server::IceServer,
    sdp::{Fingerprint, Sdp},
};
use tokio::sync::watch;

use crate::{
    branch::{Branch, Connection, Media},
    candidates::HeldBack,
    capture_time,
    certificate::{Certificate, fingerprint_of_pem},
    encoder::Codec,
    ice::{self, Heard},
    pipeline::{Pipeline, PipelineError, Watching},
};

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
    codec: Codec,
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
        let (webrtc, pads) = negotiation::build_webrtcbin(&pipeline.media(), certificate)?;
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
            codec: pipeline.first_codec(),
            stage: Stage::Offered,
        };
        let text = viewer.describe().await?;
        viewer.offer = Sdp::parse(&capture_time::announce_in(&certificate.announce_in(&text)))
            .map_err(|error| ViewerError::Offer(error.to_string()))?;
        Ok(viewer)
    }

    /// The offer to POST.
    pub fn sdp(&self) -> &Sdp {
        &self.offer
    }

    /// By which its pictures are sent, once it has answered.
    pub(crate) fn codec(&self) -> Codec {
        self.codec
    }

    /// How the connection stands, and every change of it.
    pub fn connection(&self) -> watch::Receiver<Connection> {
        self.branch.connection()
    }

    /// Tells it from the others, in the log.
    pub fn number(&self) -> u64 {
        self.branch.number()
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
            match self.pipeline.connect(&self.branch, media, self.codec) {
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

/// What stands in for an offer while there is none.
const EMPTY_SDP: &str = "v=0\r\no=- 0 0 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\n";
