//! How the camera says that it is doing: to Prometheus, in the log, on a terminal.

use std::{
    fs::{self, File},
    net::SocketAddr,
    path::Path,
    sync::Arc,
    time::Duration,
};

use sightline_camera::{
    encoder::Codec,
    stats::{Metrics, Sampler},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    sync::watch,
};

use crate::{
    endpoint::{Endpoint, Reply, Waiting},
    peer::Peer,
    rig::{Camera, Program, eventually, in_time, program},
};

/// A viewer takes the offer that waits; its answer may be changed first.
async fn join(endpoint: &mut Endpoint, change: impl Fn(&str) -> String) -> Peer {
    let Waiting { offer, reply, .. } = endpoint.offer().await;
    let peer = Peer::answering(&offer).await;
    assert!(reply.send(Reply::Answer(change(&peer.answer))).is_ok());
    peer
}

/// The value of this sample: name with labels.
fn value(text: &str, sample: &str) -> Option<f64> {
    let line = text.lines().find_map(|line| line.strip_prefix(sample))?;
    line.trim().parse().ok()
}

async fn scrape(address: SocketAddr) -> String {
    let reply = reqwest::get(format!("http://{address}/metrics")).await;
    let reply = reply.unwrap();
    let kind = reply.headers()["content-type"].to_str().unwrap().to_owned();
    assert!(kind.starts_with("application/openmetrics-text"), "{kind}");
    reply.text().await.unwrap()
}

/// Looks four times a second, so that no test waits long.
async fn metrics_of(camera: &Camera) -> SocketAddr {
    let (told, snapshots) = watch::channel(Arc::default());
    let address = "127.0.0.1:0".parse().unwrap();
    let metrics = Metrics::listen(address, snapshots).await.unwrap();
    let address = metrics.address().unwrap();
    tokio::spawn(metrics.run());
    tokio::spawn(Sampler::new(&camera.pipeline).run(Duration::from_millis(250), told));
    address
}

#[tokio::test(flavor = "multi_thread")]
async fn prometheus_sees_a_viewer_come_watch_and_go() {
    let mut endpoint = Endpoint::start().await;
    let camera = Camera::start(&endpoint, "test", Codec::H264);
    let address = metrics_of(&camera).await;
    let direct = "sightline_camera_viewers{path=\"direct\"}";
    let viewers = async || value(&scrape(address).await, direct);
    eventually("nobody watches", viewers, |count| *count == Some(0.0)).await;

    let viewer = join(&mut endpoint, str::to_owned).await;
    viewer.sees(10).await;
    eventually("somebody watches", viewers, |count| *count == Some(1.0)).await;
    let before = scrape(address).await;
    for moving in [
        "sightline_camera_frames_in_total",
        "sightline_camera_frames_out_total",
        "sightline_camera_encoded_bytes_total",
        "sightline_camera_encoding_seconds_total",
        "sightline_camera_sent_bytes_total{path=\"direct\"}",
        "sightline_camera_sent_packets_total{path=\"direct\"}",
        "sightline_camera_cpu_seconds_total",
    ] {
        let then = value(&before, moving).unwrap_or_else(|| panic!("no {moving}: {before}"));
        let now = async || value(&scrape(address).await, moving);
        eventually(moving, now, |now| now.is_some_and(|now| now > then)).await;
    }
    // By the viewer's first report.
    let round_trip = async || {
        value(
            &scrape(address).await,
            "sightline_camera_round_trip_seconds",
        )
    };
    eventually("a round trip", round_trip, |seconds| {
        seconds.is_some_and(|seconds| seconds > 0.0 && seconds < 5.0)
    })
    .await;
    let text = scrape(address).await;
    for (sample, expected) in [
        ("sightline_camera_bitrate_wanted", 500_000.0),
        (
            "sightline_camera_encoder{element=\"x264enc\",codec=\"h264\"}",
            1.0,
        ),
        ("sightline_camera_sent_bytes_total{path=\"turn\"}", 0.0),
    ] {
        assert_eq!(value(&text, sample), Some(expected), "{sample} in {text}");
    }
    let memory = value(&text, "sightline_camera_memory_bytes").unwrap();
    assert!(memory > 1e6, "{memory}");
    assert!(text.ends_with("# EOF\n"), "{text}");

    endpoint.leave("0").await;
    eventually("nobody watches", viewers, |count| *count == Some(0.0)).await;
    // What it was sent stays counted.
    let sent = "sightline_camera_sent_bytes_total{path=\"direct\"}";
    assert!(value(&scrape(address).await, sent) >= value(&before, sent));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_relay_is_told_from_viewers() {
    let mut endpoint = Endpoint::start().await;
    let camera = Camera::start(&endpoint, "test", Codec::H264);
    let mut sampler = Sampler::new(&camera.pipeline);
    let lite = |answer: &str| answer.replacen("m=", "a=ice-lite\r\nm=", 1);
    let relay = join(&mut endpoint, lite).await;
    relay.sees(10).await;
    let now = sampler.look().await.unwrap();
    assert_eq!(now.viewers[0].path.name(), "relay", "{now:?}");
    assert!(now.fps_out > 0.0 && now.kbits > 0.0, "{now:?}");
    assert!(now.encoder_time.unwrap() > Duration::ZERO, "{now:?}");
    assert!(
        now.encoder_time.unwrap() < Duration::from_secs(2),
        "{now:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn who_only_connects_to_the_metrics_keeps_nobody_from_them() {
    let endpoint = Endpoint::start().await;
    let camera = Camera::start(&endpoint, "test", Codec::H264);
    let address = metrics_of(&camera).await;
    let mut silent = Vec::new();
    for _ in 0..20 {
        silent.push(TcpStream::connect(address).await.unwrap());
    }
    in_time("an answer", scrape(address)).await;
    // One that was first has been hung up on.
    let mut first = silent.swap_remove(0);
    let mut heard = Vec::new();
    in_time("its end", first.read_to_end(&mut heard)).await.ok();
    for (request, status) in [("GET / ", "404"), ("POST /metrics ", "405")] {
        let mut stream = TcpStream::connect(address).await.unwrap();
        let text = format!("{request}HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
        stream.write_all(text.as_bytes()).await.unwrap();
        let mut reply = String::new();
        in_time("a reply", stream.read_to_string(&mut reply))
            .await
            .unwrap();
        assert!(reply.starts_with(&format!("HTTP/1.1 {status}")), "{reply}");
    }
}

fn arguments(endpoint: &Endpoint, directory: &Path) -> Vec<String> {
    let key = directory.join("camera.key");
    [
        "--gateway",
        endpoint.url().as_str(),
        "--source",
        "test",
        "--size",
        "320x180",
    ]
    .into_iter()
    .chain(["--key-file", key.to_str().unwrap(), "--qr", "never"])
    .map(str::to_owned)
    .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_has_statistics_while_somebody_watches() {
    let directory = tempfile::tempdir().unwrap();
    let mut endpoint = Endpoint::start().await;
    let log = directory.path().join("log");
    let mut camera = program();
    camera.args(arguments(&endpoint, directory.path()));
    camera.args(["--metrics-listen", "127.0.0.1:0"]);
    camera.stderr(File::create(&log).unwrap());
    let _camera = Program::start(camera);
    let viewer = join(&mut endpoint, str::to_owned).await;
    viewer.sees(10).await;
    let read = async || fs::read_to_string(&log).unwrap();
    let text = eventually("statistics in the log", read, |text| {
        text.contains("statistics viewers=1 ") && text.contains(" viewer viewer=1 path=\"direct\" ")
    })
    .await;
    for field in [
        "fps_in=",
        "fps_out=",
        "kbits_wanted=",
        "loss_percent=",
        "encoder_ms=",
        "cpu_percent=",
    ] {
        assert!(text.contains(field), "{field} in {text}");
    }
    assert!(!text.contains('\x1b') && !text.contains("fps in"), "{text}");
    // The port that it chose is in the log.
    let (_, address) = text.split_once("metrics at http://").unwrap();
    let (address, _) = address.split_once("/metrics").unwrap();
    scrape(address.parse().unwrap()).await;
}

/// `script` gives it a terminal.
#[tokio::test(flavor = "multi_thread")]
async fn a_terminal_has_a_status_line_that_goes_at_the_end() {
    let directory = tempfile::tempdir().unwrap();
    let mut endpoint = Endpoint::start().await;
    let seen = directory.path().join("seen");
    let pid = directory.path().join("pid");
    let camera = program();
    let words: Vec<_> = std::iter::once(camera.get_program().to_str().unwrap().to_owned())
        .chain(arguments(&endpoint, directory.path()))
        .collect();
    let command = format!(
        "stty cols 200; echo $$ > {}; exec {}",
        pid.display(),
        words.join(" ")
    );
    let mut terminal = std::process::Command::new("script");
    terminal.args(["-qfec", &command]).arg(&seen);
    for (name, value) in camera.get_envs().filter(|(_, value)| value.is_none()) {
        assert_eq!(value, None);
        terminal.env_remove(name);
    }
    terminal
        .env("TERM", "xterm")
        .stdin(std::process::Stdio::null());
    terminal.stdout(std::process::Stdio::null());
    let _terminal = Program::start(terminal);
    let viewer = join(&mut endpoint, str::to_owned).await;
    viewer.sees(10).await;
    let read = async || String::from_utf8_lossy(&fs::read(&seen).unwrap()).into_owned();
    let line = "1 viewer (1 direct) · ";
    let text = eventually("a status line", read, |text| text.contains(line)).await;
    assert!(
        !text.contains("statistics viewers="),
        "the line says it: {text}"
    );
    endpoint.leave("0").await;
    eventually("the viewer's end", read, |text| {
        text.contains("viewer gone")
    })
    .await;
    let pid = fs::read_to_string(&pid).unwrap();
    let ended = std::process::Command::new("kill").arg(pid.trim()).status();
    assert!(ended.unwrap().success());
    let is_over = |text: &String| text.contains("Script done");
    let text = eventually("the end", read, is_over).await;
    let lines = screen(&text);
    let left: Vec<_> = lines
        .iter()
        .filter(|line| line.contains("fps in"))
        .collect();
    assert!(left.is_empty(), "{left:?} in {lines:#?}");
    for whole in ["watch at http", "waiting for viewers", "viewer gone"] {
        let found = lines.iter().filter(|line| line.contains(whole)).count();
        assert_eq!(found, 1, "{whole} in {lines:#?}");
    }
}

/// What stays to be read.
fn screen(output: &str) -> Vec<String> {
    let mut terminal = vt100::Parser::new(100, 200, 0);
    terminal.process(output.as_bytes());
    terminal.screen().rows(0, 200).collect()
}
