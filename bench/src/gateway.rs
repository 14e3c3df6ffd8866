//! The gateway under measurement: a process of its own, and what the kernel knows of it.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, bail};
use procfs::process::Process;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::time::{sleep, timeout};

use crate::CommonOptions;

/// How long it may take to start.
const READY: Duration = Duration::from_secs(10);

/// A running gateway; it ends with this value.
pub(crate) struct Gateway {
    process: Process,
    address: SocketAddr,
    _child: Child,
}

/// CPU time that a process has used, on all cores together.
#[derive(Clone, Copy)]
pub(crate) struct Cpu {
    pub(crate) user: Duration,
    pub(crate) system: Duration,
}

impl Cpu {
    pub(crate) fn since(self, before: Self) -> Self {
        Self {
            user: self.user.saturating_sub(before.user),
            system: self.system.saturating_sub(before.system),
        }
    }

    pub(crate) fn total(self) -> Duration {
        self.user + self.system
    }
}

impl Gateway {
    /// Starts one on a free port of 127.0.0.1, with these arguments.
    pub(crate) async fn start(
        common: &CommonOptions,
        arguments: &[String],
    ) -> anyhow::Result<Self> {
        let program = match &common.gateway_bin {
            Some(program) => program.clone(),
            None => beside_this_one()?,
        };
        let mut child = Command::new(&program)
            .args(["--listen", "127.0.0.1:0", "--log", "warn"])
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("cannot start {}", program.display()))?;
        let pid = child.id().context("the gateway ended at once")?;
        let stdout = child.stdout.take().context("its output is piped")?;
        let mut line = String::new();
        timeout(READY, BufReader::new(stdout).read_line(&mut line))
            .await
            .context("the gateway does not start")??;
        let Some(address) = line.trim().strip_prefix("listening on http://") else {
            bail!("the gateway ended or said {line:?}");
        };
        Ok(Self {
            process: Process::new(pid.try_into()?)?,
            address: address.parse()?,
            _child: child,
        })
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its memory in RAM, in KiB.
    pub(crate) fn resident(&self) -> anyhow::Result<u64> {
        let status = self.process.status()?;
        status.vmrss.context("the kernel does not say")
    }

    /// Its CPU time so far, to a hundredth of a second.
    pub(crate) fn cpu(&self) -> anyhow::Result<Cpu> {
        let stat = self.process.stat()?;
        let duration = |ticks: u64| {
            let ticks_per_second = procfs::ticks_per_second();
            Duration::from_nanos(ticks * (1_000_000_000 / ticks_per_second))
        };
        Ok(Cpu {
            user: duration(stat.utime),
            system: duration(stat.stime),
        })
    }

    /// How often its threads went to sleep because there was nothing to do.
    pub(crate) fn sleeps(&self) -> anyhow::Result<u64> {
        let mut sleeps = 0;
        for task in self.process.tasks()? {
            sleeps += task?.status()?.voluntary_ctxt_switches.unwrap_or(0);
        }
        Ok(sleeps)
    }

    /// Its open files, nearly all of them connections.
    pub(crate) fn files(&self) -> anyhow::Result<usize> {
        Ok(self.process.fd_count()?)
    }

    /// Waits until it has worked off what it was given: no CPU time used for a
    /// while, or the patience is over.
    pub(crate) async fn settle(&self, patience: Duration) -> anyhow::Result<()> {
        let settled = async {
            let mut before = self.cpu()?.total();
            loop {
                sleep(Duration::from_millis(500)).await;
                let now = self.cpu()?.total();
                if now == before {
                    return anyhow::Ok(());
                }
                before = now;
            }
        };
        timeout(patience, settled)
            .await
            .context("the gateway does not come to rest")?
    }
}

fn beside_this_one() -> anyhow::Result<PathBuf> {
    Ok(std::env::current_exe()?.with_file_name("sightline-gateway"))
}
