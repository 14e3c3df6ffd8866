//! A gateway process and the HTTP that the peers speak with it.

use std::net::SocketAddr;
use std::time::Duration;

use reqwest::header::{CONTENT_TYPE, LOCATION};
use reqwest::{Client, Response, StatusCode};

use crate::peer::Role;
use crate::support::Gateway;

/// Nothing that works takes longer, not even on a busy machine.
pub(crate) const DEADLINE: Duration = Duration::from_secs(20);

/// See the module.
pub(crate) struct Rig {
    gateway: Gateway,
    http: Client,
}

/// What a 201 made.
pub(crate) struct Session {
    pub(crate) url: String,
    pub(crate) answer: String,
    offer: String,
    http: Client,
}

impl Rig {
    pub(crate) fn start<'a>(arguments: impl IntoIterator<Item = &'a str>) -> Self {
        let gateway = Gateway::start(["--relay", "on"].into_iter().chain(arguments));
        let http = Client::new();
        Self { gateway, http }
    }

    /// POSTs an offer and gets the relay's answer.
    pub(crate) async fn offer(&self, role: Role, offer: String) -> Session {
        let response = self.post(role, offer.clone()).await;
        let status = response.status();
        let location = response.headers().get(LOCATION).cloned();
        let answer = response.text().await.unwrap();
        assert_eq!(status, StatusCode::CREATED, "{answer}");
        let path = location.unwrap().to_str().unwrap().to_owned();
        let url = format!("http://{}{path}", self.gateway.host());
        let http = self.http.clone();
        Session {
            url,
            answer,
            offer,
            http,
        }
    }

    pub(crate) async fn post(&self, role: Role, offer: String) -> Response {
        let protocol = match role {
            Role::Publisher => "whip",
            Role::Viewer => "whep",
        };
        let url = format!("http://{}/{protocol}/garage", self.gateway.host());
        let request = self.http.post(url).header(CONTENT_TYPE, "application/sdp");
        request.body(offer).send().await.unwrap()
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

impl Session {
    /// Where the gateway takes this session's datagrams.
    pub(crate) fn media_address(&self) -> SocketAddr {
        let udp = |line: &&str| {
            line.starts_with("a=candidate:") && line.to_ascii_lowercase().contains(" udp ")
        };
        let line = self.answer.lines().find(udp).expect("a UDP candidate");
        let words: Vec<&str> = line.split(' ').collect();
        format!("{}:{}", words[4], words[5]).parse().unwrap()
    }

    /// The value of the answer's first attribute of this name.
    pub(crate) fn attribute(&self, name: &str) -> &str {
        attribute(&self.answer, name)
    }

    /// The user name of this peer's checks (RFC 8445 section 7.2.2).
    pub(crate) fn check_name(&self) -> String {
        let theirs = attribute(&self.offer, "ice-ufrag");
        format!("{}:{theirs}", self.attribute("ice-ufrag"))
    }

    /// Waits until the gateway has ended the session: its event stream ends with it, and
    /// there is none if it is over already.
    pub(crate) async fn ends(&self) {
        let ended = tokio::time::timeout(DEADLINE, self.read_events()).await;
        assert!(ended.is_ok(), "the session goes on");
    }

    async fn read_events(&self) {
        let events = format!("{}/events", self.url);
        let created = self.http.post(events).send().await.unwrap();
        if created.status() != StatusCode::CREATED {
            assert!(matches!(created.status().as_u16(), 404 | 410));
            return;
        }
        let path = created.headers()[LOCATION].to_str().unwrap();
        let stream = created.url().join(path).unwrap();
        let stream = self.http.get(stream).send().await.unwrap();
        // An error would be an end as well.
        let _ = stream.bytes().await;
    }

    /// Whether it is still there.
    pub(crate) async fn exists(&self) -> bool {
        let response = self.http.get(&self.url).send().await.unwrap();
        response.status().is_success()
    }

    /// Waits until the gateway does not know it any more.
    pub(crate) async fn is_forgotten(&self) {
        let mut looks = tokio::time::interval(Duration::from_millis(100));
        let forgotten = async {
            while self.exists().await {
                looks.tick().await;
            }
        };
        let in_time = tokio::time::timeout(Duration::from_secs(20), forgotten).await;
        assert!(in_time.is_ok(), "the session is still there");
    }
}

fn attribute<'a>(sdp: &'a str, name: &str) -> &'a str {
    let start = format!("a={name}:");
    let mut values = sdp.lines().filter_map(|line| line.strip_prefix(&start));
    values.next().expect("it is in every description")
}
