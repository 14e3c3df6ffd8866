//! What can be told about a viewer's connection.

/// Counters of one viewer, as webrtcbin reports them.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct ViewerStats {
    /// Bytes of RTP sent.
    pub bytes: u64,
    /// Packets of RTP sent.
    pub packets: u64,
    /// Round trip in milliseconds, from the viewer's receiver reports.
    pub round_trip_ms: Option<f64>,
    /// Packets that the viewer has missed in all.
    pub lost: Option<i64>,
    /// Keyframes that the viewer has asked for.
    pub keyframe_requests: u32,
}

impl ViewerStats {
    pub(crate) fn read(all: &gst::StructureRef) -> Self {
        let mut stats = Self::default();
        for (_, value) in all.iter() {
            let Ok(one) = value.get::<gst::Structure>() else {
                continue;
            };
            let kind = one.get::<gst_webrtc::WebRTCStatsType>("type");
            match kind {
                Ok(gst_webrtc::WebRTCStatsType::OutboundRtp) => {
                    stats.bytes += one.get::<u64>("bytes-sent").unwrap_or(0);
                    stats.packets += one.get::<u64>("packets-sent").unwrap_or(0);
                    stats.keyframe_requests += one.get::<u32>("pli-count").unwrap_or(0)
                        + one.get::<u32>("fir-count").unwrap_or(0);
                }
                Ok(gst_webrtc::WebRTCStatsType::RemoteInboundRtp) => {
                    stats.round_trip_ms = one
                        .get::<f64>("round-trip-time")
                        .ok()
                        .map(|seconds| seconds * 1000.0);
                    stats.lost = one
                        .get::<i64>("packets-lost")
                        .or_else(|_| one.get::<i32>("packets-lost").map(i64::from))
                        .ok();
                }
                _ => {}
            }
        }
        stats
    }
}

/// What has changed between two readings.
#[derive(Debug, Default)]
pub(crate) struct Rates {
    last: Option<(tokio::time::Instant, ViewerStats, u64)>,
}

impl Rates {
    /// Logs the rates since the last call; `frames` counts those encoded.
    pub(crate) fn log(&mut self, now: ViewerStats, frames: u64) {
        let at = tokio::time::Instant::now();
        let Some((then_at, then, then_frames)) = self.last.replace((at, now, frames)) else {
            return;
        };
        let seconds = (at - then_at).as_secs_f64().max(0.001);
        let kbits = (now.bytes.saturating_sub(then.bytes)) as f64 * 8.0 / 1000.0 / seconds;
        let fps = frames.saturating_sub(then_frames) as f64 / seconds;
        let rtt = now.round_trip_ms.unwrap_or_default();
        let lost = now.lost.unwrap_or_default() - then.lost.unwrap_or_default();
        tracing::info!(
            fps = (fps * 10.0).round() / 10.0,
            kbits = kbits.round(),
            rtt_ms = (rtt * 10.0).round() / 10.0,
            lost,
            keyframe_requests = now.keyframe_requests,
            "viewer"
        );
    }
}
