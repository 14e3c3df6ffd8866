//! Each encoder of the table that is here, at work.

use std::sync::mpsc::{Receiver, channel};

use super::{
    Codec, ENCODERS, EncoderKind,
    proof::{Fault, Film, Refusal, prove},
    running::Encoding,
};
use crate::format::{Format, Size};

const FORMAT: Format = Format {
    size: Size {
        width: 322,
        height: 180,
    },
    fps: 30,
};

fn here() -> impl Iterator<Item = &'static EncoderKind> {
    gst::init().unwrap();
    let is_here = |kind: &&EncoderKind| gst::ElementFactory::find(kind.element).is_some();
    ENCODERS.iter().filter(is_here)
}

#[test]
fn each_holds_nothing_back_and_makes_keyframes_on_request() {
    for kind in here() {
        match prove(*kind, FORMAT, 500) {
            Ok(proof) if kind.codec == Codec::H264 => {
                assert_eq!(
                    proof.profile.as_deref(),
                    Some("constrained-baseline"),
                    "{kind}"
                );
            }
            Ok(_) => {}
            // A busy machine has no time for it, and GStreamer 1.22 does not pass requests on to it.
            Err(Refusal::Poor(Fault::Slow | Fault::IgnoresRequests, _))
                if kind.codec == Codec::Av1 => {}
            Err(refusal) => panic!("{kind}: {refusal}"),
        }
    }
}

/// Encodes so many frames; how many bytes the last half of them takes.
fn bytes(encoding: &Encoding, film: &mut Film, frames: usize, made: &Receiver<usize>) -> usize {
    let mut sizes = Vec::new();
    for _ in 0..frames {
        encoding.push(&film.next().unwrap());
        sizes.push(made.recv().unwrap());
    }
    sizes[frames / 2..].iter().sum()
}

#[test]
fn each_spends_less_when_it_is_told_so_as_it_runs() {
    for kind in here() {
        let (sender, made) = channel();
        let note = move |sample: &gst::Sample| {
            let _ = sender.send(sample.buffer().unwrap().size());
        };
        let encoding = Encoding::start(*kind, (FORMAT, 1500), 2, note, |why| panic!("{why}"));
        let (encoding, mut film) = (encoding.unwrap(), Film::new(FORMAT).unwrap());
        let before = bytes(&encoding, &mut film, 60, &made);
        encoding.set_kbits(50);
        let after = bytes(&encoding, &mut film, 120, &made) / 2;
        assert!(after * 2 < before, "{kind}: {before} bytes, then {after}");
    }
}
