//! What the kernel knows of a process.

use std::collections::HashSet;
use std::time::Duration;

use anyhow::Context;
use procfs::process::FDTarget;
use tokio::time::{sleep, timeout};

/// A process that is measured.
pub(crate) struct Process(procfs::process::Process);

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

impl Process {
    pub(crate) fn with_id(pid: u32) -> anyhow::Result<Self> {
        let process = procfs::process::Process::new(pid.try_into()?);
        Ok(Self(process.with_context(|| format!("no process {pid}"))?))
    }

    /// The one that measures.
    pub(crate) fn this_one() -> anyhow::Result<Self> {
        Ok(Self(procfs::process::Process::myself()?))
    }

    pub(crate) fn id(&self) -> anyhow::Result<u32> {
        Ok(self.0.pid().try_into()?)
    }

    /// Its memory in RAM, in KiB.
    pub(crate) fn resident(&self) -> anyhow::Result<u64> {
        let status = self.0.status()?;
        status.vmrss.context("the kernel does not say")
    }

    /// Its CPU time so far, to a hundredth of a second.
    pub(crate) fn cpu(&self) -> anyhow::Result<Cpu> {
        let stat = self.0.stat()?;
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
        for task in self.0.tasks()? {
            sleeps += task?.status()?.voluntary_ctxt_switches.unwrap_or(0);
        }
        Ok(sleeps)
    }

    /// Its open files, nearly all of them connections.
    pub(crate) fn files(&self) -> anyhow::Result<usize> {
        Ok(self.0.fd_count()?)
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
            .context("the process does not come to rest")?
    }

    /// The kernel's numbers of its sockets.
    pub(crate) fn sockets(&self) -> anyhow::Result<HashSet<u64>> {
        let mut sockets = HashSet::new();
        for file in self.0.fd()? {
            // One that is closed meanwhile is none.
            if let Ok(file) = file
                && let FDTarget::Socket(number) = file.target
            {
                sockets.insert(number);
            }
        }
        Ok(sockets)
    }
}
