//! What clients ask of the relay: their real offers, whole and broken, and what follows.

use std::collections::HashSet;

use sightline_relay::Event;
use sightline_spec::media_type::{JSON, SDPFRAG};
use sightline_spec::room::{RoomId, SessionId};

use super::Script;
use super::attack::{Attack, PRECONDITIONS, PREFERENCES, ROOMS, set};
use super::stage::{SESSIONS, request};
use crate::census::Seat;
use crate::relaying::Relaying;
use crate::session::Side;

const PUBLISHERS: [&str; 6] = [
    include_str!("../../../spec/http/sdp/obs-offer.sdp"),
    include_str!("../../../spec/http/sdp/obs-simulcast-offer.sdp"),
    include_str!("../../../spec/http/sdp/ffmpeg-offer.sdp"),
    include_str!("../../../spec/http/sdp/whipclientsink-offer.sdp"),
    include_str!("../../../spec/http/sdp/camera-offer.sdp"),
    include_str!("../../../spec/http/sdp/pcmu-offer.sdp"),
];
const VIEWERS: [&str; 5] = [
    include_str!("../../../spec/http/sdp/chromium-viewer-offer.sdp"),
    include_str!("../../../spec/http/sdp/whepclientsrc-offer.sdp"),
    include_str!("../../../spec/http/sdp/viewer-offer.sdp"),
    include_str!("../../../spec/http/sdp/viewer-vp8-offer.sdp"),
    include_str!("../../../spec/http/sdp/viewer-offer-with-one-mid-twice.sdp"),
];
/// The first ones are what OBS calls its layers.
const SELECTIONS: [&str; 8] = [
    r#"{"rid":"0"}"#,
    r#"{"rid":"2"}"#,
    r#"{"rid":"h"}"#,
    r#"{"mediaId":1,"rid":"1"}"#,
    r#"{"mediaId":65535,"rid":"1"}"#,
    r#"{"maxWidth":1}"#,
    "{}",
    "[",
];

impl Attack {
    /// A POST of what real clients offer, unless the script has changed it.
    pub(super) fn offer_to_relay(&mut self, script: &mut Script<'_>, is_publisher: bool) {
        let (kind, offers) = match is_publisher {
            true => ("whip", &PUBLISHERS[..]),
            false => ("whep", &VIEWERS[..]),
        };
        let path = format!("/{kind}/{}", script.text(&ROOMS));
        let offer = changed(script.text(offers), script);
        // Most clients have no preference.
        let preference = match script.number() {
            number if number < 192 => "",
            _ => script.text(&PREFERENCES),
        };
        self.post(&path, offer, preference, None);
    }

    /// The same of a publisher: whatever it names, who is there and sends is there still.
    pub(super) async fn publish_to_relay(&mut self, script: &mut Script<'_>) {
        let before = self.still_sending();
        self.offer_to_relay(script, true);
        self.collect().await;
        let after = self.still_sending();
        assert!(before.is_subset(&after), "a publisher was put out");
    }

    /// Media of a publisher arrives, or stops.
    pub(super) fn send_media(&mut self, script: &mut Script<'_>) {
        let mut seats = self.publishers();
        seats.sort_by_key(|(room, _)| room.to_string());
        let Some((room, seat)) = script.pick(&seats) else {
            return;
        };
        let (room, publisher) = (room.clone(), seat.session);
        let is_sending = !script.number().is_multiple_of(4);
        match is_sending {
            true => self.sending.insert(publisher),
            false => self.sending.remove(&publisher),
        };
        if let Some(relay) = &self.gateway.relay {
            relay.happens(Event::Sending {
                room,
                publisher,
                is_sending,
            });
        }
    }

    /// A publisher that waits apart proves its certificate.
    pub(super) fn prove(&mut self, script: &mut Script<'_>) {
        if let Some(relay) = self.gateway.relay.clone()
            && let Some((room, publisher)) = script.pick(&relay.apart()).cloned()
        {
            relay.happens(Event::Proved { room, publisher });
        }
    }

    fn still_sending(&self) -> HashSet<SessionId> {
        let publishers = self.publishers().into_iter().map(|(_, seat)| seat.session);
        publishers.filter(|it| self.sending.contains(it)).collect()
    }

    /// Those that have a room.
    fn publishers(&self) -> Vec<(RoomId, Seat)> {
        let relay = self.gateway.relay.as_ref();
        let mut seats = relay.map(Relaying::census).unwrap_or_default();
        seats.retain(|(_, seat)| seat.side == Side::Camera);
        seats
    }

    /// An ICE restart (RFC 9725 section 4.3.3).
    pub(super) async fn restart(&mut self, script: &mut Script<'_>) {
        let Some(session) = script.pick(&self.seen.sessions).cloned() else {
            return;
        };
        let user = script.text(&["again", "anew", "abc", "abcd\r\na=mid:1"]);
        let section = script.text(&[
            "m=video 9 UDP/TLS/RTP/SAVPF 0\r\na=mid:0\r\n",
            "",
            "m=x\r\n",
        ]);
        let credentials = format!("a=ice-ufrag:{user}\r\na=ice-pwd:bbbbbbbbbbbbbbbbbbbbbb\r\n");
        let fragment = match script.number() % 2 {
            0 => format!("{credentials}{section}"),
            _ => format!("{section}{credentials}"),
        };
        let mut request = request("PATCH", &session, SDPFRAG, fragment);
        set(&mut request, "if-match", script.text(&PRECONDITIONS));
        self.send(request).await;
    }

    /// A layer selection (WHEP core extensions section 5).
    pub(super) async fn select(&mut self, script: &mut Script<'_>) {
        let Some(session) = script.pick(&self.seen.sessions).cloned() else {
            return;
        };
        let path = format!("{session}/layer");
        let selection = script.text(&SELECTIONS);
        self.send(request("POST", &path, JSON, selection)).await;
    }

    /// What holds of those whom the relay has.
    pub(super) fn check_relay(&self, seats: &[(RoomId, Seat)]) {
        assert!(seats.len() <= SESSIONS, "{} sessions", seats.len());
        let publishers = seats.iter().filter(|(_, seat)| seat.side == Side::Camera);
        let mut rooms = HashSet::new();
        for (room, _) in publishers {
            assert!(rooms.insert(room), "two publish in {room}");
        }
    }
}

/// An offer with as many faults as the script wants, most often none.
fn changed(offer: &str, script: &mut Script<'_>) -> String {
    let mut lines: Vec<Vec<u8>> = offer.lines().map(|line| line.as_bytes().to_vec()).collect();
    for _ in 0..script.number().saturating_sub(128) % 4 {
        let at = script.number() % lines.len().max(1);
        match script.number() % 5 {
            0 => drop(lines.drain(at..(at + 1).min(lines.len()))),
            1 => lines.extend_from_within(at..),
            2 => lines.truncate(at),
            3 => lines.insert(at.min(lines.len()), script.bytes()),
            _ => {
                let byte = script.number();
                let line = lines.get_mut(at);
                if let Some(byte_at) = line.and_then(|line| line.get_mut(byte)) {
                    *byte_at = script.number().try_into().unwrap_or_default();
                }
            }
        }
    }
    let text = lines.join(&b"\r\n"[..]);
    String::from_utf8_lossy(&text).into_owned() + "\r\n"
}
