//! See `sightline_gateway::fuzzing::router`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| sightline_gateway::fuzzing::router(bytes));
