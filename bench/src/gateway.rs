//! The gateway under measurement, as a process of its own.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, bail};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
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
    _child: Child,
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
            process: Process::with_id(pid)?,
            address: address.parse()?,
            _child: child,
        })
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }
}

fn beside_this_one() -> anyhow::Result<PathBuf> {
    Ok(std::env::current_exe()?.with_file_name("sightline-gateway"))
}
