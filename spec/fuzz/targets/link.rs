//! Links that parse are printed to links that are equal, one to a line or all in one.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sightline_spec::link::{IceServer, Link};

fuzz_target!(|text: &str| {
    let links = Link::parse_all([text]);
    let printed: Vec<String> = links.iter().map(Link::to_string).collect();
    assert_eq!(Link::parse_all(printed.iter().map(String::as_str)), links);
    assert_eq!(Link::parse_all([printed.join(", ").as_str()]), links);
    for server in links.iter().filter_map(IceServer::from_link) {
        assert_eq!(IceServer::from_link(&server.to_link()), Some(server));
    }
});
