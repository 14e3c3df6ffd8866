//! The changes that the gateway makes to a description on its way.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use sightline_spec::sdp::Sdp;
use sightline_spec::sdpfrag::SdpFrag;

use super::{vector, vectors};

const SEEN_FROM: IpAddr = IpAddr::V4(Ipv4Addr::new(203, 0, 113, 7));

/// The lines below the m= line of this section, counted from 0.
fn section(sdp: &Sdp, index: usize) -> Vec<&str> {
    let mut sections = sdp.as_str().split("\r\nm=").skip(1);
    sections.nth(index).unwrap().lines().collect()
}

fn fragment(mid: &str, candidates: &[&str]) -> SdpFrag {
    let lines: String = candidates.iter().map(|c| format!("a={c}\r\n")).collect();
    format!("m=audio 9 UDP/TLS/RTP/SAVPF 0\r\na=mid:{mid}\r\n{lines}")
        .parse()
        .unwrap()
}

const A: &str = "candidate:1 1 UDP 2130706431 198.51.100.1 39132 typ host";
const B: &str = "candidate:2 1 UDP 1694498815 192.0.2.3 45664 typ srflx raddr 10.0.1.1 rport 8998";

/// RFC 5576 section 4.2; FFmpeg writes such a group, Chromium refuses it.
#[test]
fn a_group_of_undescribed_sources_is_dropped() {
    let offer = vector("FFmpeg").sdp();
    let changed = offer.without_undescribed_ssrc_groups();
    let group = "a=ssrc-group:FID 1234567891 1234567892\r\n";
    assert_eq!(changed.as_str(), offer.as_str().replace(group, ""));
}

#[test]
fn groups_of_described_sources_stay() {
    for name in [
        "Chromium 156, publishing",
        "WHEP section 4.3, counter-offer",
    ] {
        let offer = vector(name).sdp();
        assert!(offer.as_str().contains("a=ssrc-group:FID"));
        assert_eq!(offer.without_undescribed_ssrc_groups(), offer, "{name}");
    }
}

#[test]
fn a_source_described_in_another_section_is_not_described() {
    let text = vector("FFmpeg").text();
    let elsewhere = "a=ssrc:1234567890 cname:FFmpeg\r\na=ssrc:1234567892 cname:FFmpeg\r\n";
    let text = text.replace("a=ssrc:1234567890 cname:FFmpeg\r\n", elsewhere);
    let changed = Sdp::parse(&text).unwrap().without_undescribed_ssrc_groups();
    assert!(!changed.as_str().contains("ssrc-group"));
}

#[test]
fn a_hidden_address_becomes_the_one_seen_and_keeps_its_port() {
    let answer = vector("Chromium 156, answering, ").sdp();
    let changed = answer.with_mdns_resolved_to(SEEN_FROM);
    assert!(!changed.as_str().contains(".local"));
    let expected = "a=candidate:194528401 1 udp 2113937151 203.0.113.7 37500 typ host \
                    generation 0 network-cost 999";
    assert!(section(&changed, 0).contains(&expected), "{changed}");
    let six = IpAddr::V6(Ipv6Addr::LOCALHOST);
    let changed = answer.with_mdns_resolved_to(six);
    assert!(changed.as_str().contains(" 2113942271 ::1 37277 typ host "));
}

#[test]
fn addresses_that_are_not_hidden_stay() {
    let others = vectors()
        .valid
        .into_iter()
        .filter(|valid| !valid.text().contains(".local"));
    for valid in others {
        let sdp = valid.sdp();
        assert_eq!(sdp.with_mdns_resolved_to(SEEN_FROM), sdp, "{}", valid.name);
    }
    let named = vector("Chromium 156, answering, ").text();
    let named = named.replace(".local", ".example");
    let sdp = Sdp::parse(&named).unwrap();
    assert_eq!(sdp.with_mdns_resolved_to(SEEN_FROM), sdp);
}

#[test]
fn candidates_go_into_the_section_with_their_mid() {
    let answer = vector("Chromium 156, answering without").sdp();
    let changed = answer.with_candidates(&[fragment("1", &[A, B])]);
    assert!(!section(&changed, 0).iter().any(|l| l.contains("candidate")));
    let video = section(&changed, 1);
    assert_eq!(
        video[video.len() - 2..],
        [format!("a={A}"), format!("a={B}")]
    );
}

#[test]
fn candidates_of_several_fragments_keep_their_order() {
    let answer = vector("Chromium 156, answering without").sdp();
    let changed = answer.with_candidates(&[fragment("0", &[B]), fragment("0", &[A])]);
    let at = |candidate| changed.as_str().find(candidate).unwrap();
    assert!(at(B) < at(A));
}

/// RFC 9143 section 7.1.3: candidates of a bundle belong to its tagged section.
#[test]
fn candidates_of_a_bundle_only_section_go_to_the_one_with_the_transport() {
    let offer = vector("GStreamer").sdp();
    let changed = offer.with_candidates(&[fragment("audio1", &[B])]);
    assert!(section(&changed, 0).contains(&format!("a={B}").as_str()));
    assert_eq!(section(&changed, 1), section(&offer, 1));
}

#[test]
fn candidates_of_no_known_section_go_to_the_first_that_has_a_transport() {
    let answer = vector("a rejected section").sdp();
    for mid in ["nowhere", "a", ""] {
        let changed = answer.with_candidates(&[fragment(mid, &[A])]);
        assert_eq!(section(&changed, 0), section(&answer, 0), "{mid}");
        assert!(section(&changed, 1).contains(&format!("a={A}").as_str()));
    }
    let session_level: SdpFrag = format!("a={A}\r\n").parse().unwrap();
    let changed = answer.with_candidates(&[session_level]);
    assert!(section(&changed, 1).contains(&format!("a={A}").as_str()));
}

#[test]
fn a_candidate_is_not_added_twice() {
    let answer = vector("Chromium 156, answering without").sdp();
    let once = answer.with_candidates(&[fragment("0", &[A])]);
    let twice = answer.with_candidates(&[fragment("0", &[A, A]), fragment("0", &[A])]);
    assert_eq!(once, twice);
    assert_eq!(once.with_candidates(&[fragment("0", &[A])]), once);
}

#[test]
fn a_rewritten_description_is_a_description() {
    for valid in vectors().valid {
        let sdp = valid.sdp().with_candidates(&[fragment("0", &[A, B])]);
        let sdp = sdp.with_mdns_resolved_to(SEEN_FROM);
        let sdp = sdp.without_undescribed_ssrc_groups();
        assert_eq!(Sdp::parse(sdp.as_str()), Ok(sdp), "{}", valid.name);
    }
}
