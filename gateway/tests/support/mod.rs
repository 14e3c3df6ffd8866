//! A real gateway process on a port of its own.

use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread::JoinHandle;

/// A running gateway; dropping it ends it.
pub(crate) struct Gateway {
    process: Child,
    /// Reads along, so that a full pipe never stops the gateway.
    log: Option<JoinHandle<String>>,
    address: SocketAddr,
}

impl Gateway {
    /// Starts a gateway with these further arguments and waits until it listens.
    pub(crate) fn start<'a>(arguments: impl IntoIterator<Item = &'a str>) -> Self {
        let mut arguments: Vec<&str> = arguments.into_iter().collect();
        // Most tests are about the direct path; those of the relay say so.
        if !arguments.contains(&"--relay") {
            arguments.extend(["--relay", "off"]);
        }
        if !arguments.contains(&"--listen") {
            arguments.extend(["--listen", "127.0.0.1:0"]);
        }
        let mut process = Command::new(env!("CARGO_BIN_EXE_sightline-gateway"))
            .args(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("cargo has built the gateway");
        let mut stderr = process.stderr.take().expect("stderr is piped");
        let log = std::thread::spawn(move || {
            let mut log = String::new();
            let _ = stderr.read_to_string(&mut log);
            log
        });
        let stdout = process.stdout.take().expect("stdout is piped");
        let line = BufReader::new(stdout).lines().next();
        let line = line.and_then(Result::ok).unwrap_or_default();
        let address = line.strip_prefix("listening on http://");
        let Some(address) = address.and_then(|address| address.parse().ok()) else {
            let _ = process.kill();
            panic!("the gateway does not start: {:?}", log.join());
        };
        Self {
            process,
            log: Some(log),
            address,
        }
    }

    /// `127.0.0.1:PORT`, as a client addresses it.
    pub(crate) fn host(&self) -> String {
        // Whoever listens everywhere listens here as well.
        format!("127.0.0.1:{}", self.address.port())
    }

    /// The number of the process.
    #[allow(dead_code, reason = "each test program uses what it needs")]
    pub(crate) fn id(&self) -> u32 {
        self.process.id()
    }

    /// Asks the gateway to end, as a service manager does, and waits for it.
    #[allow(dead_code, reason = "each test program uses what it needs")]
    pub(crate) fn terminate(mut self) -> ExitStatus {
        let pid = self.process.id().to_string();
        let asked = Command::new("kill").arg(pid).status();
        assert!(asked.expect("kill is there").success());
        self.process.wait().expect("it is our child")
    }

    /// Ends the gateway and returns what it has logged.
    #[allow(dead_code, reason = "each test program uses what it needs")]
    pub(crate) fn stop(mut self) -> String {
        let _ = self.process.kill();
        let _ = self.process.wait();
        let log = self.log.take().map(JoinHandle::join);
        log.and_then(Result::ok).unwrap_or_default()
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
