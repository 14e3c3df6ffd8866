//! Whatever a client puts before it, what the proxy appends is what comes last, or all of
//! it is refused.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sightline_spec::forwarded::{forwarded, x_forwarded_for};

fuzz_target!(|before: &str| {
    let address = "203.0.113.9".parse().ok();
    if let Ok(hops) = forwarded([format!("{before}, for=203.0.113.9").as_str()]) {
        assert_eq!(hops.last().and_then(|hop| hop.from), address);
    }
    if let Ok(hops) = x_forwarded_for([format!("{before}, 203.0.113.9").as_str()]) {
        assert_eq!(hops.last().and_then(|hop| hop.from), address);
    }
});
