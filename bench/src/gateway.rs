//! The gateway under measurement, as a process of its own.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, bail};
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};
use tokio::time::timeout;

use crate::CommonOptions;
use crate::process::Process;

/// How long it may take to start.
const READY: Duration = Duration::from_secs(10);

/// A running gateway; it ends with this value.
pub(crate) struct Gateway {
    /// What the kernel knows of it.
    pub(crate) process: Process,
    address: SocketAddr,
    admin: Option<SocketAddr>,
    _child: Child,
}

impl Gateway {
    /// Starts one on a free port of 127.0.0.1, with these arguments.
    pub(crate) async fn start(
        common: &CommonOptions,
        arguments: &[String],
    ) -> anyhow::Result<Self> {
        Self::start_with(common, arguments, &[]).await
    }

    /// The same, with this in its environment.
    pub(crate) async fn start_with(
        common: &CommonOptions,
        arguments: &[String],
        environment: &[(&str, &str)],
    ) -> anyhow::Result<Self> {
        let program = match &common.gateway_bin {
            Some(program) => program.clone(),
            None => beside_this_one()?,
        };
        let mut child = Command::new(&program)
            .args(["--listen", "127.0.0.1:0", "--log", "warn"])
            .args(arguments)
            .envs(environment.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("cannot start {}", program.display()))?;
        let pid = child.id().context("the gateway ended at once")?;
        let stdout = child.stdout.take().context("its output is piped")?;
        let ready = timeout(READY, addresses(BufReader::new(stdout).lines())).await;
        let (address, admin) = ready.context("the gateway does not start")??;
        Ok(Self {
            process: Process::with_id(pid)?,
            address,
            admin,
            _child: child,
        })
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where its administrator's interface is, if it was asked for.
    pub(crate) fn admin(&self) -> Option<SocketAddr> {
        self.admin
    }
}

/// Where it listens, for everyone and for its administrator, as it says.
async fn addresses(
    mut lines: Lines<BufReader<ChildStdout>>,
) -> anyhow::Result<(SocketAddr, Option<SocketAddr>)> {
    let mut admin = None;
    while let Some(line) = lines.next_line().await? {
        if let Some(address) = line.strip_prefix("listening on http://") {
            return Ok((address.parse()?, admin));
        }
        if let Some(address) = line.strip_prefix("administration on http://") {
            admin = Some(address.parse()?);
        }
    }
    bail!("the gateway ended")
}

fn beside_this_one() -> anyhow::Result<PathBuf> {
    Ok(std::env::current_exe()?.with_file_name("sightline-gateway"))
}
