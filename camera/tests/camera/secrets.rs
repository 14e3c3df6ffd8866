//! What the program prints and logs at the finest level, with a viewer that watches.

use std::{
    fs::{self, File},
    time::SystemTime,
};

use sightline_camera::key::RoomKey;
use sightline_spec::sdp::Sdp;

use crate::{
    endpoint::{Endpoint, Reply, Waiting},
    peer::Peer,
    rig::{Program, program},
};

/// The ICE passwords in a description.
fn passwords(sdp: &str) -> impl Iterator<Item = &str> {
    sdp.lines()
        .filter_map(|line| line.strip_prefix("a=ice-pwd:"))
}

#[tokio::test(flavor = "multi_thread")]
async fn no_secret_is_printed_or_logged_at_any_level() {
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name);
    let key = RoomKey::load_or_create(&path("camera.key")).unwrap();
    let link = key.link_secret(None);
    let mut endpoint = Endpoint::start().await;
    let mut program = program();
    program
        .args([
            "--gateway",
            endpoint.url().as_str(),
            "--private",
            "--log",
            "trace",
        ])
        .args(["--source", "test", "--size", "320x180", "--key-file"])
        .arg(path("camera.key"))
        .stdout(File::create(path("printed")).unwrap())
        .stderr(File::create(path("logged")).unwrap());
    let program = Program::start(program);

    let Waiting {
        offer,
        headers,
        reply,
    } = endpoint.offer().await;
    let viewer = Peer::answering(&offer).await;
    let answer = Sdp::parse(&viewer.answer).unwrap();
    let answer = link.prove(&answer, key.room(), SystemTime::now()).unwrap();
    assert!(reply.send(Reply::Answer(answer.to_string())).is_ok());
    viewer.sees(10).await;
    drop(program);

    let read = |name| fs::read_to_string(path(name)).unwrap();
    let (printed, logged) = (read("printed"), read("logged"));
    assert!(
        printed.contains("share --private prints the whole link"),
        "{printed}"
    );
    assert!(logged.contains("DEBUG") && logged.contains("viewer connected"));
    let pem = read("camera.key");
    let mut secrets: Vec<&str> = passwords(&offer)
        .chain(passwords(answer.as_str()))
        .collect();
    secrets.push(pem.lines().nth(1).unwrap());
    let link = link.expose();
    secrets.push(link.split_once('.').unwrap().1);
    let token = headers["authorization"].to_str().unwrap();
    secrets.push(token.strip_prefix("Bearer ").unwrap());
    assert!(secrets.len() >= 5);
    for secret in secrets {
        assert!(!printed.contains(secret), "{secret} is printed");
        assert!(!logged.contains(secret), "{secret} is logged");
    }
}
