//! Two ends in one thread, in virtual time.

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

fn end(own: &DtlsCert, other: &DtlsCert, remembers: Remembers, now: Instant) -> Handshake {
    let mut ssl = Ssl::new(&new_context(own).unwrap()).unwrap();
    ssl.set_mtu(1200).unwrap();
    Handshake::new(ssl, only(other), remembers, now)
}

/// What one end has to say: its datagrams, and whether it is connected or has heard a goodbye.
#[derive(Default)]
struct Said {
    datagrams: Vec<Vec<u8>>,
    is_connected: bool,
    is_closed: bool,
}

fn drain(end: &mut Handshake) -> Said {
    let mut said = Said::default();
    let mut buffer = [0; 2048];
    loop {
        match end.poll_output(&mut buffer) {
            DtlsOutput::Packet(datagram) => said.datagrams.push(datagram.to_vec()),
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
    let mut relay = end(&ours, &theirs, Remembers::ForAWhile, now);
    let mut viewer = end(&theirs, &ours, Remembers::Always, now);
    viewer.set_active(true);
    viewer.handle_packet(&[]).unwrap();
    let (mut at_relay, mut at_viewer) = (false, false);
    while !(at_relay && at_viewer) {
        let said = drain(&mut viewer);
        at_viewer |= said.is_connected;
        let mut has_spoken = !said.datagrams.is_empty();
        for datagram in said.datagrams {
            relay.handle_packet(&datagram).unwrap();
        }
        let said = drain(&mut relay);
        at_relay |= said.is_connected;
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
    assert!(drain(&mut viewer).is_closed);
    relay.close().unwrap();
    assert!(drain(&mut relay).datagrams.is_empty());
}
