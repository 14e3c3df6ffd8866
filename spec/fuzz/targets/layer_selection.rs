//! A layer selection that parses is printed to one that is equal.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sightline_spec::layer::LayerSelection;

fuzz_target!(|text: &str| {
    let Ok(selection) = LayerSelection::parse(text) else {
        return;
    };
    assert!(text.len() <= LayerSelection::MAX_BYTES);
    assert_eq!(LayerSelection::parse(&selection.to_string()), Ok(selection));
});
