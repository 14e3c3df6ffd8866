//! Which sections are taken, by which transport, under which names.

use sightline_spec::sdp::Direction;

use super::{audio, camera, offer, picture_and_sound, publish, section, sections, video, view};

#[test]
fn a_first_section_that_is_rejected_leaves_the_transport_to_the_next() {
    for first in [
        section(
            "audio 9 UDP/TLS/RTP/SAVPF 8",
            "0",
            "a=sendonly|a=rtpmap:8 PCMA/8000",
        ),
        section("audio 9 UDP/TLS/RTP/SAVPF 0", "0", "a=sendonly"),
        section(
            "audio 9 UDP/TLS/RTP/SAVPF 97",
            "0",
            "a=sendonly|a=rtpmap:97 multiopus/48000/6",
        ),
        section(
            "audio 0 UDP/TLS/RTP/SAVPF 111",
            "0",
            "a=rtpmap:111 opus/48000/2",
        ),
        section(
            "application 9 UDP/DTLS/SCTP webrtc-datachannel",
            "0",
            "a=sctp-port:5000",
        ),
        section(
            "text 9 UDP/TLS/RTP/SAVPF 98",
            "0",
            "a=sendonly|a=rtpmap:98 t140/1000",
        ),
        section("image 9 udptl t38", "0", "a=sendonly"),
    ] {
        let text = offer("0 1", &[first, video("1", "sendonly")]);
        let negotiated = publish(&text).unwrap();
        let answered = sections(&text, &negotiated.answer);
        assert!(answered[0].is_rejected() && !answered[1].is_rejected());
        assert_eq!(answered[1].direction(), Direction::RecvOnly);
        assert_eq!(negotiated.media.len(), 1);
    }
}

/// libwebrtc under `max-bundle` has its transport under the name of the first section, and cannot
/// do without.
#[test]
fn a_browser_with_one_transport_keeps_its_first_section() {
    for (formats, lines) in [
        (
            "8 0",
            "a=sendonly|a=rtpmap:8 PCMA/8000|a=rtpmap:0 PCMU/8000",
        ),
        ("0", "a=sendonly"),
        ("97", "a=sendonly|a=rtpmap:97 multiopus/48000/6"),
    ] {
        let first = section(&format!("audio 9 UDP/TLS/RTP/SAVPF {formats}"), "0", lines);
        let text = offer("0 1", &[first, video("1", "sendonly")]);
        let text = text.replace("t=0 0\r\n", "t=0 0\r\na=extmap-allow-mixed\r\n");
        let negotiated = publish(&text).unwrap();
        let answered = sections(&text, &negotiated.answer);
        let directions: Vec<_> = answered.iter().map(|media| media.direction()).collect();
        assert_eq!(directions, [Direction::Inactive, Direction::RecvOnly]);
        assert!(
            answered
                .iter()
                .all(|media| !media.is_rejected() && media.has("rtcp-mux"))
        );
        assert_eq!(negotiated.media.len(), 1);
        let viewer = text.replace("sendonly", "recvonly");
        let negotiated = view(&viewer, &picture_and_sound()).unwrap();
        let answered = sections(&viewer, &negotiated.answer);
        assert_eq!(answered[0].direction(), Direction::Inactive);
        // With more than one transport it can.
        let text = text.replacen("a=ice-ufrag:abcd", "a=ice-ufrag:efgh", 1);
        let negotiated = publish(&text).unwrap();
        assert!(sections(&text, &negotiated.answer)[0].is_rejected());
    }
}

#[test]
fn a_later_section_that_is_rejected_leaves_the_bundle() {
    let pcma = section(
        "audio 9 UDP/TLS/RTP/SAVPF 8",
        "b",
        "a=sendonly|a=rtpmap:8 PCMA/8000",
    );
    let data = section(
        "application 9 UDP/DTLS/SCTP webrtc-datachannel",
        "c",
        "a=sctp-port:5000",
    );
    let text = offer("a b c", &[video("a", "sendonly"), pcma, data]);
    let negotiated = publish(&text).unwrap();
    let rejected = sections(&text, &negotiated.answer);
    let rejected: Vec<bool> = rejected.iter().map(|media| media.is_rejected()).collect();
    assert_eq!(rejected, [false, true, true]);
}

#[test]
fn viewers_with_a_rejected_first_section_have_a_transport_too() {
    let tracks = picture_and_sound();
    let pcma = section(
        "audio 9 UDP/TLS/RTP/SAVPF 8",
        "0",
        "a=recvonly|a=rtpmap:8 PCMA/8000",
    );
    let text = offer("0 1", &[pcma, video("1", "recvonly")]);
    let negotiated = view(&text, &tracks).unwrap();
    let answered = sections(&text, &negotiated.answer);
    assert!(answered[0].is_rejected());
    assert_eq!(answered[1].direction(), Direction::SendOnly);
}

#[test]
fn profiles_come_back_as_they_were_offered() {
    for profile in [
        "UDP/TLS/RTP/SAVP",
        "RTP/SAVPF",
        "RTP/SAVP",
        "RTP/AVPF",
        "TCP/DTLS/RTP/SAVPF",
        "TCP/TLS/RTP/SAVPF",
    ] {
        let text = camera().replace("UDP/TLS/RTP/SAVPF", profile);
        let negotiated = publish(&text).unwrap();
        assert_eq!(negotiated.media.len(), 2);
        sections(&text, &negotiated.answer);
        let text = text.replace("sendonly", "recvonly");
        let viewer = view(&text, &picture_and_sound()).unwrap();
        sections(&text, &viewer.answer);
    }
}

#[test]
fn names_of_any_length_come_back_unchanged() {
    let uuid = "5b6f0c52-1d1e-4d0e-9a53-0c6d1f2f0a0";
    let long = "x".repeat(300);
    for [first, second] in [
        ["audio-stream".to_owned(), "video-stream".to_owned()],
        // str0m takes them for one.
        ["a-b".to_owned(), "a_b".to_owned()],
        [format!("{uuid}1"), format!("{uuid}2")],
        [long.clone(), format!("{long}y")],
        ["n1".to_owned(), "!#$%&'*+-.^_`{|}~".to_owned()],
    ] {
        let group = format!("{first} {second}");
        let all = [audio(&first, "sendonly"), video(&second, "sendonly")];
        let text = offer(&group, &all);
        let negotiated = publish(&text).unwrap();
        sections(&text, &negotiated.answer);
        assert_eq!(negotiated.media.len(), 2);
        assert_ne!(negotiated.media[0].mid, negotiated.media[1].mid);
        let text = text.replace("sendonly", "recvonly");
        let viewer = view(&text, &negotiated.media).unwrap();
        sections(&text, &viewer.answer);
        assert_eq!(viewer.media.down_tracks.len(), 2);
    }
}

#[test]
fn what_is_not_bundled_has_one_section() {
    for (bundle, all, taken) in [
        ("", vec![video("0", "sendonly")], 0),
        ("", vec![video("", "sendonly")], 0),
        ("", vec![audio("0", "sendonly"), video("1", "sendonly")], 1),
        ("1", vec![audio("0", "sendonly"), video("1", "sendonly")], 1),
    ] {
        let text = offer(bundle, &all);
        let negotiated = publish(&text).unwrap();
        let answered = sections(&text, &negotiated.answer);
        let accepted = answered.iter().position(|media| !media.is_rejected());
        assert_eq!(accepted, Some(taken));
        assert_eq!(negotiated.media.len(), 1);
    }
}

/// It needs no transport, so it may have none, and the others are not worse for it.
#[test]
fn what_is_inactive_outside_of_the_bundle_is_turned_down_alone() {
    let bare = |section: String| section.replace(super::TRANSPORT, "");
    let sounds = [audio("1", "sendonly"), audio("2", "sendonly")];
    for (bundle, all, taken) in [
        (
            "1",
            vec![bare(video("0", "inactive")), sounds[0].clone()],
            vec![1],
        ),
        (
            "",
            vec![bare(video("", "inactive")), sounds[0].clone()],
            vec![1],
        ),
        (
            "1",
            vec![video("0", "inactive"), sounds[0].clone()],
            vec![1],
        ),
        (
            "1 2",
            vec![
                bare(video("0", "inactive")),
                sounds[0].clone(),
                sounds[1].clone(),
            ],
            vec![1, 2],
        ),
        (
            "0",
            vec![video("0", "sendonly"), bare(audio("1", "inactive"))],
            vec![0],
        ),
    ] {
        let text = offer(bundle, &all);
        let negotiated = publish(&text).unwrap();
        let answered = sections(&text, &negotiated.answer);
        let accepted: Vec<_> = (0..)
            .zip(&answered)
            .filter(|(_, m)| !m.is_rejected())
            .collect();
        let accepted: Vec<_> = accepted.iter().map(|(index, _)| *index).collect();
        assert_eq!(accepted, taken, "{text}");
        assert_eq!(negotiated.media.len(), taken.len());
        let text = text.replace("sendonly", "recvonly");
        let viewer = view(&text, &picture_and_sound()).unwrap();
        sections(&text, &viewer.answer);
        assert!(!viewer.media.down_tracks.is_empty());
    }
}

#[test]
fn a_bundle_that_names_who_is_not_there_is_a_bundle() {
    let all = [audio("0", "sendonly"), video("1", "sendonly")];
    let text = offer("1 7 0", &all);
    let negotiated = publish(&text).unwrap();
    assert_eq!(negotiated.media.len(), 2);
    sections(&text, &negotiated.answer);
}

#[test]
fn the_client_of_dtls_is_who_the_offer_says() {
    for (theirs, ours) in [
        ("a=setup:actpass\r\n", "a=setup:passive\r\n"),
        ("a=setup:active\r\n", "a=setup:passive\r\n"),
        ("a=setup:passive\r\n", "a=setup:active\r\n"),
        ("", "a=setup:passive\r\n"),
    ] {
        let text = camera().replace("a=setup:actpass\r\n", theirs);
        let answer = publish(&text).unwrap().answer;
        assert_eq!(answer.as_str().matches(ours).count(), 2, "{theirs}");
    }
}

#[test]
fn credentials_count_at_session_level_too() {
    let transport = super::TRANSPORT;
    let text = camera().replace(transport, "");
    let text = text.replacen("m=audio", &format!("{transport}m=audio"), 1);
    let negotiated = publish(&text).unwrap();
    sections(&text, &negotiated.answer);
    assert_eq!(negotiated.media.len(), 2);
}

#[test]
fn lines_of_any_kind_and_order_are_passed_over() {
    let text = camera();
    for (what, with) in [
        ("t=0 0\r\n", "b=CT:5000\r\nb=AS:5000\r\nt=0 0\r\n"),
        (
            "t=0 0\r\n",
            "i=x\r\nt=1 2\r\nr=1 2 3\r\nz=1 2\r\nt=3 4\r\nk=x\r\nu=x\r\ne=x\r\np=x\r\n",
        ),
        ("s=-\r\n", "s=\r\n"),
        ("s=-\r\n", ""),
        (
            "c=IN IP4 0.0.0.0\r\n",
            "c=IN IP4 0.0.0.0\r\nb=AS:500\r\nb=TIAS:500000\r\n",
        ),
        (
            "c=IN IP4 0.0.0.0\r\n",
            "b=AS:500\r\nc=IN IP4 0.0.0.0\r\nc=IN IP6 ::\r\n",
        ),
        ("c=IN IP4 0.0.0.0\r\n", ""),
        ("a=mid:1\r\n", "a=mid:1\r\nb=AS:500\r\n"),
        (
            "a=sendonly\r\n",
            "a=sendonly  \r\nc=IN IP4 0.0.0.0\r\ni=x\r\nk=x\r\n",
        ),
        (
            "a=rtcp-mux\r\n",
            "a=rtcp-mux\r\na=candidate:nonsense\r\na=x:y\r\na=\r\n",
        ),
        (
            "a=setup:actpass\r\n",
            "a=setup:actpass\r\na=candidate:1 1 udp 1 a.local 9 typ host\r\n",
        ),
    ] {
        let changed = text.replace(what, with);
        let negotiated = publish(&changed).unwrap_or_else(|e| panic!("{with:?}: {e}"));
        sections(&changed, &negotiated.answer);
        assert_eq!(negotiated.media.len(), 2, "{with:?}");
    }
}

/// RFC 9143 section 7.2.2: of a bundle-only section port, transport and multiplexing are those of
/// the bundle.
#[test]
fn who_leaves_the_transport_to_its_bundle_is_answered_as_one_of_it() {
    let alone = "m=video 0 UDP/TLS/RTP/SAVPF 96\r\na=mid:1\r\na=bundle-only\r\na=sendonly\r\n\
                 a=rtpmap:96 H264/90000\r\n";
    let text = offer("0 1", &[audio("0", "sendonly"), alone.to_owned()]);
    let negotiated = publish(&text).unwrap();
    let answered = sections(&text, &negotiated.answer);
    assert!(answered[1].has("rtcp-mux") && !answered[1].is_rejected());
    assert_eq!(negotiated.media.len(), 2);
    let text = text.replace("a=rtcp-mux\r\n", "");
    let negotiated = publish(&text).unwrap();
    let answered = sections(&text, &negotiated.answer);
    assert!(answered.iter().all(|media| !media.has("rtcp-mux")));
}
