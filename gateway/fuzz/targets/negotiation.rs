//! See `sightline_relay::fuzzing::negotiation`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| sightline_relay::fuzzing::negotiation(bytes));
