//! The camera: one encoder, one WebRTC branch for each viewer.

fn main() {}
