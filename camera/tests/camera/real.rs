//! The real parts, as processes: gateway, camera and viewer.

use std::{
    fs::{self, File},
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use gst::prelude::*;
use reqwest::Url;
use sightline_camera::{key::RoomKey, watch_link::watch_link};
use tempfile::TempDir;

use crate::rig::{Program, eventually, program};

/// A gateway of its own, on a port that it keeps over a restart.
pub(crate) struct Gateway {
    program: Option<Program>,
    pub(crate) url: Url,
}

impl Gateway {
    pub(crate) async fn start() -> Self {
        // Free when it was looked for.
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        drop(listener);
        let mut gateway = Self {
            program: None,
            url: url.parse().unwrap(),
        };
        gateway.restart().await;
        gateway
    }

    /// Ends it without a goodbye, and starts another.
    pub(crate) async fn restart(&mut self) {
        drop(self.program.take());
        let beside = Path::new(env!("CARGO_BIN_EXE_sightline-camera"));
        let path = beside.with_file_name("sightline-gateway");
        assert!(path.exists(), "cargo build --workspace makes {path:?}");
        let mut gateway = Command::new(path);
        let listen = self.url.socket_addrs(|| None).unwrap()[0].to_string();
        gateway
            .args(["--listen", &listen])
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        self.program = Some(Program::start(gateway));
        let ready = self.url.join("readyz").unwrap();
        let look = async || match reqwest::get(ready.clone()).await {
            Ok(response) => response.status().is_success(),
            Err(_) => false,
        };
        eventually("a gateway that answers", look, |is_ready| *is_ready).await;
    }
}

/// What a process has said, and its end.
pub(crate) struct Telling {
    pub(crate) program: Program,
    directory: TempDir,
}

impl Telling {
    pub(crate) fn start(mut program: Command) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let file = |name| File::create(directory.path().join(name)).unwrap();
        program.stdout(file("out")).stderr(file("err"));
        Self {
            program: Program::start(program),
            directory,
        }
    }

    pub(crate) fn stdout(&self) -> Vec<u8> {
        fs::read(self.directory.path().join("out")).unwrap()
    }

    pub(crate) fn stderr(&self) -> String {
        fs::read_to_string(self.directory.path().join("err")).unwrap()
    }

    /// All that it has said so far.
    pub(crate) fn said(&self) -> String {
        format!(
            "{}{}",
            String::from_utf8_lossy(&self.stdout()),
            self.stderr()
        )
    }

    /// Waits until it has said this so many times.
    pub(crate) async fn says(&self, words: &str, times: usize) {
        let look = async || self.said();
        let enough = |said: &String| said.matches(words).count() >= times;
        eventually(words, look, enough).await;
    }

    /// Waits until it has ended; whether all was well.
    pub(crate) async fn ends(&mut self) -> bool {
        let program = std::cell::RefCell::new(&mut self.program);
        let look = async || program.borrow_mut().has_ended();
        let ended = eventually("its end", look, Option::is_some).await;
        ended.unwrap()
    }
}

/// A camera with a key, that shows the test picture and is called "Front door".
pub(crate) struct RealCamera {
    pub(crate) key: RoomKey,
    pub(crate) telling: Telling,
    directory: TempDir,
    arguments: Vec<String>,
}

impl RealCamera {
    pub(crate) fn start(gateway: &Gateway, arguments: &[&str]) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("camera.key");
        let key = RoomKey::load_or_create(&path).unwrap();
        let own = ["--gateway", gateway.url.as_str(), "--name", "Front door"];
        let all = own.iter().chain(arguments).map(|it| (*it).to_owned());
        let arguments: Vec<String> = all.collect();
        Self {
            telling: run(&arguments, &path),
            key,
            directory,
            arguments,
        }
    }

    /// Another one takes its place.
    pub(crate) fn restart(&mut self) {
        let path = self.directory.path().join("camera.key");
        self.telling = run(&self.arguments, &path);
    }

    pub(crate) fn link(&self, gateway: &Gateway) -> Url {
        watch_link(&gateway.url, self.key.room())
    }
}

fn run(arguments: &[String], key: &Path) -> Telling {
    let mut camera = program();
    camera
        .args(["--source", "test", "--audio", "test", "--size", "320x180"])
        .arg("--key-file")
        .arg(key)
        .args(arguments);
    Telling::start(camera)
}

/// `view` into this file.
pub(crate) fn view(link: &Url, output: &Path, more: &[&str]) -> Telling {
    let mut view = program();
    view.args(["view", link.as_str(), "--output"])
        .arg(output)
        .args(more);
    Telling::start(view)
}

/// Waits until more has been written.
pub(crate) async fn grows(path: &Path) {
    let size = || fs::metadata(path).map_or(0, |it| it.len());
    let before = size();
    eventually("more in the file", async || size(), |now| *now > before).await;
}

/// How many pictures and pieces of sound can be decoded.
pub(crate) async fn decoded(path: &Path) -> (u64, u64) {
    let path = PathBuf::from(path);
    let decode = move || {
        gst::init().unwrap();
        let text = format!(
            "filesrc location={} ! decodebin name=in \
             in. ! video/x-raw ! fakesink name=video sync=false \
             in. ! audio/x-raw ! fakesink name=audio sync=false",
            path.display()
        );
        let pipeline = gst::parse::launch(&text).unwrap();
        let pipeline = pipeline.downcast::<gst::Pipeline>().unwrap();
        let count = |name| {
            let counted = Arc::new(AtomicU64::new(0));
            let counter = counted.clone();
            let pad = pipeline.by_name(name).unwrap().static_pad("sink").unwrap();
            pad.add_probe(gst::PadProbeType::BUFFER, move |_, _| {
                counter.fetch_add(1, Ordering::SeqCst);
                gst::PadProbeReturn::Ok
            });
            counted
        };
        let (video, audio) = (count("video"), count("audio"));
        pipeline.set_state(gst::State::Playing).unwrap();
        let ends = [gst::MessageType::Eos, gst::MessageType::Error];
        let limit = gst::ClockTime::from_seconds(20);
        let end = pipeline.bus().unwrap().timed_pop_filtered(limit, &ends);
        pipeline.set_state(gst::State::Null).unwrap();
        let end = end.map(|end| end.type_());
        assert_eq!(end, Some(gst::MessageType::Eos), "{}", path.display());
        (video.load(Ordering::SeqCst), audio.load(Ordering::SeqCst))
    };
    tokio::task::spawn_blocking(decode).await.unwrap()
}
