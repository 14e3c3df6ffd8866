//! The one encoder, and which of those that the machine has that is.

mod codec;
mod kind;
mod output;
mod proof;
mod running;
mod succession;
mod table;
#[cfg(test)]
mod tests;

pub use codec::Codec;
pub(crate) use codec::{MTU, fresh_ssrc};
pub use kind::{Bitrate, EncoderKind, Setting, Threading};
pub(crate) use output::Encoded;
pub(crate) use proof::{Refusal, prove};
pub(crate) use running::{is_keyframe, timed};
pub(crate) use succession::Encoder;
pub use table::{ENCODERS, candidates};

use crate::format::Format;
use proof::{Fault, Proof};

/// Why there is no encoder.
#[derive(Debug, thiserror::Error)]
pub enum EncoderError {
    /// None of them works.
    #[error(
        "no encoder works on this machine: {0} (`sightline-camera doctor` shows what is there)"
    )]
    None(String),
}

/// The encoder that was chosen, and those that may have to take its place.
#[derive(Debug)]
pub(crate) struct Choice {
    pub(crate) kind: EncoderKind,
    pub(crate) profile: Option<String>,
    /// How many it has shown that it can make in a second.
    pub(crate) frames_per_second: f64,
    /// The best first.
    behind: Vec<EncoderKind>,
}

impl Choice {
    /// Has one after the other encode a few frames until one is as it should be, and says so. Blocks
    /// meanwhile. GStreamer must be initialised.
    pub(crate) fn of(
        candidates: &[EncoderKind],
        format: Format,
        kbits: u32,
    ) -> Result<Self, EncoderError> {
        let mut refused = Vec::new();
        let mut chosen = None;
        for (number, kind) in candidates.iter().enumerate() {
            match prove(*kind, format, kbits) {
                Ok(proof) => {
                    chosen = Some((number, *kind, proof));
                    break;
                }
                Err(refusal) => refused.push((*kind, refusal)),
            }
        }
        let untried = chosen
            .as_ref()
            .map_or(candidates.len(), |chosen| chosen.0 + 1);
        let found =
            chosen.map(|(_, kind, proof)| (kind, proof, "the first that is as it should be"));
        let why_not = in_words(&refused);
        let Some((kind, proof, why)) = found.or_else(|| best_of_the_poor(&refused)) else {
            return Err(EncoderError::None(why_not));
        };
        tracing::info!(
            encoder = kind.element,
            codec = %kind.codec,
            hardware = kind.is_hardware,
            profile = proof.profile,
            frames_per_second = proof.frames_per_second.round(),
            "encoder: {why}"
        );
        if !why_not.is_empty() {
            tracing::info!("other encoders: {why_not}");
        }
        let is_here = |(kind, refusal): &(EncoderKind, Refusal)| {
            (!matches!(refusal, Refusal::Absent(_))).then_some(*kind)
        };
        let untried = candidates[untried..].iter().copied();
        let behind = untried.chain(refused.iter().filter_map(is_here));
        let may_follow =
            |next: &EncoderKind| next.codec == kind.codec && next.element != kind.element;
        Ok(Self {
            kind,
            frames_per_second: proof.frames_per_second,
            profile: proof.profile,
            behind: behind.filter(may_follow).collect(),
        })
    }
}

fn in_words(refused: &[(EncoderKind, Refusal)]) -> String {
    let each = refused.iter().map(|(kind, why)| format!("{kind}: {why}"));
    each.collect::<Vec<_>>().join("; ")
}

/// One that works after all: keyframes on request matter most, then that no picture is held back.
fn best_of_the_poor(
    refused: &[(EncoderKind, Refusal)],
) -> Option<(EncoderKind, Proof, &'static str)> {
    let poor = refused.iter().filter_map(|(kind, refusal)| match refusal {
        Refusal::Poor(fault, proof) => Some((kind, fault, proof)),
        _ => None,
    });
    let rank = |fault: &Fault| match fault {
        Fault::Slow => 2,
        Fault::Holds(_) => 1,
        Fault::IgnoresRequests => 0,
    };
    let best = poor.max_by(|(_, one, first), (_, other, second)| {
        let speed = first.frames_per_second.total_cmp(&second.frames_per_second);
        rank(one).cmp(&rank(other)).then(speed)
    });
    best.map(|(kind, _, proof)| {
        (
            *kind,
            proof.clone(),
            "none is as it should be, the best of all",
        )
    })
}
