//! What is spoken inside TLS, and beside it.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;

use reqwest::{Certificate, Client, Version};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::version::{TLS12, TLS13};
use rustls::{ClientConfig, RootCertStore};
use tempfile::TempDir;

use super::client::trusting;
use super::handshake;
use crate::support::{self, Gateway, LONG};

const OFFER: &str = include_str!("../../../../spec/http/sdp/camera-offer.sdp");
const VIEWER_OFFER: &str = include_str!("../../../../spec/http/sdp/viewer-offer.sdp");
const ANSWER: &str = include_str!("../../../../spec/http/sdp/viewer-answer.sdp");

fn start(state: &TempDir, further: &[&str]) -> Gateway {
    let folder = state.path().to_str().unwrap();
    let arguments = ["--tls", "self-signed", "--state-dir", folder];
    Gateway::start(arguments.into_iter().chain(further.iter().copied()))
}

fn client(state: &TempDir) -> Client {
    let pem = std::fs::read(state.path().join("self-signed.pem")).unwrap();
    let root = Certificate::from_pem(&pem).unwrap();
    support::client().tls_certs_only([root]).build().unwrap()
}

/// RFC 7301 section 3.2: the server chooses from what the client has.
#[test]
fn the_handshake_agrees_on_http2_or_http1() {
    let state = TempDir::new().unwrap();
    let gateway = start(&state, &[]);
    let protocol_of = |offered: &[&str]| {
        let mut config = trusting(&state.path().join("self-signed.pem"));
        config.alpn_protocols = offered.iter().map(|it| it.as_bytes().into()).collect();
        let agreed = handshake(&gateway, "127.0.0.1", &Arc::new(config)).ok()?;
        agreed.protocol.map(|it| String::from_utf8(it).unwrap())
    };
    assert_eq!(protocol_of(&["http/1.1", "h2"]).as_deref(), Some("h2"));
    assert_eq!(protocol_of(&["http/1.1"]).as_deref(), Some("http/1.1"));
    assert_eq!(protocol_of(&[]), None);
    assert_eq!(protocol_of(&["spdy/1"]), None);
}

#[tokio::test]
async fn a_camera_and_a_viewer_meet_over_http2() {
    let state = TempDir::new().unwrap();
    let gateway = start(&state, &[]);
    let base = format!("https://{}", gateway.host());
    let client = client(&state);
    let post = |path: &str, sdp: &'static str| {
        let request = client.post(format!("{base}{path}"));
        let request = request.header("content-type", "application/sdp");
        request.header("prefer", "wait=20").body(sdp).send()
    };
    // Both are held: the one on the other's connection, as streams of their own.
    let (camera, viewer) = tokio::join!(post("/whip/garage", OFFER), async {
        let offered = post("/whep/garage", VIEWER_OFFER).await.unwrap();
        assert_eq!(offered.status(), 406);
        let session = offered.headers()["location"].to_str().unwrap();
        let answer = client.patch(format!("{base}{session}"));
        let answer = answer.header("content-type", "application/sdp");
        answer.body(ANSWER).send().await.unwrap()
    });
    let camera = camera.unwrap();
    assert_eq!(
        (camera.status().as_u16(), viewer.status().as_u16()),
        (201, 204)
    );
    assert_eq!(camera.version(), Version::HTTP_2);
    assert_eq!(camera.text().await.unwrap(), ANSWER);
}

#[test]
fn tls_1_2_and_1_3_are_spoken() {
    let state = TempDir::new().unwrap();
    let gateway = start(&state, &[]);
    let mut roots = RootCertStore::empty();
    let own = CertificateDer::from_pem_file(state.path().join("self-signed.pem"));
    roots.add(own.unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    for version in [&TLS12, &TLS13] {
        let config = ClientConfig::builder_with_provider(provider.clone())
            .with_protocol_versions(&[version])
            .unwrap()
            .with_root_certificates(roots.clone())
            .with_no_client_auth();
        assert!(handshake(&gateway, "127.0.0.1", &Arc::new(config)).is_ok());
    }
}

#[test]
fn plain_http_is_sent_on_to_https() {
    let state = TempDir::new().unwrap();
    // Port 0 would not be told; a port of an address that nobody else listens at stays free.
    let free = std::net::TcpListener::bind("127.0.0.4:0").unwrap();
    let plain = free.local_addr().unwrap().to_string();
    drop(free);
    let gateway = start(&state, &["--redirect-listen", &plain]);
    let host = gateway.host();
    let (_, port) = host.rsplit_once(':').unwrap();
    // Its certificate is for these three; what else a request calls it is not passed on.
    for (host, sent_to) in [
        ("127.0.0.1", "127.0.0.1"),
        ("[::1]:80", "[::1]"),
        ("evil.example", "localhost"),
    ] {
        let mut stream = TcpStream::connect(&plain).unwrap();
        stream.set_read_timeout(Some(LONG)).unwrap();
        write!(
            stream,
            "POST /whip/garage?a=b HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\
             content-length: 0\r\n\r\n"
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 308"), "{answer}");
        let location = format!("\r\nlocation: https://{sent_to}:{port}/whip/garage?a=b\r\n");
        assert!(answer.contains(&location), "{answer}");
    }
    assert!(gateway.terminate().0.success());
}
