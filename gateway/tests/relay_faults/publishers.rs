//! Publishers that send what no decoder wants.

use std::time::Instant;

use str0m::rtp::RtpWrite;

use crate::peer::Connection;
use crate::rig::{Rig, sees_more};

const MANY: usize = 1000;

/// One packet with this payload, after a gap in the numbers.
fn send(connection: &mut Connection, payload: Vec<u8>, gap: u64, is_last: bool) {
    let reel = &mut connection.reels[0];
    reel.sequence += gap + 1;
    let (number, sequence) = (reel.payload_type.into(), reel.sequence.into());
    let packet = RtpWrite::new(number, sequence, reel.time, Instant::now(), payload);
    let mut api = connection.rtc.direct_api();
    let stream = api.stream_tx_by_mid(reel.mid, None).unwrap();
    stream.write_rtp(packet.marker(is_last).nackable(true));
}

#[tokio::test(flavor = "multi_thread")]
async fn garbage_instead_of_pictures_harms_nobody() {
    let rig = Rig::start([]);
    let publisher = rig.publisher().await;
    let viewer = rig.viewer().await;
    sees_more(&viewer, 30).await;
    let mut random = fastrand::Rng::with_seed(5);
    for _ in 0..MANY {
        let mut payload = vec![0; random.usize(..1200)];
        random.fill(&mut payload);
        let gap = if random.u8(..10) == 0 {
            random.u64(..2000)
        } else {
            0
        };
        let is_last = random.bool();
        publisher
            .act(move |connection| send(connection, payload, gap, is_last))
            .await;
    }
    viewer.more_video(60).await;
    let newcomer = rig.viewer().await;
    newcomer.more_video(60).await;
    rig.end();
}
