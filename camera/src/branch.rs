//! One arm of the tee: a queue and what sends its packets, be it a webrtcbin or a whipsink.

use std::sync::Arc;

use gst::{glib, prelude::*};
use gst_webrtc::WebRTCPeerConnectionState;
use tokio::sync::watch;

use crate::keyframe::Asker;

/// How much a slow viewer's queue holds before it loses packets.
const QUEUE_LIMIT: gst::ClockTime = gst::ClockTime::from_mseconds(500);

/// The same in bytes, should timestamps fail.
const QUEUE_BYTES: u32 = 4 << 20;

/// How the connection to the other side stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Connection {
    /// Not yet.
    Connecting,
    /// Media can flow.
    Connected,
    /// Nothing is heard from the other side; it may come back.
    Disconnected,
    /// It is over, and why.
    Over(String),
}

/// The elements, within the pipeline or not yet.
#[derive(Debug)]
pub(crate) struct Branch {
    queue: gst::Element,
    sender: gst::Element,
    connection: watch::Sender<Connection>,
}

impl Branch {
    /// Puts a queue before an element that sends RTP.
    pub(crate) fn new(sender: gst::Element) -> Result<Self, glib::BoolError> {
        let queue = gst::ElementFactory::make("queue")
            // What a slow viewer cannot take is dropped here, oldest first; the others do not
            // notice.
            .property_from_str("leaky", "downstream")
            .property("max-size-time", QUEUE_LIMIT.nseconds())
            .property("max-size-bytes", QUEUE_BYTES)
            .property("max-size-buffers", 0_u32)
            .build()?;
        let (connection, _) = watch::channel(Connection::Connecting);
        Ok(Self {
            queue,
            sender,
            connection,
        })
    }

    /// Watches a webrtcbin's state from now on.
    pub(crate) fn report_connection_of(self: &Arc<Self>, webrtcbin: &gst::Bin) {
        let branch = Arc::downgrade(self);
        webrtcbin.connect_notify(Some("connection-state"), move |webrtcbin, _| {
            let Some(branch) = branch.upgrade() else {
                return;
            };
            let connection = match webrtcbin.property("connection-state") {
                WebRTCPeerConnectionState::Connected => Connection::Connected,
                WebRTCPeerConnectionState::Disconnected => Connection::Disconnected,
                WebRTCPeerConnectionState::Failed => Connection::Over("connection failed".into()),
                WebRTCPeerConnectionState::Closed => Connection::Over("connection closed".into()),
                _ => return,
            };
            branch.set_connection(connection);
        });
    }

    /// Has the viewer's requests for keyframes (PLI, FIR) asked by this from now on, and keeps them
    /// from the encoder.
    pub(crate) fn report_keyframe_requests(&self, asker: Asker) {
        let Some(entrance) = self.entrance() else {
            return;
        };
        entrance.add_probe(gst::PadProbeType::EVENT_UPSTREAM, move |_, info| {
            let is_request = |event: &gst::Event| gst_video::ForceKeyUnitEvent::is(event);
            if info.event().is_some_and(is_request) {
                // Handled rather than dropped: GStreamer 1.22 releases twice what is dropped.
                info.data = None;
                asker.want();
                return gst::PadProbeReturn::Handled;
            }
            gst::PadProbeReturn::Ok
        });
    }

    /// How the connection stands, and every change of it.
    pub(crate) fn connection(&self) -> watch::Receiver<Connection> {
        self.connection.subscribe()
    }

    /// An element of the branch failed.
    pub(crate) fn fail(&self, why: &str) {
        self.set_connection(Connection::Over(why.to_owned()));
    }

    fn set_connection(&self, connection: Connection) {
        self.connection.send_if_modified(|now| {
            let news = !matches!(now, Connection::Over(_)) && *now != connection;
            if news {
                *now = connection;
            }
            news
        });
    }

    /// Whether this element or pad is part of the branch.
    pub(crate) fn contains(&self, object: &gst::Object) -> bool {
        [&self.queue, &self.sender].into_iter().any(|part| {
            let part = part.upcast_ref::<gst::Object>();
            object == part || object.has_as_ancestor(part)
        })
    }

    /// Where packets go in.
    pub(crate) fn entrance(&self) -> Option<gst::Pad> {
        self.queue.static_pad("sink")
    }

    /// Becomes part of the pipeline and runs.
    pub(crate) fn enter(&self, pipeline: &gst::Pipeline) -> Result<(), glib::BoolError> {
        pipeline.add_many([&self.queue, &self.sender])?;
        self.queue.link(&self.sender)?;
        self.sender.sync_state_with_parent()?;
        self.queue.sync_state_with_parent()
    }

    /// Stops and leaves the pipeline. Joins threads: not for streaming threads.
    pub(crate) fn leave(&self, pipeline: &gst::Pipeline) {
        for element in [&self.sender, &self.queue] {
            // A locked element is not started again by a state change of the pipeline.
            element.set_locked_state(true);
            let _ = element.set_state(gst::State::Null);
        }
        if let Some(pad) = self.queue.static_pad("src").and_then(|pad| pad.peer()) {
            self.queue.unlink(&self.sender);
            self.sender.release_request_pad(&pad);
        }
        let _ = pipeline.remove_many([&self.queue, &self.sender]);
    }
}
