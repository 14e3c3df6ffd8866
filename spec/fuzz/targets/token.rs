//! No token is accepted in a room whose key nobody holds, whatever it says.
#![no_main]

use std::time::SystemTime;

use libfuzzer_sys::fuzz_target;
use sightline_spec::room::RoomId;
use sightline_spec::token::{Claims, Scope};

fuzz_target!(|text: &str| {
    // The key of RFC 8032 section 7.1, test 1; its seeds are signed by another.
    const ROOM: &str = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";
    let room: RoomId = ROOM.parse().expect("64 hex digits are a room id");
    for scope in [Scope::Publish, Scope::View] {
        let verified = Claims::verify(text, &room, scope, "localhost", SystemTime::UNIX_EPOCH);
        assert!(verified.is_err(), "forged: {text}");
    }
});
