//! `--tls acme`, against Pebble, which rejects good nonces.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tempfile::TempDir;

use super::client::{self, trusting};
use super::handshake;
use super::pebble::{Pebble, is_installed};
use crate::connections::{Connection, OFFER, request, view_by};
use crate::support::Gateway;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
const NAME: &str = "cam.example";

/// What the gateway logs when it shows another certificate.
const NEW: &str = "a new certificate";
/// And when it shows what the authority wants to see.
const PROVING: &str = "the authority may look";

/// Of a hundred good nonces, so many are rejected.
const NONCES: (&str, &str) = ("PEBBLE_WFE_NONCEREJECT", "30");
const MOST_NONCES: (&str, &str) = ("PEBBLE_WFE_NONCEREJECT", "75");

fn start(pebble: &Pebble, state: &Path) -> Gateway {
    Gateway::start([
        "--tls",
        "acme:cam.example,me@cam.example",
        "--acme-directory",
        &pebble.directory(),
        "--acme-ca",
        pebble.https_root().to_str().unwrap(),
        "--state-dir",
        state.to_str().unwrap(),
    ])
}

/// Starts a gateway that has the names.
fn start_named(pebble: &Pebble, state: &Path) -> Gateway {
    let gateway = start(pebble, state);
    pebble.names_are_at(&gateway.host());
    gateway
}

#[tokio::test]
async fn a_certificate_is_ordered_once_and_kept_whatever_becomes_of_nonces() {
    if !is_installed() {
        return;
    }
    let state = TempDir::new().unwrap();
    let pebble = Pebble::new(90 * DAY).start(&[MOST_NONCES]).await;
    let trusting = Arc::new(trusting(&pebble.root().await));
    let first = {
        let gateway = start_named(&pebble, state.path());
        gateway.until_logged(NEW, 1);
        handshake(&gateway, NAME, &trusting).unwrap()
    };
    // It is there from the start, and nobody is asked.
    let gateway = start(&pebble, state.path());
    let second = handshake(&gateway, NAME, &trusting).unwrap();
    assert_eq!(first.certificate, second.certificate);
    assert_eq!((pebble.accounts(), pebble.orders()), (1, 1));
}

#[tokio::test]
async fn a_certificate_is_renewed_in_time_and_connections_and_held_requests_stay() {
    if !is_installed() {
        return;
    }
    let state = TempDir::new().unwrap();
    // Renewed when two thirds of it are over.
    let pebble = Pebble::new(Duration::from_secs(24));
    // The second order finds its name proved.
    let pebble = pebble.start(&[NONCES, ("PEBBLE_AUTHZREUSE", "100")]).await;
    let root = pebble.root().await;
    // What handshakes agree on may be resumed, with the certificate of before: so one for them
    // and one for connections that last.
    let [shaking, lasting] = [(); 2].map(|()| Arc::new(trusting(&root)));
    let gateway = start_named(&pebble, state.path());
    gateway.until_logged(NEW, 1);
    let first = handshake(&gateway, NAME, &shaking).unwrap();

    let connect = || Connection(Box::new(client::connect(&gateway.host(), NAME, &lasting)));
    let mut camera = connect();
    camera.send(request(
        "POST",
        "/whip/garage",
        "prefer: wait=60\r\n",
        OFFER,
    ));
    gateway.until_logged("a camera's offer waits", 1);
    let mut idle = connect();
    let mut is_served = || {
        idle.send("GET /healthz HTTP/1.1\r\nhost: cam.example\r\n\r\n");
        idle.response().starts_with("HTTP/1.1 200")
    };
    assert!(is_served());

    gateway.until_logged(NEW, 2);
    let next = handshake(&gateway, NAME, &shaking).unwrap();
    assert_ne!(next.certificate, first.certificate);
    assert!(is_served());
    view_by(connect());
    assert!(camera.response().starts_with("HTTP/1.1 201"));
    assert_eq!((pebble.accounts(), pebble.orders()), (1, 2));
}

#[tokio::test]
async fn an_authority_that_is_not_convinced_gives_nothing_and_is_not_pestered() {
    if !is_installed() {
        return;
    }
    let state = TempDir::new().unwrap();
    let pebble = Pebble::new(90 * DAY).start(&[NONCES]).await;
    // The name is somebody else's.
    let other_state = TempDir::new().unwrap();
    let other_folder = other_state.path().to_str().unwrap();
    let other = Gateway::start(["--tls", "self-signed", "--state-dir", other_folder]);
    let gateway = start(&pebble, state.path());
    pebble.names_are_at(&other.host());
    let told = gateway.until_logged("no certificate, next try in 60s", 1);
    assert!(told.contains("the authority did not reach us"), "{told}");
    let trusting = Arc::new(trusting(&pebble.root().await));
    assert!(handshake(&gateway, NAME, &trusting).is_err());
    assert_eq!(pebble.orders(), 1);
}

#[tokio::test]
async fn an_authority_that_was_away_is_asked_as_soon_as_it_is_back() {
    if !is_installed() {
        return;
    }
    let state = TempDir::new().unwrap();
    let pebble = Pebble::new(90 * DAY);
    let gateway = start_named(&pebble, state.path());
    gateway.until_logged("no certificate, next try in 5s", 1);
    let pebble = pebble.start(&[NONCES]).await;
    gateway.until_logged(NEW, 1);
    assert_eq!((pebble.accounts(), pebble.orders()), (1, 1));
}

#[tokio::test]
async fn an_order_goes_on_where_it_stopped_in_the_next_process_too() {
    if !is_installed() {
        return;
    }
    let state = TempDir::new().unwrap();
    let pebble = Pebble::new(90 * DAY).start(&[NONCES]).await;
    // The authority looks, and finds nobody yet.
    let gateway = start(&pebble, state.path());
    gateway.until_logged(PROVING, 1);
    gateway.stop();
    let gateway = start(&pebble, state.path());
    gateway.until_logged("an order goes on", 1);
    gateway.until_logged(PROVING, 1);
    pebble.names_are_at(&gateway.host());
    gateway.until_logged(NEW, 1);
    assert_eq!(pebble.orders(), 1);
    let trusting = Arc::new(trusting(&pebble.root().await));
    assert!(handshake(&gateway, NAME, &trusting).is_ok());
}
