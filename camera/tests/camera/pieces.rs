//! What was sent, and what was received of it.

use std::sync::{Arc, Mutex};

/// What is in a stream, piece by piece.
#[derive(Debug, Clone, Default)]
pub(crate) struct Pieces(Arc<Mutex<Vec<Vec<u8>>>>);

impl Pieces {
    /// NAL units in the byte stream format (H.264 annex B).
    pub(crate) fn note_units(&self, stream: &[u8]) {
        let mut at: Vec<usize> = (stream.windows(3).enumerate())
            .filter(|(_, code)| *code == [0, 0, 1])
            .map(|(at, _)| at)
            .collect();
        at.push(stream.len());
        for two in at.windows(2) {
            let unit = &stream[two[0] + 3..two[1]];
            // A unit does not end in zero; the next one's code may begin with it.
            let end = unit
                .iter()
                .rposition(|byte| *byte != 0)
                .map_or(0, |last| last + 1);
            self.note(&unit[..end]);
        }
    }

    /// Whether there are sequence parameter sets of H.264 or H.265 (table 7-1 of each).
    pub(crate) fn have_parameter_sets(&self) -> bool {
        let is_one = |unit: &Vec<u8>| {
            let first = unit.first().copied().unwrap_or_default();
            first & 0x1f == 7 || first >> 1 & 0x3f == 33
        };
        self.0.lock().unwrap().iter().any(is_one)
    }

    pub(crate) fn note(&self, piece: &[u8]) {
        self.0.lock().unwrap().push(piece.to_vec());
    }

    pub(crate) fn all(&self) -> Vec<Vec<u8>> {
        self.0.lock().unwrap().clone()
    }
}
