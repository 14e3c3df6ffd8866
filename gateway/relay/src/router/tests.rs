//! A room in virtual time: a publisher that makes pictures, and viewers that note what they
//! are sent. One file for each behaviour.

mod arbitrary;
mod bandwidth;
mod departures;
mod keyframe_requests;
mod layer_sizes;
mod layers;
mod loss;
mod new_packets;
mod newcomers;
mod parameter_sets;
mod reordering;
mod replicas;
mod reports;
mod sources;

use std::collections::HashMap;
use std::time::Duration;

use sightline_spec::sdp::Payload;
use slotmap::SlotMap;
use str0m::media::{Pt, Rid};
use str0m::rtp::ExtensionValues;

use super::pull::Update;
use super::*;
use crate::clock;
use crate::keys::WorkerId;
use crate::publisher::packet_cache::Position;
use crate::sdp::encoding::Format;
use crate::sdp::extensions::Extensions;
use crate::sdp::negotiate::{Rtx, SendParameters};
use crate::subscriber::outgoing::Outgoing;

/// From one picture to the next, at 30 a second.
const FRAME: Duration = Duration::from_micros(33_333);
const TICKS_PER_FRAME: u64 = 3000;

/// Packets of one picture.
const PARTS: usize = 2;

const VIDEO: &str = "H264";
const SOUND: &str = "opus";

/// The room and all who are in it.
struct Stage {
    router: Router,
    now: Instant,
    keys: SlotMap<Key, ()>,
    publisher: Option<Key>,
    wire: Wire,
    /// When the router wants to be asked again.
    flush_at: Option<Instant>,
    pictures: u64,
    /// Packets so far, of each layer.
    packets: HashMap<&'static str, u64>,
}

/// What has left the room.
struct Wire {
    now: Instant,
    sent: Vec<(Key, Sent)>,
    keyframe_requests: usize,
    /// What was kept to be repeated.
    kept: Vec<(Key, Sent)>,
    /// For replicas, and what they still have room for.
    updates: Vec<(Replica, Update)>,
    room: usize,
    not_handed_over: u64,
    /// For the home.
    wishes: Vec<Wish>,
}

/// One packet as a viewer gets it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Sent {
    at: Instant,
    source: Ssrc,
    sequence: u64,
    time: u32,
    original: Option<u16>,
    transport_sequence: Option<u16>,
    payload: Vec<u8>,
}

struct ToViewer<'a>(Key, &'a mut Wire);

impl Links for Wire {
    type Downlink<'a> = ToViewer<'a>;

    fn downlink(&mut self, viewer: Key) -> Option<ToViewer<'_>> {
        Some(ToViewer(viewer, self))
    }

    fn request_keyframes(&mut self, _: Key, sources: &[Ssrc]) {
        self.keyframe_requests += sources.len();
    }

    fn has_room(&self, _: WorkerId) -> bool {
        self.room > 0
    }

    fn update(&mut self, replica: Replica, update: Update) {
        self.room -= 1;
        self.updates.push((replica, update));
    }

    fn not_handed_over(&mut self, packets: u64) {
        self.not_handed_over += packets;
    }

    fn ask_home(&mut self, wish: Wish) {
        self.wishes.push(wish);
    }
}

impl Downlink for ToViewer<'_> {
    fn send(&mut self, packet: &Outgoing<'_>) {
        let sent = Sent {
            at: self.1.now,
            source: packet.source,
            sequence: packet.sequence,
            time: packet.time,
            original: packet.original,
            transport_sequence: packet.transport_sequence,
            payload: packet.packet.payload.to_vec(),
        };
        if packet.is_kept {
            self.1.kept.push((self.0, sent.clone()));
        }
        self.1.sent.push((self.0, sent));
    }

    fn repeat(&mut self, source: Ssrc, sequence: u64) {
        let is_it = |(key, sent): &&(Key, Sent)| {
            *key == self.0 && sent.source == source && sent.sequence == sequence
        };
        let kept = self.1.kept.iter().find(is_it).cloned();
        self.1.sent.extend(kept);
    }

    fn finish(self) {}
}

impl Stage {
    /// A room where nobody is.
    fn empty() -> Self {
        let now = clock::now();
        Self {
            router: Router::new("garage".parse().unwrap(), now),
            now,
            keys: SlotMap::with_key(),
            publisher: None,
            wire: Wire {
                now,
                sent: Vec::new(),
                keyframe_requests: 0,
                kept: Vec::new(),
                updates: Vec::new(),
                room: usize::MAX,
                not_handed_over: 0,
                wishes: Vec::new(),
            },
            flush_at: None,
            pictures: 0,
            packets: HashMap::new(),
        }
    }

    /// A room where somebody publishes video.
    fn new() -> Self {
        let mut stage = Self::empty();
        stage.publish(&[VIDEO], false);
        stage
    }

    fn publish(&mut self, encodings: &[&'static str], ends_unwatched: bool) -> Takeover {
        let formats: Vec<Format> = encodings.iter().map(|e| format(e)).collect();
        self.publish_in(&formats, ends_unwatched)
    }

    fn publish_in(&mut self, formats: &[Format], ends_unwatched: bool) -> Takeover {
        let key = self.keys.insert(());
        let tracks = formats.iter().map(|format| Track {
            mid: format.encoding.name().into(),
            payload_type: Pt::from(96),
            rtx_type: Some(Pt::from(97)),
            format: format.clone(),
            layers: Box::default(),
        });
        self.publisher = Some(key);
        let publisher = Publisher {
            origin: Origin::Connection(key),
            session: SessionId::random(),
            ends_unwatched,
        };
        self.router.publish(publisher, tracks.collect())
    }

    /// Somebody comes to watch the tracks of these encodings.
    fn viewer_of(&mut self, encodings: &[&'static str]) -> Key {
        self.viewer_with(encodings, &Extensions::default())
    }

    fn viewer_with(&mut self, encodings: &[&'static str], extensions: &Extensions) -> Key {
        self.join(encodings, extensions).0
    }

    fn join(&mut self, encodings: &[&'static str], extensions: &Extensions) -> (Key, Joined) {
        self.join_with(encodings, extensions, true)
    }

    fn join_with(
        &mut self,
        encodings: &[&'static str],
        extensions: &Extensions,
        has_rtx: bool,
    ) -> (Key, Joined) {
        let key = self.keys.insert(());
        let base = 1000 * self.keys.len() as u32;
        let down_tracks = (0..).zip(encodings).map(|(section, encoding)| {
            let source = Ssrc::from(base + u32::from(section));
            SendParameters {
                track: section.into(),
                section,
                format: format(encoding),
                payload_type: Pt::from(96),
                source,
                rtx: has_rtx.then(|| Rtx {
                    payload_type: Pt::from(97),
                    source: Ssrc::from(*source + 100),
                }),
                extensions: extensions.clone(),
            }
        });
        let subscription = Subscription {
            down_tracks: down_tracks.collect(),
            name: "us".to_owned(),
        };
        let session = SessionId::random();
        let joined = self.router.subscribe(key, session, subscription, self.now);
        (key, joined)
    }

    /// Somebody comes to watch, and connects.
    fn viewer(&mut self) -> Key {
        let viewer = self.viewer_of(&[VIDEO]);
        self.connect(viewer);
        viewer
    }

    fn connect(&mut self, viewer: Key) {
        self.router.connected(viewer, self.now);
        self.flush();
    }

    /// A picture comes, and time passes until the next one. Returns what it was told.
    fn picture(&mut self, is_key: bool) -> Option<Event> {
        self.picture_of(&[""], is_key)
    }

    /// The same, of each of these layers.
    fn picture_of(&mut self, layers: &[&'static str], is_key: bool) -> Option<Event> {
        let mut told = None;
        for (index, rid) in layers.iter().enumerate() {
            // The first one is the largest.
            let size = 1000 >> index;
            for _ in 0..PARTS {
                told = told.or(self.packet(rid, index as u32, is_key, size));
            }
        }
        self.pictures += 1;
        self.flush();
        self.wait(FRAME);
        told
    }

    fn packet(
        &mut self,
        rid: &'static str,
        source: u32,
        is_key: bool,
        size: usize,
    ) -> Option<Event> {
        let mut payload = vec![if is_key { 0x65 } else { 0x41 }];
        let mut packet = self.next_packet(rid, Vec::new());
        payload.extend(packet.position.sequence.to_be_bytes());
        payload.resize(size, 0);
        packet.payload = payload.into();
        self.receive(rid, source, packet)
    }

    /// The publisher's next packet, of the present picture.
    fn next_packet(&mut self, rid: &'static str, payload: Vec<u8>) -> Packet {
        let number = self.packets.entry(rid).or_insert(70_000);
        *number += 1;
        Packet {
            position: Position {
                sequence: *number,
                time: self.pictures * TICKS_PER_FRAME,
            },
            marker: false,
            extensions: ExtensionValues::default(),
            payload: payload.into(),
            arrived: self.now,
            captured: None,
        }
    }

    fn receive(&mut self, rid: &'static str, source: u32, packet: Packet) -> Option<Event> {
        let rid = Some(rid).filter(|rid| !rid.is_empty()).map(Rid::from);
        let source = Ssrc::from(source);
        self.router.receive((0, rid), source, packet, self.now)
    }

    fn flush(&mut self) {
        self.wire.now = self.now;
        self.flush_at = self.router.flush(self.now, &mut self.wire);
    }

    /// Time passes.
    fn wait(&mut self, time: Duration) {
        let until = self.now + time;
        while let Some(at) = self.flush_at.filter(|at| *at <= until) {
            assert!(at >= self.now, "what is due for ever keeps the worker busy");
            self.now = at;
            self.flush();
        }
        self.now = until;
    }

    /// What a viewer was sent since this was asked last.
    fn sent(&mut self, viewer: Key) -> Vec<Sent> {
        let (own, others) = std::mem::take(&mut self.wire.sent)
            .into_iter()
            .partition(|(key, _)| *key == viewer);
        self.wire.sent = others;
        let own: Vec<(Key, Sent)> = own;
        own.into_iter().map(|(_, sent)| sent).collect()
    }
}

impl Sent {
    fn is_key(&self) -> bool {
        self.payload[0] == 0x65
    }
}

fn format(encoding: &'static str) -> Format {
    format_with(encoding, "")
}

fn format_with(encoding: &'static str, parameters: &'static str) -> Format {
    let payload = Payload {
        number: 96,
        encoding,
        clock_rate: if encoding == SOUND { 48_000 } else { 90_000 },
        channels: None,
        parameters,
        rtx: None,
    };
    Format::of(&payload).unwrap()
}

/// The wish for this layer, or for none.
fn of_rid(name: Option<&'static str>) -> Selection {
    Selection {
        rid: name.map(Rid::from),
        ..Selection::default()
    }
}

fn sequences(sent: &[Sent]) -> Vec<u64> {
    sent.iter().map(|sent| sent.sequence).collect()
}

/// Whether each number is one more than the last.
fn is_unbroken(sent: &[Sent]) -> bool {
    sent.windows(2)
        .all(|two| two[1].sequence == two[0].sequence + 1)
}
