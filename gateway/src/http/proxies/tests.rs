//! Whom the gateway believes about a request, and whom not.

use axum::http::Request;

use super::*;

fn proxies(public: &[&str]) -> Proxies {
    Proxies {
        trusted: ["10.0.0.0/8", "fd00::/8"]
            .map(|net| net.parse().unwrap())
            .into(),
        public_urls: public.iter().map(|url| url.parse().unwrap()).collect(),
        https: false,
    }
}

fn origin(
    proxies: &Proxies,
    peer: &str,
    fields: &[(&str, &str)],
) -> Result<(String, String), Error> {
    let mut request = Request::builder().uri("/").header("host", "Inner:8080");
    for (name, value) in fields {
        request = request.header(*name, *value);
    }
    let (mut parts, ()) = request.body(()).unwrap().into_parts();
    let peer = SocketAddr::new(peer.parse().unwrap(), 4711);
    parts.extensions.insert(ConnectInfo(peer));
    let Origin { address, audience } = proxies.origin(&parts)?;
    Ok((address.to_string(), audience))
}

fn is(address: &str, audience: &str) -> Result<(String, String), Error> {
    Ok((address.to_owned(), audience.to_owned()))
}

const CLIENT: &str = "203.0.113.9";

#[test]
fn strangers_are_not_believed() {
    let fields = [
        ("forwarded", "for=192.0.2.1;host=cam.example;proto=https"),
        ("x-forwarded-for", "nonsense"),
    ];
    assert_eq!(
        origin(&proxies(&[]), CLIENT, &fields),
        is(CLIENT, "inner:8080")
    );
    assert_eq!(
        origin(&Proxies::default(), "10.0.0.1", &fields),
        is("10.0.0.1", "inner:8080")
    );
}

#[test]
fn a_trusted_proxy_is() {
    let newer = [(
        "forwarded",
        "for=203.0.113.9;host=\"Cam.example:443\";proto=https",
    )];
    let older = [
        ("x-forwarded-for", CLIENT),
        ("x-forwarded-host", "cam.example:443"),
        ("x-forwarded-proto", "https"),
    ];
    let both: Vec<_> = newer.iter().chain(&older).copied().collect();
    let expected = is(CLIENT, "cam.example");
    for peer in ["10.0.0.1", "::ffff:10.0.0.1", "fd00::1"] {
        assert_eq!(origin(&proxies(&[]), peer, &newer), expected);
        assert_eq!(origin(&proxies(&[]), peer, &older), expected);
    }
    // Cam.example and cam.example are two ways to write one host.
    assert_eq!(origin(&proxies(&[]), "10.0.0.1", &both), expected);
    assert_eq!(
        origin(&proxies(&[]), "10.0.0.1", &[]),
        is("10.0.0.1", "inner:8080")
    );
}

#[test]
fn what_stands_before_a_trusted_proxy_s_word_is_anybody_s() {
    for (line, address) in [
        ("192.0.2.1, 203.0.113.9", CLIENT),
        ("192.0.2.1, 203.0.113.9, 10.2.0.1", CLIENT),
        ("10.3.0.1, 10.2.0.1", "10.3.0.1"),
        ("203.0.113.9, unknown", "10.0.0.1"),
        ("203.0.113.9, unknown, 10.2.0.1", "10.2.0.1"),
    ] {
        let told = origin(&proxies(&[]), "10.0.0.1", &[("x-forwarded-for", line)]);
        assert_eq!(told, is(address, "inner:8080"), "{line}");
    }
}

#[test]
fn two_kinds_of_fields_that_differ_are_refused() {
    for (newer, host) in [
        ("for=192.0.2.1", None),
        ("for=203.0.113.9;host=evil.example", None),
        ("for=203.0.113.9;host=evil.example", Some("cam.example")),
        ("for=\"", None),
    ] {
        let mut fields = vec![("forwarded", newer), ("x-forwarded-for", CLIENT)];
        fields.extend(host.map(|host| ("x-forwarded-host", host)));
        let told = origin(&proxies(&[]), "10.0.0.1", &fields);
        assert_eq!(told, Err(Error::BadForwarded), "{newer}");
    }
}

#[test]
fn a_public_url_is_what_the_gateway_is_called() {
    let proxies = proxies(&["https://Cam.example", "http://10.0.0.2:8080"]);
    let audience = |host| {
        let told = origin(
            &proxies,
            "10.0.0.1",
            &[("x-forwarded-for", CLIENT), ("x-forwarded-host", host)],
        );
        told.unwrap().1
    };
    assert_eq!(audience("cam.example"), "cam.example");
    assert_eq!(audience("10.0.0.2:8080"), "10.0.0.2:8080");
    assert_eq!(audience("evil.example"), "cam.example");
}

#[test]
fn a_public_url_is_an_origin() {
    let shown = |text: &str| text.parse::<PublicUrl>().map(|url| url.to_string());
    assert_eq!(
        shown("https://Cam.example:443/"),
        Ok("https://cam.example".into())
    );
    assert_eq!(shown("http://[::1]:8080"), Ok("http://[::1]:8080".into()));
    for wrong in [
        "cam.example",
        "ftp://a",
        "https://a/b",
        "https://u@a",
        "https://a?b",
        "",
    ] {
        assert!(shown(wrong).is_err(), "{wrong}");
    }
}
