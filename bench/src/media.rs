//! A camera and viewers that really send and receive media, with everything that this
//! takes: ICE, DTLS, SRTP, reports, keyframe requests, retransmission. What they are is
//! `tests/peer`; here is what is counted of them.

mod audience;
mod publisher;
mod tally;
#[cfg(test)]
mod tests;
mod viewer;

use std::net::IpAddr;

use sightline_test_peer::{Reel, Setup};
use tokio::runtime::{Builder, Runtime};

pub(crate) use audience::{Audience, Door, Heard};
pub(crate) use publisher::Publisher;
pub(crate) use tally::Delays;
#[cfg(test)]
use viewer::Viewer;

/// Bytes of a payload; with its headers a packet stays well within a usual path's 1,280.
const PAYLOAD: usize = 1150;
/// Simulcast layers, the best first, and the part of its bitrate that each has.
const LAYERS: [(&str, u64); 3] = [("h", 1), ("m", 4), ("l", 16)];
/// Bytes of a payload of sound: 20 ms at 64 kbit/s.
const SOUND: usize = 160;

/// A publisher at this address: 30 pictures per second of so many bits per second together, a
/// keyframe every two seconds and on request, and if wanted two smaller layers of them, and
/// some sound.
pub(crate) fn publishing(
    address: IpAddr,
    bitrate: u64,
    in_layers: bool,
    with_sound: bool,
) -> Setup {
    let mut setup = Setup::publisher();
    (setup.address, setup.tells_all) = (address, false);
    setup.reels = match in_layers {
        true => (0..)
            .zip(LAYERS)
            .map(|layer| reel(layer, bitrate))
            .collect(),
        false => vec![Reel::of_bitrate(bitrate, PAYLOAD)],
    };
    if with_sound {
        setup = setup.with_sound();
        if let Some(sound) = setup.reels.last_mut() {
            sound.size = SOUND;
        }
    }
    setup
}

/// One layer of a publisher whose best one has this bitrate.
fn reel((layer, (name, part)): (u8, (&str, u64)), bitrate: u64) -> Reel {
    Reel {
        rid: Some(name.into()),
        layer,
        ..Reel::of_bitrate(bitrate / part, PAYLOAD)
    }
}

/// A viewer at this address, of H.264 and, if wanted, of sound.
pub(crate) fn watching(address: IpAddr, with_sound: bool) -> Setup {
    let mut setup = Setup::viewer();
    (setup.address, setup.tells_all) = (address, false);
    setup.formats.truncate(if with_sound { 2 } else { 1 });
    setup
}

/// A runtime with one thread for all that is driven within it.
fn thread(name: &str) -> std::io::Result<Runtime> {
    let mut runtime = Builder::new_multi_thread();
    let runtime = runtime.worker_threads(1).thread_name(name);
    runtime.enable_all().build()
}
