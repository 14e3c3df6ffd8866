//! A real gateway process on a port of its own.

#[allow(dead_code, reason = "each test program uses what it needs")]
mod eventually;
mod secrets;

use std::io::{BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Condvar, Mutex};
use std::thread::JoinHandle;

use reqwest::{Client, ClientBuilder};

#[allow(unused_imports, reason = "each test program uses what it needs")]
pub(crate) use eventually::eventually;

pub(crate) use sightline_test_peer::LONG;

/// The gateway's program, which is told nothing by the environment that a test is run in.
pub(crate) fn program() -> Command {
    let mut program = Command::new(env!("CARGO_BIN_EXE_sightline-gateway"));
    let inherited = std::env::vars_os().map(|(name, _)| name);
    for name in inherited.filter(|name| name.to_string_lossy().starts_with("SIGHTLINE_")) {
        program.env_remove(name);
    }
    program
}

/// A client that goes by no proxy, whatever this machine has for others.
#[allow(dead_code, reason = "each test program uses what it needs")]
pub(crate) fn client() -> ClientBuilder {
    Client::builder().no_proxy().timeout(LONG)
}

/// What a process has logged.
#[derive(Default)]
pub(crate) struct Logged {
    text: Mutex<String>,
    has_more: Condvar,
}

impl Logged {
    pub(crate) fn add(&self, line: &str) {
        let mut text = self.text.lock().expect("nobody panics with it");
        text.push_str(line);
        text.push('\n');
        self.has_more.notify_all();
    }

    pub(crate) fn text(&self) -> String {
        self.text.lock().expect("nobody panics with it").clone()
    }

    /// Waits until it has logged this so many times, and returns its whole log.
    pub(crate) fn until(&self, what: &str, times: usize) -> String {
        let text = self.text.lock().expect("nobody panics with it");
        let is_missing = |text: &mut String| text.matches(what).count() < times;
        let waited = self.has_more.wait_timeout_while(text, LONG, is_missing);
        let (guard, timeout) = waited.expect("nobody panics with it");
        let text = guard.clone();
        drop(guard);
        assert!(
            !timeout.timed_out(),
            "not {times} times in time: {what}\n{text}"
        );
        text
    }
}

/// A running gateway; dropping it ends it.
pub(crate) struct Gateway {
    process: Child,
    /// Reads along, so that a full pipe never stops the gateway.
    log: Option<JoinHandle<()>>,
    logged: Arc<Logged>,
    address: SocketAddr,
    /// Of a self-signed certificate.
    pin: Option<String>,
    admin: Option<SocketAddr>,
    /// What it was given and must not tell.
    secrets: Vec<String>,
}

impl Gateway {
    /// Starts a gateway with these further arguments and waits until it listens.
    #[allow(dead_code, reason = "each test program uses what it needs")]
    pub(crate) fn start<'a>(arguments: impl IntoIterator<Item = &'a str>) -> Self {
        Self::start_with(arguments, [])
    }

    /// The same, with this in its environment.
    pub(crate) fn start_with<'a>(
        arguments: impl IntoIterator<Item = &'a str>,
        environment: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Self {
        let mut arguments: Vec<&str> = arguments.into_iter().collect();
        let environment: Vec<_> = environment.into_iter().collect();
        let secrets = secrets::given(&arguments, &environment);
        // Most tests are about the direct path; those of the relay say so.
        if !arguments.contains(&"--relay") {
            arguments.extend(["--relay", "off"]);
        }
        if !arguments.contains(&"--listen") {
            arguments.extend(["--listen", "127.0.0.1:0"]);
        }
        let mut process = program()
            .args(&arguments)
            .env("SIGHTLINE_LOG", "trace")
            .envs(environment)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("cargo has built the gateway");
        let stderr = process.stderr.take().expect("stderr is piped");
        let logged = Arc::new(Logged::default());
        let log = std::thread::spawn({
            let logged = logged.clone();
            move || {
                for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                    logged.add(&line);
                }
            }
        });
        let stdout = process.stdout.take().expect("stdout is piped");
        let mut lines = BufReader::new(stdout).lines().map_while(Result::ok);
        let mut admin = None;
        let address = lines.find_map(|line| {
            let address = |start| line.strip_prefix(start).and_then(|text| text.parse().ok());
            admin = admin.or_else(|| address("administration on http://"));
            address("listening on http://").or_else(|| address("listening on https://"))
        });
        let Some(address) = address else {
            let _ = process.kill();
            let _ = log.join();
            panic!("the gateway does not start: {}", logged.text());
        };
        let is_self_signed = arguments.iter().any(|it| it.starts_with("self-signed"));
        let pin = is_self_signed.then(|| lines.next()).flatten();
        let pin = pin.unwrap_or_default();
        Self {
            process,
            log: Some(log),
            logged,
            address,
            pin: pin.strip_prefix("certificate ").map(str::to_owned),
            admin,
            secrets,
        }
    }

    /// What it says of its certificate: `sha256:` and a digest.
    #[allow(dead_code, reason = "each test program uses what it needs")]
    pub(crate) fn pin(&self) -> &str {
        self.pin.as_deref().expect("it has told")
    }

    /// `127.0.0.1:PORT`, as a client addresses it.
    pub(crate) fn host(&self) -> String {
        // Whoever listens everywhere listens here as well.
        format!("127.0.0.1:{}", self.address.port())
    }

    /// Where the administrator's interface is, if it was asked for.
    #[allow(dead_code, reason = "each test program uses what it needs")]
    pub(crate) fn admin(&self) -> Option<SocketAddr> {
        self.admin
    }

    /// The number of the process.
    #[allow(dead_code, reason = "each test program uses what it needs")]
    pub(crate) fn id(&self) -> u32 {
        self.process.id()
    }

    /// Asks the gateway to end, as a service manager does, and waits for it. Returns what it has
    /// logged as well.
    #[allow(dead_code, reason = "each test program uses what it needs")]
    pub(crate) fn terminate(mut self) -> (ExitStatus, String) {
        let pid = self.process.id().to_string();
        let asked = Command::new("kill").arg(pid).status();
        assert!(asked.expect("kill is there").success());
        let status = self.process.wait().expect("it is our child");
        (status, self.end())
    }

    /// Ends the gateway and returns what it has logged.
    #[allow(dead_code, reason = "each test program uses what it needs")]
    pub(crate) fn stop(mut self) -> String {
        self.end()
    }

    /// Whoever reads its log, at whatever level, learns no secret.
    fn end(&mut self) -> String {
        let _ = self.process.kill();
        let _ = self.process.wait();
        let _ = self.log.take().map(JoinHandle::join);
        let log = self.log_so_far();
        if let Some(told) = secrets::told(&log, &self.secrets)
            && !std::thread::panicking()
        {
            panic!("the gateway's log tells a secret: {told}");
        }
        log
    }

    /// What the gateway has logged until now.
    #[allow(dead_code, reason = "each test program uses what it needs")]
    pub(crate) fn log_so_far(&self) -> String {
        self.logged.text()
    }

    /// Waits until it has logged this so many times, and returns its whole log.
    #[allow(dead_code, reason = "each test program uses what it needs")]
    pub(crate) fn until_logged(&self, what: &str, times: usize) -> String {
        self.logged.until(what, times)
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        let log = self.end();
        if std::thread::panicking() {
            eprintln!("the gateway has logged:\n{log}");
        }
    }
}

/// Where its clients find it.
impl From<&Gateway> for String {
    fn from(gateway: &Gateway) -> Self {
        gateway.host()
    }
}

/// Says that a test cannot be made on this machine, also when the tests' output is kept back.
#[allow(dead_code, reason = "each test program uses what it needs")]
pub(crate) fn skipped(why: &str) {
    let _ = writeln!(std::io::stderr(), "SKIPPED, LOUDLY: {why}");
}
