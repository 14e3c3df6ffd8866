//! See `checks::layer_selection`.
#![no_main]

#[path = "../checks.rs"]
#[allow(dead_code, reason = "one function for each target")]
mod checks;

libfuzzer_sys::fuzz_target!(|text: &str| checks::layer_selection(text));
