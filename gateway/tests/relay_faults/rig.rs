//! A gateway process, and what it makes known of its sessions.

use std::net::SocketAddr;

use reqwest::StatusCode;

use crate::peer::{Http, Peer, Seen, Session, Setup};
use crate::support::Gateway;

/// The room in which everything happens.
pub(crate) const ROOM: &str = "garage";

/// See the module.
pub(crate) struct Rig {
    gateway: Gateway,
    pub(crate) http: Http,
}

impl Rig {
    pub(crate) fn start<'a>(arguments: impl IntoIterator<Item = &'a str>) -> Self {
        let gateway = Gateway::start(["--relay", "on"].into_iter().chain(arguments));
        let http = Http::new(&gateway);
        Self { gateway, http }
    }

    pub(crate) async fn publisher(&self) -> Peer {
        Setup::publisher().open(&self.http, ROOM).await
    }

    pub(crate) async fn viewer(&self) -> Peer {
        Setup::viewer().open(&self.http, ROOM).await
    }

    /// POSTs an offer to `whip` or `whep`, and gets the relay's answer.
    pub(crate) async fn offer(&self, endpoint: &str, offer: String) -> Session {
        let path = format!("/{endpoint}/{ROOM}");
        let session = self.http.offer(&path, offer, &Default::default()).await;
        session.unwrap()
    }

    /// Bytes of memory that the process holds.
    pub(crate) fn memory(&self) -> usize {
        let status = std::fs::read_to_string(format!("{}/status", self.proc())).unwrap();
        let line = status.lines().find(|line| line.starts_with("VmRSS:"));
        let kib = line.unwrap().split_whitespace().nth(1).unwrap();
        kib.parse::<usize>().unwrap() * 1024
    }

    /// Files and sockets that the process has open.
    pub(crate) fn open_files(&self) -> usize {
        let files = std::fs::read_dir(format!("{}/fd", self.proc()));
        files.unwrap().count()
    }

    fn proc(&self) -> String {
        format!("/proc/{}", self.gateway.id())
    }

    /// Ends the gateway, which must have come through all this without a panic.
    pub(crate) fn end(self) {
        let log = self.gateway.stop();
        assert!(!log.contains("panicked"), "{log}");
    }
}

/// Waits for so many packets more.
pub(crate) async fn sees_more(viewer: &Peer, packets: usize) {
    let enough = viewer.seen(|seen| seen.packets.len()) + packets;
    let has = |seen: &Seen| (seen.packets.len() >= enough).then_some(());
    viewer.until("media flows", has).await;
}

/// Waits until the gateway has ended the session, and its event stream with it.
pub(crate) async fn ends(session: &Session) {
    let mut events = session.events().await;
    while events.next().await.is_some() {}
}

/// Whether the session goes on: one that is over takes no candidates.
pub(crate) async fn goes_on(session: &Session, fragment: &str) -> bool {
    let response = session.patch(fragment.to_owned(), "*").await;
    response.status() == StatusCode::NO_CONTENT
}

/// Where the gateway takes this session's datagrams.
pub(crate) fn media_address(session: &Session) -> SocketAddr {
    let mut candidates = session.answer.lines().filter_map(|line| {
        let words: Vec<&str> = line.strip_prefix("a=candidate:")?.split(' ').collect();
        let is_udp = words[2].eq_ignore_ascii_case("udp");
        is_udp.then(|| format!("{}:{}", words[4], words[5]))
    });
    candidates.next().unwrap().parse().unwrap()
}

/// The value of the first attribute of this name.
pub(crate) fn attribute<'a>(sdp: &'a str, name: &str) -> &'a str {
    let start = format!("a={name}:");
    let mut values = sdp.lines().filter_map(|line| line.strip_prefix(&start));
    values.next().expect("it is in every description")
}
