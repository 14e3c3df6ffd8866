//! What Prometheus is told. No label holds what a viewer chose, and none grows with their number.

use std::{fmt, sync::Arc};

use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeMetric, text},
    metrics::{MetricType, counter::ConstCounter, gauge::ConstGauge},
    registry::{Registry, Unit},
};
use tokio::sync::watch;

use super::{Path, Snapshot};

/// All of them in the OpenMetrics text format, as they were when they were last looked at.
pub(super) fn registry(snapshots: watch::Receiver<Arc<Snapshot>>) -> Registry {
    let mut registry = Registry::with_prefix("sightline_camera");
    registry.register_collector(Box::new(Latest(snapshots)));
    registry
}

pub(super) fn text(registry: &Registry) -> Result<String, fmt::Error> {
    let mut text = String::new();
    text::encode(&mut text, registry)?;
    Ok(text)
}

#[derive(Debug)]
struct Latest(watch::Receiver<Arc<Snapshot>>);

impl Collector for Latest {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let now = self.0.borrow().clone();
        encode_viewers(&mut encoder, &now)?;
        encode_encoder(&mut encoder, &now)?;
        let help = "CPU time of this process";
        let unit = Some(&Unit::Seconds);
        counter(
            &mut encoder,
            ("cpu", help, unit),
            now.cpu_time.as_secs_f64(),
        )?;
        let help = "Resident memory of this process";
        gauge(
            &mut encoder,
            ("memory", help, Some(&Unit::Bytes)),
            now.memory as f64,
        )?;
        let Some(degrees) = now.temperature else {
            return Ok(());
        };
        let help = "The hottest part of this machine";
        gauge(
            &mut encoder,
            ("temperature", help, Some(&Unit::Celsius)),
            degrees,
        )
    }
}

fn encode_viewers(encoder: &mut DescriptorEncoder<'_>, now: &Snapshot) -> fmt::Result {
    let help = "Whoever is connected, by the way of the media";
    let mut viewers = encoder.encode_descriptor("viewers", help, None, MetricType::Gauge)?;
    for path in Path::ALL {
        let count = ConstGauge::new(i64::try_from(now.on(path)).unwrap_or(i64::MAX));
        count.encode(viewers.encode_family(&[("path", path.name())])?)?;
    }
    let bytes = ("sent", "Bytes of RTP sent", Some(&Unit::Bytes));
    by_path(encoder, bytes, now.traffic.map(|of| of.bytes))?;
    let packets = ("sent_packets", "Packets of RTP sent", None);
    by_path(encoder, packets, now.traffic.map(|of| of.packets))?;
    let help = "Packets that did not arrive, by the receivers' reports";
    by_path(
        encoder,
        ("lost_packets", help, None),
        now.traffic.map(|of| of.lost),
    )?;
    let help = "Keyframes that were asked for";
    let requests = now.traffic.map(|of| of.keyframe_requests);
    by_path(encoder, ("keyframe_requests", help, None), requests)?;
    let Some(round_trip) = now.round_trip() else {
        return Ok(());
    };
    let help = "To the viewer that is farthest away, and back";
    let unit = Some(&Unit::Seconds);
    gauge(
        encoder,
        ("round_trip", help, unit),
        round_trip.as_secs_f64(),
    )
}

fn encode_encoder(encoder: &mut DescriptorEncoder<'_>, now: &Snapshot) -> fmt::Result {
    let frames_in = ("frames_in", "Frames that the source has delivered", None);
    counter(encoder, frames_in, now.counts.frames_in)?;
    counter(
        encoder,
        ("frames_out", "Frames that were encoded", None),
        now.counts.frames_out,
    )?;
    let help = "Bytes that they became";
    counter(
        encoder,
        ("encoded", help, Some(&Unit::Bytes)),
        now.counts.bytes_out,
    )?;
    let help = "From each frame's way to the encoder until it was encoded, all together";
    let seconds = now.counts.encoding.as_secs_f64();
    counter(encoder, ("encoding", help, Some(&Unit::Seconds)), seconds)?;
    let help = "Bits a second that the encoders may spend";
    let wanted = f64::from(now.kbits_wanted) * 1000.0;
    gauge(encoder, ("bitrate_wanted", help, None), wanted)?;
    let help = "Which encoders run";
    let mut info = encoder.encode_descriptor("encoder", help, None, MetricType::Gauge)?;
    for kind in &now.encoders {
        let codec = kind.codec.to_string();
        let labels = [("element", kind.element), ("codec", codec.as_str())];
        ConstGauge::new(1_i64).encode(info.encode_family(&labels)?)?;
    }
    Ok(())
}

/// Name, what it is, unit.
type Description<'a> = (&'a str, &'a str, Option<&'a Unit>);

fn by_path(
    encoder: &mut DescriptorEncoder<'_>,
    (name, help, unit): Description<'_>,
    values: [u64; Path::ALL.len()],
) -> fmt::Result {
    let mut family = encoder.encode_descriptor(name, help, unit, MetricType::Counter)?;
    for (path, value) in Path::ALL.into_iter().zip(values) {
        let counter = ConstCounter::new(value);
        counter.encode(family.encode_family(&[("path", path.name())])?)?;
    }
    Ok(())
}

fn counter<N>(
    encoder: &mut DescriptorEncoder<'_>,
    (name, help, unit): Description<'_>,
    value: N,
) -> fmt::Result
where
    ConstCounter<N>: EncodeMetric,
{
    let kind = MetricType::Counter;
    ConstCounter::new(value).encode(encoder.encode_descriptor(name, help, unit, kind)?)
}

fn gauge(
    encoder: &mut DescriptorEncoder<'_>,
    (name, help, unit): Description<'_>,
    value: f64,
) -> fmt::Result {
    let kind = MetricType::Gauge;
    ConstGauge::new(value).encode(encoder.encode_descriptor(name, help, unit, kind)?)
}
