//! The other side of the tests: a WHIP endpoint in this process, and viewers that decode what
//! they get.

use std::{
    fmt::Debug,
    process::{Child, Command},
    sync::Arc,
    time::Duration,
};

use reqwest::Url;
use sightline_camera::{
    audio::Audio,
    capacity::Capacity,
    capture,
    certificate::Certificate,
    encoder::{Codec, EncoderKind, candidates},
    format::{Format, Size},
    key::RoomKey,
    pipeline::Pipeline,
    proofs::Proofs,
    signaling::Signaling,
    source::Source,
    trust::Trust,
    unknown::UnknownViewers,
    whip::{License, Whip},
};
use sightline_spec::token::Admission;
use tokio::{
    sync::Notify,
    time::{MissedTickBehavior, interval, timeout},
};
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::endpoint::Endpoint;

/// Nothing that works takes longer, not even on a busy machine.
pub(crate) const DEADLINE: Duration = Duration::from_secs(20);

/// Somebody has come, gone or seen a picture, in whichever test.
pub(crate) static NEWS: Notify = Notify::const_new();

/// How often is looked at what happens without [`NEWS`].
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// Looks until it sees what is waited for, and returns that. Looks with all [`NEWS`], and by
/// itself: that a file or a thread is closed, for one, nobody tells.
pub(crate) async fn eventually<S: Debug>(
    what: &str,
    look: impl AsyncFn() -> S,
    is_it: impl Fn(&S) -> bool,
) -> S {
    eventually_within(DEADLINE, what, look, is_it).await
}

/// The same for what takes its time by itself.
pub(crate) async fn eventually_within<S: Debug>(
    deadline: Duration,
    what: &str,
    look: impl AsyncFn() -> S,
    is_it: impl Fn(&S) -> bool,
) -> S {
    let mut last = None;
    let looking = async {
        let mut looks = interval(LOOK_EVERY);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            // Nothing that happens from here on is missed.
            let news = NEWS.notified();
            if is_it(last.insert(look().await)) {
                return;
            }
            tokio::select! {
                () = news => {}
                _ = looks.tick() => {}
            }
        }
    };
    let in_time = timeout(deadline, looking).await.is_ok();
    match last {
        Some(seen) if in_time => seen,
        last => panic!("not in time: {what}; last seen: {last:?}"),
    }
}

/// Says what did not come in time.
pub(crate) async fn in_time<T>(what: &str, waiting: impl Future<Output = T>) -> T {
    let waited = timeout(DEADLINE, waiting).await;
    waited.unwrap_or_else(|_| panic!("not in time: {what}"))
}

/// What it shows.
pub(crate) const FORMAT: Format = Format {
    size: Size {
        width: 320,
        height: 180,
    },
    fps: 30,
};

/// A camera that runs in this process, as the program would run it.
pub(crate) struct Camera {
    pub(crate) pipeline: Arc<Pipeline>,
    pub(crate) running: tokio::task::JoinHandle<()>,
    pub(crate) stop: CancellationToken,
    _stop_on_drop: DropGuard,
}

impl Camera {
    /// Serves four viewers.
    pub(crate) fn start(endpoint: &Endpoint, source: &str, codec: Codec) -> Self {
        let capacity = Capacity {
            viewers: 4,
            direct_only: false,
        };
        Self::start_for(capacity, endpoint, source, codec)
    }

    pub(crate) fn start_for(
        capacity: Capacity,
        endpoint: &Endpoint,
        source: &str,
        codec: Codec,
    ) -> Self {
        let whip = whip(endpoint, capacity);
        Self::start_with(whip, Proofs::None, capacity, (source, "off"), codec)
    }

    /// Serves four viewers, who hear something too.
    pub(crate) fn start_with_sound(endpoint: &Endpoint, audio: &str) -> Self {
        let capacity = Capacity {
            viewers: 4,
            direct_only: false,
        };
        let whip = whip(endpoint, capacity);
        Self::start_with(whip, Proofs::None, capacity, ("test", audio), Codec::H264)
    }

    /// Shows and plays what these options say.
    pub(crate) fn start_showing(endpoint: &Endpoint, source: &str, audio: &str) -> Self {
        let capacity = Capacity {
            viewers: 4,
            direct_only: false,
        };
        let whip = whip(endpoint, capacity);
        Self::start_with(whip, Proofs::None, capacity, (source, audio), Codec::H264)
    }

    /// What it shows and plays is given to its pipeline by the test.
    pub(crate) fn start_bare(gateway: &Url, encoders: &[EncoderKind]) -> Self {
        gst::init().unwrap();
        let capacity = Capacity {
            viewers: 4,
            direct_only: false,
        };
        let pipeline = Pipeline::start(encoders, &[], FORMAT, 500).unwrap();
        pipeline.offer_audio();
        let room = "test".parse().unwrap();
        let whip = Whip::new(gateway, &room, None, capacity, &Trust::System).unwrap();
        Self::find_viewers(whip, Proofs::None, capacity, pipeline)
    }

    /// With a gateway that is there, or something else.
    pub(crate) fn start_at(gateway: &Url) -> Self {
        let capacity = Capacity {
            viewers: 4,
            direct_only: false,
        };
        let room = "test".parse().unwrap();
        let whip = Whip::new(gateway, &room, None, capacity, &Trust::System).unwrap();
        Self::start_with(whip, Proofs::None, capacity, ("test", "off"), Codec::H264)
    }

    /// Shows the test picture, by the first of these encoders that is as it should be.
    pub(crate) fn start_encoding(endpoint: &Endpoint, encoders: &[EncoderKind]) -> Self {
        gst::init().unwrap();
        let capacity = Capacity {
            viewers: 4,
            direct_only: false,
        };
        let pipeline = Pipeline::start(encoders, &[], FORMAT, 500).unwrap();
        let to = Arc::downgrade(&pipeline);
        tokio::spawn(capture::run(Source::Test, Audio::Off, FORMAT, to));
        let whip = whip(endpoint, capacity);
        Self::find_viewers(whip, Proofs::None, capacity, pipeline)
    }

    /// In the room that this key is, for viewers that are reached directly.
    pub(crate) fn start_in_room(key: &RoomKey, proofs: Proofs, endpoint: &Endpoint) -> Self {
        let capacity = Capacity {
            viewers: 4,
            direct_only: true,
        };
        let license = License {
            key: key.clone(),
            admission: Admission::Link,
        };
        let whip = Whip::new(
            &endpoint.url(),
            key.room(),
            Some(license),
            capacity,
            &Trust::System,
        )
        .unwrap();
        Self::start_with(whip, proofs, capacity, ("test", "off"), Codec::H264)
    }

    fn start_with(
        whip: Whip,
        proofs: Proofs,
        capacity: Capacity,
        (source, audio): (&str, &str),
        codec: Codec,
    ) -> Self {
        let pipeline = pipeline(codec);
        let source: Source = source.parse().unwrap();
        let audio: Audio = audio.parse().unwrap();
        // Before there is an offer.
        if audio.is_expected_with(&source) {
            pipeline.offer_audio();
        }
        let to = Arc::downgrade(&pipeline);
        tokio::spawn(capture::run_audio(
            audio.clone(),
            source.clone(),
            to.clone(),
        ));
        tokio::spawn(capture::run(source, audio, FORMAT, to));
        Self::find_viewers(whip, proofs, capacity, pipeline)
    }

    pub(crate) fn find_viewers(
        whip: Whip,
        proofs: Proofs,
        capacity: Capacity,
        pipeline: Arc<Pipeline>,
    ) -> Self {
        let signaling = Signaling {
            whip,
            pipeline: pipeline.clone(),
            certificate: Certificate::generate().unwrap(),
            name: None,
            proofs,
            unknown: UnknownViewers::default(),
            ice_servers: Vec::new(),
            capacity,
        };
        let stop = CancellationToken::new();
        let running = tokio::spawn(Arc::new(signaling).run(stop.clone(), || {}));
        Self {
            pipeline,
            running,
            stop: stop.clone(),
            _stop_on_drop: stop.drop_guard(),
        }
    }
}

fn pipeline(codec: Codec) -> Arc<Pipeline> {
    gst::init().unwrap();
    let second = candidates(Some(Codec::Vp8), None);
    Pipeline::start(&candidates(Some(codec), None), &second, FORMAT, 500).unwrap()
}

pub(crate) fn whip(endpoint: &Endpoint, capacity: Capacity) -> Whip {
    let room = "test".parse().unwrap();
    Whip::new(&endpoint.url(), &room, None, capacity, &Trust::System).unwrap()
}

/// The program, which is told nothing by the environment that a test is run in.
pub(crate) fn program() -> Command {
    let mut program = Command::new(env!("CARGO_BIN_EXE_sightline-camera"));
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy().to_ascii_lowercase();
        if text.starts_with("sightline_") || text.ends_with("_proxy") {
            program.env_remove(name);
        }
    }
    program
}

/// The program as it runs; ends when dropped.
pub(crate) struct Program(Child);

impl Program {
    pub(crate) fn start(mut program: Command) -> Self {
        Self(program.spawn().unwrap())
    }
}

impl Program {
    /// Sends it this signal: STOP, CONT.
    pub(crate) fn signal(&self, name: &str) {
        let pid = self.0.id().to_string();
        let sent = Command::new("kill").args(["-s", name, &pid]).status();
        assert!(sent.unwrap().success());
    }

    /// Whether all was well, once it has ended by itself.
    pub(crate) fn has_ended(&mut self) -> Option<bool> {
        let status = self.0.try_wait().unwrap();
        status.map(|status| status.success())
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// How many file descriptors and threads this process has.
#[allow(dead_code, reason = "for the test that has a process of its own")]
pub(crate) fn open_resources() -> (usize, usize) {
    let count = |path| std::fs::read_dir(path).map_or(0, Iterator::count);
    (count("/proc/self/fd"), count("/proc/self/task"))
}
