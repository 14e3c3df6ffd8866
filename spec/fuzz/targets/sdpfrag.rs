//! A trickle ICE fragment that parses is printed to one that is equal.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sightline_spec::sdpfrag::SdpFrag;

fuzz_target!(|text: &str| {
    let Ok(fragment) = text.parse::<SdpFrag>() else {
        return;
    };
    assert!(fragment.candidates().count() <= SdpFrag::MAX_CANDIDATES);
    let same = fragment.clone().map_candidates(|candidate| candidate);
    assert_eq!(same, fragment);
    assert_eq!(fragment.to_string().parse(), Ok(fragment));
});
