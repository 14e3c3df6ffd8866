//! See `checks::shared_events`.
#![no_main]

#[path = "../checks.rs"]
#[allow(dead_code, reason = "one function for each target")]
mod checks;

libfuzzer_sys::fuzz_target!(|text: &str| checks::shared_events(text));
