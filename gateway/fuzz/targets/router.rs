//! See `sightline_gateway::testing::router`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| sightline_gateway::testing::router(bytes));
