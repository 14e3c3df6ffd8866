//! One arm of the tees: a queue for each kind of media, and what sends the packets, be it a webrtcbin
//! or a whipsink.

use std::sync::{
    Arc, OnceLock,
    atomic::{AtomicBool, Ordering},
};

use gst::{glib, prelude::*};
use gst_webrtc::WebRTCPeerConnectionState;
use tokio::sync::watch;

use crate::{keyframe::Asker, stats::Path};

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

impl Connection {
    /// That of a webrtcbin; none if it has not begun to connect.
    pub(crate) fn of(webrtcbin: &gst::Bin) -> Option<Self> {
        match webrtcbin.property("connection-state") {
            WebRTCPeerConnectionState::Connected => Some(Self::Connected),
            WebRTCPeerConnectionState::Disconnected => Some(Self::Disconnected),
            WebRTCPeerConnectionState::Failed => Some(Self::Over("connection failed".into())),
            WebRTCPeerConnectionState::Closed => Some(Self::Over("connection closed".into())),
            _ => None,
        }
    }
}

/// What is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Media {
    /// Pictures.
    Video,
    /// Sound.
    Audio,
}

/// The elements, within the pipeline or not yet.
#[derive(Debug)]
pub(crate) struct Branch {
    arms: Vec<Arm>,
    sender: gst::Element,
    /// The sender itself, or what is in it.
    webrtcbin: OnceLock<glib::WeakRef<gst::Bin>>,
    number: OnceLock<u64>,
    /// At the other end is a server, which distributes the media.
    is_distributed: AtomicBool,
    connection: watch::Sender<Connection>,
}

/// The way of one kind of media.
#[derive(Debug)]
struct Arm {
    media: Media,
    queue: gst::Element,
    /// Of the sender.
    pad: gst::Pad,
}

impl Arm {
    fn new(media: Media, pad: gst::Pad) -> Result<Self, glib::BoolError> {
        let queue = gst::ElementFactory::make("queue")
            // What a slow viewer cannot take is dropped here, oldest first; the others do not
            // notice.
            .property_from_str("leaky", "downstream")
            .property("max-size-time", QUEUE_LIMIT.nseconds())
            .property("max-size-bytes", QUEUE_BYTES)
            .property("max-size-buffers", 0_u32)
            .build()?;
        Ok(Self { media, queue, pad })
    }

    fn link(&self) -> Result<(), glib::BoolError> {
        let linked = self.queue.static_pad("src").map(|src| src.link(&self.pad));
        match linked {
            Some(Ok(_)) => Ok(()),
            _ => Err(glib::bool_error!("a queue cannot be linked")),
        }
    }
}

impl Branch {
    /// Puts queues before an element that sends RTP, at these of its pads.
    pub(crate) fn new(
        sender: gst::Element,
        pads: Vec<(Media, gst::Pad)>,
    ) -> Result<Self, glib::BoolError> {
        let arms = pads.into_iter().map(|(media, pad)| Arm::new(media, pad));
        let (connection, _) = watch::channel(Connection::Connecting);
        Ok(Self {
            arms: arms.collect::<Result<_, _>>()?,
            sender,
            webrtcbin: OnceLock::new(),
            number: OnceLock::new(),
            is_distributed: AtomicBool::new(false),
            connection,
        })
    }

    /// Watches a webrtcbin's state from now on.
    pub(crate) fn report_connection_of(self: &Arc<Self>, webrtcbin: &gst::Bin) {
        // It has one.
        let _ = self.webrtcbin.set(webrtcbin.downgrade());
        let branch = Arc::downgrade(self);
        webrtcbin.connect_notify(Some("connection-state"), move |webrtcbin, _| {
            let Some(branch) = branch.upgrade() else {
                return;
            };
            if let Some(connection) = Connection::of(webrtcbin) {
                branch.set_connection(connection);
            }
        });
    }

    /// Has the viewer's requests for keyframes (PLI, FIR) asked by this from now on, and keeps them
    /// from the encoder.
    pub(crate) fn report_keyframe_requests(&self, asker: Asker) {
        let Some(entrance) = self.entrance(Media::Video) else {
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

    /// What can be asked for statistics.
    pub(crate) fn webrtcbin(&self) -> Option<gst::Bin> {
        self.webrtcbin.get()?.upgrade()
    }

    /// Tells it from the pipeline's other branches, from [`enter`](Self::enter) on.
    pub(crate) fn number(&self) -> u64 {
        self.number.get().copied().unwrap_or_default()
    }

    /// At the other end is the gateway's relay.
    pub(crate) fn leads_to_relay(&self) {
        self.is_distributed.store(true, Ordering::Relaxed);
    }

    /// The way of its media.
    pub(crate) fn path(&self, is_turned: bool) -> Path {
        let has_own_protocol = self.webrtcbin().is_some_and(|inner| inner != self.sender);
        match self.is_distributed.load(Ordering::Relaxed) {
            // whipsink.
            _ if has_own_protocol => Path::Server,
            true => Path::Relay,
            false if is_turned => Path::Turn,
            false => Path::Direct,
        }
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
        self.parts().into_iter().any(|part| {
            let part = part.upcast_ref::<gst::Object>();
            object == part || object.has_as_ancestor(part)
        })
    }

    /// Which media it sends.
    pub(crate) fn media(&self) -> impl Iterator<Item = Media> {
        self.arms.iter().map(|arm| arm.media)
    }

    /// Where packets of this kind go in.
    pub(crate) fn entrance(&self, media: Media) -> Option<gst::Pad> {
        let arm = self.arms.iter().find(|arm| arm.media == media)?;
        arm.queue.static_pad("sink")
    }

    /// Becomes part of the pipeline, by this number, and runs.
    pub(crate) fn enter(
        &self,
        pipeline: &gst::Pipeline,
        number: u64,
    ) -> Result<(), glib::BoolError> {
        // It does so once.
        let _ = self.number.set(number);
        pipeline.add_many(self.parts())?;
        self.arms.iter().try_for_each(Arm::link)?;
        let mut parts = self.parts().into_iter();
        parts.try_for_each(gst::Element::sync_state_with_parent)
    }

    /// Stops and leaves the pipeline. Joins threads: not for streaming threads.
    pub(crate) fn leave(&self, pipeline: &gst::Pipeline) {
        for element in self.parts() {
            // A locked element is not started again by a state change of the pipeline.
            element.set_locked_state(true);
            let _ = element.set_state(gst::State::Null);
        }
        for arm in &self.arms {
            if let Some(pad) = arm.queue.static_pad("src") {
                let _ = pad.unlink(&arm.pad);
            }
            self.sender.release_request_pad(&arm.pad);
        }
        let _ = pipeline.remove_many(self.parts());
    }

    /// The sender first: nothing comes before it can be taken.
    fn parts(&self) -> Vec<&gst::Element> {
        let queues = self.arms.iter().map(|arm| &arm.queue);
        std::iter::once(&self.sender).chain(queues).collect()
    }
}
