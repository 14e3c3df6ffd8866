//! Viewers who want less than there is.

use std::collections::HashSet;

use sightline_spec::sdp::Direction;
use str0m::media::Mid;

use super::{audio, offer, picture_and_sound, publish, section, sections, video, view};
use crate::error::Error;

#[test]
fn who_wants_the_sound_only_has_the_sound() {
    let tracks = picture_and_sound();
    let rejected = section(
        "video 0 UDP/TLS/RTP/SAVPF 96",
        "1",
        "a=rtpmap:96 H264/90000",
    );
    for (bundle, all) in [
        ("0", vec![audio("0", "recvonly")]),
        ("0 1", vec![audio("0", "recvonly"), video("1", "inactive")]),
        ("1 0", vec![video("1", "inactive"), audio("0", "recvonly")]),
        ("0", vec![audio("0", "recvonly"), rejected.clone()]),
        ("0 1", vec![rejected, audio("0", "recvonly")]),
    ] {
        let text = offer(bundle, &all);
        let negotiated = view(&text, &tracks).unwrap();
        for media in sections(&text, &negotiated.answer) {
            let sent = match media.kind() {
                "audio" => Direction::SendOnly,
                _ => Direction::Inactive,
            };
            assert_eq!(media.direction(), sent);
        }
        let [sound] = negotiated.media.down_tracks.as_slice() else {
            panic!("{} tracks", negotiated.media.down_tracks.len());
        };
        assert_eq!(tracks[sound.track].format.encoding.name(), "opus");
    }
}

#[test]
fn who_wants_the_picture_only_has_the_picture() {
    let tracks = picture_and_sound();
    let text = offer("0", &[video("0", "recvonly")]);
    let negotiated = view(&text, &tracks).unwrap();
    sections(&text, &negotiated.answer);
    assert_eq!(negotiated.media.down_tracks.len(), 1);
}

/// RFC 3611 section 5.2: it is asked to tell what time it is, in the sections where it offers to and
/// gets something.
#[test]
fn who_offers_to_measure_the_round_trip_is_asked_to() {
    let tracks = picture_and_sound();
    let measured = "a=rtcp-xr:rcvr-rtt=all";
    let with =
        |section: String| section.replace("a=recvonly", &format!("{measured}\r\na=recvonly"));
    let text = offer(
        "0 1",
        &[with(video("0", "recvonly")), audio("1", "recvonly")],
    );
    let answer = view(&text, &tracks).unwrap().answer;
    let sections = sections(&text, &answer);
    let asked = sections.iter().map(|section| section.has(&measured[2..]));
    assert_eq!(asked.collect::<Vec<_>>(), [true, false]);
}

#[test]
fn a_section_that_nothing_fits_costs_the_others_nothing() {
    let tracks = picture_and_sound();
    let vp8 = section(
        "video 9 UDP/TLS/RTP/SAVPF 96",
        "0",
        "a=recvonly|a=rtpmap:96 VP8/90000",
    );
    let text = offer("0 1", &[vp8.clone(), audio("1", "recvonly")]);
    let negotiated = view(&text, &tracks).unwrap();
    let answered = sections(&text, &negotiated.answer);
    assert_eq!(answered[0].direction(), Direction::Inactive);
    assert_eq!(answered[1].direction(), Direction::SendOnly);

    let refused = view(&offer("0", &[vp8]), &tracks).map(|_| ()).err();
    assert_eq!(refused, Some(Error::CodecMismatch { encoding: "H264" }));
}

#[test]
fn an_inactive_section_whose_payload_type_means_another_encoding_is_turned_down_alone() {
    let tracks = picture_and_sound();
    let lines = "a=inactive|a=rtpmap:111 H264/90000|a=fmtp:111 packetization-mode=1";
    let inactive = section("video 9 UDP/TLS/RTP/SAVPF 111", "1", lines);
    let text = offer("0 1", &[audio("0", "recvonly"), inactive]);
    let negotiated = view(&text, &tracks).unwrap();
    let answered = sections(&text, &negotiated.answer);
    assert_eq!(answered[0].direction(), Direction::SendOnly);
    assert!(answered[1].is_rejected());
}

#[test]
fn who_sends_as_well_is_only_sent_to() {
    let text = offer("0 1", &[audio("0", "sendrecv"), video("1", "sendrecv")]);
    let negotiated = view(&text, &picture_and_sound()).unwrap();
    for media in sections(&text, &negotiated.answer) {
        assert_eq!(media.direction(), Direction::SendOnly);
    }
}

/// Players show `event.streams[0]` of whatever track came last (RFC 8830 section 2), and
/// synchronise what has one CNAME (RFC 3550 section 6.5.1).
#[test]
fn all_tracks_are_of_one_stream_and_one_sender() {
    let text = offer("0 1", &[audio("0", "recvonly"), video("1", "recvonly")]);
    let answer = view(&text, &picture_and_sound()).unwrap().answer;
    let values = |start: &str| {
        let lines = answer.as_str().lines().filter_map(|l| l.split_once(start));
        let mut values: Vec<&str> = lines.filter_map(|(_, v)| v.split(' ').next()).collect();
        values.dedup();
        values.len()
    };
    assert_eq!((values("a=msid:"), values("cname:")), (1, 1));
}

/// It would have memory for each of them, and the keys that we encrypt with: see
/// `docs/decisions/own-srtp.md`.
#[test]
fn of_what_a_viewer_is_sent_str0m_knows_nothing_and_each_stream_has_its_own_source() {
    let tracks = picture_and_sound();
    let sections = |direction| offer("0 1", &[video("0", direction), audio("1", direction)]);
    let publisher = publish(&sections("sendonly")).unwrap();
    let viewer = view(&sections("recvonly"), &tracks).unwrap();
    for mid in ["0", "1"].map(Mid::from) {
        assert!(publisher.rtc.media(mid).is_some());
        assert!(viewer.rtc.media(mid).is_none());
    }
    let down_tracks = &viewer.media.down_tracks;
    let retransmissions = down_tracks.iter().filter_map(|d| Some(d.rtx?.source));
    let sources: Vec<_> = down_tracks.iter().map(|d| d.source).collect();
    let all: Vec<_> = sources.into_iter().chain(retransmissions).collect();
    assert!(all.len() >= 2);
    assert_eq!(all.iter().collect::<HashSet<_>>().len(), all.len());
}
