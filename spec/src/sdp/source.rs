//! The sources of a section: `a=ssrc` and `a=ssrc-group` (RFC 5576).

use super::media::{Media, value_of};

/// A source that a section describes, and the one that repairs it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Source {
    /// The SSRC.
    pub ssrc: u32,
    /// That of its retransmissions (`a=ssrc-group:FID`, RFC 5576 section 4.2).
    pub rtx: Option<u32>,
}

impl Media<'_> {
    /// The section's sources that carry media, in its order; the first
    /// [`MAX_LISTED`](Media::MAX_LISTED) of them.
    ///
    /// A repairing one counts also where no `a=ssrc` describes it, as with FFmpeg.
    pub fn sources(&self) -> Vec<Source> {
        let pairs = self.values("ssrc-group").filter_map(repair);
        let pairs: Vec<(u32, u32)> = pairs.take(Self::MAX_LISTED).collect();
        let mut sources: Vec<Source> = Vec::new();
        for value in self.values("ssrc") {
            let number = value.split([' ', ':']).next();
            let Some(ssrc) = number.and_then(|number| number.parse().ok()) else {
                continue;
            };
            let is_repair = pairs.iter().any(|(_, rtx)| *rtx == ssrc);
            let is_new = sources.iter().all(|source| source.ssrc != ssrc);
            if !is_repair && is_new && sources.len() < Self::MAX_LISTED {
                let pair = pairs.iter().find(|(main, _)| *main == ssrc);
                let rtx = pair.map(|(_, rtx)| *rtx);
                sources.push(Source { ssrc, rtx });
            }
        }
        sources
    }

    /// Whether its sources are layers of one picture that no `a=rid` names
    /// (`a=ssrc-group:SIM`).
    pub fn has_unnamed_layers(&self) -> bool {
        self.values("ssrc-group")
            .any(|value| value.starts_with("SIM"))
    }

    fn values(&self, name: &'static str) -> impl Iterator<Item = &str> {
        self.lines()
            .filter_map(move |(_, line)| value_of(line, name))
    }
}

fn repair(group: &str) -> Option<(u32, u32)> {
    let mut words = group.split_whitespace();
    if words.next()? != "FID" {
        return None;
    }
    Some((words.next()?.parse().ok()?, words.next()?.parse().ok()?))
}
