//! What strangers can send to the media port, and what they can send in a peer's name.

use std::net::SocketAddr;

use aws_lc_rs::hmac;
use str0m::ice::{StunMessage, TransId};

use crate::link::Link;
use crate::peer::Peer;
use crate::rig::{DEADLINE, Rig};

const MANY: usize = 3000;

/// Datagrams at a stretch: fewer than a socket's buffer holds, so that the gateway sees all.
const RUN: usize = 50;

/// Sends them while media flows, and makes sure that it does.
async fn flood(
    datagrams: impl Iterator<Item = Vec<u8>>,
    from: &[&Link],
    to: SocketAddr,
    viewer: &Peer,
) {
    for (index, datagram) in datagrams.enumerate() {
        from[index % from.len()].send(to, &datagram).await;
        if index % RUN == RUN - 1 {
            viewer.sees_more(1).await;
        }
    }
    viewer.sees_more(90).await;
}

async fn streaming() -> (Rig, Peer, Peer) {
    let rig = Rig::start([]);
    let publisher = Peer::publishing(&rig).await;
    let viewer = Peer::watching(&rig).await;
    viewer.sees_more(30).await;
    (rig, publisher, viewer)
}

#[tokio::test(flavor = "multi_thread")]
async fn random_datagrams_harm_nobody() {
    let (rig, publisher, viewer) = streaming().await;
    let to = publisher.session.media_address();
    let stranger = Link::udp().await;
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
    let from = [&stranger, &publisher.link, &viewer.link];
    flood(datagrams, &from, to, &viewer).await;
    rig.end();
}

#[tokio::test(flavor = "multi_thread")]
async fn truncated_and_damaged_datagrams_harm_nobody() {
    let (rig, publisher, viewer) = streaming().await;
    let to = publisher.session.media_address();
    let stranger = Link::udp().await;
    let mut random = fastrand::Rng::with_seed(2);
    let real = [publisher.seen().sent, viewer.seen().sent].concat();
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
    let from = [&stranger, &publisher.link, &viewer.link];
    flood(datagrams, &from, to, &viewer).await;
    rig.end();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_replayed_is_not_forwarded_again() {
    let (rig, publisher, viewer) = streaming().await;
    viewer.sees_more(150).await;
    let to = publisher.session.media_address();
    let stranger = Link::udp().await;
    let recorded = [publisher.seen().sent, viewer.seen().sent].concat();
    let media = recorded.iter().filter(|bytes| bytes[0] >= 128).count();
    assert!(media > 100, "there is something to replay: {media}");
    let datagrams = recorded.iter().cloned().cycle().take(MANY);
    let from = [&stranger, &publisher.link, &viewer.link];
    flood(datagrams, &from, to, &viewer).await;
    assert_eq!(viewer.seen().repeated, 0);
    rig.end();
}

/// A check under this name and password, as an ICE agent would send it (RFC 8445 section 7.2).
pub(crate) fn check(name: &str, password: &str, id: TransId) -> Vec<u8> {
    let request = StunMessage::binding_request(name, id, true, 7, 100, true);
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

#[tokio::test(flavor = "multi_thread")]
async fn stun_with_wrong_credentials_moves_nothing() {
    let (rig, publisher, viewer) = streaming().await;
    let to = publisher.session.media_address();
    let names = [&publisher, &viewer].map(|peer| peer.session.check_name());
    let stranger = Link::udp().await;
    let before = rig.memory();
    let datagrams = (0..MANY).map(|index| {
        let nobody = format!("nobody{index}:here");
        let name = [&nobody, &names[0], &names[1]][index % 3];
        check(name, "noPasswordOfAnyPeerHere", TransId::new())
    });
    flood(datagrams, &[&stranger], to, &viewer).await;
    let grown = rig.memory().saturating_sub(before);
    assert!(grown < 8 << 20, "{grown} bytes more");

    // The right password is let in, and nothing before it was, nor was media sent here.
    let id = TransId::new();
    let password = viewer.session.attribute("ice-pwd");
    stranger.send(to, &check(&names[1], password, id)).await;
    loop {
        let told = tokio::time::timeout(DEADLINE, stranger.received()).await;
        let told = told.expect("an answer in time").unwrap();
        let message = StunMessage::parse(&told.bytes).expect("STUN and nothing else");
        if message.is_successful_binding_response() {
            assert_eq!(message.trans_id(), id);
            break;
        }
    }
    rig.end();
}
