//! nginx and Caddy with the files of the documentation, but for ports and paths.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Command, Stdio};
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::mpsc;
use std::thread;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use tempfile::TempDir;

use crate::support::LONG;

const NGINX: &str = include_str!("../../../../docs/proxies/nginx.conf");
const CADDY: &str = include_str!("../../../../docs/proxies/Caddyfile");

/// What the documentation's files are for.
const NAME: &str = "cam.example.org";
const GATEWAY: &str = "127.0.0.1:8080";

/// What nginx and Caddy log once their ports are open.
const READY: [&str; 2] = [
    "using the \"epoll\" event method",
    "serving initial configuration",
];

#[derive(Debug, Clone, Copy)]
pub(crate) enum Kind {
    Nginx,
    Caddy,
    /// HTTP/2 towards the gateway, too.
    CaddyHttp2,
}

/// A running proxy; dropping it ends it.
pub(crate) struct Proxy {
    process: Child,
    /// `cam.example.org:PORT`
    pub(crate) host: String,
    /// What signed its certificate, PEM.
    pub(crate) root: String,
    folder: TempDir,
}

impl Proxy {
    /// Reserves a port and a folder; the gateway is started between this and the proxy. The
    /// port stays free meanwhile, since at this address nobody else listens.
    pub(crate) fn reserve() -> (TcpListener, TempDir) {
        static PROXIES: AtomicU8 = AtomicU8::new(1);
        let address = Ipv4Addr::new(127, 0, 1, PROXIES.fetch_add(1, Ordering::Relaxed));
        let port = TcpListener::bind((address, 0)).unwrap();
        (port, TempDir::new().unwrap())
    }

    pub(crate) fn start(kind: Kind, gateway: &str, (port, folder): (TcpListener, TempDir)) -> Self {
        let listen = port.local_addr().unwrap();
        drop(port);
        let (root, paths) = certificate(folder.path());
        let process = match kind {
            Kind::Nginx => nginx(folder.path(), gateway, listen, &paths),
            Kind::Caddy => caddy(folder.path(), gateway, listen, &paths),
            Kind::CaddyHttp2 => caddy(folder.path(), &format!("h2c://{gateway}"), listen, &paths),
        };
        let mut command = process;
        let mut process = command
            .env("HOME", folder.path())
            .env("XDG_DATA_HOME", folder.path())
            .env("XDG_CONFIG_HOME", folder.path())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("nginx and caddy are installed (.ci/install test)");
        let log = fs::File::create(folder.path().join("log")).unwrap();
        until_ready(process.stderr.take().unwrap(), log);
        Self {
            process,
            host: format!("{NAME}:{}", listen.port()),
            root,
            folder,
        }
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        if std::thread::panicking() {
            let log = fs::read_to_string(self.folder.path().join("log"));
            eprintln!("the proxy has logged:\n{}", log.unwrap_or_default());
        }
    }
}

/// Keeps what a proxy logs, and returns when it serves.
fn until_ready(stderr: ChildStderr, mut log: fs::File) {
    let (ready, is_ready) = mpsc::channel();
    // Ends with the proxy.
    thread::spawn(move || {
        for line in BufReader::new(stderr).lines().map_while(Result::ok) {
            let _ = writeln!(log, "{line}");
            if READY.iter().any(|words| line.contains(words)) {
                let _ = ready.send(());
            }
        }
    });
    is_ready.recv_timeout(LONG).expect("the proxy starts");
}

/// A certificate and its key as files, and its root.
fn certificate(folder: &Path) -> (String, [PathBuf; 2]) {
    let mut params = CertificateParams::new([]).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let root = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let own = CertificateParams::new([NAME.to_owned()]).unwrap();
    let own = own.signed_by(&key, &root).unwrap();
    let paths = ["cert.pem", "key.pem"].map(|name| folder.join(name));
    fs::write(&paths[0], own.pem()).unwrap();
    fs::write(&paths[1], key.serialize_pem()).unwrap();
    (root.pem(), paths)
}

/// Replaces what must be there once.
fn replace(text: &str, from: &str, to: &str) -> String {
    assert_eq!(text.matches(from).count(), 1, "{from}");
    text.replace(from, to)
}

fn nginx(folder: &Path, gateway: &str, listen: SocketAddr, [cert, key]: &[PathBuf; 2]) -> Command {
    let at = folder.display();
    let server = replace(NGINX, "443 ssl", &format!("{listen} ssl"));
    let server = replace(&server, GATEWAY, gateway);
    let server = replace(
        &server,
        "/etc/ssl/cam.example.org.pem",
        cert.to_str().unwrap(),
    );
    let server = replace(
        &server,
        "/etc/ssl/cam.example.org.key",
        key.to_str().unwrap(),
    );
    let paths = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
    let paths = paths.map(|it| format!("{it}_temp_path {at}/{it};"));
    let config = format!(
        "daemon off; master_process off; pid {at}/pid; error_log stderr notice;\n\
         events {{}}\nhttp {{ access_log off; {}\n{server}}}\n",
        paths.join(" ")
    );
    let file = folder.join("nginx.conf");
    fs::write(&file, config).unwrap();
    let mut command = Command::new("/usr/sbin/nginx");
    command.arg("-p").arg(folder).arg("-c").arg(file);
    command
}

fn caddy(folder: &Path, gateway: &str, listen: SocketAddr, [cert, key]: &[PathBuf; 2]) -> Command {
    let site = format!(
        "https://{NAME}:{} {{\n\tbind {}\n\ttls {} {}\n",
        listen.port(),
        listen.ip(),
        cert.display(),
        key.display()
    );
    let config = replace(CADDY, "cam.example.org {\n", &site);
    let config = replace(&config, GATEWAY, gateway);
    let config = format!("{{\n\tadmin off\n\tauto_https disable_redirects\n}}\n{config}");
    let file = folder.join("Caddyfile");
    fs::write(&file, config).unwrap();
    let mut command = Command::new("/usr/bin/caddy");
    command.arg("run").arg("--config").arg(file);
    command
}
