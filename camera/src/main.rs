//! `sightline-camera`: reads the options, puts the parts together, stops on a signal.

use std::{
    io::{IsTerminal, Write},
    process::ExitCode,
    sync::Arc,
    time::{Duration, SystemTime},
};

use anyhow::Context;
use reqwest::Url;
use sightline_camera::{
    audio::Audio,
    capture,
    certificate::Certificate,
    command::{Command, KeyOptions, PublishOptions},
    config::Config,
    doctor,
    key::{KeyError, RoomKey},
    log,
    pipeline::Pipeline,
    proofs::Proofs,
    publish::Publisher,
    share,
    signaling::Signaling,
    source::Source,
    stats::{Audience, Reports, status_line::StatusLine},
    unknown::UnknownViewers,
    view, watch_link,
    whip::{License, Whip},
};
use sightline_spec::room::RoomId;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

const NO_GSTREAMER: &str = "GStreamer cannot be used";

#[tokio::main(worker_threads = 2)]
async fn main() -> ExitCode {
    let config = Config::read();
    let status = StatusLine::default();
    log::start(&config.log_filter(), status.clone());
    match start(config, status).await {
        Ok(code) => code,
        Err(error) => {
            eprintln!("sightline-camera: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn start(config: Config, status: StatusLine) -> anyhow::Result<ExitCode> {
    let now = SystemTime::now();
    match &config.command {
        None | Some(Command::Publish(_)) => return run(config, status).await,
        Some(Command::View(options)) => {
            gst::init().context(NO_GSTREAMER)?;
            return view::run(&config, options, status, stop_on_signal()?).await;
        }
        Some(Command::Doctor) => {
            gst::init().context(NO_GSTREAMER)?;
            let findings = doctor::examine();
            print!("{}", findings.report);
            return Ok(ExitCode::from(u8::from(!findings.healthy)));
        }
        Some(Command::Key(KeyOptions { gateway })) => {
            let key = key(&config)?;
            let gateway = gateway.as_ref().unwrap_or(&config.gateway);
            let link = watch_link::watch_link(gateway, key.room());
            let text = format!("room {}\nwatch at {link}", key.room());
            watch_link::print(&text, link.as_str(), config.qr)?;
        }
        Some(Command::Token(options)) => {
            let token = share::token(&config, &key(&config)?, options, now)?;
            watch_link::print(&token, &token, config.qr)?;
        }
        Some(Command::Share(options)) => {
            let link = share::link(&config, &key(&config)?, options, now)?;
            watch_link::print(link.as_str(), link.as_str(), config.qr)?;
            if let Some(advice) = share::advice(&config, options) {
                eprintln!("{advice}");
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

async fn run(config: Config, status: StatusLine) -> anyhow::Result<ExitCode> {
    gst::init().context(NO_GSTREAMER)?;
    // A source that can never work is said at once, not retried for ever.
    config.source.check(config.format())?;
    let stop = stop_on_signal()?;
    let stream = match &config.source {
        Source::Rtsp(url) => tokio::select! {
            stream = capture::find(url) => Some(stream),
            () = stop.cancelled() => return Ok(ExitCode::SUCCESS),
        },
        source if config.passes() => capture::find_webcam(source.clone(), config.format()).await,
        _ => None,
    };
    let pipeline = {
        let (encoders, second) = (config.encoders(), config.second_encoders());
        let (codec, format, kbits) = (config.codec, config.format(), config.kbits());
        let passed = stream.clone().filter(|_| config.passes());
        let start = move || match &passed {
            Some(stream) => Pipeline::start_passing(stream, codec, format, kbits),
            None => Pipeline::start(&encoders, &second, format, kbits),
        };
        tokio::task::spawn_blocking(start).await??
    };
    let (audio, source) = (config.audio.clone(), config.source.clone());
    let is_the_cameras = audio == Audio::Auto && stream.is_some_and(|stream| stream.has_sound);
    let is_expected = {
        let (audio, source) = (audio.clone(), source.clone());
        tokio::task::spawn_blocking(move || audio.is_expected_with(&source))
    };
    // So the first offer has it already.
    if is_the_cameras || is_expected.await? {
        pipeline.offer_audio();
    }
    let listening = tokio::spawn(capture::run_audio(
        audio,
        source.clone(),
        Arc::downgrade(&pipeline),
    ));
    let failed = {
        let pipeline = pipeline.clone();
        async move { pipeline.failed().await }
    };
    let capturing = tokio::spawn(capture::run(
        source,
        config.audio.clone(),
        config.format(),
        Arc::downgrade(&pipeline),
    ));
    let audience = Audience {
        log_every: config.stats.map(Duration::from_secs),
        metrics_listen: config.metrics_listen,
    };
    // Until this function ends.
    let _reports = Reports::start(&pipeline, audience, status.clone()).await?;
    let publishing = match &config.command {
        Some(Command::Publish(PublishOptions { url })) => {
            let endpoint = url.clone();
            tokio::spawn(publisher(endpoint, config, pipeline)?.run(stop.clone()))
        }
        _ => {
            let line = status.clone();
            let finding = status.above(|| direct(config, pipeline, stop.clone(), line));
            tokio::spawn(finding?)
        }
    };
    let code = tokio::select! {
        _ = publishing => ExitCode::SUCCESS,
        // Whoever started us (systemd, as a rule) starts us anew.
        error = failed => return Err(error.into()),
    };
    capturing.abort();
    listening.abort();
    Ok(code)
}

fn key(config: &Config) -> Result<RoomKey, KeyError> {
    let path = config
        .key_file
        .clone()
        .map_or_else(RoomKey::default_path, Ok)?;
    RoomKey::load_or_create(&path)
}

/// Straight to every viewer, through a Sightline gateway.
fn direct(
    config: Config,
    pipeline: Arc<Pipeline>,
    stop: CancellationToken,
    status: StatusLine,
) -> anyhow::Result<impl Future<Output = ()>> {
    let own = match config.room {
        Some(_) => None,
        None => Some(key(&config)?),
    };
    let room = (config.room.as_ref())
        .or(own.as_ref().map(RoomKey::room))
        .context("neither a room nor a key")?;
    let capacity = config.capacity();
    let admission = config.admission();
    let license = own.clone().map(|key| License { key, admission });
    let whip = Whip::new(&config.gateway, room, license, capacity, &config.trust())?
        .with_token(config.token());
    announce_link(&config, room, own.as_ref())?;
    let signaling = Arc::new(Signaling {
        whip,
        pipeline,
        certificate: Certificate::generate()?,
        name: config.name,
        unknown: UnknownViewers::default(),
        proofs: match own {
            None => Proofs::None,
            Some(key) if config.private => Proofs::Private(key),
            Some(key) => Proofs::Camera(key),
        },
        ice_servers: config.ice_server,
        capacity,
    });
    let announced = std::sync::Once::new();
    Ok(signaling.run(stop, move || {
        announced.call_once(|| status.above(announce));
    }))
}

/// Prints the link, unless it takes a secret and would end up in a log.
fn announce_link(config: &Config, room: &RoomId, key: Option<&RoomKey>) -> anyhow::Result<()> {
    let mut link = watch_link::watch_link(&config.gateway, room);
    let secret = key.filter(|_| config.private && !config.tickets);
    let text = match secret {
        Some(key) if std::io::stdout().is_terminal() => {
            link.set_fragment(Some(&key.link_secret(None).expose()));
            format!("watch at {link}")
        }
        _ if config.private => {
            format!("watch at {link}#…: sightline-camera share --private prints the whole link")
        }
        _ if config.tickets => {
            format!("watch at {link}#…: sightline-camera share prints the whole link")
        }
        _ => format!("watch at {link}"),
    };
    watch_link::print(&text, link.as_str(), config.qr)?;
    Ok(())
}

/// To one WHIP server, which distributes the media.
fn publisher(endpoint: Url, config: Config, pipeline: Arc<Pipeline>) -> anyhow::Result<Publisher> {
    Publisher::register()?;
    Ok(Publisher {
        endpoint,
        token: config.token(),
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
