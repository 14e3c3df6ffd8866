//! What one client may ask for, and how it is known which client that is.

use std::io::{Read, Write};
use std::net::{IpAddr, SocketAddr, TcpStream};

use crate::room_key::RoomKey;
use crate::support::{Gateway, LONG, client, eventually, skipped};
use reqwest::Response;

const OFFER: &str = include_str!("../../../spec/http/sdp/camera-offer.sdp");
const VIEWER_OFFER: &str = include_str!("../../../spec/http/sdp/viewer-offer.sdp");

async fn view(gateway: &Gateway, fields: &[(&str, &str)]) -> Response {
    let url = format!("http://{}/whep/garage", gateway.host());
    let request = client().build().unwrap().post(url).body(VIEWER_OFFER);
    let request = request
        .header("content-type", "application/sdp")
        .header("prefer", "wait=0");
    let request = fields.iter().fold(request, |request, (name, value)| {
        request.header(*name, *value)
    });
    request.send().await.unwrap()
}

#[tokio::test]
async fn rates_are_the_client_s_and_not_the_proxy_s() {
    let gateway = Gateway::start([
        "--open-rooms",
        "--trusted-proxy",
        "127.0.0.1",
        "--posts-per-address",
        "2",
    ]);
    let from = async |client: &str| {
        let mut statuses = Vec::new();
        for _ in 0..3 {
            let response = view(&gateway, &[("x-forwarded-for", client)]).await;
            statuses.push(response.status().as_u16());
        }
        statuses
    };
    assert_eq!(from("203.0.113.9").await, [409, 409, 429]);
    assert_eq!(from("2001:db8::1").await, [409, 409, 429]);
    // The same subscriber, another address.
    assert_eq!(from("2001:db8::2").await, [429, 429, 429]);
    // What a client puts before the proxy's word does not make it another.
    assert_eq!(from("198.51.100.1, 203.0.113.9").await, [429, 429, 429]);
    let newer = view(&gateway, &[("forwarded", "for=203.0.113.9")]).await;
    assert_eq!(newer.status().as_u16(), 429);
    assert!(newer.headers().contains_key("retry-after"));
    let both = [
        ("forwarded", "for=203.0.113.9"),
        ("x-forwarded-for", "203.0.113.10"),
    ];
    assert_eq!(view(&gateway, &both).await.status().as_u16(), 400);
}

#[tokio::test]
async fn a_client_that_names_another_address_is_not_believed() {
    let gateway = Gateway::start(["--posts-per-address", "1"]);
    for _ in 0..3 {
        let response = view(&gateway, &[("x-forwarded-for", "203.0.113.9")]).await;
        // This machine is not limited.
        assert_eq!(response.status().as_u16(), 409);
    }
}

/// Whoever gets a camera's token, at a gateway that only pretends, may say any name here.
#[tokio::test]
async fn a_token_for_another_gateway_is_refused_whatever_host_says() {
    let gateway = Gateway::start(["--public-url", "https://cam.example"]);
    let key = RoomKey::new();
    let published = async |host: &str, audience: &str| {
        let url = format!("http://{}/whip/{}", gateway.host(), key.room);
        let request = client().build().unwrap().post(url).body(OFFER);
        let request = request
            .header("content-type", "application/sdp")
            .header("prefer", "direct, wait=0")
            .header("host", host)
            .bearer_auth(key.token(audience));
        request.send().await.unwrap().status().as_u16()
    };
    // Let in, a camera finds no viewer.
    assert_eq!(published("cam.example", "cam.example").await, 503);
    assert_eq!(published("evil.example", "cam.example").await, 503);
    assert_eq!(published("evil.example", "evil.example").await, 403);
    assert_eq!(published("cam.example", "evil.example").await, 403);
}

/// An address of this machine that is not loopback, where limits do not count.
fn own_address() -> Option<IpAddr> {
    let all = if_addrs::get_if_addrs().unwrap();
    let mut own = all.iter().filter(|it| !it.is_loopback()).map(|it| it.ip());
    own.find(IpAddr::is_ipv4)
}

/// Whether a connection is answered, and the connection.
fn answered(gateway: SocketAddr) -> (bool, TcpStream) {
    let mut stream = TcpStream::connect(gateway).unwrap();
    stream.set_read_timeout(Some(LONG)).unwrap();
    let _ = stream.write_all(b"HEAD /whep/garage HTTP/1.1\r\nhost: x\r\n\r\n");
    let is_answered = stream.read(&mut [0; 4]).is_ok_and(|length| length > 0);
    (is_answered, stream)
}

#[tokio::test]
async fn an_address_has_so_many_connections_and_another_when_one_ends() {
    let Some(own_address) = own_address() else {
        return skipped("no network here but loopback, so nobody counted an address's connections");
    };
    let gateway = Gateway::start(["--listen", "0.0.0.0:0", "--connections-per-address", "2"]);
    let listens: SocketAddr = gateway.host().parse().unwrap();
    let address = SocketAddr::new(own_address, listens.port());
    let (first, second) = (answered(address), answered(address));
    assert!(first.0 && second.0);
    assert!(!answered(address).0);
    // Not that others were harmed.
    assert!(answered(listens).0);
    drop(first);
    let has_place = async || answered(address).0;
    eventually("the place is given back", has_place, |has| *has).await;
}

#[tokio::test]
async fn the_log_says_why_each_post_was_refused() {
    let gateway = Gateway::start([]);
    for (path, media_type, status) in [
        ("/whip/garage", "text/plain", 415),
        ("/whep/garage", "application/sdp", 409),
        ("/whip/garage/", "application/sdp", 400),
    ] {
        let url = format!("http://{}{path}", gateway.host());
        let request = client().build().unwrap().post(url).body(VIEWER_OFFER);
        let request = request.header("content-type", media_type);
        let answer = request.header("prefer", "wait=0").send().await.unwrap();
        assert_eq!(answer.status().as_u16(), status);
    }
    let log = gateway.stop();
    for wanted in [
        "a POST to /whip was refused with 415: the body must be application/sdp",
        "a POST to /whep was refused with 409: no camera publishes in this room yet",
        "a POST to /whip was refused with 400: ",
    ] {
        let line = log.lines().find(|line| line.contains(wanted));
        let line = line.unwrap_or_else(|| panic!("not there: {wanted}\n{log}"));
        for part in ["INFO", "garage", "127.0.0.1"] {
            assert!(line.contains(part), "{part} in {line}");
        }
    }
}
