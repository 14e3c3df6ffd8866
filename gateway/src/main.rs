//! The gateway: pairs cameras and viewers over WHIP and WHEP.

fn main() {}
