//! Whatever is offered, nothing panics, and what is answered is an answer.

use std::fs;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};

use crate::fuzzing::negotiation;

use super::{picture_and_sound, publish, sections, view};

/// The offers of real clients that the protocol's tests send, and what is worst in them.
fn seeds() -> Vec<String> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../spec/http/sdp");
    let files = fs::read_dir(folder)
        .unwrap()
        .map(|file| file.unwrap().path());
    let offers = files.filter(|path| path.to_string_lossy().ends_with("offer.sdp"));
    let mut seeds: Vec<String> = offers
        .map(|path| fs::read_to_string(path).unwrap())
        .collect();
    seeds.sort();
    assert!(!seeds.is_empty());
    seeds
}

fn lines() -> impl Strategy<Value = String> {
    let attributes = [
        "a=mid:0",
        "a=mid:1",
        "a=mid:a-b",
        "a=rtpmap:96 H264/90000",
        "a=rtpmap:96 VP8/90000",
        "a=rtpmap:97 rtx/90000",
        "a=fmtp:97 apt=96",
        "a=fmtp:97 apt=97",
        "a=rtpmap:127 AV1/90000",
        "a=rtpmap:111 opus/48000/2",
        "a=rtcp-fb:* nack",
        "a=rtcp-fb:96 transport-cc",
        "a=extmap:3 http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01",
        "a=extmap:3 urn:ietf:params:rtp-hdrext:sdes:mid",
        "a=extmap:14 urn:3gpp:video-orientation",
        "a=extmap:4/inactive urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id",
        "a=bundle-only",
        "a=rid:a send",
        "a=rid:b-c send",
        "a=simulcast:send a;b-c",
        "a=ssrc:1 cname:x",
        "a=ssrc:0 cname:x",
        "a=ssrc-group:FID 1 1",
        "a=ssrc-group:FID 1 2",
        "a=ssrc-group:SIM 1 2",
        "a=inactive",
        "a=sendrecv",
        "a=setup:passive",
        "a=group:BUNDLE 0 1 a-b",
        "m=video 9 UDP/TLS/RTP/SAVPF 96 97",
        "m=audio 9 RTP/SAVP 111 0",
        "m=video 0 x 1",
        "m=application 9 UDP/DTLS/SCTP webrtc-datachannel",
        "b=AS:500",
        "c=IN IP6 ::",
    ];
    select(attributes.to_vec()).prop_map(|line| format!("{line}\r\n"))
}

fn holds(text: &str) {
    if let Ok(negotiated) = publish(text) {
        sections(text, &negotiated.answer);
        assert!(!negotiated.media.is_empty());
    }
    if let Ok(negotiated) = view(text, &picture_and_sound()) {
        sections(text, &negotiated.answer);
        assert!(!negotiated.media.down_tracks.is_empty());
    }
}

#[test]
fn what_the_fuzzer_kept_is_answered_or_refused() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../fuzz/corpus/negotiation");
    let mut count = 0;
    for file in fs::read_dir(folder).unwrap() {
        negotiation(&fs::read(file.unwrap().path()).unwrap());
        count += 1;
    }
    assert!(count > 0, "nothing is kept");
}

proptest! {
    #[test]
    fn offers_with_lines_more_and_less(
        seed in select(seeds()),
        added in vec((any::<Index>(), lines()), 0..12),
        removed in vec(any::<Index>(), 0..4),
        to_viewer in any::<bool>(),
    ) {
        let seed = match to_viewer {
            true => seed.replace("a=sendonly", "a=recvonly"),
            false => seed.replace("a=recvonly", "a=sendonly"),
        };
        let mut all: Vec<String> = seed.lines().map(|line| format!("{line}\r\n")).collect();
        for at in removed {
            all.remove(at.index(all.len()));
        }
        for (at, line) in added {
            all.insert(at.index(all.len()), line);
        }
        holds(&all.concat());
    }

    #[test]
    fn offers_with_flipped_bits(
        seed in select(seeds()),
        flips in vec((any::<Index>(), 0..7u32), 1..8),
    ) {
        let mut bytes = seed.into_bytes();
        for (at, bit) in flips {
            let at = at.index(bytes.len());
            bytes[at] ^= 1 << bit;
        }
        holds(&String::from_utf8_lossy(&bytes));
    }
}
