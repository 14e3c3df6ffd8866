//! The exchange by curl: exactly the commands of README.md, two shells side by side.

use std::process::{Command, Output};

use crate::support::Gateway;

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");

/// What the README's blocks for this actor say, in their order.
fn commands(actor: &str) -> String {
    let readme = std::fs::read_to_string(format!("{ROOT}/README.md")).unwrap();
    let (_, section) = readme.split_once("<!-- by-hand -->").unwrap();
    let (section, _) = section.split_once("<!-- /by-hand -->").unwrap();
    let fence = format!("```sh {actor}\n");
    let blocks = section.split(&fence).skip(1);
    blocks
        .map(|block| block.split("```").next().unwrap())
        .collect()
}

/// Runs them as they stand, but for the gateway's address.
fn run(actor: &str, gateway: &Gateway) -> String {
    let commands = commands(actor).replace("127.0.0.1:8080", &gateway.host());
    let Output {
        status,
        stdout,
        stderr,
    } = Command::new("timeout")
        .args(["60", "bash", "-euc", &commands])
        .current_dir(ROOT)
        .env("NO_PROXY", "*")
        .output()
        .unwrap();
    let stdout = String::from_utf8(stdout).unwrap();
    let stderr = String::from_utf8(stderr).unwrap();
    assert!(status.success(), "{actor}: {status}\n{stdout}\n{stderr}");
    stdout
}

/// Asserts that these stand in the text, in this order.
fn assert_told(text: &str, expected: &[&str]) {
    let mut rest = text;
    for part in expected {
        let (_, after) = rest
            .split_once(part)
            .unwrap_or_else(|| panic!("no {part} in:\n{text}"));
        rest = after;
    }
}

#[test]
fn a_newcomer_can_do_the_whole_exchange_with_curl() {
    let gateway = Gateway::start([]);
    let (camera, viewer) = std::thread::scope(|scope| {
        let camera = scope.spawn(|| run("camera", &gateway));
        let viewer = scope.spawn(|| run("viewer", &gateway));
        (camera.join().unwrap(), viewer.join().unwrap())
    });
    assert_told(
        &camera,
        &[
            "201 Created",
            "a=recvonly",
            "event: join",
            "event: candidates",
            "event: leave",
            "200 OK",
        ],
    );
    assert_told(
        &viewer,
        &[
            "406 Not Acceptable",
            "a=sendonly",
            "204 No Content",
            "204 No Content",
            "200 OK",
        ],
    );
    assert!(!gateway.stop().contains("panicked"));
}
