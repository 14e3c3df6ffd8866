//! One camera, many viewers: CPU for each packet, loss, delay and memory.

use std::collections::HashMap;
use std::time::Duration;

use anyhow::{Context, ensure};
use serde::Serialize;
use tokio::time::{Instant, sleep};

use crate::RelayOptions;
use crate::media::{Delays, Heard};
use crate::process::{Cpu, Process};
use crate::report::{Figures, Latency, round};
use crate::sockets;
use crate::stage::Stage;

/// How long to let things settle before they are measured, and how long a packet may take
/// that is repaired.
const SETTLE: Duration = Duration::from_secs(2);

#[derive(Serialize)]
pub(crate) struct Relay {
    name: &'static str,
    viewers: usize,
    bits_per_second: u64,
    sound: bool,
    simulcast: bool,
    runs_cut_up: bool,
    media_workers: Option<usize>,
    seconds: f64,
    /// By the publisher, to the server.
    packets_sent: u64,
    /// By all viewers together.
    packets_received: u64,
    /// By the viewer who got fewest.
    packets_received_fewest: u64,
    loss: Loss,
    /// Viewers whose session broke.
    viewers_failed: usize,
    cpu_microseconds_per_packet: f64,
    user_microseconds_per_packet: f64,
    system_microseconds_per_packet: f64,
    server_cores_used: f64,
    client_cores_used: f64,
    /// From the publisher's sending until the kernel had it for the viewer.
    delay: Latency,
    /// The same on plain loopback, without a server.
    loopback: Latency,
    /// The first without the second.
    added_delay: Latency,
    /// With one viewer.
    resident_kib_before: u64,
    resident_kib_with_all: u64,
    kib_per_viewer: f64,
    /// A viewer's POST until its first packet.
    setup: Latency,
    keyframe_requests: u64,
}

/// Packets that did not arrive, and whose fault that is.
#[derive(Default, Serialize)]
struct Loss {
    packets: u64,
    /// Of these, those that cannot be laid at a viewer's own full socket.
    by_server: u64,
    /// Runs of packets that found a viewer's socket full, because we did not read in time.
    viewers_sockets_full: u64,
    /// … the publisher's packets, because the server did not.
    servers_sockets_full: u64,
    /// Packets that the kernel dropped on their way from one process to another.
    kernel_backlog: u64,
    /// Packets that came after one that was sent later: most have been sent twice.
    late: u64,
}

/// What the processes have used so far.
struct Reading {
    server: Cpu,
    client: Cpu,
    next: u64,
    backlog_drops: u64,
    drops: HashMap<u16, u64>,
    servers_drops: u64,
}

impl Reading {
    fn take(stage: &Stage) -> anyhow::Result<Self> {
        let process = &stage.server.process;
        let servers = process.sockets()?;
        let sockets = sockets::udp()?;
        let of_server = sockets
            .iter()
            .filter(|socket| servers.contains(&socket.number));
        Ok(Self {
            servers_drops: of_server.map(|socket| socket.drops).sum(),
            drops: sockets
                .iter()
                .map(|socket| (socket.port, socket.drops))
                .collect(),
            backlog_drops: sockets::backlog_drops()?,
            next: stage.publisher.sent(),
            server: process.cpu()?,
            client: Process::this_one()?.cpu()?,
        })
    }
}

pub(crate) async fn measure(options: &RelayOptions) -> anyhow::Result<Relay> {
    let viewers = options.viewers;
    ensure!(viewers > 0, "nobody watches");
    rlimit::increase_nofile_limit(rlimit::INFINITY)?;

    let mut stage = Stage::set(options).await?;
    // What the first viewer costs is not what one more costs.
    stage.admit(1, options).await?;
    sleep(SETTLE).await;
    let resident_before = stage.server.process.resident()?;
    stage.admit(viewers - 1, options).await?;
    sleep(SETTLE).await;

    let before = Reading::take(&stage)?;
    stage.audience.count_from(before.next);
    let start = Instant::now();
    sleep(Duration::from_secs(options.seconds)).await;
    let after = Reading::take(&stage)?;
    let seconds = start.elapsed().as_secs_f64();
    stage.audience.count_to(after.next);
    let resident_with_all = stage.server.process.resident()?;

    sleep(SETTLE).await;
    let drops = Reading::take(&stage)?;
    let keyframe_requests = stage.publisher.keyframe_requests();
    let heard = stage.audience.end().await?;
    stage.publisher.end().await?;
    stage.clear().await?;

    let mut tally = Tally::of(&heard, &before, &after, &drops);
    if options.simulcast {
        // Most are of layers that a viewer does not have.
        (tally.loss.packets, tally.loss.by_server) = (0, 0);
    }
    let cpu = after.server.since(before.server);
    let client = after.client.since(before.client);
    let each = |time: Duration| time.as_secs_f64() * 1e6 / tally.received as f64;
    let kib = resident_with_all.saturating_sub(resident_before) as f64;
    let setup = heard.viewers.iter().filter_map(|viewer| viewer.setup);
    Ok(Relay {
        name: "relay",
        viewers,
        bits_per_second: options.bitrate,
        sound: options.sound,
        simulcast: options.simulcast,
        runs_cut_up: options.cut_up_runs,
        media_workers: options.media_workers,
        seconds: round(seconds, 2),
        packets_sent: after.next - before.next,
        packets_received: tally.received,
        packets_received_fewest: tally.fewest,
        viewers_failed: tally.failed,
        loss: tally.loss,
        cpu_microseconds_per_packet: round(each(cpu.total()), 2),
        user_microseconds_per_packet: round(each(cpu.user), 2),
        system_microseconds_per_packet: round(each(cpu.system), 2),
        server_cores_used: round(cpu.total().as_secs_f64() / seconds, 2),
        client_cores_used: round(client.total().as_secs_f64() / seconds, 2),
        delay: latency(&heard.delays),
        loopback: latency(&heard.loopback),
        added_delay: Latency::new(
            heard
                .delays
                .within(500)
                .saturating_sub(heard.loopback.within(500)),
            heard
                .delays
                .within(990)
                .saturating_sub(heard.loopback.within(500)),
        ),
        resident_kib_before: resident_before,
        resident_kib_with_all: resident_with_all,
        kib_per_viewer: round(kib / (viewers - 1).max(1) as f64, 1),
        setup: Latency::of(setup.collect()),
        keyframe_requests,
    })
}

fn latency(delays: &Delays) -> Latency {
    Latency::new(delays.within(500), delays.within(990))
}

/// What became of the packets that were sent between two readings.
#[derive(Default)]
struct Tally {
    received: u64,
    fewest: u64,
    failed: usize,
    loss: Loss,
}

impl Tally {
    fn of(heard: &Heard, before: &Reading, after: &Reading, end: &Reading) -> Self {
        let mut tally = Self {
            fewest: u64::MAX,
            ..Self::default()
        };
        for viewer in &heard.viewers {
            let fate = viewer.arrivals.fate(before.next, after.next);
            let port = viewer.local_port;
            let drops = |reading: &Reading| reading.drops.get(&port).copied().unwrap_or(0);
            let drops = drops(end).saturating_sub(drops(before));
            tally.received += fate.received;
            tally.fewest = tally.fewest.min(fate.received);
            tally.failed += usize::from(viewer.failed.is_some());
            tally.loss.packets += fate.lost;
            // Each drop explains one lost packet at least; we do not count on more.
            tally.loss.by_server += fate.lost.saturating_sub(drops);
            tally.loss.viewers_sockets_full += drops;
            tally.loss.late += viewer.arrivals.late();
        }
        tally.loss.servers_sockets_full = end.servers_drops.saturating_sub(before.servers_drops);
        tally.loss.kernel_backlog = end.backlog_drops.saturating_sub(before.backlog_drops);
        tally
    }
}

/// Reads a number of bits per second, such as 800k or 2.5M.
pub(crate) fn bits_per_second(text: &str) -> anyhow::Result<u64> {
    let (number, unit) = match text.strip_suffix(['k', 'M']) {
        Some(number) if text.ends_with('k') => (number, 1e3),
        Some(number) => (number, 1e6),
        None => (text, 1.0),
    };
    let bits = number.parse::<f64>().context("not a number of bits")? * unit;
    ensure!((1e4..1e9).contains(&bits), "from 10k to 1000M");
    Ok(bits as u64)
}

impl Figures for Relay {
    fn rows(&self) -> Vec<(&'static str, String)> {
        let loss = &self.loss;
        let mib = |kib: u64| format!("{:.1} MiB", kib as f64 / 1024.0);
        vec![
            ("viewers", self.viewers.to_string()),
            (
                "packets",
                format!(
                    "{} sent, {} received in {} s",
                    self.packets_sent, self.packets_received, self.seconds
                ),
            ),
            (
                "… by the viewer who got fewest",
                self.packets_received_fewest.to_string(),
            ),
            (
                "lost",
                match self.simulcast {
                    true => "cannot be told of layers".to_owned(),
                    false => format!("{}, by the server {}", loss.packets, loss.by_server),
                },
            ),
            (
                "full sockets",
                format!(
                    "{} times a viewer's, {} times the server's, {} times the kernel's backlog",
                    loss.viewers_sockets_full, loss.servers_sockets_full, loss.kernel_backlog
                ),
            ),
            ("out of order, or repaired", loss.late.to_string()),
            ("sessions that broke", self.viewers_failed.to_string()),
            (
                "server's CPU for each packet",
                format!(
                    "{} µs ({} user, {} system)",
                    self.cpu_microseconds_per_packet,
                    self.user_microseconds_per_packet,
                    self.system_microseconds_per_packet
                ),
            ),
            (
                "cores that the server used",
                self.server_cores_used.to_string(),
            ),
            ("… that we used", self.client_cores_used.to_string()),
            ("delay", self.delay.to_string()),
            ("… on loopback without a server", self.loopback.to_string()),
            ("… that the server adds", self.added_delay.to_string()),
            (
                "server's memory with one viewer",
                mib(self.resident_kib_before),
            ),
            ("… with all", mib(self.resident_kib_with_all)),
            ("memory of each", format!("{} KiB", self.kib_per_viewer)),
            ("POST to first packet", self.setup.to_string()),
            ("keyframe requests", self.keyframe_requests.to_string()),
        ]
    }
}
