//! Many cameras that wait: memory of each, and CPU of them all.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, ensure};
use http::StatusCode;
use serde::Serialize;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use crate::WaitingOptions;
use crate::client::Connection;
use crate::gateway::Gateway;
use crate::party::{Room, address};
use crate::report::{Figures, round};

/// Connections being opened at one time: fewer than the listener's backlog.
const OPENING: usize = 128;

/// How long the gateway may take over what all cameras do at once.
const PATIENCE: Duration = Duration::from_secs(120);

/// What an offer may take of the gateway's memory, in bytes; it takes less.
const OFFER: usize = 16 * 1024;

/// Viewers who come in the end, to see that the cameras really were waiting.
const VIEWERS: usize = 100;

#[derive(Serialize)]
pub(crate) struct Waiting {
    name: &'static str,
    cameras: usize,
    named_rooms: bool,
    resident_kib_before: u64,
    resident_kib_waiting: u64,
    resident_kib_after: u64,
    /// When as many cameras wait once more: what was not given back was not lost.
    resident_kib_waiting_again: u64,
    kib_per_camera: f64,
    arrival_cpu_microseconds_per_camera: f64,
    idle_seconds: u64,
    idle_cpu_seconds: f64,
    idle_wakeups: u64,
    viewers_served: usize,
    rooms_left: usize,
}

pub(crate) async fn measure(options: &WaitingOptions) -> anyhow::Result<Waiting> {
    let cameras = options.cameras;
    let files = rlimit::increase_nofile_limit(rlimit::INFINITY)?;
    ensure!(
        files > cameras as u64 + 100,
        "only {files} files may be open: ulimit -n says how many, and root can raise it",
    );
    // Twice as many as wait: when the second round comes, the first has only just gone.
    let arguments = [
        format!("--max-waiting={}", 2 * cameras + 100),
        format!("--max-sessions={}", 2 * cameras + 100),
        format!("--max-kept={}", 2 * cameras * OFFER),
        format!("--max-connections={}", 2 * cameras + 1000),
    ];
    let gateway = Gateway::start(&options.common, &arguments).await?;
    let named = options.common.named_rooms;
    let rooms: anyhow::Result<Vec<_>> = (0..cameras)
        .map(|number| Ok(Arc::new(Room::new(number, named, gateway.address())?)))
        .collect();
    let rooms = rooms?;

    // What every first request allocates is not a camera's.
    warm_up(&gateway, &rooms).await?;
    gateway.process.settle(PATIENCE).await?;
    let files_before = gateway.process.files()?;
    let resident_before = gateway.process.resident()?;
    let cpu_before = gateway.process.cpu()?;

    let mut held = arrive(&gateway, &rooms).await?;
    gateway.process.settle(PATIENCE).await?;
    let resident_waiting = gateway.process.resident()?;
    let arrival = gateway.process.cpu()?.since(cpu_before).total();

    let (cpu_before, sleeps_before) = (gateway.process.cpu()?, gateway.process.sleeps()?);
    sleep(Duration::from_secs(options.idle_seconds)).await;
    let idle = gateway.process.cpu()?.since(cpu_before).total();
    let wakeups = gateway.process.sleeps()?.saturating_sub(sleeps_before);
    ensure!(
        held.try_join_next().is_none(),
        "a camera was answered before any viewer came",
    );
    let served = serve_some(&gateway, &rooms).await?;

    leave(&gateway, held, files_before).await?;
    let resident_after = gateway.process.resident()?;
    let rooms_left = rooms_left(&gateway, &rooms).await?;

    let held = arrive(&gateway, &rooms).await?;
    gateway.process.settle(PATIENCE).await?;
    let resident_again = gateway.process.resident()?;
    leave(&gateway, held, files_before).await?;

    let kib = resident_waiting.saturating_sub(resident_before) as f64;
    Ok(Waiting {
        name: "waiting",
        cameras,
        named_rooms: named,
        resident_kib_before: resident_before,
        resident_kib_waiting: resident_waiting,
        resident_kib_after: resident_after,
        resident_kib_waiting_again: resident_again,
        kib_per_camera: round(kib / cameras as f64, 2),
        arrival_cpu_microseconds_per_camera: round(arrival.as_secs_f64() * 1e6 / cameras as f64, 0),
        idle_seconds: options.idle_seconds,
        idle_cpu_seconds: round(idle.as_secs_f64(), 2),
        idle_wakeups: wakeups,
        viewers_served: served,
        rooms_left,
    })
}

/// One exchange that nobody counts.
async fn warm_up(gateway: &Gateway, rooms: &[Arc<Room>]) -> anyhow::Result<()> {
    let held = arrive(gateway, &rooms[..1]).await?;
    serve_some(gateway, &rooms[..1]).await?;
    drop(held);
    Ok(())
}

/// A camera comes into each room. The set holds their requests, none of which is answered.
async fn arrive(
    gateway: &Gateway,
    rooms: &[Arc<Room>],
) -> anyhow::Result<JoinSet<anyhow::Result<()>>> {
    let to = gateway.address();
    let opening = Arc::new(Semaphore::new(OPENING));
    let mut held = JoinSet::new();
    for (number, room) in rooms.iter().enumerate() {
        let permit = opening.clone().acquire_owned().await?;
        let room = room.clone();
        held.spawn(async move {
            let mut connection = Connection::open(address(number), to).await?;
            drop(permit);
            let answer = connection.call(room.offer()?).await?;
            // Only those that meet a viewer in the end get one.
            answer.expect(StatusCode::CREATED).map(|_| ())
        });
    }
    let _ = opening.acquire_many(u32::try_from(OPENING)?).await?;
    Ok(held)
}

/// Viewers come to some of the cameras, take their offers, and leave.
async fn serve_some(gateway: &Gateway, rooms: &[Arc<Room>]) -> anyhow::Result<usize> {
    let mut connection = Connection::open(address(0), gateway.address()).await?;
    let step = rooms.len().div_ceil(VIEWERS);
    let mut served = 0;
    for room in rooms.iter().step_by(step) {
        let answer = connection.call(room.view(10)?).await?;
        let session = answer.expect(StatusCode::NOT_ACCEPTABLE)?.location()?;
        let answer = connection.call(room.answer(&session)?).await?;
        answer.expect(StatusCode::NO_CONTENT)?;
        let answer = connection.call(room.delete(&session)?).await?;
        answer.expect(StatusCode::OK)?;
        served += 1;
    }
    Ok(served)
}

/// All cameras vanish, and the gateway notices.
async fn leave(
    gateway: &Gateway,
    held: JoinSet<anyhow::Result<()>>,
    files_before: usize,
) -> anyhow::Result<()> {
    drop(held);
    let noticed = async {
        while gateway.process.files()? > files_before {
            sleep(Duration::from_millis(100)).await;
        }
        anyhow::Ok(())
    };
    timeout(PATIENCE, noticed)
        .await
        .context("the gateway keeps connections that are closed")??;
    gateway.process.settle(PATIENCE).await
}

/// In how many rooms a camera is still believed to be.
async fn rooms_left(gateway: &Gateway, rooms: &[Arc<Room>]) -> anyhow::Result<usize> {
    let mut connection = Connection::open(address(0), gateway.address()).await?;
    let mut left = 0;
    for room in rooms {
        let answer = connection.call(room.view(0)?).await?;
        left += usize::from(answer.status() != StatusCode::CONFLICT);
    }
    Ok(left)
}

impl Figures for Waiting {
    fn rows(&self) -> Vec<(&'static str, String)> {
        let mib = |kib: u64| format!("{:.1} MiB", kib as f64 / 1024.0);
        vec![
            ("waiting cameras", self.cameras.to_string()),
            ("memory of each", format!("{} KiB", self.kib_per_camera)),
            ("gateway's memory before", mib(self.resident_kib_before)),
            ("… with all waiting", mib(self.resident_kib_waiting)),
            ("… after all have left", mib(self.resident_kib_after)),
            (
                "… with all there again",
                mib(self.resident_kib_waiting_again),
            ),
            (
                "gateway's CPU while nothing happens",
                format!(
                    "{:.2} s in {} s, {} wake-ups",
                    self.idle_cpu_seconds, self.idle_seconds, self.idle_wakeups
                ),
            ),
            (
                "gateway's CPU for each arrival",
                format!("{} µs", self.arrival_cpu_microseconds_per_camera),
            ),
            (
                "viewers served from among them",
                self.viewers_served.to_string(),
            ),
            ("rooms left behind", self.rooms_left.to_string()),
        ]
    }
}
