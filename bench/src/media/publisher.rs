//! A synthetic camera as others see it: it starts, sends, and ends.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::thread::JoinHandle;

use anyhow::{Context, anyhow, bail};
use mio::{Poll, Waker};
use str0m::media::Mid;
use tokio::sync::watch;

use super::camera::{Camera, STOP};
use super::endpoint::Endpoint;

/// A running publisher; it ends with this value.
pub(crate) struct Publisher {
    shared: Arc<Shared>,
    stop: Waker,
    sent: watch::Receiver<u64>,
    thread: Option<JoinHandle<anyhow::Result<()>>>,
}

/// What both sides of its thread know.
#[derive(Default)]
pub(crate) struct Shared {
    pub(crate) keyframe_requests: AtomicU64,
    pub(crate) stopped: AtomicBool,
}

/// What is published.
pub(crate) struct Programme {
    /// Of the video, in bits per second.
    pub(crate) bitrate: u64,
    pub(crate) video: Mid,
    pub(crate) audio: Option<Mid>,
    /// Where a stamp goes with each picture, not by way of the server but straight.
    pub(crate) loopback: SocketAddr,
}

impl Publisher {
    /// Publishes as soon as it is connected.
    pub(crate) fn start(endpoint: Endpoint, programme: &Programme) -> anyhow::Result<Self> {
        let poll = Poll::new()?;
        let stop = Waker::new(poll.registry(), STOP)?;
        let shared = Arc::new(Shared::default());
        let (tell, sent) = watch::channel(0);
        let camera = Camera::new(endpoint, programme, shared.clone(), tell)?;
        let thread = std::thread::Builder::new()
            .name("publisher".to_owned())
            .spawn(move || camera.run(poll))?;
        Ok(Self {
            shared,
            stop,
            sent,
            thread: Some(thread),
        })
    }

    /// Waits until so many packets have been sent, or it has failed.
    pub(crate) async fn has_sent(&mut self, packets: u64) -> anyhow::Result<()> {
        let failed = self.sent.wait_for(|sent| *sent >= packets).await.is_err();
        if failed {
            self.end()?;
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
        self.shared.keyframe_requests.load(Relaxed)
    }

    /// Stops, and says what was wrong.
    pub(crate) fn end(&mut self) -> anyhow::Result<()> {
        self.shared.stopped.store(true, Relaxed);
        self.stop.wake()?;
        match self.thread.take().map(JoinHandle::join) {
            Some(Ok(ended)) => ended.context("publisher"),
            Some(Err(_)) => Err(anyhow!("the publisher has panicked")),
            None => Ok(()),
        }
    }
}

impl Drop for Publisher {
    fn drop(&mut self) {
        // Whoever wants to know has called `end`.
        let _ = self.end();
    }
}
