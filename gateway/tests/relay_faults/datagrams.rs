//! What strangers can send to the media port, and what they can send in a peer's name.

use std::collections::HashSet;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use aws_lc_rs::hmac;
use str0m::ice::{StunMessage, TransId};
use tokio::net::UdpSocket;
use tokio::time::timeout;

use crate::peer::link::{Fate, Rule};
use crate::peer::{Connection, Peer};
use crate::rig::{Rig, attribute, media_address, sees_more};
use crate::support::LONG;

const MANY: usize = 3000;

/// Datagrams at a stretch: fewer than a socket's buffer holds, so that the gateway sees all.
const RUN: usize = 50;

/// Puts on a tape what passes.
fn record(tape: &Tape) -> Rule {
    let tape = tape.clone();
    Box::new(move |bytes, _| {
        tape.lock().unwrap().push(bytes.to_vec());
        Fate::Passes
    })
}

/// A room in which media flows, and a stranger who knows where.
struct Scene {
    rig: Rig,
    publisher: Peer,
    viewer: Peer,
    stranger: UdpSocket,
    relay: SocketAddr,
    /// What both have sent to the gateway since they were let in, and what it has answered.
    recorded: Tape,
    answered: Tape,
}

type Tape = Arc<Mutex<Vec<Vec<u8>>>>;

/// Where a transaction id is in STUN (RFC 8489 section 5).
const ID: std::ops::Range<usize> = 8..20;

impl Scene {
    async fn set() -> Self {
        let rig = Rig::start([]);
        let (publisher, viewer) = (rig.publisher().await, rig.viewer().await);
        let (recorded, answered) = (Tape::default(), Tape::default());
        for peer in [&publisher, &viewer] {
            let (to_gateway, to_peer) = (record(&recorded), record(&answered));
            peer.act(|connection| {
                connection.link.to_gateway = to_gateway;
                connection.link.to_peer = to_peer;
            })
            .await;
        }
        sees_more(&viewer, 150).await;
        Self {
            relay: media_address(&publisher.session),
            rig,
            publisher,
            viewer,
            stranger: UdpSocket::bind("127.0.0.1:0").await.unwrap(),
            recorded,
            answered,
        }
    }

    fn recorded(&self) -> Vec<Vec<u8>> {
        self.recorded.lock().unwrap().clone()
    }

    /// The checks that have arrived: the gateway drops those that are there before a worker has
    /// heard of their session, and others are on their way.
    fn answered_checks(&self) -> Vec<Vec<u8>> {
        let mut checks = self.recorded();
        let answered = self.answered.lock().unwrap();
        let answers: HashSet<&[u8]> = answered.iter().filter_map(|told| told.get(ID)).collect();
        checks.retain(|sent| sent[0] == 0 && answers.contains(&sent[ID]));
        checks
    }

    /// Sends these from a stranger's address and from those of both peers, in turn, while
    /// media flows; and makes sure that it does.
    async fn flood(&self, datagrams: impl Iterator<Item = Vec<u8>>) {
        let relay = self.relay;
        for (index, datagram) in datagrams.enumerate() {
            let peer = match index % 3 {
                0 => {
                    self.stranger.send_to(&datagram, relay).await.unwrap();
                    continue;
                }
                1 => &self.publisher,
                _ => &self.viewer,
            };
            peer.act(move |connection| connection.send(relay, datagram))
                .await;
            if index % RUN == 1 {
                sees_more(&self.viewer, 1).await;
            }
        }
        sees_more(&self.viewer, 120).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn random_datagrams_harm_nobody() {
    let scene = Scene::set().await;
    let mut random = fastrand::Rng::with_seed(1);
    let datagrams = (0..MANY).map(|_| {
        let mut bytes = vec![0; random.usize(..1500)];
        random.fill(&mut bytes);
        // As what it is taken for depends on its first byte (RFC 7983), all are tried.
        if let Some(first) = bytes.first_mut() {
            let kinds = [0..=3, 20..=63, 64..=79, 128..=191, 0..=255];
            let kind = random.usize(..kinds.len());
            *first = random.u8(kinds[kind].clone());
        }
        bytes
    });
    scene.flood(datagrams).await;
    scene.rig.end();
}

#[tokio::test(flavor = "multi_thread")]
async fn truncated_and_damaged_datagrams_harm_nobody() {
    let scene = Scene::set().await;
    let mut random = fastrand::Rng::with_seed(2);
    let real = scene.recorded();
    let datagrams = (0..MANY).map(|index| {
        let mut bytes = real[index % real.len()].clone();
        match random.bool() {
            true => bytes.truncate(random.usize(..bytes.len())),
            false => {
                let at = random.usize(..bytes.len());
                bytes[at] ^= 1 << random.u8(..8);
            }
        }
        bytes
    });
    scene.flood(datagrams).await;
    scene.rig.end();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_replayed_is_not_forwarded_again() {
    let scene = Scene::set().await;
    let recorded = scene.recorded();
    let media = recorded.iter().filter(|bytes| bytes[0] >= 128).count();
    assert!(media > 100, "there is something to replay: {media}");
    scene.flood(recorded.into_iter().cycle().take(MANY)).await;
    scene.viewer.seen(|seen| {
        let mut labels = HashSet::new();
        for (_, label) in seen.video() {
            assert!(
                labels.insert((label.picture, label.part)),
                "{label:?} again"
            );
        }
    });
    scene.rig.end();
}

/// No pair of a peer's own is better (RFC 8445 section 5.1.2).
const PRIORITY: u32 = 0x7fff_ffff;

/// A check under this name and password, as an ICE agent would send it (RFC 8445 section 7.2),
/// for the pair that it wants media by.
pub(crate) fn check(name: &str, password: &str, id: TransId) -> Vec<u8> {
    let request = StunMessage::binding_request(name, id, true, 7, PRIORITY, true);
    let mut bytes = vec![0; 512];
    let length = request.to_bytes(Some(password.as_bytes()), &mut bytes, sha1_hmac);
    bytes.truncate(length.unwrap());
    bytes
}

fn sha1_hmac(key: &[u8], parts: &[&[u8]]) -> [u8; 20] {
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, key);
    hmac::sign(&key, &parts.concat())
        .as_ref()
        .try_into()
        .unwrap()
}

/// Both ends' names for the connection, as its checks have them.
pub(crate) async fn check_name(peer: &Peer) -> String {
    let ours = attribute(&peer.session.answer, "ice-ufrag");
    let credentials =
        |connection: &mut Connection| connection.rtc.direct_api().local_ice_credentials();
    format!("{ours}:{}", peer.act(credentials).await.ufrag)
}

#[tokio::test(flavor = "multi_thread")]
async fn stun_with_wrong_credentials_moves_nothing() {
    let scene = Scene::set().await;
    let (stranger, relay) = (&scene.stranger, scene.relay);
    let names = [
        check_name(&scene.publisher).await,
        check_name(&scene.viewer).await,
    ];
    let before = scene.rig.memory();
    for index in 0..MANY {
        let nobody = format!("nobody{index}:here");
        let name = [&nobody, &names[0], &names[1]][index % 3];
        let check = check(name, "noPasswordOfAnyPeerHere", TransId::new());
        stranger.send_to(&check, relay).await.unwrap();
        if index % RUN == 0 {
            sees_more(&scene.viewer, 1).await;
        }
    }
    sees_more(&scene.viewer, 120).await;
    let grown = scene.rig.memory().saturating_sub(before);
    assert!(grown < 8 << 20, "{grown} bytes more");

    assert_only_the_right_one_is_let_in(&scene, &names[1]).await;
    scene.rig.end();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_of_a_check_opens_no_door() {
    let scene = Scene::set().await;
    let checks = scene.answered_checks();
    assert!(!checks.is_empty(), "both have checked");
    for copy in checks {
        scene.stranger.send_to(&copy, scene.relay).await.unwrap();
    }
    let name = check_name(&scene.viewer).await;
    assert_only_the_right_one_is_let_in(&scene, &name).await;
    scene.rig.end();
}

/// A check under the right password is answered, and nothing that the stranger sent before
/// was; nor has it been sent media.
async fn assert_only_the_right_one_is_let_in(scene: &Scene, name: &str) {
    let stranger = &scene.stranger;
    let id = TransId::new();
    let password = attribute(&scene.viewer.session.answer, "ice-pwd");
    let right = check(name, password, id);
    stranger.send_to(&right, scene.relay).await.unwrap();
    loop {
        let mut told = vec![0; 2000];
        let received = timeout(LONG, stranger.recv(&mut told)).await;
        told.truncate(received.expect("an answer in time").unwrap());
        let message = StunMessage::parse(&told).expect("STUN and nothing else");
        if message.is_successful_binding_response() {
            assert_eq!(message.trans_id(), id);
            return;
        }
    }
}
