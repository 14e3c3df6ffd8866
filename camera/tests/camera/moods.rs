//! Gateways that answer as they should not, and then as they should; and a camera that sleeps.

use std::{
    net::SocketAddr,
    process::Stdio,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional},
    net::{TcpListener, TcpStream},
    task::JoinSet,
};

use crate::{
    endpoint::{Endpoint, Reply},
    peer::Peer,
    rig::{Camera, Program, eventually, program},
};

/// How requests are answered.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Mood {
    /// With these bytes, each of them.
    Says(&'static str),
    /// By closing the connection.
    Closes,
    /// Not at all.
    Silent,
}

/// What is between a camera and its gateway; gone when dropped.
pub(crate) struct Between {
    pub(crate) address: SocketAddr,
    requests: Arc<AtomicUsize>,
    pub(crate) is_well: Arc<AtomicBool>,
    _server: JoinSet<()>,
}

impl Between {
    pub(crate) async fn start(endpoint: &Endpoint, mood: Mood) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (requests, is_well) = (Arc::<AtomicUsize>::default(), Arc::<AtomicBool>::default());
        let (count, well, to) = (requests.clone(), is_well.clone(), endpoint.address());
        let mut server = JoinSet::new();
        server.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((connection, _)) = listener.accept().await {
                if well.load(Ordering::SeqCst) {
                    connections.spawn(pass(connection, to));
                } else {
                    connections.spawn(answer(connection, mood, count.clone(), well.clone()));
                }
            }
        });
        Self {
            address,
            requests,
            is_well,
            _server: server,
        }
    }

    /// Waits until so many requests have been answered like that.
    pub(crate) async fn until_asked(&self, requests: usize) {
        let count = async || self.requests.load(Ordering::SeqCst);
        eventually("requests", count, |count| *count >= requests).await;
    }
}

async fn pass(mut connection: TcpStream, to: SocketAddr) {
    let mut gateway = TcpStream::connect(to).await.unwrap();
    let _ = copy_bidirectional(&mut connection, &mut gateway).await;
}

async fn answer(
    mut connection: TcpStream,
    mood: Mood,
    count: Arc<AtomicUsize>,
    is_well: Arc<AtomicBool>,
) {
    let mut request = vec![0; 1 << 16];
    while connection
        .read(&mut request)
        .await
        .is_ok_and(|read| read > 0)
    {
        count.fetch_add(1, Ordering::SeqCst);
        match mood {
            // It has been restarted.
            _ if is_well.load(Ordering::SeqCst) => return,
            Mood::Says(what) => connection.write_all(what.as_bytes()).await.unwrap(),
            Mood::Closes => return,
            Mood::Silent => {}
        }
    }
}

/// A viewer sees pictures once the gateway is well.
async fn is_outlived(mood: Mood, requests: usize) {
    let mut endpoint = Endpoint::start().await;
    let between = Between::start(&endpoint, mood).await;
    let url = format!("http://{}", between.address).parse().unwrap();
    let _camera = Camera::start_at(&url);
    between.until_asked(requests).await;
    between.is_well.store(true, Ordering::SeqCst);
    let offer = endpoint.offer().await;
    let peer = Peer::answering(&offer.offer).await;
    assert!(
        offer.reply.send(Reply::Answer(peer.answer.clone())).is_ok(),
        "{mood:?}"
    );
    peer.sees(5).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_that_answers_with_4xx_is_asked_again() {
    for status in [
        "400 Bad Request",
        "403 Forbidden",
        "404 Not Found",
        "409 Conflict",
    ] {
        let says = format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\n\r\n").leak();
        is_outlived(Mood::Says(says), 2).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_that_answers_with_5xx_is_asked_again() {
    for status in [
        "500 Internal Server Error",
        "502 Bad Gateway",
        "503 Service Unavailable",
    ] {
        let body = "<html><body>nginx is sorry</body></html>";
        let length = body.len();
        let says = format!(
            "HTTP/1.1 {status}\r\ncontent-type: text/html\r\ncontent-length: {length}\r\n\r\n{body}"
        );
        is_outlived(Mood::Says(says.leak()), 2).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_that_answers_with_garbage_is_asked_again() {
    for garbage in [
        "SSH-2.0-OpenSSH_9.2p1\r\n",
        "HTTP/1.1 9999 What\r\n\r\n",
        // To OPTIONS as to POST, and never ends.
        "HTTP/1.1 200 OK\r\ncontent-length: 99999999999\r\n\r\nv=0\r\n",
        "HTTP/1.1 201 Created\r\nlocation: /whip/test/0\r\ncontent-length: 8\r\n\r\nnonsense",
        "HTTP/1.1 201 Created\r\ncontent-length: 0\r\n\r\n",
        "HTTP/1.1 302 Found\r\nlocation: /whip/test\r\ncontent-length: 0\r\n\r\n",
    ] {
        is_outlived(Mood::Says(garbage), 2).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_that_answers_nothing_is_asked_again() {
    is_outlived(Mood::Closes, 3).await;
    is_outlived(Mood::Silent, 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_camera_that_slept_for_a_minute_comes_back() {
    let directory = tempfile::tempdir().unwrap();
    let mut endpoint = Endpoint::start().await;
    let mut program = program();
    program
        .args(["--gateway", endpoint.url().as_str(), "--source", "test"])
        .args(["--size", "320x180", "--key-file"])
        .arg(directory.path().join("camera.key"))
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let program = Program::start(program);
    let offer = endpoint.offer().await;
    let viewer = Peer::answering(&offer.offer).await;
    assert!(
        offer
            .reply
            .send(Reply::Answer(viewer.answer.clone()))
            .is_ok()
    );
    viewer.sees(5).await;
    let waiting = endpoint.offer().await;

    program.signal("STOP");
    tokio::time::sleep(Duration::from_secs(60)).await;
    // What the gateway has said meanwhile of the offer that waited.
    assert!(waiting.reply.send(Reply::Unavailable("0")).is_ok());
    program.signal("CONT");

    let offer = endpoint.offer().await;
    let newcomer = Peer::answering(&offer.offer).await;
    assert!(
        offer
            .reply
            .send(Reply::Answer(newcomer.answer.clone()))
            .is_ok()
    );
    newcomer.sees(30).await;
}
