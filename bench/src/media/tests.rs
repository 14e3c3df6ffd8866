//! A publisher and viewers, with the smallest of relays between them.

use std::net::{IpAddr, Ipv4Addr};
use std::time::{Duration, Instant};
use std::vec::Drain;

use sightline_test_peer::film::Label;
use sightline_test_peer::{Connection, News, Observer, Step};
use str0m::Event;
use str0m::media::Mid;
use str0m::rtp::{RtpPacket, RtpWrite};
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::tally::Fate;
use super::{Audience, Publisher, Viewer, publishing, watching};

const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
const PATIENCE: Duration = Duration::from_secs(30);

/// The relay's side of the publisher. It forwards what comes to its viewers, as it is; but not
/// the packets with a number that `withhold` says.
struct SmallRelay {
    viewers: Vec<(mpsc::UnboundedSender<Step>, Vec<Mid>)>,
    sequences: [u64; 2],
    withhold: fn(u64) -> bool,
}

/// The relay's side of a viewer.
struct Nothing;

impl Observer for SmallRelay {
    fn told(&mut self, news: Drain<'_, News>, now: Instant) {
        for news in news {
            if let Event::RtpPacket(packet) = news.event {
                self.forward(&packet, now);
            }
        }
    }
}

impl Observer for Nothing {
    fn told(&mut self, _: Drain<'_, News>, _: Instant) {}
}

impl SmallRelay {
    fn forward(&mut self, packet: &RtpPacket, now: Instant) {
        let number = Label::of(&packet.payload).unwrap().number;
        let kind = usize::from(packet.payload[0] == 0xfc);
        let payload_type = [102, 111][kind];
        self.sequences[kind] += 1;
        if (self.withhold)(number) {
            return;
        }
        for (viewer, mids) in &self.viewers {
            let (mid, sequence) = (mids[kind], self.sequences[kind] + 100);
            let payload = packet.payload.to_vec();
            let (time, marker) = (packet.header.timestamp, packet.header.marker);
            let payload_type = payload_type.into();
            let step = move |connection: &mut Connection| {
                let write = RtpWrite::new(payload_type, sequence.into(), time, now, payload);
                let write = write.marker(marker).nackable(true);
                connection.send_rtp(mid, None, write);
            };
            // One that has gone gets nothing.
            let _ = viewer.send(Box::new(step));
        }
    }
}

/// The names of an offer's sections.
fn mids(sdp: &str) -> Vec<Mid> {
    let mids = sdp.lines().filter_map(|line| line.strip_prefix("a=mid:"));
    mids.map(Mid::from).collect()
}

/// Lets two viewers watch for so many packets, and returns what became of these.
async fn watch(sound: bool, packets: u64, withhold: fn(u64) -> bool) -> Vec<Fate> {
    let mut audience = Audience::start(HERE).unwrap();
    let offered = Publisher::offer(publishing(HERE, 2_000_000, false, sound)).unwrap();
    let (session, answer) = watching(HERE, sound).answer(&offered.offering.sdp);
    let mut relay = SmallRelay {
        viewers: Vec::new(),
        sequences: [0; 2],
        withhold,
    };
    let door = audience.door();
    for _ in 0..2 {
        let offering = door.offer(watching(HERE, sound));
        let mids = mids(&offering.sdp);
        let (session, answer) = watching(HERE, sound).answer(&offering.sdp);
        let admitted = door.admit(offering, &answer, Instant::now());
        admitted.await.unwrap();
        let (steps, taken) = mpsc::unbounded_channel();
        tokio::spawn(session.run(taken, Nothing));
        relay.viewers.push((steps, mids));
    }
    let (_steps, taken) = mpsc::unbounded_channel();
    tokio::spawn(session.run(taken, relay));

    let started = offered.start(&answer, audience.loopback()).await;
    let mut publisher = started.unwrap();
    let mut watching = audience.watching();
    let both = timeout(PATIENCE, watching.wait_for(|watching| *watching == 2)).await;
    drop(both.unwrap().unwrap());

    let from = publisher.sent();
    audience.count_from(from);
    let to = from + packets;
    // The last ones have gone through when as many again have been sent.
    let done = timeout(PATIENCE, publisher.has_sent(to + packets)).await;
    done.unwrap().unwrap();
    let heard = audience.end().await.unwrap();
    publisher.end().await.unwrap();

    assert!(heard.loopback.within(500) > Duration::ZERO);
    assert!(heard.delays.within(500) > heard.loopback.within(500));
    assert!(heard.delays.within(500) < Duration::from_secs(1));
    assert!(heard.viewers.iter().all(|viewer| viewer.failed.is_none()));
    let fate = |viewer: &Viewer| viewer.arrivals.fate(from, to);
    heard.viewers.iter().map(fate).collect()
}

#[tokio::test]
async fn viewers_receive_all_that_is_published() {
    for sound in [false, true] {
        let all = Fate {
            received: 200,
            lost: 0,
        };
        assert_eq!(watch(sound, 200, |_| false).await, [all, all]);
    }
}

#[tokio::test]
async fn what_the_server_does_not_forward_is_lost() {
    let all_but_some = Fate {
        received: 180,
        lost: 20,
    };
    let fates = watch(false, 200, |number| number % 10 == 3).await;
    assert_eq!(fates, [all_but_some, all_but_some]);
}
