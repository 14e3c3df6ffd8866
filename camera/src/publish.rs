//! The second way out: one session with any WHIP server, by GStreamer's `whipsink`.

use std::sync::Arc;

use gst::{glib, prelude::*};
use reqwest::Url;
use sightline_spec::ice_server::IceServer;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::{
    backoff::Backoff,
    branch::{Branch, Connection},
    complaint::Complaint,
    ice,
    option::Secret,
    pipeline::{Pipeline, PipelineError},
};

/// A session that lasted this long was a success; the next attempt follows soon.
const SUCCESS: std::time::Duration = std::time::Duration::from_secs(10);

/// Why publishing ended.
#[derive(Debug, thiserror::Error)]
enum PublishError {
    #[error("GStreamer is incomplete: {0}")]
    Incomplete(#[from] glib::BoolError),
    #[error(transparent)]
    Pipeline(#[from] PipelineError),
    #[error("publishing ended: {0}")]
    Over(String),
}

/// Where and how to publish.
#[derive(Debug)]
pub struct Publisher {
    /// The WHIP endpoint.
    pub endpoint: Url,
    /// For servers that ask for one.
    pub token: Option<Secret>,
    /// STUN and TURN servers.
    pub ice_servers: Vec<IceServer>,
    /// What to publish.
    pub pipeline: Arc<Pipeline>,
}

impl Publisher {
    /// Makes `whipsink` known to GStreamer; it is part of this program.
    pub fn register() -> Result<(), glib::BoolError> {
        gstwebrtchttp::plugin_register_static()
    }

    /// Publishes until told to stop, again and again.
    pub async fn run(self, stop: CancellationToken) {
        let mut backoff = Backoff::new();
        let mut complaint = Complaint::default();
        while !stop.is_cancelled() {
            let started = Instant::now();
            if let Err(error) = self.publish(&stop).await {
                complaint.raise(&error);
            }
            if started.elapsed() > SUCCESS {
                backoff.reset();
                complaint.settle();
            }
            tokio::select! {
                () = tokio::time::sleep(backoff.next()) => {}
                () = stop.cancelled() => {}
            }
        }
    }

    async fn publish(&self, stop: &CancellationToken) -> Result<(), PublishError> {
        let sink = self.build_sink()?;
        let mut pads = Vec::new();
        for (media, _) in self.pipeline.media() {
            let pad = sink.request_pad_simple("sink_%u");
            let none = || glib::bool_error!("whipsink has no pad left");
            pads.push((media, pad.ok_or_else(none)?));
        }
        let branch = Arc::new(Branch::new(sink.clone().upcast(), pads)?);
        if let Some(webrtcbin) = inner_webrtcbin(&sink) {
            branch.report_connection_of(&webrtcbin);
            ice::use_servers(&webrtcbin, &self.ice_servers);
            ice::report_capture_times(&webrtcbin);
        }
        let mut connection = branch.connection();
        let _watching = self.pipeline.watch();
        self.pipeline.adopt(&branch)?;
        // whipsink makes its offer from what flows, so the flow comes first.
        let mut taps = Vec::new();
        for media in branch.media() {
            taps.push(self.pipeline.connect(&branch, media)?);
        }
        let result = loop {
            tokio::select! {
                Ok(()) = connection.changed() => {
                    let now = connection.borrow_and_update().clone();
                    match now {
                        Connection::Connected => {
                            tracing::info!("publishing");
                            self.pipeline.force_keyframe();
                        }
                        Connection::Over(why) => break Err(PublishError::Over(why)),
                        Connection::Connecting | Connection::Disconnected => {}
                    }
                }
                () = stop.cancelled() => break Ok(()),
            }
        };
        let pipeline = self.pipeline.clone();
        // Stopping whipsink sends its DELETE.
        let dismantle = tokio::task::spawn_blocking(move || {
            taps.iter().for_each(|tap| pipeline.disconnect(tap));
            pipeline.release(&branch);
        });
        let _ = dismantle.await;
        result
    }

    fn build_sink(&self) -> Result<gst::Bin, glib::BoolError> {
        let sink = gst::ElementFactory::make("whipsink")
            .property("whip-endpoint", self.endpoint.as_str())
            .build()?;
        if let Some(token) = &self.token {
            sink.set_property("auth-token", token.expose());
        }
        sink.downcast::<gst::Bin>()
            .map_err(|_| glib::bool_error!("whipsink is no bin"))
    }
}

fn inner_webrtcbin(sink: &gst::Bin) -> Option<gst::Bin> {
    let mut inner = sink.iterate_all_by_element_factory_name("webrtcbin");
    inner.next().ok().flatten()?.downcast().ok()
}
