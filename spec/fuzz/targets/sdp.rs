//! What parses as an offer or an answer stays byte for byte as it was, and every
//! rewrite of it parses again.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sightline_spec::sdp::{Fingerprint, PublisherOffer, Sdp, ViewerAnswer, ViewerOffer};

fuzz_target!(|text: &str| {
    if let Some(fingerprint) = Fingerprint::parse(text) {
        assert_eq!(Fingerprint::parse(fingerprint.as_str()), Some(fingerprint));
    }
    let Ok(sdp) = Sdp::parse(text) else { return };
    assert_eq!(sdp.as_str(), text);
    let rewritten = sdp.without_undescribed_ssrc_groups();
    let rewritten = rewritten.with_mdns_resolved_to([203, 0, 113, 7].into());
    // The media part of a description is nearly a fragment.
    let media = text.find("\nm=").map_or("", |at| &text[at + 1..]);
    let fragments: Vec<_> = media.parse().into_iter().collect();
    let rewritten = rewritten.with_candidates(&fragments);
    assert_eq!(Sdp::parse(rewritten.as_str()).as_ref(), Ok(&rewritten));
    assert_eq!(rewritten.fingerprints(), sdp.fingerprints());
    assert_eq!(rewritten.ice_credentials(), sdp.ice_credentials());

    if let Ok(offer) = PublisherOffer::parse(text) {
        // Who a publisher is, the gateway knows by its certificates.
        assert!(!offer.fingerprints().is_empty());
        if let Ok(answer) = ViewerAnswer::parse(&text.replace("a=sendonly", "a=recvonly")) {
            let _ = answer.check_answers(&offer);
        }
    }
    if let Ok(offer) = ViewerOffer::parse(text) {
        assert!(!offer.ice_credentials().is_empty());
    }
});
