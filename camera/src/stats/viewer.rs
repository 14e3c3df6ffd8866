//! What webrtcbin reports of one viewer.

use std::{ops::AddAssign, time::Duration};

use gst_webrtc::WebRTCStatsType;

/// How media gets to a viewer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Path {
    /// Straight.
    Direct,
    /// Through a TURN server.
    Turn,
    /// To the gateway's relay, which distributes it.
    Relay,
    /// To the WHIP server of `publish`.
    Server,
}

impl Path {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Direct, Self::Turn, Self::Relay, Self::Server];

    /// The word for it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Direct => "direct",
            Self::Turn => "turn",
            Self::Relay => "relay",
            Self::Server => "server",
        }
    }
}

/// What was sent, and what became of it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Traffic {
    /// Bytes of RTP sent.
    pub bytes: u64,
    /// Packets of RTP sent.
    pub packets: u64,
    /// Packets that did not arrive, by the receivers' reports.
    pub lost: u64,
    /// Keyframes that were asked for.
    pub keyframe_requests: u64,
}

impl Traffic {
    /// What has come on top of an earlier reading. Losses can be taken back when packets are late
    /// (RFC 3550 section 6.4.1); they then count as none.
    pub(super) fn since(self, earlier: Self) -> Self {
        Self {
            bytes: self.bytes.saturating_sub(earlier.bytes),
            packets: self.packets.saturating_sub(earlier.packets),
            lost: self.lost.saturating_sub(earlier.lost),
            keyframe_requests: self
                .keyframe_requests
                .saturating_sub(earlier.keyframe_requests),
        }
    }
}

impl AddAssign for Traffic {
    fn add_assign(&mut self, more: Self) {
        self.bytes += more.bytes;
        self.packets += more.packets;
        self.lost += more.lost;
        self.keyframe_requests += more.keyframe_requests;
    }
}

/// What webrtcbin knows of one viewer now.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Reading {
    pub(super) traffic: Traffic,
    /// From the viewer's receiver reports.
    pub(super) round_trip: Option<Duration>,
    /// One of the two ends is at a TURN server.
    pub(super) is_turned: bool,
}

impl Reading {
    /// Reads the answer to `get-stats`.
    pub(crate) fn of(all: &gst::StructureRef) -> Self {
        let mut reading = Self::default();
        for (_, value) in all.iter() {
            let Ok(one) = value.get::<gst::Structure>() else {
                continue;
            };
            match one.get("type") {
                Ok(WebRTCStatsType::OutboundRtp) => reading.traffic += sent(&one),
                Ok(WebRTCStatsType::RemoteInboundRtp) => {
                    reading.traffic.lost += lost(&one);
                    let seconds = one.get::<f64>("round-trip-time").ok();
                    let round_trip = seconds
                        .filter(|seconds| *seconds > 0.0)
                        .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
                    reading.round_trip = reading.round_trip.max(round_trip);
                }
                // Only those of the pair that was chosen are here.
                Ok(WebRTCStatsType::LocalCandidate | WebRTCStatsType::RemoteCandidate) => {
                    let kind = one.get::<String>("candidate-type");
                    reading.is_turned |= kind.is_ok_and(|kind| kind.starts_with("relay"));
                }
                _ => {}
            }
        }
        reading
    }
}

fn sent(stream: &gst::Structure) -> Traffic {
    let requests = |kind| stream.get::<u32>(kind).map_or(0, u64::from);
    Traffic {
        bytes: stream.get("bytes-sent").unwrap_or(0),
        packets: stream.get("packets-sent").unwrap_or(0),
        lost: 0,
        keyframe_requests: requests("pli-count") + requests("fir-count"),
    }
}

fn lost(stream: &gst::Structure) -> u64 {
    let lost = stream.get::<i64>("packets-lost");
    let lost = lost.or_else(|_| stream.get::<i32>("packets-lost").map(i64::from));
    // More than was sent can arrive (RFC 3550 section 6.4.1).
    lost.map_or(0, |lost| u64::try_from(lost).unwrap_or(0))
}
