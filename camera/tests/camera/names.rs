//! What the camera is called, as its offer has it.

use std::{process::Stdio, time::SystemTime};

use sightline_camera::key::RoomKey;
use sightline_spec::{proof::check_camera, sdp::Sdp};

use crate::{
    endpoint::Endpoint,
    rig::{Program, program},
};

/// The offer of a camera that was started so.
async fn offer(arguments: &[&str]) -> Sdp {
    let mut endpoint = Endpoint::start().await;
    let mut camera = program();
    camera
        .args(["--gateway", endpoint.url().as_str()])
        .args(["--source", "test", "--size", "320x180"])
        .args(arguments)
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let _camera = Program::start(camera);
    Sdp::parse(&endpoint.offer().await.offer).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_camera_signs_what_its_owner_calls_it() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("camera.key");
    let key = RoomKey::load_or_create(&path).unwrap();
    let file = path.to_str().unwrap();
    let named = offer(&["--key-file", file, "--name", " Гараж 1 "]).await;
    let name = check_camera(&named, key.room(), SystemTime::now()).unwrap();
    assert_eq!(name.unwrap().as_str(), "Гараж 1");
    // What is signed needs no second place.
    assert_eq!(named.session_name(), None);

    let nameless = offer(&["--key-file", file]).await;
    let name = check_camera(&nameless, key.room(), SystemTime::now());
    assert_eq!(name, Ok(None));
}

#[tokio::test(flavor = "multi_thread")]
async fn in_a_room_with_a_name_the_session_is_called_as_the_camera() {
    let named = offer(&["--room", "test", "--name", "Shed"]).await;
    assert_eq!(named.session_name().unwrap().as_str(), "Shed");
    let lines = named.as_str().lines();
    assert_eq!(lines.filter(|line| line.starts_with("s=")).count(), 1);
    assert_eq!(offer(&["--room", "test"]).await.session_name(), None);
}

#[test]
fn a_name_that_could_pose_as_something_else_is_refused_at_the_start() {
    for (name, why) in [
        ("a\u{202e}b", "control characters"),
        ("a\nb", "control characters"),
        (&"x".repeat(65), "at most 64"),
        (" ", "at least one visible"),
    ] {
        let output = program().args(["--name", name, "key"]).output().unwrap();
        let told = String::from_utf8(output.stderr).unwrap();
        assert!(
            !output.status.success() && told.contains(why),
            "{name}: {told}"
        );
    }
}
