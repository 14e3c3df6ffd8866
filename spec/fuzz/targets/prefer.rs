//! Preferences are printed to preferences that are equal.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sightline_spec::prefer::Prefer;

fuzz_target!(|text: &str| {
    let prefer = Prefer::parse(text.lines());
    assert_eq!(Prefer::parse([prefer.to_string().as_str()]), prefer);
    assert_ne!(prefer.direct, Some(0));
});
