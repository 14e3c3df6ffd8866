//! How media gets to the relay and back: ICE restarts, TCP, IPv6.

use std::net::{Ipv6Addr, UdpSocket};

use reqwest::StatusCode;
use str0m::change::{SdpAnswer, SdpPendingOffer};

use crate::forwarding::missing;
use crate::peer::link::{Fate, passing};
use crate::peer::{Http, Peer, Seen, Setup};
use crate::support::{Gateway, skipped};

/// `a=NAME:…` of an SDP or a fragment.
fn value<'s>(text: &'s str, name: &str) -> &'s str {
    let mut values = text.lines().filter_map(|line| line.strip_prefix(name));
    values
        .next()
        .unwrap_or_else(|| panic!("no {name} in {text}"))
}

/// A peer's new credentials: what it PATCHes, and what awaits the answer.
async fn restarting(peer: &Peer) -> (String, SdpPendingOffer) {
    let (offer, pending) = peer
        .act(|connection| {
            let mut changes = connection.rtc.sdp_api();
            changes.ice_restart(true);
            changes.apply().unwrap()
        })
        .await;
    let offer = offer.to_sdp_string();
    let (ufrag, pwd) = (value(&offer, "a=ice-ufrag:"), value(&offer, "a=ice-pwd:"));
    let mid = value(&offer, "a=mid:");
    let fragment = format!(
        "a=ice-options:trickle\r\na=ice-ufrag:{ufrag}\r\na=ice-pwd:{pwd}\r\n\
         m=video 9 UDP/TLS/RTP/SAVPF 0\r\na=mid:{mid}\r\n"
    );
    (fragment, pending)
}

/// The peer goes on with the gateway's new credentials.
async fn restarted(peer: &Peer, pending: SdpPendingOffer, fragment: &str) {
    let old = &peer.session.answer;
    let mut answer = old.clone();
    for name in ["a=ice-ufrag:", "a=ice-pwd:"] {
        let (before, after) = (value(old, name), value(fragment, name));
        assert_ne!(before, after, "RFC 8839 section 4.4.3: both change");
        // Candidates name their credentials as well.
        answer = answer.replace(before, after);
    }
    let answer = SdpAnswer::from_sdp_string(&answer).unwrap();
    peer.act(|connection| {
        connection
            .rtc
            .sdp_api()
            .accept_answer(pending, answer)
            .unwrap()
    })
    .await;
}

/// A publisher, and a viewer that has pictures of it.
async fn watched(gateway: &Gateway) -> (Peer, Peer) {
    let http = Http::new(gateway);
    let publisher = Setup::publisher().open(&http, "garage").await;
    let viewer = Setup::viewer().open(&http, "garage").await;
    viewer.more_video(20).await;
    (publisher, viewer)
}

/// RFC 9725 section 4.3.3, on both sides of the relay, while pictures flow.
#[tokio::test]
async fn an_ice_restart_interrupts_nothing() {
    let gateway = Gateway::start(["--relay", "on"]);
    let (publisher, viewer) = watched(&gateway).await;
    for peer in [&viewer, &publisher] {
        let (fragment, pending) = restarting(peer).await;
        let response = peer
            .session
            .patch(fragment.clone(), &peer.session.etag)
            .await;
        assert_eq!(response.status(), StatusCode::OK);
        let etag = response.headers()["etag"].to_str().unwrap().to_owned();
        assert_ne!(etag, peer.session.etag, "a new ICE session has a new tag");
        restarted(peer, pending, &response.text().await.unwrap()).await;
        viewer.more_video(60).await;

        // The old tag names a session that is no more.
        let stale = peer
            .session
            .patch(fragment.clone(), &peer.session.etag)
            .await;
        assert_eq!(stale.status(), StatusCode::PRECONDITION_FAILED);
        let fresh = peer.session.patch(fragment, &etag).await;
        assert_eq!(fresh.status(), StatusCode::NO_CONTENT, "nothing new in it");
        viewer.more_video(60).await;
    }
    viewer.seen(|seen| assert_eq!(missing(seen), 0));
    assert!(!viewer.seen(|seen| seen.is_over) && !publisher.seen(|seen| seen.is_over));
}

/// What a restart is for: the old path is dead, and a new one is found.
#[tokio::test]
async fn a_viewer_moves_to_another_address() {
    let gateway = Gateway::start(["--relay", "on"]);
    let (_publisher, viewer) = watched(&gateway).await;
    viewer
        .act(|connection| {
            connection.link.to_peer = Box::new(|_, _| Fate::IsLost);
            connection.link.to_gateway = Box::new(|_, _| Fate::IsLost);
        })
        .await;
    let (fragment, pending) = restarting(&viewer).await;
    let response = viewer.session.patch(fragment, "*").await;
    assert_eq!(response.status(), StatusCode::OK);
    viewer.move_to_another_port().await;
    viewer
        .act(|connection| {
            connection.link.to_peer = passing();
            connection.link.to_gateway = passing();
        })
        .await;
    restarted(&viewer, pending, &response.text().await.unwrap()).await;
    viewer.more_video(60).await;
}

/// A NAT that forgets a connection gives it another port with the next packet. Agents find out by
/// their next check, which is seconds away, and here does not come at all.
#[tokio::test]
async fn a_nat_gives_a_viewer_another_port_and_then_a_publisher() {
    let gateway = Gateway::start(["--relay", "on"]);
    let (publisher, viewer) = watched(&gateway).await;
    for peer in [&viewer, &publisher] {
        peer.act(|connection| {
            connection.link.to_gateway = Box::new(|datagram, _| match datagram {
                [0, 1, ..] => Fate::IsLost,
                _ => Fate::Passes,
            });
        })
        .await;
        // Once into the port that is about to be another's, and once more.
        for _ in 0..2 {
            peer.be_given_another_port().await;
            viewer.more_video(60).await;
        }
    }
    // What the publisher is told comes there too.
    let told = publisher.seen(|seen| seen.received.len());
    let is_told = |seen: &Seen| (seen.received.len() > told + 1).then_some(());
    publisher.until("two more reports", is_told).await;
}

/// The same, where a check is the first to come from there.
#[tokio::test]
async fn a_viewer_that_checks_from_another_port_is_reached_there() {
    let gateway = Gateway::start(["--relay", "on"]);
    let (_publisher, viewer) = watched(&gateway).await;
    viewer
        .act(|connection| {
            connection.link.to_gateway = Box::new(|datagram, _| match datagram {
                [0..=3, ..] => Fate::Passes,
                _ => Fate::IsLost,
            });
        })
        .await;
    viewer.be_given_another_port().await;
    viewer.more_video(60).await;
}

/// RFC 6544 with the framing of RFC 4571, for networks that let nothing else through.
#[tokio::test]
async fn media_goes_by_tcp() {
    let gateway = Gateway::start(["--relay", "on"]);
    let http = Http::new(&gateway);
    let mut setup = Setup::publisher().with_sound();
    setup.by_tcp = true;
    let publisher = setup.open(&http, "garage").await;
    let mut setup = Setup::viewer();
    setup.by_tcp = true;
    let viewer = setup.open(&http, "garage").await;
    let has_both =
        |seen: &Seen| (seen.video().count() > 120 && seen.sound().count() > 50).then_some(());
    viewer.until("pictures and sound", has_both).await;
    viewer.seen(|seen| assert_eq!(missing(seen), 0));
    // UDP comes first in the answer: FFmpeg fails if TCP does.
    let candidates: Vec<&str> = publisher
        .session
        .answer
        .lines()
        .filter(|line| line.starts_with("a=candidate:"))
        .collect();
    assert!(candidates[0].contains(" udp "), "{candidates:?}");
    assert!(
        candidates
            .iter()
            .any(|line| line.contains(" tcp ") && line.contains("passive"))
    );
}

/// Whether this machine has IPv6 at all; if not, nobody tests it.
fn has_ipv6() -> bool {
    let has = UdpSocket::bind((Ipv6Addr::LOCALHOST, 0)).is_ok();
    if !has {
        skipped("no IPv6 here, so nobody sent media by it");
    }
    has
}

#[tokio::test]
async fn media_goes_by_ipv6() {
    if !has_ipv6() {
        return;
    }
    let gateway = Gateway::start(["--relay", "on", "--media-listen", "[::1]:0"]);
    let http = Http::new(&gateway);
    let mut setup = Setup::publisher();
    setup.address = Ipv6Addr::LOCALHOST.into();
    let publisher = setup.open(&http, "garage").await;
    assert!(publisher.session.answer.contains(" ::1 "));
    let mut setup = Setup::viewer();
    setup.address = Ipv6Addr::LOCALHOST.into();
    let viewer = setup.open(&http, "garage").await;
    viewer.more_video(60).await;
    let mut setup = Setup::viewer();
    setup.by_tcp = true;
    let by_tcp = setup.open(&http, "garage").await;
    by_tcp.more_video(60).await;
}

/// Who listens everywhere is reached everywhere, each by its own family.
#[tokio::test]
async fn both_families_meet_in_one_room() {
    if !has_ipv6() {
        return;
    }
    let arguments = ["--relay", "on", "--media-listen", "0.0.0.0:0"];
    let addresses = ["--media-address", "127.0.0.1", "--media-address", "::1"];
    let gateway = Gateway::start(arguments.into_iter().chain(addresses));
    let http = Http::new(&gateway);
    let _publisher = Setup::publisher().open(&http, "garage").await;
    let mut setup = Setup::viewer();
    setup.address = Ipv6Addr::LOCALHOST.into();
    let viewer = setup.open(&http, "garage").await;
    viewer.more_video(60).await;
}
