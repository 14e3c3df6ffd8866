//! `--tls acme`, against an authority of our own.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tempfile::TempDir;

use super::authority::Authority;
use super::client::trusting;
use super::handshake;
use crate::support::Gateway;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
const NAME: &str = "cam.example";

/// What the gateway logs when it shows another certificate.
const NEW: &str = "a new certificate";

fn start(authority: &Authority, folder: &Path) -> Gateway {
    let (state, root) = (folder.join("state"), folder.join("root.pem"));
    Gateway::start([
        "--tls",
        "acme:cam.example,me@cam.example",
        "--acme-directory",
        &authority.directory,
        "--acme-ca",
        root.to_str().unwrap(),
        "--state-dir",
        state.to_str().unwrap(),
    ])
}

/// Starts a gateway that has the names.
fn start_named(authority: &Authority, folder: &Path) -> Gateway {
    let gateway = start(authority, folder);
    authority.names_are_at(gateway.host().parse().unwrap());
    gateway
}

#[test]
fn a_certificate_is_ordered_once_and_kept() {
    let folder = TempDir::new().unwrap();
    let root = folder.path().join("root.pem");
    let authority = Authority::start(&root, (90 * DAY, DAY));
    let trusting = Arc::new(trusting(&root));
    let first = {
        let gateway = start_named(&authority, folder.path());
        gateway.until_logged(NEW, 1);
        handshake(&gateway, NAME, &trusting).unwrap()
    };
    // It is there from the start, and nobody is asked.
    let gateway = start(&authority, folder.path());
    let second = handshake(&gateway, NAME, &trusting).unwrap();
    assert_eq!(first.certificate, second.certificate);
    assert_eq!((authority.accounts(), authority.orders("valid")), (1, 1));
}

#[test]
fn a_certificate_is_renewed_when_two_thirds_of_its_life_are_over() {
    let folder = TempDir::new().unwrap();
    let root = folder.path().join("root.pem");
    // Two seconds from now, that is.
    let (lasts, over) = (Duration::from_secs(360), Duration::from_secs(238));
    let authority = Authority::start(&root, (lasts, over));
    let trusting = Arc::new(trusting(&root));
    let gateway = start_named(&authority, folder.path());
    gateway.until_logged(NEW, 1);
    let first = handshake(&gateway, NAME, &trusting).unwrap();
    gateway.until_logged(NEW, 2);
    let next = handshake(&gateway, NAME, &trusting).unwrap();
    assert_ne!(next.certificate, first.certificate);
    assert_eq!(authority.accounts(), 1);
}

#[test]
fn an_authority_that_is_not_convinced_gives_nothing_and_is_not_pestered() {
    let folder = TempDir::new().unwrap();
    let root = folder.path().join("root.pem");
    let authority = Authority::start(&root, (90 * DAY, DAY));
    // The name is somebody else's.
    let other = Gateway::start(["--tls", "self-signed", "--state-dir", state(&folder)]);
    let gateway = start(&authority, folder.path());
    authority.names_are_at(other.host().parse().unwrap());
    let told = gateway.until_logged("no certificate, next try in 60s", 1);
    let trusting = Arc::new(trusting(&root));
    assert!(handshake(&gateway, NAME, &trusting).is_err());
    assert!(told.contains("the authority did not reach us"), "{told}");
    assert_eq!(authority.orders("invalid"), 1);
}

fn state(folder: &TempDir) -> &str {
    folder.path().to_str().unwrap()
}
