//! No description proves that it is from a camera or a viewer whose key or link nobody holds.
#![no_main]

use std::time::SystemTime;

use libfuzzer_sys::fuzz_target;
use sightline_spec::private::{LinkSecret, Seed, check_viewer};
use sightline_spec::proof::check_camera;
use sightline_spec::room::RoomId;
use sightline_spec::sdp::Sdp;

fuzz_target!(|text: &str| {
    if let Ok(secret) = text.parse::<LinkSecret>() {
        assert_eq!(secret.expose(), text, "one spelling each");
    }
    let Ok(sdp) = Sdp::parse(text) else { return };
    // The key of RFC 8032 section 7.1, test 2; the seeds are for that of test 1.
    const ROOM: &str = "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c";
    let room: RoomId = ROOM.parse().expect("64 hex digits are a room id");
    let now = SystemTime::UNIX_EPOCH;
    assert!(check_camera(&sdp, &room, now).is_err(), "forged: {text}");
    let seed = Seed::new([0; 32]);
    assert!(check_viewer(&sdp, &room, &seed, now).is_err(), "forged: {text}");
});
