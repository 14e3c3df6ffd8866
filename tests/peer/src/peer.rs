//! A peer as tests have it: all that it has seen, and what can be done to it.

use std::sync::{Arc, Mutex};
use std::time::Instant;
use std::vec::Drain;

use tokio::sync::{Notify, mpsc, oneshot};
use tokio::time::timeout;

use crate::connection::{Connection, News, Observer, Step};
use crate::socket::Socket;
use crate::{LONG, Seen, Session};

/// A peer of the relay.
pub struct Peer {
    pub session: Session,
    steps: mpsc::UnboundedSender<Step>,
    shared: Arc<Shared>,
}

/// What a peer's task and its test have in common.
#[derive(Default)]
pub struct Shared {
    /// Guards what was seen; held for a look.
    pub seen: Mutex<Seen>,
    pub changed: Notify,
}

impl Peer {
    /// Has a connection run, with this session.
    pub(crate) fn run(connection: Connection, session: Session) -> Self {
        let shared = Arc::new(Shared::default());
        let (steps, taken) = mpsc::unbounded_channel();
        // Ends when the peer, and with it `steps`, is dropped.
        tokio::spawn(connection.run(taken, shared.clone()));
        Self {
            session,
            steps,
            shared,
        }
    }

    /// Does something to the connection, and returns what came of it.
    pub async fn act<T: Send + 'static>(
        &self,
        step: impl FnOnce(&mut Connection) -> T + Send + 'static,
    ) -> T {
        let (done, outcome) = oneshot::channel();
        let step: Step = Box::new(|connection| drop(done.send(step(connection))));
        let _ = self.steps.send(step);
        outcome
            .await
            .expect("the connection runs as long as its peer is there")
    }

    /// Goes on from another port of the same address, as in another network.
    pub async fn move_to_another_port(&self) {
        let local = self.act(|connection| connection.local()).await;
        let socket = Socket::udp(local.ip()).unwrap();
        self.act(move |connection| connection.move_to(socket)).await;
    }

    /// A NAT gives it another port, and nobody is told.
    pub async fn be_given_another_port(&self) {
        let local = self.act(|connection| connection.local()).await;
        let socket = Socket::udp(local.ip()).unwrap();
        self.act(move |connection| connection.appear_at(socket))
            .await;
    }

    /// Looks at what has been seen so far.
    pub fn seen<T>(&self, look: impl FnOnce(&Seen) -> T) -> T {
        look(&self.shared.seen.lock().unwrap())
    }

    /// Waits until what has been seen is as described, and returns what `look` makes of it.
    pub async fn until<T>(&self, what: &str, mut look: impl FnMut(&Seen) -> Option<T>) -> T {
        let waiting = async {
            loop {
                let changed = self.shared.changed.notified();
                if let Some(found) = self.seen(&mut look) {
                    return found;
                }
                changed.await;
            }
        };
        let waited = timeout(LONG, waiting).await;
        waited.unwrap_or_else(|_| panic!("not in time: {what}\n{}", self.seen(Seen::summary)))
    }

    /// Waits until ICE and DTLS are done.
    pub async fn connected(&self) -> Instant {
        self.until("a connection", |seen| seen.connected).await
    }

    /// Sends no more pictures. Returns when the last one went.
    pub async fn pause(&self) -> Instant {
        self.act(|connection| {
            connection.reels[0].is_running = false;
            connection.reels[0].given
        })
        .await
    }

    /// Sends pictures again.
    pub async fn resume(&self) {
        self.act(|connection| connection.reels[0].is_running = true)
            .await;
    }

    /// Waits until this picture has come, for as long as others do.
    pub async fn until_picture(&self, picture: u32) {
        let mut packets = 0;
        while !self.seen(|seen| seen.has_reached(picture)) {
            let more = |seen: &Seen| Some(seen.packets.len()).filter(|count| *count > packets);
            packets = self.until("a later picture", more).await;
        }
    }

    /// Waits until so many more packets of video than now have arrived.
    pub async fn more_video(&self, count: usize) {
        let goal = self.seen(|seen| seen.video().count()) + count;
        let has = |seen: &Seen| (seen.video().count() >= goal).then_some(());
        self.until("more video", has).await;
    }
}

impl Observer for Arc<Shared> {
    fn told(&mut self, news: Drain<'_, News>, now: Instant) {
        let mut seen = self.seen.lock().unwrap();
        news.for_each(|news| seen.note(news.event, now));
        self.changed.notify_waiters();
    }
}
