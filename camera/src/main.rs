//! `sightline-camera`: reads the options, puts the parts together, stops on a signal.

use std::{
    io::{IsTerminal, Write},
    process::ExitCode,
    sync::Arc,
    time::{Duration, SystemTime},
};

use anyhow::Context;
use sightline_camera::{
    capture,
    certificate::Certificate,
    config::{Command, Config, TokenOptions},
    doctor,
    key::{KeyError, RoomKey},
    option::Publish,
    pipeline::Pipeline,
    publish::Publisher,
    signaling::Signaling,
    watch_link,
    whip::{self, Whip},
};
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tracing_subscriber::EnvFilter;

#[tokio::main(worker_threads = 2)]
async fn main() -> ExitCode {
    let config = Config::read();
    tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::new(config.log_filter()))
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .init();
    match start(config).await {
        Ok(code) => code,
        Err(error) => {
            eprintln!("sightline-camera: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn start(config: Config) -> anyhow::Result<ExitCode> {
    gst::init().context("GStreamer cannot be used")?;
    match config.command {
        None => run(config).await,
        Some(Command::Doctor) => {
            let findings = doctor::examine();
            print!("{}", findings.report);
            Ok(ExitCode::from(u8::from(!findings.healthy)))
        }
        Some(Command::Token(TokenOptions { lifetime })) => {
            println!("{}", token(&config, lifetime)?);
            Ok(ExitCode::SUCCESS)
        }
    }
}

async fn run(config: Config) -> anyhow::Result<ExitCode> {
    // A source that can never work is said at once, not retried for ever.
    config.source.check(config.format())?;
    let stop = stop_on_signal()?;
    let pipeline = Pipeline::start(config.codec, config.format(), config.kbits())?;
    let failed = {
        let pipeline = pipeline.clone();
        async move { pipeline.failed().await }
    };
    let source = config.source.clone();
    let capturing = tokio::spawn(capture::run(
        source,
        config.format(),
        Arc::downgrade(&pipeline),
    ));
    let publishing = match config.publish {
        Publish::Direct => tokio::spawn(direct(config, pipeline, stop.clone())?),
        Publish::Whip => tokio::spawn(publisher(config, pipeline)?.run(stop.clone())),
    };
    let code = tokio::select! {
        _ = publishing => ExitCode::SUCCESS,
        // Whoever started us (systemd, as a rule) starts us anew.
        error = failed => return Err(error.into()),
    };
    capturing.abort();
    Ok(code)
}

fn key(config: &Config) -> Result<RoomKey, KeyError> {
    let path = config
        .key_file
        .clone()
        .map_or_else(RoomKey::default_path, Ok)?;
    RoomKey::load_or_create(&path)
}

fn token(config: &Config, lifetime: Duration) -> anyhow::Result<String> {
    let audience = whip::audience(&config.gateway).context("the gateway's URL has no host")?;
    key(config)?
        .publish_token(&audience, SystemTime::now(), lifetime)
        .context("the key cannot sign")
}

/// Straight to every viewer, through a Sightline gateway.
fn direct(
    config: Config,
    pipeline: Arc<Pipeline>,
    stop: CancellationToken,
) -> anyhow::Result<impl Future<Output = ()>> {
    let (room, key) = match &config.room {
        Some(room) => (room.clone(), None),
        None => {
            let path = config
                .key_file
                .clone()
                .map_or_else(RoomKey::default_path, Ok)?;
            let key = RoomKey::load_or_create(&path)?;
            (key.room().clone(), Some(key))
        }
    };
    let capacity = config.capacity();
    let signaling = Arc::new(Signaling {
        whip: Whip::new(&config.gateway, &room, key, capacity)?,
        pipeline,
        certificate: Certificate::generate()?,
        ice_servers: config.ice_server,
        capacity,
        stats_interval: Duration::from_secs(config.stats),
    });
    watch_link::print(&watch_link::watch_link(&config.gateway, &room), config.qr)?;
    let announced = std::sync::Once::new();
    Ok(signaling.run(stop, move || announced.call_once(announce)))
}

/// To one WHIP server, which distributes the media.
fn publisher(config: Config, pipeline: Arc<Pipeline>) -> anyhow::Result<Publisher> {
    Publisher::register()?;
    Ok(Publisher {
        endpoint: config.gateway,
        token: config.token,
        ice_servers: config.ice_server,
        pipeline,
    })
}

fn announce() {
    let mut out = std::io::stdout().lock();
    // A closed standard output does not keep the camera from working.
    let _ = writeln!(out, "waiting for viewers").and_then(|()| out.flush());
}

fn stop_on_signal() -> anyhow::Result<CancellationToken> {
    let stop = CancellationToken::new();
    let (mut interrupt, mut terminate) = (
        signal(SignalKind::interrupt())?,
        signal(SignalKind::terminate())?,
    );
    let stopped = stop.clone();
    tokio::spawn(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
        stopped.cancel();
    });
    Ok(stop)
}
