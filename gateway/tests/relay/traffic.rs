//! What goes through the relay is counted.

use crate::peer::{Http, Setup};
use crate::support::{Gateway, client, eventually};

const TOKEN: &str = "an administrator's token";

/// More than what it takes to connect.
const MEDIA: u64 = 50_000;

fn bytes(metrics: &str, direction: &str) -> u64 {
    let name = format!("sightline_relay_bytes_total{{direction=\"{direction}\"}} ");
    let mut lines = metrics.lines().filter_map(|line| line.strip_prefix(&name));
    lines.next().unwrap().parse().unwrap()
}

#[tokio::test]
async fn bytes_that_come_and_go_are_counted() {
    let arguments = ["--relay", "on", "--admin-listen", "127.0.0.1:0"];
    let gateway = Gateway::start_with(arguments, [("SIGHTLINE_ADMIN_TOKEN", TOKEN)]);
    let http = Http::new(&gateway);
    let publisher = Setup::publisher().open(&http, "garage").await;
    let viewer = Setup::viewer().open(&http, "garage").await;
    publisher.connected().await;
    viewer
        .until("pictures", |seen| (seen.video().count() > 60).then_some(()))
        .await;

    let url = format!("http://{}/metrics", gateway.admin().unwrap());
    let client = client().build().unwrap();
    // Workers tell twice a second, and nothing says when they have.
    let counted = async || {
        let answer = client.get(&url).bearer_auth(TOKEN).send().await.unwrap();
        let metrics = answer.text().await.unwrap();
        let nothing = "sightline_relay_not_handed_over_packets_total 0\n";
        assert!(metrics.contains(nothing), "{metrics}");
        ["received", "sent"].map(|direction| bytes(&metrics, direction))
    };
    let is_media = |counted: &[u64; 2]| counted.iter().all(|bytes| *bytes > MEDIA);
    eventually("both ways are counted", counted, is_media).await;
}
