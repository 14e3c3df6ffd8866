//! Which of a publisher's tracks and layers a source is.

use str0m::media::Rid;
use str0m::rtp::Ssrc;

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Sources(Vec<(Ssrc, usize, Option<Rid>)>);

impl Sources {
    /// The track and layer of a source that was seen before.
    pub(crate) fn get(&self, source: Ssrc) -> Option<(usize, Option<Rid>)> {
        let known = self.0.iter().find(|(known, ..)| *known == source)?;
        Some((known.1, known.2))
    }

    /// A peer invents as many sources as it likes; we remember a few.
    pub(crate) fn insert(&mut self, source: Ssrc, track: usize, rid: Option<Rid>) {
        const MOST: usize = 16;
        if self.0.len() >= MOST {
            self.0.remove(0);
        }
        self.0.push((source, track, rid));
    }
}
