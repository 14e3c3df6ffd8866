//! Payload types, what is told of them, header extensions and layers.

use super::{audio, camera, offer, picture_and_sound, publish, section, sections, video, view};

const TRANSPORT_CC: &str =
    "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01";

fn lines<'a>(media: &sightline_spec::sdp::Media<'a>, start: &str) -> Vec<&'a str> {
    let lines = media.lines().map(|(_, line)| line);
    lines.filter(|line| line.starts_with(start)).collect()
}

/// A publisher of H.264 with these lines.
fn camera_with(extra: &str) -> String {
    let lines =
        format!("a=sendonly|a=rtpmap:96 H264/90000|a=rtpmap:97 rtx/90000|a=fmtp:97 apt=96|{extra}");
    offer(
        "0",
        &[section("video 9 UDP/TLS/RTP/SAVPF 96 97", "0", &lines)],
    )
}

#[test]
fn feedback_is_what_was_offered_and_is_of_use() {
    for (offered, answered) in [
        ("a=x", vec![]),
        (
            "a=rtcp-fb:96 goog-remb|a=rtcp-fb:96 nack|a=rtcp-fb:96 nack pli|a=rtcp-fb:96 ccm fir",
            vec!["nack", "nack pli", "ccm fir"],
        ),
        (
            "a=rtcp-fb:* nack pli|a=rtcp-fb:* trr-int 5",
            vec!["nack pli"],
        ),
        ("a=rtcp-fb:97 nack pli", vec![]),
        // Without its header extension, and the other way round.
        ("a=rtcp-fb:96 transport-cc", vec![]),
    ] {
        let text = camera_with(offered);
        let negotiated = publish(&text).unwrap();
        let answer = &sections(&text, &negotiated.answer)[0];
        assert_eq!(answer.feedback(96), answered, "{offered}");
    }
    let text = camera_with(&format!("a=extmap:3 {TRANSPORT_CC}"));
    let negotiated = publish(&text).unwrap();
    let answer = &sections(&text, &negotiated.answer)[0];
    assert_eq!(lines(answer, "a=extmap"), [""; 0]);
    let text = camera_with(&format!(
        "a=extmap:3 {TRANSPORT_CC}|a=rtcp-fb:96 transport-cc"
    ));
    let negotiated = publish(&text).unwrap();
    let answer = &sections(&text, &negotiated.answer)[0];
    assert_eq!(answer.feedback(96), ["transport-cc"]);
    assert_eq!(
        lines(answer, "a=extmap"),
        [format!("a=extmap:3 {TRANSPORT_CC}")]
    );
}

#[test]
fn who_misses_packets_may_ask_again_with_a_retransmission_stream_or_without() {
    let tracks = picture_and_sound();
    let feedback = "a=rtcp-fb:96 nack|a=rtcp-fb:96 nack pli";
    let plain = format!("a=recvonly|a=rtpmap:96 H264/90000|{feedback}");
    let text = offer("0", &[section("video 9 UDP/TLS/RTP/SAVPF 96", "0", &plain)]);
    let negotiated = view(&text, &tracks).unwrap();
    assert_eq!(
        sections(&text, &negotiated.answer)[0].feedback(96),
        ["nack", "nack pli"]
    );
    let rtx = format!("{plain}|a=rtpmap:97 rtx/90000|a=fmtp:97 apt=96");
    let text = offer(
        "0",
        &[section("video 9 UDP/TLS/RTP/SAVPF 96 97", "0", &rtx)],
    );
    let negotiated = view(&text, &tracks).unwrap();
    let answer = &sections(&text, &negotiated.answer)[0];
    assert_eq!(answer.feedback(96), ["nack", "nack pli"]);
    assert_eq!(answer.formats().collect::<Vec<_>>(), ["96", "97"]);
    assert_eq!(lines(answer, "a=ssrc-group:FID").len(), 1);
}

#[test]
fn header_extensions_have_the_ids_and_the_direction_of_the_offer() {
    for (offered, answered) in [
        (
            "a=extmap:9 urn:ietf:params:rtp-hdrext:sdes:mid",
            Some("a=extmap:9 urn:ietf:params:rtp-hdrext:sdes:mid"),
        ),
        (
            "a=extmap:2/sendonly urn:3gpp:video-orientation",
            Some("a=extmap:2/recvonly urn:3gpp:video-orientation"),
        ),
        ("a=extmap:2/recvonly urn:3gpp:video-orientation", None),
        (
            "a=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level vad=on",
            Some("a=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level vad=on"),
        ),
        // Two bytes each, a number of the offer only, none, unknown.
        ("a=extmap:15 urn:3gpp:video-orientation", None),
        ("a=extmap:4100 urn:3gpp:video-orientation", None),
        ("a=extmap:0 urn:3gpp:video-orientation", None),
        ("a=extmap:2 urn:example:unknown", None),
        ("a=extmap:x urn:3gpp:video-orientation", None),
    ] {
        let text = camera_with(offered);
        let negotiated = publish(&text).unwrap();
        let answer = &sections(&text, &negotiated.answer)[0];
        let found = lines(answer, "a=extmap").first().copied();
        assert_eq!(found, answered, "{offered}");
    }
}

/// RFC 8285 section 6.
#[test]
fn mixed_extensions_are_allowed_only_if_they_were() {
    assert!(
        !publish(&camera())
            .unwrap()
            .answer
            .as_str()
            .contains("allow-mixed")
    );
    let text = camera().replace("t=0 0\r\n", "t=0 0\r\na=extmap-allow-mixed\r\n");
    assert!(
        publish(&text)
            .unwrap()
            .answer
            .as_str()
            .contains("a=extmap-allow-mixed\r\n")
    );
}

#[test]
fn sections_of_one_bundle_may_share_a_payload_type_of_one_meaning() {
    let all = [video("0", "sendonly"), video("1", "sendonly")];
    let text = offer("0 1", &all);
    let negotiated = publish(&text).unwrap();
    sections(&text, &negotiated.answer);
    assert_eq!(negotiated.media.len(), 2);
}

#[test]
fn each_section_is_answered_with_its_own_payload_types() {
    let other = "a=recvonly|a=rtpmap:102 H264/90000|a=fmtp:102 packetization-mode=1";
    let other = section("video 9 UDP/TLS/RTP/SAVPF 102", "1", other);
    let text = offer("0 1", &[video("0", "recvonly"), other]);
    for tracks in [picture_and_sound(), {
        let mut twice = picture_and_sound();
        let mut second = twice[1].clone();
        second.mid = "2".into();
        twice.push(second);
        twice
    }] {
        let negotiated = view(&text, &tracks).unwrap();
        let answered = sections(&text, &negotiated.answer);
        let first = |index: usize| answered[index].formats().next();
        assert_eq!((first(0), first(1)), (Some("96"), Some("102")));
        for down_track in &negotiated.media.down_tracks {
            let section = usize::from(down_track.section);
            assert_eq!(
                first(section),
                Some(down_track.payload_type.to_string().as_str())
            );
        }
    }
}

/// Two payload types of one encoding in each of two sections, of which one each is answered.
#[test]
fn two_sections_of_one_encoding_are_two_tracks() {
    let of = |mid: &str, numbers: [u8; 2]| {
        let [first, second] = numbers;
        let lines = format!(
            "a=sendonly|a=rtpmap:{first} H264/90000|a=fmtp:{first} packetization-mode=1|\
             a=rtpmap:{second} H264/90000|a=fmtp:{second} packetization-mode=0"
        );
        section(
            &format!("video 9 UDP/TLS/RTP/SAVPF {first} {second}"),
            mid,
            &lines,
        )
    };
    let text = offer("0 1", &[of("0", [96, 97]), of("1", [98, 99])]);
    let negotiated = publish(&text).unwrap();
    assert_eq!(negotiated.media.len(), 2);
    for (index, number) in [96, 98].into_iter().enumerate() {
        let mid = negotiated.media[index].mid;
        let media = negotiated.rtc.media(mid).unwrap();
        assert_eq!(
            media.remote_pts(),
            [number.into()],
            "str0m knows it by {number}"
        );
    }
    let known: Vec<u8> = negotiated
        .rtc
        .codec_config()
        .params()
        .iter()
        .map(|p| *p.pt())
        .collect();
    assert_eq!(known, [96, 98]);
}

#[test]
fn names_of_encodings_and_their_parameters_come_back_as_written() {
    let sound = "a=sendonly|a=rtpmap:97 OPUS/48000|a=fmtp:97 minptime=10; useinbandfec=1;";
    let picture = "a=sendonly|a=rtpmap:96 h264/90000|a=fmtp:96 profile-level-id=42e01f;\
                   x-google-max-bitrate=9;sprop-parameter-sets=Z0IACpZTBYmI,aMljiA==;packetization-mode=1";
    let all = [
        section("audio 9 UDP/TLS/RTP/SAVPF 97", "0", sound),
        section("video 9 UDP/TLS/RTP/SAVPF 96", "1", picture),
    ];
    let text = offer("0 1", &all);
    let negotiated = publish(&text).unwrap();
    let answered = sections(&text, &negotiated.answer);
    assert_eq!(lines(&answered[0], "a=rtpmap"), ["a=rtpmap:97 OPUS/48000"]);
    assert_eq!(
        lines(&answered[0], "a=fmtp"),
        ["a=fmtp:97 minptime=10;useinbandfec=1"]
    );
    assert_eq!(lines(&answered[1], "a=rtpmap"), ["a=rtpmap:96 h264/90000"]);
    // RFC 6184 section 8.2.2: parameter sets are those of who sends.
    let parameters = "a=fmtp:96 profile-level-id=42e01f;packetization-mode=1";
    assert_eq!(lines(&answered[1], "a=fmtp"), [parameters]);

    let watching = offer("0 1", &[audio("0", "recvonly"), video("1", "recvonly")]);
    let viewer = view(&watching, &negotiated.media).unwrap();
    let answered = sections(&watching, &viewer.answer);
    let parameters = "a=fmtp:96 packetization-mode=1;sprop-parameter-sets=Z0IACpZTBYmI,aMljiA==";
    assert_eq!(lines(&answered[1], "a=fmtp"), [parameters]);
    assert_eq!(negotiated.media[1].format.sprop().units().len(), 2);
}

#[test]
fn every_layer_is_accepted_under_its_own_name() {
    for names in [
        ["0", "1", "2"],
        ["quality-high", "quality-low", "a_b"],
        ["a-b", "a_b", "r0"],
    ] {
        let rids: Vec<String> = names
            .iter()
            .map(|name| format!("a=rid:{name} send"))
            .collect();
        let extra = format!(
            "{}|a=simulcast:send {};~{},x;{}|a=extmap:2 urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id",
            rids.join("|"),
            names[0],
            names[1],
            names[2]
        );
        let text = camera_with(&extra);
        let negotiated = publish(&text).unwrap();
        let answer = &sections(&text, &negotiated.answer)[0];
        let simulcast = format!("a=simulcast:recv {}", names.join(";"));
        assert_eq!(lines(answer, "a=simulcast"), [simulcast]);
        assert_eq!(lines(answer, "a=rid").len(), 3);
        let track = &negotiated.media[0];
        assert!(track.has_layers());
        let known: Vec<_> = track.layers.iter().map(|layer| layer.rid).collect();
        assert!(known[0] != known[1] && known[1] != known[2] && known[0] != known[2]);
        for layer in &track.layers {
            assert_eq!(track.layer_name(layer.rid), Some(&*layer.name));
        }
    }
}
