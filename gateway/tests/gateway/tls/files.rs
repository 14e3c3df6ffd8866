//! `--tls files`

use std::fs;
use std::path::Path;
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use tempfile::TempDir;

use super::client::trusting;
use super::handshake;
use crate::support::{Gateway, program};

const NAME: &str = "cam.example";

/// A certificate and its key, in this folder, signed by a root there.
struct Files<'f> {
    folder: &'f Path,
    root: CertifiedIssuer<'static, KeyPair>,
}

impl<'f> Files<'f> {
    fn new(folder: &'f Path) -> Self {
        let mut params = CertificateParams::new([]).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let root = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        fs::write(folder.join("root.pem"), root.pem()).unwrap();
        let files = Self { folder, root };
        files.renew();
        files
    }

    /// Writes a new pair, one after the other, as people do.
    fn renew(&self) {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new([NAME.to_owned()]).unwrap();
        let certificate = params.signed_by(&key, &self.root).unwrap();
        fs::write(self.folder.join("cert.pem"), certificate.pem()).unwrap();
        fs::write(self.folder.join("key.pem"), key.serialize_pem()).unwrap();
    }

    fn option(&self) -> String {
        let folder = self.folder.to_str().unwrap();
        format!("files:{folder}/cert.pem,{folder}/key.pem")
    }
}

#[test]
fn files_are_read_again_when_they_change_and_nonsense_changes_nothing() {
    let folder = TempDir::new().unwrap();
    let files = Files::new(folder.path());
    let config = Arc::new(trusting(&folder.path().join("root.pem")));
    let gateway = Gateway::start(["--tls", &files.option()]);
    let first = handshake(&gateway, NAME, &config).unwrap().certificate;

    fs::write(folder.path().join("cert.pem"), "half a certif").unwrap();
    gateway.until_logged("stays as it was", 1);
    let kept = handshake(&gateway, NAME, &config).unwrap().certificate;
    assert_eq!(kept, first);

    files.renew();
    gateway.until_logged("has been read again", 1);
    let next = handshake(&gateway, NAME, &config).unwrap().certificate;
    assert_ne!(next, first);
}

#[test]
fn a_key_of_another_certificate_is_told_at_the_start() {
    let folder = TempDir::new().unwrap();
    let files = Files::new(folder.path());
    let other = KeyPair::generate().unwrap().serialize_pem();
    fs::write(folder.path().join("key.pem"), other).unwrap();
    let output = program()
        .args(["--listen", "127.0.0.1:0", "--tls", &files.option()])
        .output()
        .unwrap();
    assert!(!output.status.success());
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(told.contains("do not go together"), "{told}");
}
