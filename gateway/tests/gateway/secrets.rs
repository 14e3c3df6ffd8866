//! Every gateway of every test here logs at trace, and its log is searched when it ends
//! (`support/secrets.rs`). This is what that search is worth, and what no other test does.

use crate::support::{Gateway, client};
use reqwest::StatusCode;
use reqwest::header::HeaderMap;

const OBS: &str = include_str!("../../../spec/http/sdp/obs-offer.sdp");
const CHROMIUM: &str = include_str!("../../../spec/http/sdp/chromium-viewer-offer.sdp");

const SECRET: &str = "what-the-turn-server-knows-as-well";

#[tokio::test]
async fn a_log_at_trace_tells_what_happens_but_no_secret() {
    let arguments = ["--relay", "on", "--ice-server", "turn:turn.example"];
    let arguments = arguments
        .into_iter()
        .chain(["--ice-server", "turn:ann:hidden-password@h"]);
    let gateway = Gateway::start_with(arguments, [("SIGHTLINE_TURN_SECRET", SECRET)]);
    let client = client().build().unwrap();
    let mut made = Vec::new();
    let mut session = String::new();
    for (path, sdp) in [("/whip/garage", OBS), ("/whep/garage", CHROMIUM)] {
        let request = client.post(format!(
            "http://{}{path}?token=in-the-query",
            gateway.host()
        ));
        let request = request.header("content-type", "application/sdp").body(sdp);
        let answer = request
            .bearer_auth("somebody's bearer token")
            .send()
            .await
            .unwrap();
        assert_eq!(answer.status(), StatusCode::CREATED);
        made.extend(credentials(answer.headers()));
        session = answer.headers()["location"].to_str().unwrap().to_owned();
        made.push(session.clone());
        let sdp = answer.text().await.unwrap();
        let password = sdp.lines().find_map(|line| line.strip_prefix("a=ice-pwd:"));
        made.push(password.unwrap().to_owned());
    }
    let gone = client.delete(format!("http://{}{session}", gateway.host()));
    assert_eq!(gone.send().await.unwrap().status(), StatusCode::OK);

    let log = gateway.stop();
    assert!(log.contains("a viewer has come to the relay"), "{log}");
    // Lines that only trace and debug have.
    assert!(log.contains("started processing request"), "{log}");
    assert!(made.len() >= 6, "{made:?}");
    made.extend(["in-the-query", "somebody's bearer token"].map(str::to_owned));
    for secret in made {
        assert!(!log.contains(&secret), "{secret} is in {log}");
    }
}

/// Those that were made for one client.
fn credentials(headers: &HeaderMap) -> Vec<String> {
    let links = headers.get_all("link").iter();
    let links = links.filter_map(|link| link.to_str().ok()?.split_once("; credential=\""));
    links
        .map(|(_, rest)| rest.split('"').next().unwrap().to_owned())
        .collect()
}
