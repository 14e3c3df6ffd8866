//! The negotiation under arbitrary offers: `gateway/fuzz/targets/negotiation.rs` calls it with those
//! that lead where none has led before, and `sdp`'s tests with what was kept of them.

use std::sync::{Arc, OnceLock};

use sightline_spec::sdp::{PublisherOffer, Sdp, ViewerOffer};

use crate::clock;
use crate::connection::dtls;
use crate::sdp::negotiate::{Endpoint, Track};

/// What is there to be watched.
const PUBLISHER: &str = include_str!("../../../spec/http/sdp/camera-offer.sdp");

struct Setting {
    endpoint: Endpoint,
    tracks: Vec<Track>,
}

/// Takes the bytes for a publisher's offer, and for a viewer's.
///
/// # Panics
///
/// If the negotiation does, or an answer has not the sections of its offer.
pub fn negotiation(bytes: &[u8]) {
    let Setting { endpoint, tracks } = setting();
    let (text, now) = (String::from_utf8_lossy(bytes), clock::now());
    if let Ok(offer) = PublisherOffer::parse(&text)
        && let Ok(negotiated) = endpoint.publisher(&offer, &[], now)
    {
        assert!(!negotiated.media.is_empty(), "nothing is published");
        check(&offer, &negotiated.answer);
    }
    if let Ok(offer) = ViewerOffer::parse(&text)
        && let Ok(negotiated) = endpoint.viewer(&offer, tracks, &[], now)
    {
        let is_empty = negotiated.media.down_tracks.is_empty();
        assert!(!is_empty, "nothing is watched");
        check(&offer, &negotiated.answer);
    }
}

/// RFC 3264 section 6: "For each "m=" line in the offer, there MUST be a corresponding "m=" line in
/// the answer", and what is refused stays refused.
fn check(offer: &Sdp, answer: &Sdp) {
    assert_eq!(offer.media().count(), answer.media().count());
    for (asked, given) in offer.media().zip(answer.media()) {
        assert_eq!(asked.kind(), given.kind());
        assert_eq!(asked.protocol(), given.protocol());
        assert_eq!(asked.mid(), given.mid());
        assert!(given.is_rejected() || !asked.is_rejected());
    }
}

fn setting() -> &'static Setting {
    static SETTING: OnceLock<Setting> = OnceLock::new();
    SETTING.get_or_init(|| {
        let endpoint = Endpoint {
            for_publishers: Arc::new(dtls::for_publishers()),
            for_viewers: Arc::new(dtls::for_viewers()),
            certificate: dtls::certificate().expect("OpenSSL makes keys"),
        };
        let offer = PublisherOffer::parse(PUBLISHER).expect("it is an offer");
        let publisher = endpoint.publisher(&offer, &[], clock::now());
        let tracks = publisher.expect("it is one that is taken").media;
        Setting { endpoint, tracks }
    })
}
