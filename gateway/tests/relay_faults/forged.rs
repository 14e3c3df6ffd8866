//! Checks from addresses that are not their sender's: whoever is let in can send them, and they
//! are to move no media to where nobody has asked for any.

use std::net::SocketAddr;

use reqwest::StatusCode;
use str0m::ice::{StunMessage, TransId};
use tokio::net::UdpSocket;
use tokio::time::timeout;

use crate::datagrams::{check, check_name};
use crate::peer::link::Fate;
use crate::peer::{Peer, Seen};
use crate::rig::{Rig, attribute, media_address, sees_more};
use crate::support::LONG;

/// Somebody who has nothing to do with it, and only counts.
struct Victim {
    socket: UdpSocket,
    relay: SocketAddr,
    /// Bytes that were sent in its name, and to it.
    forged: usize,
    received: usize,
}

impl Victim {
    async fn new(peer: &Peer) -> Self {
        Self {
            socket: UdpSocket::bind("127.0.0.1:0").await.unwrap(),
            relay: media_address(&peer.session),
            forged: 0,
            received: 0,
        }
    }

    /// The peer sends a check in its name.
    async fn is_named(&mut self, name: &str, password: &str) {
        let check = check(name, password, TransId::new());
        self.forged += check.len();
        self.socket.send_to(&check, self.relay).await.unwrap();
    }

    /// The peer has sent a good check in its name, and the relay has answered it.
    async fn is_named_by(&mut self, peer: &Peer) {
        let name = check_name(peer).await;
        self.is_named(&name, attribute(&peer.session.answer, "ice-pwd"))
            .await;
        loop {
            let mut datagram = [0; 2000];
            let received = timeout(LONG, self.socket.recv(&mut datagram)).await;
            let datagram = &datagram[..received.expect("an answer in time").unwrap()];
            self.received += datagram.len();
            let message = StunMessage::parse(datagram).expect("STUN and nothing else");
            if message.is_successful_binding_response() {
                return;
            }
        }
    }

    /// It was sent less than twice what was sent in its name, and no media.
    fn is_left_alone(&mut self) {
        let mut datagram = [0; 2000];
        while let Ok(length) = self.socket.try_recv(&mut datagram) {
            assert!(datagram[0] < 4, "STUN and nothing else");
            self.received += length;
        }
        let (sent, forged) = (self.received, self.forged);
        assert!(sent <= 2 * forged, "{sent} for {forged}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_viewer_has_no_media_sent_to_another_address() {
    let rig = Rig::start([]);
    let (_publisher, viewer) = (rig.publisher().await, rig.viewer().await);
    sees_more(&viewer, 30).await;
    let mut victim = Victim::new(&viewer).await;
    for _ in 0..4 {
        victim.is_named_by(&viewer).await;
        // Its own checks go on meanwhile, and its pictures as well.
        sees_more(&viewer, 90).await;
    }
    victim.is_left_alone();
    rig.end();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_viewer_has_no_media_sent_to_many_addresses() {
    let rig = Rig::start([]);
    let (_publisher, viewer) = (rig.publisher().await, rig.viewer().await);
    sees_more(&viewer, 30).await;
    let mut victims = Vec::new();
    for _ in 0..20 {
        let mut victim = Victim::new(&viewer).await;
        victim.is_named_by(&viewer).await;
        victims.push(victim);
    }
    sees_more(&viewer, 240).await;
    for victim in &mut victims {
        victim.is_left_alone();
    }
    rig.end();
}

/// RFC 9725 section 4.3.3: other credentials, and the address has proved no more than before.
#[tokio::test(flavor = "multi_thread")]
async fn a_restart_has_no_media_sent_to_another_address() {
    let rig = Rig::start([]);
    let (_publisher, viewer) = (rig.publisher().await, rig.viewer().await);
    sees_more(&viewer, 30).await;
    let fragment = "a=ice-ufrag:anew\r\na=ice-pwd:thePasswordOfTheSecondTime\r\n\
                    m=video 9 UDP/TLS/RTP/SAVPF 0\r\na=mid:0\r\n";
    let restarted = viewer.session.patch(fragment.to_owned(), "*").await;
    assert_eq!(restarted.status(), StatusCode::OK);
    let told = restarted.text().await.unwrap();
    let mut victim = Victim::new(&viewer).await;
    let name = format!("{}:anew", attribute(&told, "ice-ufrag"));
    victim.is_named(&name, attribute(&told, "ice-pwd")).await;
    sees_more(&viewer, 120).await;
    victim.is_left_alone();
    rig.end();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_publisher_is_told_goes_to_no_other_address() {
    let rig = Rig::start([]);
    let publisher = rig.publisher().await;
    let viewer = rig.viewer().await;
    sees_more(&viewer, 30).await;
    let mut victim = Victim::new(&publisher).await;
    victim.is_named_by(&publisher).await;
    let asked = publisher.seen(|seen| seen.keyframe_requests.len());
    let source = viewer.seen(|seen| seen.packets[0].source);
    viewer
        .act(move |connection| connection.request_keyframe(source))
        .await;
    let is_asked = |seen: &Seen| (seen.keyframe_requests.len() > asked).then_some(());
    publisher.until("a keyframe request", is_asked).await;
    victim.is_left_alone();
    publisher.session.delete().await;
    publisher
        .until("goodbye", |seen| seen.is_over.then_some(()))
        .await;
    victim.is_left_alone();
    rig.end();
}

/// The other way round: what comes from an address stays its peer's.
#[tokio::test(flavor = "multi_thread")]
async fn a_viewer_does_not_take_the_publisher_s_address() {
    let rig = Rig::start([]);
    let publisher = rig.publisher().await;
    let (viewer, thief) = (rig.viewer().await, rig.viewer().await);
    sees_more(&viewer, 30).await;
    sees_more(&thief, 30).await;
    // A check of its own would bring the address back.
    let without_checks = |datagram: &[u8], _| match datagram {
        [0, 1, ..] => Fate::IsLost,
        _ => Fate::Passes,
    };
    publisher
        .act(move |connection| connection.link.to_gateway = Box::new(without_checks))
        .await;
    let relay = media_address(&thief.session);
    let name = check_name(&thief).await;
    let forged = check(
        &name,
        attribute(&thief.session.answer, "ice-pwd"),
        TransId::new(),
    );
    publisher
        .act(move |connection| connection.send(relay, forged))
        .await;
    sees_more(&viewer, 120).await;
    rig.end();
}
