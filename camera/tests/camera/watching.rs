//! `view`: a real camera, the real gateway, and what is written of the picture.

use std::{
    fs,
    sync::{Arc, Mutex},
    time::{Duration, SystemTime},
};

use axum::{
    Router,
    extract::Path,
    http::{Method, StatusCode, header},
    response::IntoResponse,
    routing::any,
};
use reqwest::Url;
use sightline_camera::{key::RoomKey, watch_link::watch_link};
use sightline_spec::{private::LinkSecret, sdp::Sdp};
use tempfile::tempdir;

use crate::real::{Gateway, RealCamera, Telling, decoded, grows, view};
use crate::rig::program;

/// Watches until there is a second or two in the file, and is interrupted.
async fn enough_of(view: &mut Telling, path: &std::path::Path) {
    view.says("live: ", 1).await;
    for _ in 0..3 {
        grows(path).await;
    }
    view.program.signal("INT");
}

/// A link with this behind its `#`.
fn with(mut link: Url, fragment: &str) -> Url {
    link.set_fragment(Some(fragment));
    link
}

fn exposed(secret: &LinkSecret) -> String {
    secret.expose()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_camera_is_watched_directly_and_verified_into_every_kind_of_file() {
    let (gateway, directory) = (Gateway::start().await, tempdir().unwrap());
    let camera = RealCamera::start(&gateway, &[]);
    for name in ["a.mp4", "b.mkv", "c.webm"] {
        let path = directory.path().join(name);
        let mut view = view(&camera.link(&gateway), &path, &[]);
        enough_of(&mut view, &path).await;
        assert!(view.ends().await, "{name}: {}", view.said());
        let said = view.said();
        assert!(
            said.contains("live: Front door, direct\nverified: your camera"),
            "{said}"
        );
        let (pictures, sounds) = decoded(&path).await;
        assert!(
            pictures > 30 && sounds > 30,
            "{name}: {pictures}, {sounds}; {said}"
        );
    }
    // One file each.
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_publisher_is_watched_by_the_relay_which_is_said() {
    let (gateway, directory) = (Gateway::start().await, tempdir().unwrap());
    let whip = gateway.url.join("whip/garage").unwrap();
    let _camera = RealCamera::start(&gateway, &["publish", whip.as_str()]);
    let path = directory.path().join("a.mkv");
    let link = watch_link(&gateway.url, &"garage".parse().unwrap());
    let mut view = view(&link, &path, &[]);
    enough_of(&mut view, &path).await;
    assert!(view.ends().await, "{}", view.said());
    let said = view.said();
    assert!(
        said.contains("live: garage, relay\nnot verified: passes the server"),
        "{said}"
    );
    let (pictures, sounds) = decoded(&path).await;
    assert!(pictures > 30 && sounds > 30, "{pictures}, {sounds}; {said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn standard_output_is_matroska_and_nothing_else() {
    let (gateway, directory) = (Gateway::start().await, tempdir().unwrap());
    let camera = RealCamera::start(&gateway, &[]);
    let link = camera.link(&gateway);
    let mut view = view(&link, "-".as_ref(), &["--for", "12s"]);
    assert!(view.ends().await, "{}", view.stderr());
    let path = directory.path().join("piped.mkv");
    fs::write(&path, view.stdout()).unwrap();
    let (pictures, sounds) = decoded(&path).await;
    assert!(pictures > 30 && sounds > 30, "{pictures}, {sounds}");
    assert!(
        view.stderr().contains("verified: your camera"),
        "{}",
        view.stderr()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_private_camera_is_watched_with_its_link_and_no_other() {
    let (gateway, directory) = (Gateway::start().await, tempdir().unwrap());
    let camera = RealCamera::start(&gateway, &["--private"]);
    let bare = camera.link(&gateway);
    let path = directory.path().join("a.mkv");
    let refused = async |link: &Url, why: &str| {
        let mut view = view(link, &path, &[]);
        assert!(!view.ends().await, "{}", view.said());
        assert!(view.said().contains(why), "{why}: {}", view.said());
        assert!(!path.exists());
    };
    refused(&bare, "shows itself to private links only").await;
    let past = SystemTime::now() - Duration::from_secs(60);
    let expired = exposed(&camera.key.link_secret(Some(past)));
    refused(&with(bare.clone(), &expired), "this link has expired").await;
    let stranger = tempdir().unwrap();
    let other = RoomKey::load_or_create(&stranger.path().join("key")).unwrap();
    let forged = exposed(&other.link_secret(None));
    refused(&with(bare.clone(), &forged), "does not take this link").await;

    let whole = with(bare, &exposed(&camera.key.link_secret(None)));
    let mut view = view(&whole, &path, &[]);
    enough_of(&mut view, &path).await;
    assert!(view.ends().await, "{}", view.said());
    assert!(
        view.said()
            .contains("it shows itself to private links only")
    );
    assert!(decoded(&path).await.0 > 30);
}

#[tokio::test(flavor = "multi_thread")]
async fn where_a_ticket_is_wanted_the_link_has_to_bring_one_that_holds() {
    let (gateway, directory) = (Gateway::start().await, tempdir().unwrap());
    let camera = RealCamera::start(&gateway, &["--tickets"]);
    camera.telling.says("waiting for viewers", 1).await;
    let path = directory.path().join("a.mkv");
    let bare = camera.link(&gateway);
    let mut without = view(&bare, &path, &[]);
    assert!(!without.ends().await);
    assert!(
        without.said().contains("wants a ticket"),
        "{}",
        without.said()
    );

    let audience = sightline_camera::whip::audience(&gateway.url).unwrap();
    let ticket = |from, lifetime| {
        let lifetime = Duration::from_secs(lifetime);
        let validity = sightline_camera::key::Validity { from, lifetime };
        let ticket = camera.key.view_ticket(&audience, validity).unwrap();
        with(bare.clone(), &format!("token={ticket}"))
    };
    let past = SystemTime::now() - Duration::from_secs(3600);
    let mut expired = view(&ticket(past, 60), &path, &[]);
    assert!(!expired.ends().await);
    assert!(
        expired.said().contains("does not count here"),
        "{}",
        expired.said()
    );

    let mut good = view(&ticket(SystemTime::now(), 60), &path, &[]);
    enough_of(&mut good, &path).await;
    assert!(good.ends().await, "{}", good.said());
    assert!(decoded(&path).await.0 > 30);
}

/// A server that has somebody else's camera in this room.
async fn lying_server(offer: Sdp) -> (Url, Arc<Mutex<Vec<Method>>>) {
    let asked = Arc::new(Mutex::new(Vec::new()));
    let noted = asked.clone();
    let answer = move |method: Method, Path(path): Path<String>| async move {
        noted.lock().unwrap().push(method.clone());
        let is_endpoint = !path.contains('/');
        match method == Method::POST && is_endpoint {
            true => {
                let location = format!("/whep/{path}/session");
                let head = [
                    (header::CONTENT_TYPE, "application/sdp".to_owned()),
                    (header::LOCATION, location),
                ];
                (StatusCode::NOT_ACCEPTABLE, head, offer.to_string()).into_response()
            }
            false => StatusCode::OK.into_response(),
        }
    };
    let app = Router::new().route("/whep/{*path}", any(answer));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async { axum::serve(listener, app).await });
    (url.parse().unwrap(), asked)
}

#[tokio::test(flavor = "multi_thread")]
async fn another_camera_in_its_place_is_not_shown_and_not_answered() {
    let directory = tempdir().unwrap();
    let key = |name| RoomKey::load_or_create(&directory.path().join(name)).unwrap();
    let (ours, theirs) = (key("ours"), key("theirs"));
    let certificate = sightline_camera::certificate::Certificate::generate().unwrap();
    let text = format!(
        "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=fingerprint:{}\r\n\
         m=video 9 UDP/TLS/RTP/SAVPF 96\r\nc=IN IP4 0.0.0.0\r\na=mid:0\r\na=sendonly\r\n\
         a=ice-ufrag:aBcD\r\na=ice-pwd:anIcePasswordOf22Chars\r\na=setup:actpass\r\na=rtcp-mux\r\n\
         a=rtpmap:96 H264/90000\r\n",
        certificate.fingerprint().as_str()
    );
    let signer = sightline_camera::proofs::Proofs::Camera(theirs);
    let offer = signer.sign(&Sdp::parse(&text).unwrap(), None, SystemTime::now());
    let (server, asked) = lying_server(offer.unwrap()).await;
    let path = directory.path().join("a.mkv");
    let mut view = view(&watch_link(&server, ours.room()), &path, &[]);
    assert!(!view.ends().await);
    assert!(
        view.said().contains("this is not your camera"),
        "{}",
        view.said()
    );
    assert_eq!(*asked.lock().unwrap(), [Method::POST, Method::DELETE]);
    assert!(!path.exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_picture_comes_back_with_the_camera_and_the_file_goes_on() {
    let (gateway, directory) = (Gateway::start().await, tempdir().unwrap());
    let mut camera = RealCamera::start(&gateway, &[]);
    let path = directory.path().join("a.mkv");
    let mut view = view(&camera.link(&gateway), &path, &[]);
    view.says("live: Front door, direct", 1).await;
    grows(&path).await;
    camera.telling.program.signal("TERM");
    view.says("camera gone", 1).await;
    camera.restart();
    view.says("live: Front door, direct", 2).await;
    grows(&path).await;
    view.program.signal("INT");
    assert!(view.ends().await, "{}", view.said());
    assert!(decoded(&path).await.0 > 30, "{}", view.said());
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_picture_comes_back_with_the_gateway() {
    let (mut gateway, directory) = (Gateway::start().await, tempdir().unwrap());
    let whip = gateway.url.join("whip/garage").unwrap();
    let _camera = RealCamera::start(&gateway, &["publish", whip.as_str()]);
    let path = directory.path().join("a.mkv");
    let link = watch_link(&gateway.url, &"garage".parse().unwrap());
    let mut view = view(&link, &path, &[]);
    view.says("live: garage, relay", 1).await;
    grows(&path).await;
    gateway.restart().await;
    view.says("live: garage, relay", 2).await;
    grows(&path).await;
    view.program.signal("TERM");
    assert!(view.ends().await, "{}", view.said());
    assert!(decoded(&path).await.0 > 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_comes_straight_from_the_camera_needs_no_gateway_to_go_on() {
    let (mut gateway, directory) = (Gateway::start().await, tempdir().unwrap());
    let camera = RealCamera::start(&gateway, &[]);
    let path = directory.path().join("a.mkv");
    let mut view = view(&camera.link(&gateway), &path, &[]);
    view.says("live: Front door, direct", 1).await;
    gateway.restart().await;
    // Longer than a stalled picture would be looked at.
    for _ in 0..4 {
        grows(&path).await;
    }
    view.program.signal("INT");
    assert!(view.ends().await, "{}", view.said());
    assert_eq!(view.said().matches("live:").count(), 1, "{}", view.said());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_container_cannot_hold_is_said_and_not_written() {
    let (gateway, directory) = (Gateway::start().await, tempdir().unwrap());
    let camera = RealCamera::start(&gateway, &["--codec", "h264"]);
    let path = directory.path().join("a.webm");
    let mut view = view(&camera.link(&gateway), &path, &[]);
    assert!(!view.ends().await);
    let told = "the camera sends H264; what can be taken here is";
    assert!(view.said().contains(told), "{}", view.said());
    assert!(!path.exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_interrupted_says_goodbye_and_leaves_a_whole_file() {
    let (gateway, directory) = (Gateway::start().await, tempdir().unwrap());
    let camera = RealCamera::start(&gateway, &[]);
    let path = directory.path().join("a.mp4");
    let mut view = view(&camera.link(&gateway), &path, &[]);
    view.says("live: Front door", 1).await;
    camera.telling.says("viewer connected", 1).await;
    grows(&path).await;
    view.program.signal("INT");
    assert!(view.ends().await, "{}", view.said());
    // The gateway has told the camera, which nobody but it could.
    camera.telling.says("end=Left", 1).await;
    assert!(decoded(&path).await.0 > 10);
}

#[test]
fn what_is_no_watch_link_is_refused_with_words() {
    for (link, why) in [
        ("garage", "begins with https:// or http://"),
        ("http://h/publish/garage", "names no room"),
        ("http://h/watch/garage#0.x", "is not whole"),
    ] {
        let output = program().args(["view", link]).output().unwrap();
        let told = String::from_utf8(output.stderr).unwrap();
        assert!(
            !output.status.success() && told.contains(why),
            "{link}: {told}"
        );
    }
    let output = program()
        .args(["view", "http://h/watch/a", "--output", "a.avi"])
        .output()
        .unwrap();
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(told.contains(".mp4, .mkv or .webm"), "{told}");
}

#[test]
fn where_there_is_no_display_that_is_said_at_once() {
    if std::path::Path::new("/dev/dri").exists() {
        return;
    }
    let mut view = program();
    view.env_remove("DISPLAY").env_remove("WAYLAND_DISPLAY");
    let output = view.args(["view", "http://h/watch/a"]).output().unwrap();
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(
        !output.status.success() && told.contains("--output FILE"),
        "{told}"
    );
}
