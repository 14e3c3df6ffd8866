//! A gateway whose clock is not the camera's, and a clock that is set while the camera runs.

use std::{
    fs,
    path::PathBuf,
    process::Stdio,
    time::{Duration, SystemTime},
};

use sightline_camera::{
    capacity::Capacity,
    key::RoomKey,
    trust::Trust,
    whip::{License, Whip, WhipError},
};
use sightline_spec::{
    room::RoomId,
    sdp::Sdp,
    token::{Admission, Claims, Scope},
};

use crate::{
    endpoint::{Endpoint, Reply, Waiting},
    peer::{Block, Peer},
    rig::{Program, in_time, program},
    tls::Identity,
};

const HOUR: Duration = Duration::from_secs(3600);

/// Whether a gateway of this name, by whose clock it is now so late, would take the offer's token.
fn is_good(waiting: &Waiting, room: &RoomId, host: &str, now: SystemTime) -> bool {
    let token = waiting.headers["authorization"].to_str().unwrap();
    let token = token.strip_prefix("Bearer ").unwrap();
    Claims::verify(token, room, Scope::Publish, host, now).is_ok()
}

/// What the camera says of a gateway that is an hour ahead, and whether its next token is good
/// there.
async fn refused_once(endpoint: &mut Endpoint, trust: &Trust) -> (WhipError, bool) {
    let directory = tempfile::tempdir().unwrap();
    let key = RoomKey::load_or_create(&directory.path().join("camera.key")).unwrap();
    let room = key.room().clone();
    let capacity = Capacity {
        viewers: 1,
        direct_only: true,
    };
    let license = License {
        key,
        admission: Admission::Link,
    };
    let whip = Whip::new(&endpoint.url(), &room, Some(license), capacity, trust).unwrap();
    let offer = Sdp::parse("v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n").unwrap();
    let host = endpoint.address().to_string();
    let camera = tokio::spawn(async move {
        let refused = whip.offer(&offer, 0).await.unwrap_err();
        let _ = whip.offer(&offer, 0).await;
        refused
    });
    let first = endpoint.offer().await;
    let good = |waiting: &Waiting| is_good(waiting, &room, &host, SystemTime::now() + HOUR);
    assert!(!good(&first), "by the camera's own clock");
    let now = SystemTime::now() + HOUR;
    assert!(first.reply.send(Reply::Unauthorized(now)).is_ok());
    let second = endpoint.offer().await;
    let good = good(&second);
    assert!(second.reply.send(Reply::Unavailable("0")).is_ok());
    (camera.await.unwrap(), good)
}

#[tokio::test]
async fn by_tls_the_next_token_goes_by_the_gateways_clock() {
    let identity = Identity::self_signed();
    let mut endpoint = Endpoint::start_as(identity.server()).await;
    let trust = Trust::Pinned(identity.pin());
    let (refused, good_next_time) = refused_once(&mut endpoint, &trust).await;
    let told = refused.to_string();
    assert!(told.contains("behind the gateway's"), "{told}");
    assert!(good_next_time);
}

#[tokio::test]
async fn without_tls_it_is_only_said() {
    let mut endpoint = Endpoint::start().await;
    let (refused, good_next_time) = refused_once(&mut endpoint, &Trust::System).await;
    let told = refused.to_string();
    assert!(told.contains("behind the gateway's"), "{told}");
    assert!(!good_next_time);
}

/// What tells a program another time than that of the machine.
const FAKETIME: &str = "/usr/$LIB/faketime/libfaketime.so.1";

/// The camera as it runs, by a clock that the test sets.
struct OtherTime {
    _program: Program,
    directory: tempfile::TempDir,
    room: RoomId,
}

impl OtherTime {
    fn start(endpoint: &Endpoint, identity: &Identity) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let key = directory.path().join("camera.key");
        let room = RoomKey::load_or_create(&key).unwrap().room().clone();
        let mut program = program();
        program
            .args(["--gateway", endpoint.url().as_str(), "--pin"])
            .arg(identity.pin().to_string())
            .args(["--source", "test", "--audio", "test", "--size", "320x180"])
            .arg("--key-file")
            .arg(key)
            .env("LD_PRELOAD", FAKETIME)
            .env("FAKETIME_TIMESTAMP_FILE", clock(&directory))
            .env("FAKETIME_NO_CACHE", "1")
            .env("FAKETIME_DONT_FAKE_MONOTONIC", "1")
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        set(&directory, 0);
        Self {
            _program: Program::start(program),
            directory,
            room,
        }
    }

    /// A viewer takes the next offer that a gateway would not have refused; how many it would have.
    async fn is_joined_at(&self, endpoint: &mut Endpoint) -> (Peer, usize) {
        let host = endpoint.address().to_string();
        let mut refused = 0;
        loop {
            let waiting = endpoint.offer().await;
            if is_good(&waiting, &self.room, &host, SystemTime::now()) {
                let viewer = Peer::answering(&waiting.offer).await;
                let answer = Reply::Answer(viewer.answer.clone());
                assert!(waiting.reply.send(answer).is_ok());
                viewer.sees(10).await;
                return (viewer, refused);
            }
            refused += 1;
            let reply = Reply::Unauthorized(SystemTime::now());
            assert!(waiting.reply.send(reply).is_ok());
        }
    }
}

fn clock(directory: &tempfile::TempDir) -> PathBuf {
    directory.path().join("clock")
}

/// Sets the clock so many seconds off.
fn set(directory: &tempfile::TempDir, seconds: i64) {
    let new = directory.path().join("new");
    fs::write(&new, format!("{seconds:+}")).unwrap();
    fs::rename(new, clock(directory)).unwrap();
}

/// As at the start of a machine that has no battery for its clock, or by a wrong time server.
#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_jumps_costs_no_viewer_and_keeps_none_out() {
    let identity = Identity::self_signed();
    let mut endpoint = Endpoint::start_as(identity.server()).await;
    let camera = OtherTime::start(&endpoint, &identity);
    let (viewer, refused) = camera.is_joined_at(&mut endpoint).await;
    assert_eq!(refused, 0);
    for seconds in [3600, -3600, 0] {
        // The offer that waits has its token already.
        let waiting = endpoint.offer().await;
        set(&camera.directory, seconds);
        viewer.sees(30).await;
        viewer.hears(30, Block::is_test_tone).await;
        assert!(waiting.reply.send(Reply::Unavailable("0")).is_ok());
        let joined = camera.is_joined_at(&mut endpoint);
        let (_newcomer, refused) = in_time("a token that is good", joined).await;
        assert!(refused > 0, "its clock did jump");
    }
    viewer.sees(30).await;
    assert!(endpoint.ended().is_empty());
}
