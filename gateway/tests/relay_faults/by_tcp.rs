//! Connections to the media port by TCP: those that are nobody's go, and those of others are
//! not in a peer's way.

use std::net::SocketAddr;

use str0m::ice::TransId;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::datagrams::check;
use crate::peer::{Session, Setup, tcp_candidate};
use crate::rig::{ROOM, Rig, attribute, sees_more};
use crate::support::LONG;

const VIEWER_OFFER: &str = include_str!("../../../spec/http/sdp/viewer-offer.sdp");

/// More than one address may have of either kind.
const MANY: usize = 600;

/// Waits until the gateway has closed it.
async fn is_closed(stream: &mut TcpStream) {
    let mut received = Vec::new();
    // Whether it was closed or reset is all the same.
    let _ = timeout(LONG, stream.read_to_end(&mut received))
        .await
        .expect("an end in time");
}

async fn connect(to: SocketAddr) -> TcpStream {
    TcpStream::connect(to).await.unwrap()
}

/// Sends the session's check.
async fn send_check(stream: &mut TcpStream, session: &Session) {
    let names = [session.answer.as_str(), VIEWER_OFFER].map(|sdp| attribute(sdp, "ice-ufrag"));
    let password = attribute(&session.answer, "ice-pwd");
    let check = check(&names.join(":"), password, TransId::new());
    let length = u16::try_from(check.len()).unwrap();
    stream.write_u16(length).await.unwrap();
    stream.write_all(&check).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_nobody_s_is_closed_whatever_it_sends() {
    let rig = Rig::start([]);
    let publisher = rig.publisher().await;
    let to = tcp_candidate(&publisher.session.answer);
    let mut silent = connect(to).await;
    let mut talking = connect(to).await;
    let (mut read, mut write) = talking.split();
    // Empty frames, for as long as they are taken.
    let talk = async { while write.write_u16(0).await.is_ok() {} };
    let mut received = Vec::new();
    let closed = async {
        tokio::select! {
            () = talk => {}
            _ = read.read_to_end(&mut received) => {}
        }
    };
    timeout(LONG, closed).await.expect("an end in time");
    is_closed(&mut silent).await;
    rig.end();
}

#[tokio::test(flavor = "multi_thread")]
async fn one_address_s_connections_are_bounded_and_in_no_peer_s_way() {
    let rig = Rig::start([]);
    let publisher = rig.publisher().await;
    let to = tcp_candidate(&publisher.session.answer);
    // What a publisher and its first viewer take is there before it is counted.
    let first = Setup::viewer().open(&rig.http, ROOM).await;
    sees_more(&first, 30).await;
    let (files, memory) = (rig.open_files(), rig.memory());
    let mut held = Vec::new();
    for _ in 0..MANY {
        held.push(connect(to).await);
    }
    // From the same address, and it is let in: who is nobody has to make room.
    let mut setup = Setup::viewer();
    setup.by_tcp = true;
    let viewer = setup.open(&rig.http, ROOM).await;
    sees_more(&viewer, 30).await;
    for stream in &mut held[..MANY - 64] {
        is_closed(stream).await;
    }
    assert!(rig.open_files() <= files + 64);
    let grown = rig.memory().saturating_sub(memory);
    assert!(grown < 8 << 20, "{} KiB more", grown >> 10);
    sees_more(&viewer, 30).await;
    rig.end();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_has_few_connections_and_none_when_it_is_over() {
    let rig = Rig::start([]);
    let _publisher = rig.publisher().await;
    let session = rig.offer("whep", VIEWER_OFFER.to_owned()).await;
    let to = tcp_candidate(&session.answer);
    let mut held = Vec::new();
    for _ in 0..8 {
        let mut stream = connect(to).await;
        send_check(&mut stream, &session).await;
        let answer = timeout(LONG, stream.read_u16()).await;
        assert!(answer.expect("an answer in time").unwrap() > 0);
        held.push(stream);
    }
    // One more is nobody's.
    let mut more = connect(to).await;
    send_check(&mut more, &session).await;
    is_closed(&mut more).await;
    session.delete().await;
    for stream in &mut held {
        is_closed(stream).await;
    }
    rig.end();
}
