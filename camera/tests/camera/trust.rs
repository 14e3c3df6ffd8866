//! Which gateways the camera speaks to by TLS, and what it says of the others.

use std::{io::Write, process::Stdio};

use rcgen::date_time_ymd;
use rustls::ServerConfig;
use sightline_camera::{
    capacity::Capacity,
    trust::Trust,
    whip::{Whip, WhipError},
};
use tempfile::NamedTempFile;

use crate::{
    endpoint::Endpoint,
    rig::{Program, program},
    tls::{Authority, Identity},
};

/// What the camera makes of a gateway with this identity.
async fn ask(identity: &Identity, trust: &Trust) -> Result<(), WhipError> {
    ask_server(identity.server(), trust).await
}

async fn ask_server(server: ServerConfig, trust: &Trust) -> Result<(), WhipError> {
    let endpoint = Endpoint::start_as(server).await;
    let capacity = Capacity {
        viewers: 1,
        direct_only: true,
    };
    let room = "test".parse().unwrap();
    let whip = Whip::new(&endpoint.url(), &room, None, capacity, trust)?;
    whip.ice_servers().await.map(|_| ())
}

/// In which words it refuses it.
async fn refusal(identity: &Identity, trust: &Trust) -> String {
    match ask(identity, trust).await {
        Err(error @ WhipError::Untrusted(_)) => error.to_string(),
        other => panic!("{other:?}"),
    }
}

fn file(pem: &str) -> NamedTempFile {
    let mut file = NamedTempFile::new().unwrap();
    file.write_all(pem.as_bytes()).unwrap();
    file
}

#[tokio::test]
async fn a_gateway_that_nobody_vouches_for_is_refused() {
    let told = refusal(&Identity::self_signed(), &Trust::System).await;
    assert!(told.contains("--pin") && told.contains("--ca"), "{told}");
}

#[tokio::test]
async fn a_pinned_gateway_is_trusted_for_its_certificate_alone() {
    let gateway = Identity::self_signed();
    let trust = Trust::Pinned(gateway.pin());
    ask(&gateway, &trust).await.unwrap();

    let other = Identity::self_signed();
    let told = refusal(&other, &trust).await;
    let found = other.pin().to_string();
    assert!(told.contains(&found) && told.contains("Compare"), "{told}");
}

#[tokio::test]
async fn showing_the_pinned_certificate_is_not_having_it() {
    let gateway = Identity::self_signed();
    let villain = Identity::posing_as(&gateway);
    let told = refusal(&villain, &Trust::Pinned(gateway.pin())).await;
    assert!(told.contains("lacks the certificate's key"), "{told}");
}

#[tokio::test]
async fn an_authority_of_ones_own_counts_and_no_other_does() {
    let (authority, other) = (Authority::named("ours"), Authority::named("theirs"));
    let gateway = authority.sign("127.0.0.1");
    let pem = file(&authority.pem);
    let trust = Trust::Authority(pem.path().to_owned());
    ask(&gateway, &trust).await.unwrap();

    let told = refusal(&other.sign("127.0.0.1"), &trust).await;
    assert!(told.contains("nobody whom this camera trusts"), "{told}");
    let told = refusal(&authority.sign("gateway.example"), &trust).await;
    assert!(told.contains("a name that the certificate has"), "{told}");
    let ended =
        |params: &mut rcgen::CertificateParams| params.not_after = date_time_ymd(2020, 1, 1);
    let told = refusal(&authority.sign_with(ended, "127.0.0.1"), &trust).await;
    assert!(told.contains("this machine's clock"), "{told}");
}

/// By HTTP/2 a waiting offer would cost the gateway three times as much.
#[tokio::test]
async fn what_is_spoken_by_tls_is_http1() {
    let authority = Authority::named("ours");
    let gateway = authority.sign("127.0.0.1");
    let pem = file(&authority.pem);
    for trust in [
        Trust::Authority(pem.path().to_owned()),
        Trust::Pinned(gateway.pin()),
    ] {
        let speaking = |protocols: &[&str]| {
            let mut server = gateway.server();
            server.alpn_protocols = protocols.iter().map(|it| it.as_bytes().into()).collect();
            server
        };
        ask_server(speaking(&["h2", "http/1.1"]), &trust)
            .await
            .unwrap();
        ask_server(speaking(&["h2"]), &trust).await.unwrap_err();
    }
}

#[tokio::test]
async fn a_file_without_an_authority_is_said_at_once() {
    let empty = file("");
    let trust = Trust::Authority(empty.path().to_owned());
    let error = ask(&Identity::self_signed(), &trust).await.unwrap_err();
    assert!(error.to_string().contains("there is none in it"), "{error}");
    let missing = Trust::Authority("/nowhere/ca.pem".into());
    let error = ask(&Identity::self_signed(), &missing).await.unwrap_err();
    assert!(error.to_string().contains("/nowhere/ca.pem"), "{error}");
}

/// The system's authorities come from where OpenSSL says, so the program is told of ours.
#[tokio::test(flavor = "multi_thread")]
async fn an_authority_that_the_system_trusts_counts() {
    let authority = Authority::named("ours");
    let mut endpoint = Endpoint::start_as(authority.sign("127.0.0.1").server()).await;
    let pem = file(&authority.pem);
    let mut camera = program();
    camera
        .args(["--gateway", endpoint.url().as_str(), "--room", "test"])
        .args(["--source", "test", "--size", "320x180"])
        .env("SSL_CERT_FILE", pem.path())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let _camera = Program::start(camera);
    endpoint.offer().await;
}
