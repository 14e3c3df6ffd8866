//! Two ends in one thread, in virtual time.

use std::io::Write as _;
use std::net::{Ipv4Addr, UdpSocket};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use openssl::hash::{MessageDigest, hash};
use sightline_spec::sdp::Fingerprint;
use str0m::crypto::dtls::DtlsCert;

use super::super::{certificate, new_context};
use super::*;
use crate::clock;

fn only(certificate: &DtlsCert) -> Certificates {
    let digest = hash(MessageDigest::sha256(), &certificate.certificate).unwrap();
    let pairs: Vec<String> = digest.iter().map(|byte| format!("{byte:02X}")).collect();
    let line = format!("sha-256 {}", pairs.join(":"));
    Certificates::of(vec![Fingerprint::parse(&line).unwrap()])
}

fn end(own: &DtlsCert, other: &DtlsCert, peer: Peer, now: Instant) -> Handshake {
    let mut ssl = Ssl::new(&new_context(own).unwrap()).unwrap();
    ssl.set_mtu(1200).unwrap();
    Handshake::new(ssl, only(other), peer, now)
}

/// What one end has to say: its datagrams, and whether it is connected or has heard a goodbye.
#[derive(Default)]
struct Said {
    datagrams: Vec<Vec<u8>>,
    is_connected: bool,
    is_closed: bool,
    has_keys: bool,
    beats: usize,
}

fn drain(end: &mut Handshake) -> Said {
    let mut said = Said::default();
    let mut buffer = [0; 2048];
    loop {
        match end.poll_output(&mut buffer) {
            DtlsOutput::Packet(BEAT) => said.beats += 1,
            DtlsOutput::Packet(datagram) => said.datagrams.push(datagram.to_vec()),
            DtlsOutput::KeyingMaterial(..) => said.has_keys = true,
            DtlsOutput::Connected => said.is_connected = true,
            DtlsOutput::CloseNotify => said.is_closed = true,
            DtlsOutput::Timeout(_) => return said,
            _ => {}
        }
    }
}

/// The relay's end of a viewer, and the viewer's, after their handshake.
fn connected(now: Instant) -> (Handshake, Handshake) {
    let [ours, theirs] = [certificate().unwrap(), certificate().unwrap()];
    let mut relay = end(&ours, &theirs, Peer::Viewer, now);
    let mut viewer = end(&theirs, &ours, Peer::Publisher, now);
    viewer.set_active(true);
    viewer.handle_packet(&[]).unwrap();
    let (mut at_relay, mut at_viewer) = (false, false);
    while !(at_relay && at_viewer) {
        let said = drain(&mut viewer);
        at_viewer |= said.is_connected;
        assert_eq!(said.has_keys, said.is_connected);
        let mut has_spoken = !said.datagrams.is_empty();
        for datagram in said.datagrams {
            relay.handle_packet(&datagram).unwrap();
        }
        let said = drain(&mut relay);
        at_relay |= said.is_connected;
        assert!(!said.has_keys, "str0m is to encrypt nothing for a viewer");
        has_spoken |= !said.datagrams.is_empty();
        for datagram in said.datagrams {
            viewer.handle_packet(&datagram).unwrap();
        }
        assert!(has_spoken || at_relay && at_viewer, "nothing goes on");
    }
    (relay, viewer)
}

#[test]
fn whose_openssl_is_forgotten_is_told_goodbye_all_the_same() {
    let now = clock::now();
    let (mut relay, mut viewer) = connected(now);
    for seconds in 1..=5 {
        assert!(matches!(relay.state, State::Done(_)));
        relay.handle_timeout(now + seconds * PULSE).unwrap();
        assert_eq!(drain(&mut relay).beats, 1);
    }
    relay.handle_timeout(now + REMEMBERED).unwrap();
    let State::Settled(Some(record)) = &relay.state else {
        panic!("it is remembered still");
    };
    assert!(record.len() < 100, "{} bytes", record.len());
    // Not before it is asked for, whatever comes.
    relay.handle_packet(&[22; 40]).unwrap();
    assert!(drain(&mut relay).datagrams.is_empty());

    relay.close().unwrap();
    assert!(!relay.is_closed());
    let goodbye = drain(&mut relay).datagrams;
    assert_eq!(goodbye.len(), 1);
    assert!(relay.is_closed());
    viewer.handle_packet(&goodbye[0]).unwrap();
    let heard = drain(&mut viewer);
    assert!(heard.is_closed && heard.beats == 0);
    relay.close().unwrap();
    relay.handle_timeout(now + 2 * REMEMBERED).unwrap();
    let said = drain(&mut relay);
    assert!(said.datagrams.is_empty() && said.beats == 0);
}

/// A DTLS server that is OpenSSL's own program, with a key that is pressed there for another
/// handshake. It ends with this.
struct Server {
    process: Child,
    files: PathBuf,
}

impl Server {
    fn start(port: u16, own: &DtlsCert) -> Self {
        let folder = std::env::temp_dir().join(format!("sightline-dtls-{port}"));
        std::fs::create_dir_all(&folder).unwrap();
        let file = |name: &str, contents: &[u8]| {
            let path = folder.join(name);
            std::fs::write(&path, contents).unwrap();
            path
        };
        let (certificate, key) = (
            file("certificate", &own.certificate),
            file("key", &own.private_key),
        );
        let mut server = Command::new("openssl");
        server
            .args([
                "s_server",
                "-dtls1_2",
                "-accept",
                &format!("127.0.0.1:{port}"),
            ])
            .args([
                "-use_srtp",
                "SRTP_AEAD_AES_128_GCM",
                "-certform",
                "DER",
                "-cert",
            ])
            .arg(certificate)
            .args(["-keyform", "DER", "-key"])
            .arg(key)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        Self {
            process: server.spawn().expect("the program openssl is installed"),
            files: folder,
        }
    }

    fn renegotiate(&mut self) {
        self.process
            .stdin
            .as_mut()
            .unwrap()
            .write_all(b"r\n")
            .unwrap();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
        std::fs::remove_dir_all(&self.files).unwrap();
    }
}

/// Keys are exported once. Where we are the client, OpenSSL would take part in another handshake
/// if it were not told otherwise; where we are the server it would not.
#[test]
fn a_peer_that_wants_another_handshake_is_refused_it() {
    const ALERT: u8 = 21;
    const LONG: Duration = Duration::from_secs(30);
    let [ours, theirs] = [certificate().unwrap(), certificate().unwrap()];
    let [socket, free] = [(); 2].map(|()| UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap());
    let port = free.local_addr().unwrap().port();
    drop(free);
    let mut server = Server::start(port, &theirs);
    socket.connect((Ipv4Addr::LOCALHOST, port)).unwrap();
    let pause = Some(Duration::from_millis(20));
    socket.set_read_timeout(pause).unwrap();

    let began = clock::now();
    let mut relay = end(&ours, &theirs, Peer::Publisher, began);
    relay.set_active(true);
    relay.handle_packet(&[]).unwrap();
    let mut is_asked = false;
    let answer = loop {
        let now = clock::now();
        assert!(now < began + LONG, "asked: {is_asked}");
        relay.handle_timeout(now).unwrap();
        let said = drain(&mut relay);
        if let Some(answer) = said.datagrams.first().filter(|_| is_asked) {
            break answer[0];
        }
        for datagram in said.datagrams {
            // While nobody listens there, the system refuses it.
            let _ = socket.send(&datagram);
        }
        if said.is_connected {
            server.renegotiate();
            is_asked = true;
        }
        let mut buffer = [0; 2048];
        if let Ok(length) = socket.recv(&mut buffer) {
            relay.handle_packet(&buffer[..length]).unwrap();
        }
    };
    assert_eq!(answer, ALERT);
    assert!(drain(&mut relay).datagrams.is_empty() && !relay.is_closing());
}
