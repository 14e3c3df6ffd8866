//! A publisher and viewers, with the smallest of relays between them.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, Instant};

use mio::{Events, Poll, Token, Waker};
use str0m::Event;
use str0m::format::Codec;
use str0m::media::{Direction, Mid};
use str0m::rtp::RtpPacket;
use tokio::time::timeout;

use super::endpoint::{Endpoint, Packet};
use super::socket::Buffers;
use super::stamp::Stamp;
use super::tally::Fate;
use super::{Audience, Offering, Programme, Publisher, Viewer};

const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
const STOP: Token = Token(usize::MAX);
const PATIENCE: Duration = Duration::from_secs(30);

/// Forwards what the first of its sessions sends to the others, as it is; but not the
/// packets with a number that `withhold` says.
struct SmallRelay {
    sessions: Vec<Endpoint>,
    /// Of each session.
    media: Vec<Vec<Mid>>,
    sequences: HashMap<(usize, Mid), u64>,
    withhold: fn(u64) -> bool,
}

impl SmallRelay {
    fn run(mut self, mut poll: Poll, stop: &AtomicBool) {
        for (place, session) in self.sessions.iter_mut().enumerate() {
            session.register(poll.registry(), Token(place)).unwrap();
        }
        let (mut events, mut buffers) = (Events::with_capacity(64), Buffers::new());
        while !stop.load(Relaxed) {
            let now = Instant::now();
            for (session, media) in self.sessions.iter_mut().zip(&mut self.media) {
                if session.deadline() <= now {
                    session.wake(now, |event| note(&event, media)).unwrap();
                }
            }
            let deadlines = self.sessions.iter().map(Endpoint::deadline);
            let wait = deadlines.min().unwrap().saturating_duration_since(now);
            poll.poll(&mut events, Some(wait)).unwrap();
            for event in events.iter().filter(|event| event.token() != STOP) {
                self.serve(event.token().0, &mut buffers);
            }
        }
    }

    fn serve(&mut self, place: usize, buffers: &mut Buffers) {
        let (now, mut packets) = (Instant::now(), Vec::new());
        let media = &mut self.media[place];
        let received = self.sessions[place].receive(now, buffers, |event, _| match event {
            Event::RtpPacket(packet) => packets.push(packet),
            event => note(&event, media),
        });
        received.unwrap();
        for packet in packets {
            self.forward(now, &packet);
        }
        for viewer in &mut self.sessions[1..] {
            viewer.wake(now, |_| {}).unwrap();
        }
    }

    fn forward(&mut self, now: Instant, packet: &RtpPacket) {
        let number = Stamp::at_end_of(&packet.payload).unwrap().number;
        let is_sound = packet.payload[0] == 0xfc;
        let codec = if is_sound { Codec::Opus } else { Codec::H264 };
        for place in 1..self.sessions.len() {
            let viewer = &mut self.sessions[place];
            let Some(media) = self.media[place].get(usize::from(is_sound)).copied() else {
                continue;
            };
            let sequence = self.sequences.entry((place, media)).or_insert(100);
            *sequence += 1;
            if (self.withhold)(number) {
                continue;
            }
            let packet = Packet {
                media,
                payload_type: viewer.payload_type(media, codec).unwrap(),
                sequence: *sequence,
                time: packet.header.timestamp,
                is_last_of_frame: packet.header.marker,
                payload: packet.payload.to_vec(),
            };
            viewer.write(now, packet, |_| {}).unwrap();
        }
    }
}

fn note(event: &Event, media: &mut Vec<Mid>) {
    if let Event::MediaAdded(added) = event {
        media.push(added.mid);
    }
}

/// Lets two viewers watch for so many packets, and returns what became of these.
async fn watch(sound: bool, packets: u64, withhold: fn(u64) -> bool) -> Vec<Fate> {
    let mut audience = Audience::start(HERE).unwrap();
    let offering = Offering::new(HERE, Direction::SendOnly, sound).unwrap();
    let (session, answer) = Endpoint::answering(HERE, &offering.sdp()).unwrap();
    let (endpoint, video, audio) = offering.answered(&answer).unwrap();
    let mut sessions = vec![session];
    for _ in 0..2 {
        let offering = Offering::new(HERE, Direction::RecvOnly, sound).unwrap();
        let (session, answer) = Endpoint::answering(HERE, &offering.sdp()).unwrap();
        let (endpoint, ..) = offering.answered(&answer).unwrap();
        let viewer = Viewer::new(endpoint, Instant::now());
        audience.door().admit(viewer).unwrap();
        sessions.push(session);
    }
    let relay = SmallRelay {
        media: vec![Vec::new(); sessions.len()],
        sessions,
        sequences: HashMap::new(),
        withhold,
    };
    let stop = Arc::new(AtomicBool::new(false));
    let stopped = stop.clone();
    let poll = Poll::new().unwrap();
    let waker = Waker::new(poll.registry(), STOP).unwrap();
    let relay = std::thread::spawn(move || relay.run(poll, &stopped));

    let loopback = audience.loopback();
    let programme = Programme {
        bitrate: 2_000_000,
        video,
        audio,
        loopback,
    };
    let mut publisher = Publisher::start(endpoint, &programme).unwrap();
    let mut watching = audience.watching();
    let both = timeout(PATIENCE, watching.wait_for(|watching| *watching == 2)).await;
    drop(both.unwrap().unwrap());

    let from = publisher.sent();
    audience.count_from(from);
    let to = from + packets;
    // The last ones have gone through when as many again have been sent.
    let done = timeout(PATIENCE, publisher.has_sent(to + packets)).await;
    done.unwrap().unwrap();
    let heard = audience.end().unwrap();
    publisher.end().unwrap();
    stop.store(true, Relaxed);
    waker.wake().unwrap();
    relay.join().unwrap();

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
