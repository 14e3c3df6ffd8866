//! `--tls self-signed`

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;

use aws_lc_rs::digest::{SHA256, digest};
use tempfile::TempDir;

use super::client::trusting;
use super::handshake;
use crate::support::Gateway;

fn start(kind: &str, state: &Path) -> Gateway {
    Gateway::start(["--tls", kind, "--state-dir", state.to_str().unwrap()])
}

fn pin_of(certificate: &[u8]) -> String {
    let digest = digest(&SHA256, certificate);
    let hex = digest.as_ref().iter().map(|byte| format!("{byte:02x}"));
    format!("sha256:{}", hex.collect::<String>())
}

#[test]
fn the_certificate_is_made_once_for_our_eyes_only_and_its_pin_is_told() {
    let state = TempDir::new().unwrap();
    // A folder of its own, so that the gateway makes it.
    let folder = state.path().join("sightline");
    let gateway = start("self-signed", &folder);
    let file = folder.join("self-signed.pem");
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&folder), mode(&file)), (0o700, 0o600));
    let config = Arc::new(trusting(&file));
    let shown = handshake(&gateway, "127.0.0.1", &config).unwrap();
    assert_eq!(gateway.pin(), pin_of(&shown.certificate));
    assert!(handshake(&gateway, "localhost", &config).is_ok());
    assert!(handshake(&gateway, "elsewhere.example", &config).is_err());

    let pin = gateway.pin().to_owned();
    drop(gateway);
    assert_eq!(start("self-signed", &folder).pin(), pin);
}

#[test]
fn other_names_are_another_certificate() {
    let state = TempDir::new().unwrap();
    let pin = start("self-signed", state.path()).pin().to_owned();
    let kind = "self-signed:cam.lan,fd00::1,10.0.0.7";
    let gateway = start(kind, state.path());
    assert_ne!(gateway.pin(), pin);
    let config = Arc::new(trusting(&state.path().join("self-signed.pem")));
    for name in ["cam.lan", "fd00::1", "10.0.0.7"] {
        assert!(handshake(&gateway, name, &config).is_ok(), "{name}");
    }
    let pin = gateway.pin().to_owned();
    drop(gateway);
    assert_eq!(start(kind, state.path()).pin(), pin);
}
