//! Publishers that send what no decoder wants.

use crate::peer::Peer;
use crate::rig::Rig;

#[tokio::test(flavor = "multi_thread")]
async fn garbage_instead_of_pictures_harms_nobody() {
    let rig = Rig::start([]);
    let publisher = Peer::publishing(&rig).await;
    let viewer = Peer::watching(&rig).await;
    viewer.sees_more(30).await;
    let mut random = fastrand::Rng::with_seed(5);
    for _ in 0..200 {
        let payloads: Vec<Vec<u8>> = (0..10)
            .map(|_| {
                let mut payload = vec![0; random.usize(..1200)];
                random.fill(&mut payload);
                payload
            })
            .collect();
        let gap = random.u64(..2000);
        let is_last = random.bool();
        publisher.does(move |rtc, picture| {
            picture.skip(gap);
            for payload in payloads {
                picture.send_packet(rtc, payload, is_last);
            }
        });
    }
    viewer.sees_more(90).await;
    let newcomer = Peer::watching(&rig).await;
    newcomer.sees_more(30).await;
    rig.end();
}
