//! One publisher, its viewers: what is sent is what arrives.

use crate::peer::{Http, Setup};
use crate::support::Gateway;

#[tokio::test]
async fn a_viewer_gets_pictures_and_sound() {
    let gateway = Gateway::start(["--relay", "on"]);
    let http = Http::new(&gateway);
    let publisher = Setup::publisher().with_sound().open(&http, "garage").await;
    let viewer = Setup::viewer().open(&http, "garage").await;
    publisher.connected().await;
    viewer.more_video(60).await;
    viewer.seen(|seen| {
        let (first, label) = seen.in_order()[0];
        assert!(label.is_key && label.part == 0, "{label:?}");
        assert_eq!(first.payload_type, 102);
        assert!(seen.sound().count() > 10);
    });
}
