//! A peer between its offer and its answer.

use std::net::SocketAddr;

use str0m::change::{SdpAnswer, SdpPendingOffer};
use str0m::media::Mid;
use str0m::net::TcpType;
use str0m::{Candidate, Rtc};
use tokio::net::TcpStream;

use crate::socket::Socket;
use crate::{Connection, Peer, Session, Setup};

/// A peer whose offer has not been answered yet.
pub struct Offering {
    pub(crate) setup: Setup,
    pub(crate) rtc: Rtc,
    pub(crate) pending: SdpPendingOffer,
    pub sdp: String,
    pub(crate) socket: Option<Socket>,
    pub(crate) video: Option<Mid>,
    pub(crate) audio: Option<Mid>,
}

impl Offering {
    /// See [`Socket::cut_up_runs`].
    pub fn cut_up_runs(&self) -> std::io::Result<()> {
        self.socket.as_ref().map_or(Ok(()), Socket::cut_up_runs)
    }

    /// The port that it has by UDP.
    pub fn port(&self) -> Option<u16> {
        self.socket.as_ref().map(|socket| socket.local().port())
    }

    /// Takes the answer of this session, and runs from now on.
    pub async fn answered(self, session: Session) -> Peer {
        let connection = self.connect(&session.answer).await;
        Peer::run(connection, session)
    }

    /// Takes this answer. The connection is up some time after it runs.
    pub async fn connect(mut self, sdp: &str) -> Connection {
        let answer = SdpAnswer::from_sdp_string(sdp).unwrap();
        let api = self.rtc.sdp_api();
        api.accept_answer(self.pending, answer).unwrap();
        let socket = match self.socket {
            Some(socket) => socket,
            None => {
                let remote = tcp_candidate(sdp);
                let stream = TcpStream::connect(remote).await.unwrap();
                let local = stream.local_addr().unwrap();
                let candidate = Candidate::builder().tcp().host(local);
                let candidate = candidate.tcptype(TcpType::Active).build().unwrap();
                self.rtc.add_local_candidate(candidate);
                Socket::tcp(stream)
            }
        };
        let mut reels = self.setup.reels;
        for reel in &mut reels {
            let (shape, number, _) = match reel.is_sound {
                true => self.setup.formats.last().copied().unwrap(),
                false => self.setup.formats[0],
            };
            let mid = if reel.is_sound {
                self.audio
            } else {
                self.video
            };
            reel.cast(self.setup.author, shape, number, mid.unwrap());
        }
        Connection::new(self.rtc, socket, reels, self.setup.answers)
    }
}

/// `a=candidate:… 1 tcp PRIORITY ADDRESS PORT typ host tcptype passive`
pub fn tcp_candidate(answer: &str) -> SocketAddr {
    let candidate = answer.lines().find_map(|line| {
        let words: Vec<&str> = line.split(' ').collect();
        let [_, _, protocol, _, address, port, ..] = *words else {
            return None;
        };
        let is_tcp = line.starts_with("a=candidate:") && protocol.eq_ignore_ascii_case("tcp");
        is_tcp.then(|| Some(SocketAddr::new(address.parse().ok()?, port.parse().ok()?)))?
    });
    candidate.expect("the answer has a TCP candidate")
}
