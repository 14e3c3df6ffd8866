//! Offers in other words than a browser's, as of a peer that means the same by them: media
//! flows all the same.

use crate::peer::film::Shape;
use crate::peer::{Fields, Http, Peer, Seen, Setup};
use crate::support::Gateway;

/// Opens a peer whose offer goes out through `there`, and whose answer comes in through `back`.
async fn open_in_words(
    setup: Setup,
    http: &Http,
    path: &str,
    there: impl Fn(&str) -> String,
    back: impl Fn(&str) -> String,
) -> Peer {
    let offering = setup.offer().await;
    let offer = there(&offering.sdp);
    let session = http.offer(path, offer, &Fields::default()).await;
    let mut session = session.unwrap();
    session.answer = back(&session.answer);
    offering.answered(session).await
}

/// A publisher and a viewer, both in these words.
async fn both_in_words(there: impl Fn(&str) -> String, back: impl Fn(&str) -> String) {
    let gateway = Gateway::start(["--relay", "on"]);
    let http = Http::new(&gateway);
    let setup = Setup::publisher().with_sound();
    let _publisher = open_in_words(setup, &http, "/whip/garage", &there, &back).await;
    let viewer = open_in_words(Setup::viewer(), &http, "/whep/garage", &there, &back).await;
    viewer.more_video(30).await;
    viewer.until("sound", has_sound).await;
}

fn has_sound(seen: &Seen) -> Option<()> {
    let mut packets = seen.packets.iter();
    packets.any(|packet| !packet.is_video()).then_some(())
}

/// What an ESP32 and SIPSorcery offer before their picture.
const G711: &str = "m=audio 9 UDP/TLS/RTP/SAVPF 8\r\nc=IN IP4 0.0.0.0\r\na=mid:g711\r\n\
                    a=sendrecv\r\na=rtcp-mux\r\na=rtpmap:8 PCMA/8000\r\n";

#[tokio::test]
async fn a_first_section_that_is_rejected_holds_up_nothing() {
    let there = |offer: &str| {
        let offer = offer.replace("a=group:BUNDLE", "a=group:BUNDLE g711");
        offer.replacen("m=", &format!("{G711}m="), 1)
    };
    let back = |answer: &str| {
        let (session, rest) = answer.split_once("m=audio 0 ").unwrap();
        let (_rejected, rest) = rest.split_once("\r\nm=").unwrap();
        format!("{session}m={rest}")
    };
    both_in_words(there, back).await;
}

#[tokio::test]
async fn other_profiles_are_the_same_transport() {
    for profile in ["UDP/TLS/RTP/SAVP", "RTP/SAVPF"] {
        let line_end_late = |offer: &str| offer.replace("c=IN IP4 0.0.0.0\r\n", "") + "b=AS:500";
        let there = |offer: &str| line_end_late(&offer.replace("UDP/TLS/RTP/SAVPF", profile));
        let back = |answer: &str| answer.replace(&format!(" {profile} "), " UDP/TLS/RTP/SAVPF ");
        both_in_words(there, back).await;
    }
}

/// libdatachannel's programs and SFUs name sections by words or UUIDs.
#[tokio::test]
async fn names_of_any_length_lead_to_their_sections() {
    for prefix in ["video-stream-", "5b6f0c52-1d1e-4d0e-9a53-0c6d1f2f0a"] {
        let there = |offer: &str| {
            let lines = offer.lines().map(|line| match line.split_once(' ') {
                Some(("a=group:BUNDLE", mids)) => {
                    let mids = mids.split(' ').map(|mid| format!(" {prefix}{mid}"));
                    format!("a=group:BUNDLE{}\r\n", mids.collect::<String>())
                }
                _ => format!("{}\r\n", line.replace("a=mid:", &format!("a=mid:{prefix}"))),
            });
            lines.collect()
        };
        let back = |answer: &str| {
            assert_eq!(answer.matches(&format!("a=mid:{prefix}")).count(), 2);
            answer.replace(prefix, "")
        };
        both_in_words(there, back).await;
    }
}

#[tokio::test]
async fn who_asks_for_the_sound_only_hears_it() {
    let gateway = Gateway::start(["--relay", "on"]);
    let http = Http::new(&gateway);
    let _publisher = Setup::publisher().with_sound().open(&http, "garage").await;
    let mut setup = Setup::viewer();
    setup.formats = vec![(Shape::Opus, 111, None)];
    let listener = setup.open(&http, "garage").await;
    listener.until("sound", has_sound).await;

    // VDO.Ninja's `novideo` and Eyevinn's `audioOnly` leave the section there.
    let idle = |offer: &str| offer.replacen("a=recvonly", "a=inactive", 1);
    let same = |answer: &str| answer.to_owned();
    let setup = Setup::viewer();
    let second = open_in_words(setup, &http, "/whep/garage", idle, same).await;
    second.until("sound", has_sound).await;
    for peer in [&listener, &second] {
        assert_eq!(peer.seen(|seen| seen.video().count()), 0);
    }
}
