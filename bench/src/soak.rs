//! Exchanges that are opened, abandoned and half finished, and what they leave behind.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use http::{Method, Request, StatusCode, header};
use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use serde::Serialize;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpSocket;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};

use crate::SoakOptions;
use crate::client::Connection;
use crate::gateway::Gateway;
use crate::party::Room;
use crate::report::{Figures, round};

/// How long one exchange may take before something is wrong.
const PATIENCE: Duration = Duration::from_secs(30);

/// How long the gateway may take to forget what has been abandoned.
const FORGOTTEN: Duration = Duration::from_secs(60);

/// How many exchanges go on at the same time.
const CONCURRENCY: usize = 32;

/// One exchange in so many comes before the memory is looked at for the first time: what a
/// busy process keeps for the next request is not lost.
const WARM_UP: usize = 5;

/// What an allocator may keep beyond that: some MiB after a busy moment, however many
/// exchanges there were. What each of them leaves behind shows in the larger runs.
const SLACK_KIB: u64 = 8192;

const ADMIN_TOKEN: &str = "for-this-soak-only";

/// At most one exchange in so many may be too late for the gateway's short patience, on a machine
/// that is busy with other things.
const TOO_LATE: usize = 20;

/// What becomes of an exchange, one after the other.
const FATES: [Fate; 8] = [
    Fate::Complete,
    Fate::NoGoodbye,
    Fate::CameraGoes,
    Fate::ViewerGoes,
    Fate::NoAnswer,
    Fate::LateAnswer,
    Fate::HalfARequest,
    Fate::Listening,
];

#[derive(Clone, Copy)]
enum Fate {
    /// They meet, and both say goodbye.
    Complete,
    /// They meet and vanish.
    NoGoodbye,
    /// The camera vanishes while its offer waits.
    CameraGoes,
    /// The viewer vanishes while it waits.
    ViewerGoes,
    /// The viewer takes the offer and vanishes.
    NoAnswer,
    /// The viewer answers a camera that has vanished.
    LateAnswer,
    /// A request that ends in the middle of its body.
    HalfARequest,
    /// They meet, the camera listens, and vanishes.
    Listening,
}

#[derive(Serialize)]
pub(crate) struct Soak {
    name: &'static str,
    exchanges: usize,
    seconds: f64,
    resident_kib_warm: u64,
    resident_kib_after: u64,
    files_warm: usize,
    files_after: usize,
}

pub(crate) async fn measure(options: &SoakOptions) -> anyhow::Result<Soak> {
    rlimit::increase_nofile_limit(rlimit::INFINITY)?;
    // What is abandoned is forgotten within seconds, so that there is an end to wait for.
    let arguments = [
        "--admin-listen=127.0.0.1:0",
        "--relay=off",
        "--session-idle=3s",
        "--session-linger=1s",
        "--answer-within=3s",
        "--event-grace=1s",
    ];
    let arguments = arguments.map(str::to_owned);
    let environment = [("SIGHTLINE_ADMIN_TOKEN", ADMIN_TOKEN)];
    let gateway = Gateway::start_with(&options.common, &arguments, &environment).await?;
    let start = Instant::now();
    let warm_up = options.exchanges / WARM_UP;
    run(&gateway, options, 0, warm_up).await?;
    forgotten(&gateway).await?;
    let (resident_warm, files_warm) = (gateway.process.resident()?, gateway.process.files()?);

    run(&gateway, options, warm_up, options.exchanges).await?;
    forgotten(&gateway).await?;
    let (resident, files) = (gateway.process.resident()?, gateway.process.files()?);
    let soak = Soak {
        name: "soak",
        exchanges: options.exchanges,
        seconds: round(start.elapsed().as_secs_f64(), 1),
        resident_kib_warm: resident_warm,
        resident_kib_after: resident,
        files_warm,
        files_after: files,
    };
    ensure!(
        resident <= resident_warm + SLACK_KIB,
        "memory was lost: {resident_warm} KiB after the first {warm_up} exchanges, {resident} KiB \
         after all {}",
        options.exchanges,
    );
    ensure!(
        files <= files_warm,
        "{files} files are open, not {files_warm}"
    );
    Ok(soak)
}

/// The exchanges with these numbers, several at a time.
async fn run(
    gateway: &Gateway,
    options: &SoakOptions,
    from: usize,
    to: usize,
) -> anyhow::Result<()> {
    let next = Arc::new(AtomicUsize::new(from));
    let late = Arc::new(AtomicUsize::new(0));
    let (address, named) = (gateway.address(), options.common.named_rooms);
    let mut running = JoinSet::new();
    for _ in 0..CONCURRENCY {
        let (next, late) = (next.clone(), late.clone());
        running.spawn(async move {
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= to {
                    return anyhow::Ok(());
                }
                let exchange = Exchange::new(number, named, address)?;
                let was_in_time = timeout(PATIENCE, exchange.meet_its_fate())
                    .await
                    .with_context(|| format!("exchange {number} hangs"))?
                    .with_context(|| format!("exchange {number}"))?;
                late.fetch_add((!was_in_time).into(), Ordering::Relaxed);
            }
        });
    }
    while let Some(done) = running.join_next().await {
        done??;
    }
    let late = late.load(Ordering::Relaxed);
    ensure!(
        late * TOO_LATE <= to - from,
        "{late} of {} exchanges were too late",
        to - from
    );
    Ok(())
}

/// Waits until the gateway knows of nobody, and has come to rest.
async fn forgotten(gateway: &Gateway) -> anyhow::Result<()> {
    let admin = gateway
        .admin()
        .context("it has an administrator's interface")?;
    let deadline = Instant::now() + FORGOTTEN;
    loop {
        let mut connection = Connection::open(Ipv4Addr::LOCALHOST, admin).await?;
        let request = Request::get("/api/v1/rooms")
            .header(header::HOST, admin.to_string())
            .header(header::AUTHORIZATION, format!("Bearer {ADMIN_TOKEN}"))
            .body(Full::default())?;
        let answer = connection.call(request).await?.expect(StatusCode::OK)?;
        if answer.text()? == r#"{"rooms":[]}"# {
            break;
        }
        if Instant::now() > deadline {
            bail!("the gateway still knows of {}", answer.text()?);
        }
        // Its own deadlines are what is waited for; nothing tells when they have passed.
        sleep(Duration::from_millis(100)).await;
    }
    gateway.process.settle(PATIENCE).await
}

/// A camera and a viewer of a room of their own.
struct Exchange {
    room: Room,
    fate: Fate,
    from: Ipv4Addr,
    gateway: SocketAddr,
}

impl Exchange {
    fn new(number: usize, named: bool, gateway: SocketAddr) -> anyhow::Result<Self> {
        // Ports rest for a minute after they were closed, so many addresses share the load.
        let nth = u8::try_from(number % 250)?;
        Ok(Self {
            room: Room::new(number, named, gateway)?,
            fate: FATES[number % FATES.len()],
            from: Ipv4Addr::new(127, 0, 2, nth),
            gateway,
        })
    }

    /// Says whether it was in time.
    async fn meet_its_fate(&self) -> anyhow::Result<bool> {
        match self.fate {
            Fate::CameraGoes => self.begin(self.room.offer()?, usize::MAX).await?,
            Fate::ViewerGoes => self.begin(self.room.view(30)?, usize::MAX).await?,
            Fate::HalfARequest => self.begin(self.room.offer()?, 200).await?,
            Fate::Complete | Fate::NoGoodbye | Fate::Listening => return self.complete().await,
            Fate::NoAnswer | Fate::LateAnswer => self.half().await?,
        }
        Ok(true)
    }

    /// Sends a request, or its head and so many bytes of its body, and is gone.
    async fn begin(&self, request: Request<Full<Bytes>>, most: usize) -> anyhow::Result<()> {
        let (parts, body) = request.into_parts();
        let body = body.collect().await?.to_bytes();
        let mut text = format!("{} {} HTTP/1.1\r\n", parts.method, parts.uri);
        for (name, value) in &parts.headers {
            text += &format!("{name}: {}\r\n", value.to_str()?);
        }
        text += &format!("content-length: {}\r\n\r\n", body.len());
        let socket = TcpSocket::new_v4()?;
        socket.bind((self.from, 0).into())?;
        let mut stream = socket.connect(self.gateway).await?;
        stream.write_all(text.as_bytes()).await?;
        stream.write_all(&body[..body.len().min(most)]).await?;
        Ok(())
    }

    /// They meet and have each other's description, unless the answer comes too late.
    async fn complete(&self) -> anyhow::Result<bool> {
        let (mut camera, mut viewer) = self.connect().await?;
        let room = &self.room;
        let viewing = async {
            let answer = viewer.call(room.view(30)?).await?;
            let session = answer.expect(StatusCode::NOT_ACCEPTABLE)?.location()?;
            let answer = viewer.call(room.answer(&session)?).await?;
            if answer.status() == StatusCode::GONE {
                return Ok(None);
            }
            answer.expect(StatusCode::NO_CONTENT)?;
            anyhow::Ok(Some(session))
        };
        let offering = async { camera.call(room.offer()?).await };
        let (answered, viewer_session) = tokio::try_join!(offering, viewing)?;
        let Some(viewer_session) = viewer_session else {
            answered.expect(StatusCode::SERVICE_UNAVAILABLE)?;
            return Ok(false);
        };
        let answered = answered.expect(StatusCode::CREATED)?;
        let camera_session = answered.location()?;
        match self.fate {
            Fate::Listening => {
                let events = format!("{camera_session}/events");
                let made = camera.call(self.request(Method::POST, &events)?).await?;
                let stream = made.expect(StatusCode::CREATED)?.location()?;
                camera.begin(self.request(Method::GET, &stream)?).await?;
            }
            Fate::Complete => {
                let gone = viewer.call(room.delete(&viewer_session)?).await?;
                gone.expect(StatusCode::OK)?;
                let gone = camera.call(room.delete(&camera_session)?).await?;
                gone.expect(StatusCode::OK)?;
            }
            _ => {}
        }
        Ok(true)
    }

    /// The viewer has the camera's offer, and then one of them is gone.
    async fn half(&self) -> anyhow::Result<()> {
        let (mut camera, mut viewer) = self.connect().await?;
        let room = &self.room;
        let offer = room.offer()?;
        let session = {
            let offering = camera.call(offer);
            let viewing = viewer.call(room.view(30)?);
            tokio::select! {
                _ = offering => bail!("the camera was answered by nobody"),
                answer = viewing => answer?.expect(StatusCode::NOT_ACCEPTABLE)?.location()?,
            }
        };
        drop(camera);
        if matches!(self.fate, Fate::LateAnswer) {
            let answer = viewer.call(room.answer(&session)?).await?;
            // Whether the gateway has noticed yet is not for us to say.
            let status = answer.status();
            let expected = [StatusCode::GONE, StatusCode::NO_CONTENT];
            ensure!(
                expected.contains(&status),
                "{status} to an answer that came too late"
            );
        }
        Ok(())
    }

    async fn connect(&self) -> anyhow::Result<(Connection, Connection)> {
        let camera = Connection::open(self.from, self.gateway).await?;
        let viewer = Connection::open(self.from, self.gateway).await?;
        Ok((camera, viewer))
    }

    fn request(&self, method: Method, target: &str) -> anyhow::Result<Request<Full<Bytes>>> {
        let request = Request::builder().method(method).uri(target);
        let request = request.header(header::HOST, self.gateway.to_string());
        Ok(request.body(Full::default())?)
    }
}

impl Figures for Soak {
    fn rows(&self) -> Vec<(&'static str, String)> {
        let figure = |kib: u64, files: usize| format!("{kib} KiB, {files} files open");
        vec![
            (
                "exchanges, most of them broken off",
                format!("{} in {} s", self.exchanges, self.seconds),
            ),
            (
                "after the first fifth",
                figure(self.resident_kib_warm, self.files_warm),
            ),
            (
                "after all of them",
                figure(self.resident_kib_after, self.files_after),
            ),
        ]
    }
}
