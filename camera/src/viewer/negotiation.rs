//! What a viewer and the camera agree on: offer, answer and candidates.

use std::time::{Duration, Instant};

use gst::{glib, prelude::*};
use gst_webrtc::{
    WebRTCICEGatheringState, WebRTCRTPTransceiver, WebRTCRTPTransceiverDirection, WebRTCSDPType,
    WebRTCSessionDescription,
};
use sightline_spec::{
    candidate::Candidate,
    sdp::{Direction, Sdp},
    sdpfrag::SdpFrag,
};
use tokio::sync::watch;

use super::{Stage, Viewer, ViewerError};
use crate::{branch::Media, certificate::Certificate, encoder::Codec, ice};

/// Candidates that take longer than this to find are left out: a STUN server that does not answer
/// must not keep viewers waiting.
const GATHERING_LIMIT: Duration = Duration::from_secs(2);

impl Viewer {
    pub(super) async fn describe(&self) -> Result<String, ViewerError> {
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
        self.take_any_profile();
        let local: Option<WebRTCSessionDescription> = webrtc.property("local-description");
        let local = local.ok_or_else(|| ViewerError::Offer("it is not set".to_owned()))?;
        local
            .sdp()
            .as_text()
            .map_err(|error| ViewerError::Offer(error.to_string()))
    }

    /// The source may have another profile than the offer says, later: decoders do not mind, but
    /// webrtcbin would end the flow of packets, for all viewers.
    fn take_any_profile(&self) {
        self.webrtc.foreach_sink_pad(|_, pad| {
            let transceiver: Option<WebRTCRTPTransceiver> = pad.property("transceiver");
            let offered = transceiver.as_ref().and_then(|of| of.codec_preferences());
            if let (Some(transceiver), Some(mut taken)) = (transceiver, offered) {
                for codec in taken.make_mut().iter_mut() {
                    codec.remove_field("profile-level-id");
                }
                transceiver.set_codec_preferences(Some(&taken));
            }
            std::ops::ControlFlow::Continue(())
        });
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
        // Browsers are no lite agents (RFC 8445 section 2.5), and the relay is one.
        let mut session = answer.numbered_session_lines();
        if session.any(|(_, line)| line.trim_end() == "a=ice-lite") {
            self.branch.leads_to_relay();
        }
        self.codec = self.codec_taken_by(answer);
        // The encoder warms up while ICE and DTLS go their way.
        let watching = self.pipeline.watch(self.codec).await?;
        self.stage = Stage::Answered {
            expected: answer.fingerprints(),
            media: self.media_taken_by(answer),
            since: Instant::now(),
            _watching: watching,
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

    /// What the viewer named first, of what was offered, is what it prefers (RFC 3264 section 6.1).
    fn codec_taken_by(&self, answer: &Sdp) -> Codec {
        let sections = self.branch.media().zip(answer.media());
        let pictures = sections.filter(|(media, _)| *media == Media::Video);
        let payloads: Vec<_> = pictures
            .flat_map(|(_, section)| section.payloads())
            .collect();
        let names = payloads.iter().map(|payload| payload.encoding);
        let codec = self.pipeline.codec_among(names);
        codec.unwrap_or_else(|| self.pipeline.first_codec())
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
}

/// With a pad for each kind of media.
pub(super) fn build_webrtcbin(
    media: &[(Media, gst::Caps)],
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
        transceiver.set_codec_preferences(Some(caps));
        // Opus has its own remedy for a lost packet, and sound cannot wait for it.
        transceiver.set_property("do-nack", *media == Media::Video);
        pads.push((*media, sink));
    }
    Ok((webrtc, pads))
}
