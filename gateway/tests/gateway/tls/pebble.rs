//! Pebble, the authority that Let's Encrypt's authors test ACME clients with (RFC 8555), and
//! the names that it asks for. It rejects good nonces, and convinces itself by TLS-ALPN-01.

use std::io::{BufRead, BufReader, Read, copy};
use std::net::{IpAddr, Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use reqwest::Certificate;
use serde_json::json;
use tempfile::TempDir;

use crate::support::{self, Logged, eventually};

/// The ports of its interfaces, and of its names' server.
const ACME: u16 = 14000;
const MANAGEMENT: u16 = 15000;
const NAMES: u16 = 8053;
const NAMES_MANAGEMENT: u16 = 8055;

/// An authority that is there when it is started; dropping it ends it.
pub(crate) struct Pebble {
    host: IpAddr,
    folder: TempDir,
    gate: Arc<Gate>,
    logged: Arc<Logged>,
    processes: Vec<Child>,
}

/// Whether this machine has it.
pub(crate) fn is_installed() -> bool {
    let found = Command::new("pebble").arg("-h").output().is_ok();
    if !found {
        support::skipped("pebble is missing, so nobody ordered a certificate (.ci/install test)");
    }
    found
}

impl Pebble {
    /// One whose certificates last so long.
    pub(crate) fn new(lasts: Duration) -> Self {
        let folder = TempDir::new().unwrap();
        let host = address_of_its_own();
        let gate = Gate::open();
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let ca = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let key = KeyPair::generate().unwrap();
        let own = CertificateParams::new([host.to_string()]).unwrap();
        let own = own.signed_by(&key, &ca).unwrap();
        let write = |name: &str, text: String| {
            let path = folder.path().join(name);
            std::fs::write(&path, text).unwrap();
            path
        };
        write("https-root.pem", ca.pem());
        let config = json!({ "pebble": {
            "listenAddress": SocketAddr::new(host, ACME),
            "managementListenAddress": SocketAddr::new(host, MANAGEMENT),
            "certificate": write("own.pem", own.pem()),
            "privateKey": write("own.key", key.serialize_pem()),
            "httpPort": 1,
            "tlsPort": gate.address.port(),
            "certificateValidityPeriod": lasts.as_secs(),
        }});
        write("config.json", config.to_string());
        Self {
            host,
            folder,
            gate,
            logged: Arc::default(),
            processes: Vec::new(),
        }
    }

    /// Starts it, with this in its environment, and waits until it serves.
    pub(crate) async fn start(mut self, environment: &[(&str, &str)]) -> Self {
        let host = self.host;
        let at = |port| SocketAddr::new(host, port);
        let names = at(NAMES).to_string();
        let mut server = Command::new("pebble-challtestsrv");
        server.args(["-dns01", &names, "-defaultIPv4", "127.0.0.1"]);
        server.args([
            "-defaultIPv6",
            "",
            "-http01",
            "",
            "-https01",
            "",
            "-tlsalpn01",
            "",
        ]);
        server.args(["-management", &at(NAMES_MANAGEMENT).to_string()]);
        self.processes.push(run(server, &self.logged));
        let mut pebble = Command::new("pebble");
        pebble.args(["-dnsserver", &names, "-config"]);
        pebble.arg(self.folder.path().join("config.json"));
        pebble.env("PEBBLE_VA_NOSLEEP", "1");
        pebble.envs(environment.iter().copied());
        self.processes.push(run(pebble, &self.logged));
        for address in [NAMES, ACME, MANAGEMENT].map(at) {
            let listens = async || TcpStream::connect(address).is_ok();
            eventually("pebble listens", listens, |listens| *listens).await;
        }
        self
    }

    /// The URL of its directory.
    pub(crate) fn directory(&self) -> String {
        format!("https://{}:{ACME}/dir", self.host)
    }

    /// What its own HTTPS is signed by.
    pub(crate) fn https_root(&self) -> PathBuf {
        self.folder.path().join("https-root.pem")
    }

    /// What its certificates are signed by, in a file.
    pub(crate) async fn root(&self) -> PathBuf {
        let https_root = std::fs::read(self.https_root()).unwrap();
        let https_root = Certificate::from_pem(&https_root).unwrap();
        let client = support::client().tls_certs_only([https_root]).build();
        let root = client
            .unwrap()
            .get(format!("https://{}:{MANAGEMENT}/roots/0", self.host));
        let root = root.send().await.unwrap().text().await.unwrap();
        let path = self.folder.path().join("root.pem");
        std::fs::write(&path, root).unwrap();
        path
    }

    /// Every name is served here, from now on. Until then whoever looks has to wait.
    pub(crate) fn names_are_at(&self, host: &str) {
        self.gate.lead_to(host);
    }

    /// How many orders it has taken.
    pub(crate) fn orders(&self) -> usize {
        self.logged.text().matches(" orders in the db").count()
    }

    /// How many accounts it has made.
    pub(crate) fn accounts(&self) -> usize {
        self.logged.text().matches(" accounts in memory").count()
    }
}

impl Drop for Pebble {
    fn drop(&mut self) {
        for process in &mut self.processes {
            let _ = process.kill();
            let _ = process.wait();
        }
        if thread::panicking() {
            eprintln!("pebble has logged:\n{}", self.logged.text());
        }
    }
}

/// A loopback address that nobody else listens on, here or in another run of the tests.
fn address_of_its_own() -> IpAddr {
    static MADE: AtomicU8 = AtomicU8::new(1);
    let [.., a, b] = std::process::id().to_be_bytes();
    Ipv4Addr::new(127, a | 128, b, MADE.fetch_add(1, Ordering::Relaxed)).into()
}

fn run(mut program: Command, logged: &Arc<Logged>) -> Child {
    let program = program.stdout(Stdio::piped()).stderr(Stdio::piped());
    let process = program.spawn();
    let mut process = process.expect("Debian's package has both programs");
    read_along(process.stdout.take().unwrap(), logged.clone());
    read_along(process.stderr.take().unwrap(), logged.clone());
    process
}

/// Reads what a process says until it ends, so that a full pipe never stops it.
fn read_along(output: impl Read + Send + 'static, logged: Arc<Logged>) {
    thread::spawn(move || {
        let lines = BufReader::new(output).lines().map_while(Result::ok);
        lines.for_each(|line| logged.add(&line));
    });
}

/// Where every name leads, on its way to a gateway: connections wait until that is known.
struct Gate {
    address: SocketAddr,
    /// Guards the host and port of the gateway, which a test sets once or again.
    target: Mutex<Option<String>>,
    is_known: Condvar,
}

impl Gate {
    fn open() -> Arc<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let gate = Arc::new(Self {
            address: listener.local_addr().unwrap(),
            target: Mutex::default(),
            is_known: Condvar::new(),
        });
        // Ends with the test program.
        let serving = gate.clone();
        thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let serving = serving.clone();
                thread::spawn(move || serving.pass(&client));
            }
        });
        gate
    }

    fn lead_to(&self, host: &str) {
        *self.target.lock().unwrap() = Some(host.to_owned());
        self.is_known.notify_all();
    }

    /// Passes on what both say. That one of them has left is its own affair.
    fn pass(&self, client: &TcpStream) {
        let unknown = |target: &mut Option<String>| target.is_none();
        let target = self.target.lock().unwrap();
        let target = self.is_known.wait_while(target, unknown).unwrap().clone();
        let Ok(gateway) = TcpStream::connect(target.unwrap()) else {
            return;
        };
        let one_way = |mut from: &TcpStream, mut to: &TcpStream| {
            let _ = copy(&mut from, &mut to);
            let _ = to.shutdown(Shutdown::Write);
        };
        thread::scope(|scope| {
            scope.spawn(|| one_way(client, &gateway));
            one_way(&gateway, client);
        });
    }
}
