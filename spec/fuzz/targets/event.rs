//! The first line names an event, the rest is its data; what parses is printed to
//! an event that is equal, its data on one line.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sightline_spec::event::{Event, EventKind};

fuzz_target!(|text: &str| {
    let (name, data) = text.split_once('\n').unwrap_or((text, "{}"));
    if let Ok(kind) = name.parse::<EventKind>() {
        assert_eq!(kind.name(), name);
    }
    if let Ok(event) = Event::parse(name, data) {
        let data = event.data();
        assert!(!data.contains(['\r', '\n']));
        assert_eq!(Event::parse(event.kind().name(), &data), Ok(event));
    }
});
