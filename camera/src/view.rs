//! Watching a camera on this machine: what `sightline-camera view LINK` does.
//!
//! The way of a picture: [`whep`] opens a session, [`demands`] says whether its other end may be who
//! it is, a [`receiver`] takes the packets, and an [`output`] shows, keeps or passes on what was in
//! them. When a [`session`] has ended, its [`ending`] says what follows.

mod codecs;
mod demands;
mod ending;
mod flow;
mod link;
mod output;
mod receiver;
mod recording;
mod session;
mod timeline;
mod whep;
mod window;
mod words;

pub use link::{LinkError, WatchLink};
pub use output::{Container, Destination};

use std::{
    process::ExitCode,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::bail;
use tokio_util::sync::CancellationToken;

use crate::{
    backoff::Backoff, certificate::Certificate, command::ViewOptions, config::Config, http::Http,
    stats::status_line::StatusLine, trust::Trust,
};
use demands::Demands;
use ending::{Ending, Situation, Step};
use output::Output;
use session::Viewing;
use timeline::Timeline;
use whep::Whep;
use words::Words;

/// A session or a held request that lasted this long was no failure: waits begin anew.
const STEADY: Duration = Duration::from_secs(5);

/// The longest pause while the gateway cannot be reached.
const UNREACHABLE: Duration = Duration::from_secs(1);

/// Watches until told to stop, or until only a person can help.
///
/// # Errors
/// Why nothing can be watched, in words.
pub async fn run(
    config: &Config,
    options: &ViewOptions,
    status: StatusLine,
    stop: CancellationToken,
) -> anyhow::Result<ExitCode> {
    let link = &options.link;
    let trust = config.trust();
    if !matches!(trust, Trust::System) && link.endpoint.scheme() != "https" {
        bail!("--pin and --ca need a link that begins with https:");
    }
    let destination = options.output.clone().unwrap_or(Destination::Window);
    let timeline = Timeline::begin();
    let output = Arc::new(Output::open(&destination, &timeline)?);
    let is_piped = destination == Destination::Pipe;
    status.show();
    let viewing = Viewing {
        whep: Whep {
            http: Http::new(&link.endpoint, &trust)?,
            endpoint: link.endpoint.clone(),
            ticket: link.ticket.clone(),
        },
        demands: Demands::new(link.room.clone(), link.secret.clone()),
        certificate: Certificate::generate()?,
        output: output.clone(),
        timeline,
        ice_servers: config.ice_server.clone(),
        words: Words::new(status.clone(), link.room.clone(), is_piped),
        was_live: AtomicBool::new(false),
    };
    let watching = watch(&viewing, &stop);
    let watched = match options.lifetime {
        None => watching.await,
        Some(lifetime) => tokio::select! {
            watched = watching => watched,
            () = end_after(lifetime, &stop) => Ok(()),
        },
    };
    status.hide();
    // A file is whole before we are gone.
    tokio::task::spawn_blocking(move || output.close()).await?;
    watched.map(|()| ExitCode::SUCCESS)
}

/// Has everything stop after a while; what goes on then ends by itself.
async fn end_after(lifetime: Duration, stop: &CancellationToken) {
    tokio::time::sleep(lifetime).await;
    stop.cancel();
    std::future::pending().await
}

async fn watch(viewing: &Viewing, stop: &CancellationToken) -> anyhow::Result<()> {
    let mut backoff = Backoff::new();
    let (mut direct, mut was_live, mut pathless) = (true, false, 0);
    loop {
        let began = Instant::now();
        let ending = viewing.attempt(direct, stop).await;
        let live = viewing.was_live.load(Ordering::Relaxed);
        was_live |= live;
        pathless = match ending {
            Ending::NoPath(_) => pathless + 1,
            _ => 0,
        };
        if began.elapsed() >= STEADY {
            backoff.reset();
        }
        tracing::debug!(?ending, live, "session over");
        let step = ending.step(Situation {
            live,
            was_live,
            is_private: viewing.demands.is_private(),
            is_key: viewing.demands.is_key(),
            has_ticket: viewing.whep.ticket.is_some(),
            pathless,
            direct,
        });
        match step {
            Step::Done(why) => {
                if let Some(why) = why {
                    viewing.words.state(why);
                }
                return Ok(());
            }
            Step::GiveUp(why) => bail!(why),
            Step::Again {
                words,
                pause,
                direct: next,
            } => {
                viewing.words.state(&words);
                direct = next;
                let wait = match ending {
                    // What was live a moment ago may be so again at once.
                    _ if live => Duration::ZERO,
                    Ending::Request(_) => backoff.next().min(UNREACHABLE),
                    _ => backoff.next(),
                };
                tokio::select! {
                    () = tokio::time::sleep(pause.max(wait)) => {}
                    () = stop.cancelled() => return Ok(()),
                    _ = viewing.output.ended() => {}
                }
            }
        }
    }
}
