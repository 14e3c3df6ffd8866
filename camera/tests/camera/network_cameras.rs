//! Network cameras: what they encode is what viewers get.

use std::fs::File;

use sightline_camera::encoder::Codec;
use tempfile::TempDir;

use crate::{
    endpoint::{Endpoint, Reply, Waiting},
    ip_camera::{IpCamera, PASSWORD, PLAIN, TAKES_REQUESTS, USER, h264, h265, publish, tone},
    offers::without,
    peer::{Block, Peer},
    pieces::Pieces,
    rig::{Camera, Program, eventually, in_time, program},
    wire::Wire,
};

const SIZE: (u32, u32) = (320, 180);

/// The next that was not withdrawn, since the camera is another by now.
async fn standing_offer(endpoint: &mut Endpoint) -> Waiting {
    loop {
        let waiting = endpoint.offer().await;
        if !waiting.reply.is_closed() {
            return waiting;
        }
    }
}

async fn join(endpoint: &mut Endpoint) -> (Peer, String) {
    loop {
        let Waiting { offer, reply, .. } = standing_offer(endpoint).await;
        let peer = Peer::answering(&offer).await;
        // It may have been withdrawn while it was being answered.
        if reply.send(Reply::Answer(peer.answer.clone())).is_ok() {
            return (peer, offer);
        }
    }
}

/// The same who does not know these encodings.
async fn join_without(endpoint: &mut Endpoint, encodings: &[&str]) -> Peer {
    let Waiting { offer, reply, .. } = endpoint.offer().await;
    let known = encodings
        .iter()
        .fold(offer, |offer, encoding| without(&offer, encoding));
    let peer = Peer::answering(&known).await;
    assert!(reply.send(Reply::Answer(peer.answer.clone())).is_ok());
    peer
}

fn encoders(camera: &Camera) -> Vec<&'static str> {
    let all = camera.pipeline.encoders();
    all.into_iter().map(|kind| kind.element).collect()
}

/// What an offer names, without what is for packets that are sent again.
fn codecs(offer: &str) -> Vec<&str> {
    let names = offer
        .lines()
        .filter_map(|line| line.strip_prefix("a=rtpmap:")?.split_once(' '));
    let names = names.filter_map(|(_, name)| name.strip_suffix("/90000"));
    names.filter(|name| *name != "rtx").collect()
}

/// What a viewer got is a part of what was made, nothing left out: at least so many pieces of it.
fn assert_is_part(got: &[Vec<u8>], made: &Pieces, at_least: usize) {
    let made = made.all();
    assert!(got.len() >= at_least, "only {} pieces", got.len());
    // It was connected somewhere in between; what comes after may be on its way.
    let found = made
        .windows(at_least)
        .position(|some| some == &got[..at_least]);
    let first: Vec<_> = got.iter().take(3).map(|piece| piece.len()).collect();
    assert!(
        found.is_some(),
        "not among the {} made: {first:?} bytes …",
        made.len()
    );
}

/// Slices of H.264 (table 7-1).
fn slices_of_h264(units: &Pieces) -> Pieces {
    let slices = Pieces::default();
    let is_slice = |unit: &&Vec<u8>| matches!(unit[0] & 31, 1 | 5);
    units
        .all()
        .iter()
        .filter(is_slice)
        .for_each(|unit| slices.note(unit));
    slices
}

/// Slices of H.265 (table 7-1).
fn slices_of_h265(units: &Pieces) -> Pieces {
    let slices = Pieces::default();
    let is_slice = |unit: &&Vec<u8>| unit[0] >> 1 & 63 < 32;
    units
        .all()
        .iter()
        .filter(is_slice)
        .for_each(|unit| slices.note(unit));
    slices
}

#[tokio::test(flavor = "multi_thread")]
async fn h264_reaches_the_viewer_as_the_camera_encoded_it() {
    let camera = IpCamera::start(&h264(PLAIN, SIZE));
    let mut endpoint = Endpoint::start().await;
    let published = publish(&endpoint, &camera.url(), None).await;
    let (viewer, offer) = join(&mut endpoint).await;
    assert_eq!(codecs(&offer), ["H264", "VP8"]);
    viewer.sees(60).await;
    assert_eq!(encoders(&published), [""; 0]);
    let got = slices_of_h264(&viewer.units).all();
    assert_is_part(&got, &slices_of_h264(&camera.pictures), 55);
    // Whoever comes in between needs them: before each keyframe.
    let types: Vec<u8> = viewer.units.all().iter().map(|unit| unit[0] & 31).collect();
    let keyframes = types.iter().enumerate().filter(|(_, kind)| **kind == 5);
    for (at, _) in keyframes {
        let before = &types[at.saturating_sub(8)..at];
        assert!(before.contains(&7) && before.contains(&8), "{before:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn h265_is_offered_and_passed_on_as_such() {
    let camera = IpCamera::start(&h265(SIZE));
    let mut endpoint = Endpoint::start().await;
    let published = publish(&endpoint, &camera.url(), None).await;
    let (viewer, offer) = join(&mut endpoint).await;
    assert_eq!(codecs(&offer), ["H265", "H264", "VP8"]);
    viewer.sees(30).await;
    assert_eq!(viewer.codec().as_deref(), Some("H265"));
    assert_eq!(encoders(&published), [""; 0]);
    let got = slices_of_h265(&viewer.units).all();
    assert_is_part(&got, &slices_of_h265(&camera.pictures), 25);
}

#[tokio::test(flavor = "multi_thread")]
async fn h265_is_encoded_again_where_h264_is_wanted() {
    let camera = IpCamera::start(&h265(SIZE));
    let mut endpoint = Endpoint::start().await;
    let _published = publish(&endpoint, &camera.url(), Some(Codec::H264)).await;
    let (viewer, offer) = join(&mut endpoint).await;
    assert_eq!(codecs(&offer), ["H264"]);
    viewer.sees(30).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_cannot_decode_what_the_camera_sends_has_it_encoded_while_he_watches() {
    for (stream, unknown, codec, encoder) in [
        (h264(PLAIN, SIZE), &["H264"][..], "VP8", "vp8enc"),
        (h265(SIZE), &["H265"], "H264", "x264enc"),
        (h265(SIZE), &["H265", "H264"], "VP8", "vp8enc"),
    ] {
        let camera = IpCamera::start(&stream);
        let mut endpoint = Endpoint::start().await;
        let published = publish(&endpoint, &camera.url(), None).await;
        let (first, _) = join(&mut endpoint).await;
        first.sees(10).await;
        assert_eq!(encoders(&published), [""; 0]);
        let second = join_without(&mut endpoint, unknown).await;
        second.sees(20).await;
        assert_eq!(second.codec().as_deref(), Some(codec));
        assert_eq!(encoders(&published), [encoder]);
        first.sees(10).await;
        endpoint.leave("1").await;
        let running = async || encoders(&published);
        eventually("no encoder", running, Vec::is_empty).await;
        first.sees(10).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sound_of_every_kind_is_heard() {
    for encoder in [
        "alawenc ! rtppcmapay name=pay1 pt=8",
        "mulawenc ! rtppcmupay name=pay1 pt=0",
        "avenc_aac ! aacparse ! rtpmp4gpay name=pay1 pt=97",
    ] {
        let camera = IpCamera::start(&(h264(PLAIN, SIZE) + &tone(encoder)));
        let mut endpoint = Endpoint::start().await;
        let _published = publish(&endpoint, &camera.url(), None).await;
        let (viewer, _) = join(&mut endpoint).await;
        eprintln!("{encoder}");
        viewer.sees(10).await;
        viewer.hears(30, Block::is_test_tone).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn opus_is_passed_on_as_it_is() {
    let opus = "opusenc frame-size=20 ! identity name=sound ! rtpopuspay name=pay1 pt=97";
    let camera = IpCamera::start(&(h264(PLAIN, SIZE) + &tone(opus)));
    let mut endpoint = Endpoint::start().await;
    let _published = publish(&endpoint, &camera.url(), None).await;
    let (viewer, _) = join(&mut endpoint).await;
    viewer.hears(50, Block::is_test_tone).await;
    let got = viewer.opus.all();
    assert_is_part(&got, &camera.sound, 40);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_camera_that_vanishes_comes_back_in_another_size() {
    let camera = IpCamera::start(&h264(PLAIN, SIZE));
    let url = camera.url();
    let mut endpoint = Endpoint::start().await;
    let _published = publish(&endpoint, &url, None).await;
    let (viewer, _) = join(&mut endpoint).await;
    viewer.sees(10).await;
    assert_eq!(viewer.size(), Some(SIZE));
    let _camera = camera.replaced_by(&h264(PLAIN, (640, 360))).await;
    let size = async || viewer.size();
    eventually("the other size", size, |size| *size == Some((640, 360))).await;
    viewer.sees(30).await;
    assert!(endpoint.ended().is_empty(), "the session is the same");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_camera_that_comes_back_with_another_profile_keeps_its_viewers() {
    let camera = IpCamera::start(&h264(PLAIN, SIZE));
    let mut endpoint = Endpoint::start().await;
    let _published = publish(&endpoint, &camera.url(), None).await;
    let (viewer, offer) = join(&mut endpoint).await;
    assert!(offer.contains("profile-level-id=42c0"), "{offer}");
    viewer.sees(10).await;
    let high = format!("{PLAIN} dct8x8=true cabac=true");
    let stream = h264(&high, SIZE).replace("alignment=au", "alignment=au,profile=high");
    let _camera = camera.replaced_by(&stream).await;
    // The offer that waits speaks of the other and is withdrawn.
    let _withdrawn = endpoint.offer().await;
    let (next, offer) = join(&mut endpoint).await;
    assert!(offer.contains("profile-level-id=6400"), "{offer}");
    assert_eq!(codecs(&offer), ["H264", "VP8"]);
    next.sees(10).await;
    viewer.sees(10).await;
    let is_high = |units: &Pieces| {
        units
            .all()
            .iter()
            .any(|unit| unit.starts_with(&[0x67, 0x64]))
    };
    assert!(is_high(&next.units) && is_high(&viewer.units));
    assert!(endpoint.ended().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_camera_that_comes_back_with_another_codec_keeps_who_can_be_served() {
    let camera = IpCamera::start(&h265(SIZE));
    let mut endpoint = Endpoint::start().await;
    let published = publish(&endpoint, &camera.url(), None).await;
    let (of_h265, _) = join(&mut endpoint).await;
    let of_h264 = join_without(&mut endpoint, &["H265"]).await;
    of_h265.sees(10).await;
    of_h264.sees(10).await;
    // Who has H.264 is passed on what was encoded for him before, and who has H.265 nothing any more.
    let camera = camera.replaced_by(&h264(PLAIN, SIZE)).await;
    let ended = async || endpoint.ended();
    eventually("a goodbye", ended, |ended| *ended == ["0"]).await;
    of_h264.sees(30).await;
    assert_eq!(encoders(&published), [""; 0]);
    let made = slices_of_h264(&camera.pictures).all();
    let got = slices_of_h264(&of_h264.units).all();
    assert!(made.contains(got.last().unwrap()));
    let (next, offer) = join(&mut endpoint).await;
    assert_eq!(codecs(&offer), ["H264", "VP8"]);
    next.sees(10).await;
    // And the other way round.
    let _camera = camera.replaced_by(&h265(SIZE)).await;
    let running = async || encoders(&published);
    eventually("an encoder", running, |all| *all == ["x264enc"]).await;
    of_h264.sees(30).await;
    next.sees(10).await;
    assert_eq!(endpoint.ended(), ["0"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_camera_that_freezes_is_begun_anew_and_its_viewers_are_told_meanwhile() {
    let camera = IpCamera::start(&h264(PLAIN, SIZE));
    let wire = Wire::to(camera.port).await;
    let mut endpoint = Endpoint::start().await;
    let url = camera.url_at(wire.port);
    let published = publish(&endpoint, &url, None).await;
    let (viewer, _) = join(&mut endpoint).await;
    viewer.sees(10).await;
    wire.freeze();
    let frames = published.pipeline.frames_in();
    let opened = wire.opened();
    let ended = async || endpoint.ended();
    eventually("a goodbye", ended, |ended| *ended == ["0"]).await;
    let (next, _) = join(&mut endpoint).await;
    next.sees(30).await;
    assert!(wire.opened() > opened && published.pipeline.frames_in() > frames);
}

#[tokio::test(flavor = "multi_thread")]
async fn b_frames_are_encoded_again() {
    let reordered = "key-int-max=60 bframes=2 b-adapt=false rc-lookahead=4 sync-lookahead=0";
    // rtph264pay has an encoder do without, unless it is told a profile.
    let stream = h264(reordered, SIZE).replace("alignment=au", "alignment=au,profile=main");
    let camera = IpCamera::start(&stream);
    let mut endpoint = Endpoint::start().await;
    let published = publish(&endpoint, &camera.url(), None).await;
    in_time("frames", published.pipeline.has_taken_in(60)).await;
    let (viewer, _) = join(&mut endpoint).await;
    viewer.sees(60).await;
    let (got, made) = (
        slices_of_h264(&viewer.units).all(),
        slices_of_h264(&camera.pictures).all(),
    );
    let own = got.iter().filter(|slice| !made.contains(slice)).count();
    assert!(
        own * 10 > got.len() * 9,
        "{own} of {} are of an encoder here",
        got.len()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_camera_that_takes_requests_is_asked_for_keyframes() {
    // By itself it makes one at its start.
    let rare = "tune=zerolatency key-int-max=100000";
    let camera = IpCamera::start(&(h264(rare, SIZE) + TAKES_REQUESTS));
    let mut endpoint = Endpoint::start().await;
    let _published = publish(&endpoint, &camera.url(), None).await;
    let (first, _) = join(&mut endpoint).await;
    first.sees(30).await;
    let (second, _) = join(&mut endpoint).await;
    second.sees(30).await;
    let keyframes = first.keyframes();
    first.want_keyframe();
    let now = async || first.keyframes();
    eventually("a keyframe", now, |now| *now > keyframes).await;
}

/// The program as it runs, and where it writes.
struct Running {
    endpoint: Endpoint,
    directory: TempDir,
    _program: Program,
}

impl Running {
    async fn start(source: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let path = |name: &str| directory.path().join(name);
        let endpoint = Endpoint::start().await;
        let mut program = program();
        program
            .args(["--gateway", endpoint.url().as_str(), "--source", source])
            .args(["--log", "trace", "--key-file"])
            .arg(path("camera.key"))
            .stdout(File::create(path("printed")).unwrap())
            .stderr(File::create(path("logged")).unwrap());
        Self {
            endpoint,
            _program: Program::start(program),
            directory,
        }
    }

    fn said(&self) -> String {
        let read = |name| std::fs::read_to_string(self.directory.path().join(name)).unwrap();
        read("printed") + &read("logged")
    }

    async fn says(self, words: &str) -> String {
        let said = async || self.said();
        eventually("these words", said, |said| said.contains(words)).await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_cannot_decode_what_is_passed_on_is_told_of() {
    let camera = IpCamera::start(&h265(SIZE));
    let mut running = Running::start(&camera.url()).await;
    let Waiting { offer, reply, .. } = running.endpoint.offer().await;
    let viewer = Peer::answering(&offer).await;
    let refusing = viewer.answer.replace("m=video 9 ", "m=video 0 ");
    assert_ne!(refusing, viewer.answer);
    assert!(reply.send(Reply::Answer(refusing)).is_ok());
    running.says("takes none of the codecs").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pictures_and_sound_come_by_udp_too() {
    let camera =
        IpCamera::start(&(h264(PLAIN, SIZE) + &tone("alawenc ! rtppcmapay name=pay1 pt=8")));
    let mut endpoint = Endpoint::start().await;
    let url = camera.url().replace("rtsp://", "rtspu://");
    let _published = publish(&endpoint, &url, None).await;
    let (viewer, _) = join(&mut endpoint).await;
    viewer.sees(30).await;
    viewer.hears(30, Block::is_test_tone).await;
    let got = slices_of_h264(&viewer.units).all();
    assert_is_part(&got, &slices_of_h264(&camera.pictures), 20);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_that_nobody_vouches_for_is_refused_in_words() {
    let camera = IpCamera::start_with_tls(&h264(PLAIN, SIZE));
    let url = camera.url().replace("rtsp://", "rtsps://");
    let running = Running::start(&url).await;
    running.says("vouches for its certificate").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_opens_the_camera_and_is_told_nobody() {
    let camera = IpCamera::start_at("0", &h264(PLAIN, SIZE), true);
    let encoded = "h0sh%2Fp%40ss%3Aw";
    let url = |user: &str, password: &str| {
        format!(
            "rtsp://{user}:{password}@127.0.0.1:{}/stream?key=h0sh",
            camera.port
        )
    };
    let plain = url(USER, encoded).replace("?key=h0sh", "");
    let mut watched = Running::start(&plain).await;
    let (viewer, _) = join(&mut watched.endpoint).await;
    viewer.sees(10).await;
    let mut outputs = vec![watched.said()];
    for (source, words) in [
        (&*url(USER, "wrongh0sh"), "refuses user and password"),
        // A slash that is not encoded ends the host.
        (
            &format!("rtsp://{USER}:{PASSWORD}@127.0.0.1/"),
            "a network camera is rtsp://user",
        ),
        ("rtsp://ann:h0sh@127.0.0.1:9/h0sh", "cannot be reached"),
    ] {
        outputs.push(Running::start(source).await.says(words).await);
    }
    let help = program()
        .args(["--source", &plain, "--help"])
        .output()
        .unwrap();
    outputs.push(String::from_utf8(help.stdout).unwrap());
    assert!(outputs[0].contains("rtsp://127.0.0.1"), "{}", outputs[0]);
    assert!(
        outputs[4].contains("rtsp://user:password@host/path"),
        "{}",
        outputs[4]
    );
    for output in outputs {
        for secret in ["h0sh", "p@ss", "p%40ss"] {
            assert!(!output.contains(secret), "{secret} in {output}");
        }
        assert!(
            !output.contains("ann:") && !output.contains("ann@"),
            "{output}"
        );
    }
}
