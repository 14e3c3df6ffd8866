//! A server, one publisher and its viewers, up to the moment when all of them have media.

use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::RelayOptions;
use crate::gateway::Gateway;
use crate::media::{Audience, Door, Publisher, publishing, watching};
use crate::party::Room;
use crate::process::Process;
use crate::signaling::{Session, Target};

/// How long it may take until all viewers have media.
const PATIENCE: Duration = Duration::from_secs(120);

/// How many viewers come at the same time.
const ARRIVING: usize = 8;

/// Everything that takes part. The server still runs when this is dropped, if we did not
/// start it.
pub(crate) struct Stage {
    pub(crate) server: Server,
    pub(crate) publisher: Publisher,
    pub(crate) audience: Audience,
    published: Session,
    watched: Vec<Session>,
}

/// What is measured.
pub(crate) struct Server {
    pub(crate) process: Process,
    whip: Target,
    whep: Target,
    /// Ours, if it is ours.
    _gateway: Option<Gateway>,
}

impl Stage {
    /// A publisher who is connected, and nobody who watches.
    pub(crate) async fn set(options: &RelayOptions) -> anyhow::Result<Self> {
        let server = Server::find(options).await?;
        let address = server.whip.local_address()?;
        let audience = Audience::start(address)?;

        let (bitrate, in_layers) = (options.bitrate, options.simulcast);
        let setup = publishing(address, bitrate, in_layers, options.sound);
        let offered = Publisher::offer(setup)?;
        let mut connection = server.whip.connect().await?;
        let offer = offered.offering.sdp.clone();
        let published = server.whip.post(&mut connection, offer).await?;
        let (answer, loopback) = (&published.answer, audience.loopback());
        let mut publisher = offered.start(answer, loopback).await?;
        timeout(PATIENCE, publisher.has_sent(1))
            .await
            .context("the publisher does not connect")??;
        Ok(Self {
            server,
            publisher,
            audience,
            published,
            watched: Vec::new(),
        })
    }

    /// So many more viewers, until all of them have had media.
    pub(crate) async fn admit(
        &mut self,
        viewers: usize,
        options: &RelayOptions,
    ) -> anyhow::Result<()> {
        let mut arriving = JoinSet::new();
        for group in 0..ARRIVING {
            let count = (viewers + group) / ARRIVING;
            let (target, door) = (self.server.whep.clone(), self.audience.door());
            let (sound, cut_up) = (options.sound, options.cut_up_runs);
            arriving.spawn(async move { arrive(&target, &door, count, sound, cut_up).await });
        }
        while let Some(sessions) = arriving.join_next().await {
            self.watched.extend(sessions??);
        }
        let all = self.watched.len();
        let mut watching = self.audience.watching();
        let all_have = async { watching.wait_for(|have| *have >= all).await.map(|_| ()) };
        match timeout(PATIENCE, all_have).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => bail!("the audience has ended"),
            Err(_) => bail!("only {} of {all} viewers get media", *watching.borrow()),
        }
    }

    /// Everybody leaves; the sessions are deleted.
    pub(crate) async fn clear(&self) -> anyhow::Result<()> {
        let mut connection = self.server.whep.connect().await?;
        for session in &self.watched {
            self.server.whep.delete(&mut connection, session).await?;
        }
        let mut connection = self.server.whip.connect().await?;
        let whip = &self.server.whip;
        whip.delete(&mut connection, &self.published).await
    }
}

/// So many viewers, one after the other.
async fn arrive(
    target: &Target,
    door: &Door,
    count: usize,
    sound: bool,
    cut_up: bool,
) -> anyhow::Result<Vec<Session>> {
    let mut connection = target.connect().await?;
    let address = target.local_address()?;
    let mut sessions = Vec::with_capacity(count);
    for _ in 0..count {
        let offering = door.offer(watching(address, sound));
        if cut_up {
            offering.cut_up_runs()?;
        }
        let asked = Instant::now();
        let session = target.post(&mut connection, offering.sdp.clone()).await?;
        door.admit(offering, &session.answer, asked).await?;
        sessions.push(session);
    }
    Ok(sessions)
}

impl Server {
    async fn find(options: &RelayOptions) -> anyhow::Result<Self> {
        match (&options.whip, &options.whep, options.pid) {
            (None, None, None) => Self::ours(options).await,
            (Some(whip), Some(whep), Some(pid)) => Ok(Self {
                process: Process::with_id(pid)?,
                whip: Target::resolve(whip, options.token.clone()).await?,
                whep: Target::resolve(whep, options.token.clone()).await?,
                _gateway: None,
            }),
            _ => bail!("--whip, --whep and --pid go together"),
        }
    }

    async fn ours(options: &RelayOptions) -> anyhow::Result<Self> {
        ensure!(options.token.is_none(), "--token is for other servers");
        let mut arguments = vec![
            format!("--max-sessions={}", options.viewers + 100),
            format!("--max-connections={}", options.viewers + 100),
        ];
        if let Some(workers) = options.media_workers {
            arguments.push(format!("--media-workers={workers}"));
        }
        let gateway = Gateway::start(&options.common, &arguments).await?;
        let address = gateway.address();
        let room = Room::new(0, options.common.named_rooms, address)?;
        let url = |kind: &str| format!("http://{address}/{kind}/{}", room.name());
        let token = room.token().map(str::to_owned);
        Ok(Self {
            process: Process::with_id(gateway.process.id()?)?,
            whip: Target::resolve(&url("whip"), token).await?,
            whep: Target::resolve(&url("whep"), None).await?,
            _gateway: Some(gateway),
        })
    }
}
