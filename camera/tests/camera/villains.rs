//! Those who would watch without being asked, the gateway among them: design section 6.

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    time::{Duration, SystemTime},
};

use sightline_camera::{key::RoomKey, proofs::Proofs};
use sightline_spec::{
    private::{LinkSecret, Seed},
    proof::{ATTRIBUTE, ProofError, check_camera},
    sdp::{Fingerprint, Sdp},
};

use crate::{
    endpoint::{Endpoint, Reply, Waiting},
    peer::Peer,
    rig::{Camera, eventually},
};

fn new_key() -> RoomKey {
    static KEYS: AtomicUsize = AtomicUsize::new(0);
    let number = KEYS.fetch_add(1, Ordering::SeqCst);
    let name = format!("sightline-villains-{}-{number}", std::process::id());
    let directory = std::env::temp_dir().join(name);
    let key = RoomKey::load_or_create(&directory.join("camera.key")).unwrap();
    std::fs::remove_dir_all(directory).unwrap();
    key
}

/// The viewer's answer, with the proof that it has this link.
fn proved(answer: &str, secret: &LinkSecret, key: &RoomKey) -> Sdp {
    let answer = Sdp::parse(answer).unwrap();
    secret
        .prove(&answer, key.room(), SystemTime::now())
        .unwrap()
}

/// The proof that another description has, in this one.
fn with_proof_of(sdp: &str, other: &Sdp) -> Sdp {
    let proof = other.session_attribute(ATTRIBUTE).next().unwrap();
    Sdp::parse(sdp)
        .unwrap()
        .with_session_attribute(ATTRIBUTE, proof)
}

/// The description with this certificate in the place of its own.
fn naming(sdp: &str, certificate: &Fingerprint) -> Sdp {
    let lines = sdp
        .lines()
        .map(|line| match line.starts_with("a=fingerprint:") {
            true => format!("a=fingerprint:{}\r\n", certificate.as_str()),
            false => format!("{line}\r\n"),
        });
    Sdp::parse(&lines.collect::<String>()).unwrap()
}

/// A certificate that no peer here has: GStreamer gives all peers of a process the same one.
fn anothers_certificate() -> Fingerprint {
    Fingerprint::parse(&format!("sha-256 {}", ["AB"; 32].join(":"))).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_offer_proves_that_it_is_this_cameras() {
    let (key, other) = (new_key(), new_key());
    let mut endpoint = Endpoint::start().await;
    let _camera = Camera::start_in_room(&key, Proofs::Camera(key.clone()), &endpoint);
    for _ in 0..2 {
        let Waiting { offer, reply, .. } = endpoint.offer().await;
        let genuine = Sdp::parse(&offer).unwrap();
        let now = SystemTime::now();
        assert_eq!(check_camera(&genuine, key.room(), now), Ok(None));
        let elsewhere = check_camera(&genuine, other.room(), now);
        assert_eq!(elsewhere, Err(ProofError::Signature));
        // The gateway in between: its own certificate, our proof.
        let between = Peer::answering(&offer).await;
        let swapped = with_proof_of(&between.answer, &genuine);
        let replayed = check_camera(&swapped, key.room(), now);
        assert_eq!(replayed, Err(ProofError::Certificate));
        assert!(reply.send(Reply::Unavailable("0")).is_ok());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_private_camera_forbids_the_relay_and_shows_pictures_to_who_has_the_link() {
    let key = new_key();
    let mut endpoint = Endpoint::start().await;
    let _camera = Camera::start_in_room(&key, Proofs::Private(key.clone()), &endpoint);
    let in_an_hour = SystemTime::now() + Duration::from_secs(3600);
    for expires in [None, Some(in_an_hour)] {
        let waiting = endpoint.offer().await;
        let prefer = waiting.headers["prefer"].to_str().unwrap();
        assert!(prefer.ends_with("handling=strict"), "{prefer}");
        let viewer = Peer::answering(&waiting.offer).await;
        let answer = proved(&viewer.answer, &key.link_secret(expires), &key);
        assert!(
            waiting
                .reply
                .send(Reply::Answer(answer.to_string()))
                .is_ok()
        );
        viewer.sees(10).await;
    }
}

/// What is sent in the place of an honest viewer's answer.
type Attempt<'a> = &'a dyn Fn(&Peer, &Sdp) -> Sdp;

#[tokio::test(flavor = "multi_thread")]
async fn without_a_private_link_there_is_no_picture() {
    let (key, other) = (new_key(), new_key());
    let link = key.link_secret(None);
    let yesterday = SystemTime::now() - Duration::from_secs(86_400);
    let public = key.room().key().unwrap();
    let attempts: [(&str, Attempt<'_>); 7] = [
        ("the gateway poses as a viewer", &|villain, _| {
            Sdp::parse(&villain.answer).unwrap()
        }),
        ("it makes a secret of what it knows", &|villain, _| {
            let guess = LinkSecret::derive(&Seed::new(public), None);
            proved(&villain.answer, &guess, &key)
        }),
        (
            "it swaps the viewer's answer for its own",
            &|villain, honest| with_proof_of(&villain.answer, honest),
        ),
        ("it swaps all but the certificate", &|villain, honest| {
            let answer = with_proof_of(&villain.answer, honest);
            naming(answer.as_str(), &anothers_certificate())
        }),
        (
            "it names its own certificate beside the viewer's",
            &|villain, honest| {
                let answer = with_proof_of(&villain.answer, honest);
                let fingerprint = honest.sole_fingerprint().unwrap();
                answer.with_session_attribute("fingerprint", fingerprint.as_str())
            },
        ),
        ("a link that has expired", &|viewer, _| {
            proved(&viewer.answer, &key.link_secret(Some(yesterday)), &key)
        }),
        ("a link of another room", &|viewer, _| {
            proved(&viewer.answer, &other.link_secret(None), &key)
        }),
    ];
    let mut endpoint = Endpoint::start().await;
    let _camera = Camera::start_in_room(&key, Proofs::Private(key.clone()), &endpoint);
    for (number, (who, attempt)) in attempts.iter().enumerate() {
        let Waiting { offer, reply, .. } = endpoint.offer().await;
        // The viewer whose answer the gateway has seen pass by.
        let villain = Peer::answering(&offer).await;
        let honest = naming(&villain.answer, &anothers_certificate());
        let honest = proved(honest.as_str(), &link, &key);
        let answer = attempt(&villain, &honest);
        assert!(reply.send(Reply::Answer(answer.to_string())).is_ok());
        let ended = async || endpoint.ended();
        eventually(who, ended, |ended| ended.len() == number + 1).await;
        assert_eq!(villain.frames(), 0, "{who}");
    }
    let Waiting { offer, reply, .. } = endpoint.offer().await;
    let viewer = Peer::answering(&offer).await;
    let answer = proved(&viewer.answer, &link, &key);
    assert!(reply.send(Reply::Answer(answer.to_string())).is_ok());
    viewer.sees(10).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_viewer_is_ended_when_its_link_expires() {
    let key = new_key();
    let mut endpoint = Endpoint::start().await;
    let _camera = Camera::start_in_room(&key, Proofs::Private(key.clone()), &endpoint);
    let Waiting { offer, reply, .. } = endpoint.offer().await;
    let viewer = Peer::answering(&offer).await;
    let soon = SystemTime::now() + Duration::from_secs(8);
    let answer = proved(&viewer.answer, &key.link_secret(Some(soon)), &key);
    assert!(reply.send(Reply::Answer(answer.to_string())).is_ok());
    viewer.sees(5).await;
    assert!(endpoint.ended().is_empty());
    endpoint.until_ended(&["0"]).await;
    assert!(
        SystemTime::now() >= soon - Duration::from_secs(1),
        "whole seconds"
    );
}
