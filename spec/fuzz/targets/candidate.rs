//! A candidate that parses is printed to one that is equal.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sightline_spec::candidate::Candidate;

fuzz_target!(|text: &str| {
    if let Ok(candidate) = text.parse::<Candidate>() {
        let printed = candidate.to_string();
        assert!(!printed.contains(['\r', '\n']));
        assert_eq!(printed.parse(), Ok(candidate));
    }
});
