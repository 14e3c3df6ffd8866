//! A synthetic camera in a thread of its own: it starts, sends, and ends.

use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Instant;
use std::vec::Drain;

use anyhow::{Context, bail};
use sightline_test_peer::film::Label;
use sightline_test_peer::socket::since_epoch;
use sightline_test_peer::{News, Observer, Offering, Setup, Step};
use str0m::Event;
use tokio::runtime::Runtime;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

/// A running publisher; it ends with this value.
pub(crate) struct Publisher {
    runtime: Option<Runtime>,
    /// It ends when it can be told nothing any more.
    steps: Option<mpsc::UnboundedSender<Step>>,
    publishing: Option<JoinHandle<Publishing>>,
    sent: watch::Receiver<u64>,
    keyframe_requests: Arc<AtomicU64>,
}

/// A publisher whose offer has not been answered.
pub(crate) struct Offered {
    runtime: Runtime,
    pub(crate) offering: Offering,
}

/// What is counted of it, and the way to the viewers that does not lead through the server.
struct Publishing {
    /// Packets of all tracks.
    sent: watch::Sender<u64>,
    keyframe_requests: Arc<AtomicU64>,
    straight: UdpSocket,
}

impl Publisher {
    /// Offers what it is going to send.
    pub(crate) fn offer(setup: Setup) -> anyhow::Result<Offered> {
        let runtime = super::thread("publisher")?;
        let offering = {
            let _within = runtime.enter();
            setup.prepare()
        };
        Ok(Offered { runtime, offering })
    }

    /// Waits until so many packets have been sent, or it has failed.
    pub(crate) async fn has_sent(&mut self, packets: u64) -> anyhow::Result<()> {
        let failed = self.sent.wait_for(|sent| *sent >= packets).await.is_err();
        if failed {
            self.end().await?;
            bail!("the publisher has ended");
        }
        Ok(())
    }

    /// How many packets it has sent, which is the number of the next one.
    pub(crate) fn sent(&self) -> u64 {
        *self.sent.borrow()
    }

    /// How often it was asked for a keyframe.
    pub(crate) fn keyframe_requests(&self) -> u64 {
        self.keyframe_requests.load(Relaxed)
    }

    /// Stops, and says what was wrong.
    pub(crate) async fn end(&mut self) -> anyhow::Result<()> {
        self.steps = None;
        match self.publishing.take() {
            Some(publishing) => publishing.await.map(drop).context("publisher"),
            None => Ok(()),
        }
    }
}

impl Offered {
    /// Publishes as soon as it is connected. A label goes straight to this address with each
    /// picture.
    pub(crate) async fn start(
        self,
        answer: &str,
        loopback: SocketAddr,
    ) -> anyhow::Result<Publisher> {
        let straight = UdpSocket::bind((loopback.ip(), 0))?;
        straight.connect(loopback)?;
        let (tell, sent) = watch::channel(0);
        let keyframe_requests = Arc::<AtomicU64>::default();
        let publishing = Publishing {
            sent: tell,
            keyframe_requests: keyframe_requests.clone(),
            straight,
        };
        let (steps, taken) = mpsc::unbounded_channel();
        let connection = self.offering.connect(answer).await;
        let publishing = self.runtime.spawn(connection.run(taken, publishing));
        Ok(Publisher {
            runtime: Some(self.runtime),
            steps: Some(steps),
            publishing: Some(publishing),
            sent,
            keyframe_requests,
        })
    }
}

impl Observer for Publishing {
    fn told(&mut self, news: Drain<'_, News>, _: Instant) {
        let is_request = |news: &News| matches!(news.event, Event::KeyframeRequest(_));
        let requests = news.filter(is_request).count();
        self.keyframe_requests.fetch_add(requests as u64, Relaxed);
    }

    fn sends(&mut self, number: u64) {
        let mut payload = Vec::with_capacity(Label::LENGTH);
        let sent = since_epoch();
        let label = Label {
            number,
            sent,
            ..Label::default()
        };
        label.append_to(&mut payload);
        // What is lost of these is not counted.
        let _ = self.straight.send(&payload);
    }

    fn sent(&mut self, number: u64) {
        self.sent.send_replace(number);
    }
}

impl Drop for Publisher {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            // Whoever wants to know has called `end`.
            runtime.shutdown_background();
        }
    }
}
