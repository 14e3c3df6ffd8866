//! Cameras and viewers that meet as fast as the gateway lets them.

use std::time::Duration;

use http::StatusCode;
use serde::Serialize;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};

use crate::PairingsOptions;
use crate::client::Connection;
use crate::gateway::Gateway;
use crate::party::{Room, address};
use crate::report::{Figures, Latency, round};

/// How long one exchange may take before something is wrong.
const PATIENCE: Duration = Duration::from_secs(30);

#[derive(Serialize)]
pub(crate) struct Pairings {
    name: &'static str,
    concurrency: usize,
    named_rooms: bool,
    seconds: f64,
    pairings: usize,
    pairings_per_second: f64,
    cpu_microseconds_per_pairing: f64,
    user_microseconds_per_pairing: f64,
    system_microseconds_per_pairing: f64,
    gateway_cores_used: f64,
    /// What two cores could do if the gateway had them for itself.
    pairings_per_second_of_two_cores: f64,
    /// A viewer's POST until its 406.
    counter_offer: Latency,
    /// A viewer's PATCH until the camera has its 201.
    answer: Latency,
}

/// How long the two halves of one exchange took.
struct Exchange {
    counter_offer: Duration,
    answer: Duration,
}

pub(crate) async fn measure(options: &PairingsOptions) -> anyhow::Result<Pairings> {
    rlimit::increase_nofile_limit(rlimit::INFINITY)?;
    let concurrency = options.concurrency;
    let arguments = [
        format!("--max-waiting={}", 4 * concurrency + 100),
        format!("--max-sessions={}", 4 * concurrency + 100),
    ];
    let gateway = Gateway::start(&options.common, &arguments).await?;
    let mut pairs = Vec::with_capacity(concurrency);
    for number in 0..concurrency {
        let mut pair = Pair::connect(number, options.common.named_rooms, &gateway).await?;
        pair.exchange().await?;
        pairs.push(pair);
    }

    let cpu_before = gateway.process.cpu()?;
    let start = Instant::now();
    let end = start + Duration::from_secs(options.seconds);
    let mut running = JoinSet::new();
    for mut pair in pairs {
        running.spawn(async move {
            let mut done = Vec::new();
            while Instant::now() < end {
                done.push(timeout(PATIENCE, pair.exchange()).await??);
            }
            anyhow::Ok(done)
        });
    }
    let mut exchanges = Vec::new();
    while let Some(done) = running.join_next().await {
        exchanges.extend(done??);
    }
    let seconds = start.elapsed().as_secs_f64();
    let cpu = gateway.process.cpu()?.since(cpu_before);

    let count = exchanges.len();
    let each = |time: Duration| time.as_secs_f64() * 1e6 / count as f64;
    let latency = |of: fn(&Exchange) -> Duration| Latency::of(exchanges.iter().map(of).collect());
    Ok(Pairings {
        name: "pairings",
        concurrency,
        named_rooms: options.common.named_rooms,
        seconds: round(seconds, 2),
        pairings: count,
        pairings_per_second: round(count as f64 / seconds, 0),
        cpu_microseconds_per_pairing: round(each(cpu.total()), 1),
        user_microseconds_per_pairing: round(each(cpu.user), 1),
        system_microseconds_per_pairing: round(each(cpu.system), 1),
        gateway_cores_used: round(cpu.total().as_secs_f64() / seconds, 2),
        pairings_per_second_of_two_cores: round(2e6 / each(cpu.total()), 0),
        counter_offer: latency(|exchange| exchange.counter_offer),
        answer: latency(|exchange| exchange.answer),
    })
}

/// A camera and a viewer of the same room, each on a connection that it keeps.
struct Pair {
    room: Room,
    camera: Connection,
    viewer: Connection,
}

impl Pair {
    async fn connect(number: usize, named: bool, gateway: &Gateway) -> anyhow::Result<Self> {
        let to = gateway.address();
        Ok(Self {
            room: Room::new(number, named, to)?,
            camera: Connection::open(address(number), to).await?,
            viewer: Connection::open(address(number), to).await?,
        })
    }

    /// They meet, and part.
    async fn exchange(&mut self) -> anyhow::Result<Exchange> {
        let Self {
            room,
            camera,
            viewer,
        } = self;
        let offering = async {
            let answer = camera.call(room.offer()?).await?;
            let session = answer.expect(StatusCode::CREATED)?.location()?;
            anyhow::Ok((session, Instant::now()))
        };
        let viewing = async {
            let posted = Instant::now();
            let answer = viewer.call(room.view(30)?).await?;
            let counter_offer = posted.elapsed();
            let session = answer.expect(StatusCode::NOT_ACCEPTABLE)?.location()?;
            let patched = Instant::now();
            let answer = viewer.call(room.answer(&session)?).await?;
            answer.expect(StatusCode::NO_CONTENT)?;
            anyhow::Ok((session, counter_offer, patched))
        };
        let ((camera_session, answered), (viewer_session, counter_offer, patched)) =
            tokio::try_join!(offering, viewing)?;
        let (first, second) = tokio::try_join!(
            viewer.call(room.delete(&viewer_session)?),
            camera.call(room.delete(&camera_session)?),
        )?;
        first.expect(StatusCode::OK)?;
        second.expect(StatusCode::OK)?;
        Ok(Exchange {
            counter_offer,
            answer: answered.saturating_duration_since(patched),
        })
    }
}

impl Figures for Pairings {
    fn rows(&self) -> Vec<(&'static str, String)> {
        vec![
            (
                "pairings",
                format!("{} in {} s", self.pairings, self.seconds),
            ),
            ("at the same time", self.concurrency.to_string()),
            ("pairings per second", self.pairings_per_second.to_string()),
            (
                "gateway's CPU for each",
                format!(
                    "{} µs ({} user, {} system)",
                    self.cpu_microseconds_per_pairing,
                    self.user_microseconds_per_pairing,
                    self.system_microseconds_per_pairing
                ),
            ),
            (
                "cores that the gateway got",
                self.gateway_cores_used.to_string(),
            ),
            (
                "pairings per second of two cores",
                self.pairings_per_second_of_two_cores.to_string(),
            ),
            ("viewer's POST to its 406", self.counter_offer.to_string()),
            (
                "viewer's PATCH to the camera's 201",
                self.answer.to_string(),
            ),
        ]
    }
}
