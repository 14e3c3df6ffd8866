//! What Prometheus is told. No label holds what a client chose: no room, no address.

use std::fmt;
use std::time::Duration;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{
    DescriptorEncoder, EncodeLabelSet, EncodeLabelValue, EncodeMetric, LabelValueEncoder, text,
};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::{ConstCounter, Counter};
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};
use sightline_relay::{Part, Traffic};

use crate::relaying::Relaying;
use crate::rendezvous::Rendezvous;
use crate::session::{Path, Side};

/// From what a camera that waits takes to how long viewers are willing to wait.
const PAIRING_SECONDS: [f64; 12] = [
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1.0, 2.5, 10.0, 60.0,
];

/// See the module.
#[derive(Debug)]
pub(crate) struct Metrics {
    registry: Registry,
    pairing: Family<PathLabel, Histogram, fn() -> Histogram>,
    problems: Family<ProblemLabel, Counter>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct PathLabel {
    path: Path,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ProblemLabel {
    r#type: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct SideLabel {
    side: Side,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct SessionLabel {
    path: Path,
    side: Side,
}

impl EncodeLabelValue for Path {
    fn encode(&self, encoder: &mut LabelValueEncoder<'_>) -> fmt::Result {
        EncodeLabelValue::encode(&self.name(), encoder)
    }
}

impl EncodeLabelValue for Side {
    fn encode(&self, encoder: &mut LabelValueEncoder<'_>) -> fmt::Result {
        EncodeLabelValue::encode(&self.name(), encoder)
    }
}

impl Metrics {
    /// Metrics of these, which are looked at whenever somebody asks.
    pub(crate) fn new(
        rendezvous: Rendezvous,
        relay: Option<Relaying>,
        assumed_bitrate: u64,
    ) -> Self {
        let mut registry = Registry::with_prefix("sightline");
        let histogram: fn() -> Histogram = || Histogram::new(PAIRING_SECONDS);
        let pairing = Family::new_with_constructor(histogram);
        registry.register_with_unit(
            "pairing",
            "From a viewer's POST to what it came for: a camera's offer, or the relay's answer",
            Unit::Seconds,
            pairing.clone(),
        );
        let problems = Family::default();
        registry.register(
            "problems",
            "Responses that were a problem, by its type",
            problems.clone(),
        );
        registry.register_collector(Box::new(Presence {
            rendezvous,
            relay,
            assumed_bitrate,
        }));
        Self {
            registry,
            pairing,
            problems,
        }
    }

    /// A viewer got what it came for, so long after it came.
    pub(crate) fn paired(&self, path: Path, after: Duration) {
        let pairing = self.pairing.get_or_create(&PathLabel { path });
        pairing.observe(after.as_secs_f64());
    }

    /// A response was a problem of this type.
    pub(crate) fn problem(&self, r#type: &'static str) {
        self.problems.get_or_create(&ProblemLabel { r#type }).inc();
    }

    /// All of them in the OpenMetrics text format.
    pub(crate) fn text(&self) -> Result<String, fmt::Error> {
        let mut text = String::new();
        text::encode(&mut text, &self.registry)?;
        Ok(text)
    }
}

/// Who is here, counted when it is asked for.
#[derive(Debug)]
struct Presence {
    rendezvous: Rendezvous,
    relay: Option<Relaying>,
    assumed_bitrate: u64,
}

impl Collector for Presence {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let counts = self.rendezvous.counts();
        let seats = self
            .relay
            .as_ref()
            .map(Relaying::census)
            .unwrap_or_default();
        let relayed = |side| seats.iter().filter(|(_, seat)| seat.side == side).count();

        let help = "Rooms that somebody is in";
        let rooms = encoder.encode_descriptor("rooms", help, None, MetricType::Gauge)?;
        gauge(counts.rooms).encode(rooms)?;
        let waiting = [
            (Side::Camera, counts.offers),
            (Side::Viewer, counts.viewers),
        ];
        let waiting = waiting.map(|(side, count)| (SideLabel { side }, count));
        gauges(
            &mut encoder,
            "waiting",
            "Held requests that have met nobody yet",
            &waiting,
        )?;
        let sessions = [
            (Path::Direct, Side::Camera, counts.direct),
            (Path::Direct, Side::Viewer, counts.direct),
            (Path::Relay, Side::Camera, relayed(Side::Camera)),
            (Path::Relay, Side::Viewer, relayed(Side::Viewer)),
        ];
        let sessions = sessions.map(|(path, side, n)| (SessionLabel { path, side }, n));
        gauges(
            &mut encoder,
            "sessions",
            "Sessions, by the way of their media",
            &sessions,
        )?;
        self.encode_traffic(&mut encoder)?;
        self.encode_panics(&mut encoder)?;
        self.encode_savings(&mut encoder)
    }
}

impl Presence {
    fn encode_traffic(&self, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let traffic = self.relay.as_ref().map(Relaying::traffic);
        let counts = traffic.map_or([("received", 0), ("sent", 0)], |traffic| {
            [("received", traffic.received()), ("sent", traffic.sent())]
        });
        let help = "Bytes of datagrams and TCP frames at the relay's ports";
        let kind = MetricType::Counter;
        let mut relayed = encoder.encode_descriptor("relay", help, Some(&Unit::Bytes), kind)?;
        for (direction, bytes) in counts {
            let counter = ConstCounter::new(bytes);
            counter.encode(relayed.encode_family(&[("direction", direction)])?)?;
        }
        let help = "Packets that a worker of the relay had no room for";
        let name = "relay_not_handed_over_packets";
        let lost = encoder.encode_descriptor(name, help, None, kind)?;
        let packets = traffic.map_or(0, Traffic::not_handed_over);
        ConstCounter::new(packets).encode(lost)
    }

    fn encode_panics(&self, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let help = "Faults that ended a part of the relay: a negotiation, a connection, a worker";
        let kind = MetricType::Counter;
        let mut panics = encoder.encode_descriptor("relay_panics", help, None, kind)?;
        for part in Part::ALL {
            let health = self.relay.as_ref().map(Relaying::health);
            let counter = ConstCounter::new(health.map_or(0, |health| health.panics(part)));
            counter.encode(panics.encode_family(&[("part", part.name())])?)?;
        }
        let help = "Threads of the relay that have not gone on for ten seconds though they were to";
        let name = "relay_hanging_workers";
        let hanging = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
        gauge(self.relay.as_ref().map_or(0, Relaying::hanging)).encode(hanging)
    }

    fn encode_savings(&self, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let watched = self.rendezvous.watched().as_secs_f64();
        let help = "How long viewers have watched directly, all together";
        ConstCounter::new(watched).encode(encoder.encode_descriptor(
            "direct_viewer",
            help,
            Some(&Unit::Seconds),
            MetricType::Counter,
        )?)?;
        // The gateway does not see this media, so there is nothing to measure.
        let bitrate = self.assumed_bitrate;
        let help = format!(
            "Bytes that the relay did not have to send since viewers watched directly, an \
             estimate: their time at {bitrate} bit/s each (--admin-assumed-bitrate)"
        );
        let saved = watched * bitrate as f64 / 8.0;
        ConstCounter::new(saved).encode(encoder.encode_descriptor(
            "direct_saved",
            &help,
            Some(&Unit::Bytes),
            MetricType::Counter,
        )?)
    }
}

fn gauges<L: EncodeLabelSet>(
    encoder: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    values: &[(L, usize)],
) -> fmt::Result {
    let mut gauges = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
    for (labels, count) in values {
        gauge(*count).encode(gauges.encode_family(labels)?)?;
    }
    Ok(())
}

fn gauge(count: usize) -> ConstGauge<i64> {
    ConstGauge::new(i64::try_from(count).unwrap_or(i64::MAX))
}
