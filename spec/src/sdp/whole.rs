//! Whether a description whose last line has no end is all that was meant to be sent.
//!
//! A line break at the end is the one sign that it is. Without, what is there has to show it:
//! `docs/decisions/strict-line-end.md`.

use std::collections::HashSet;

use super::attribute::Fingerprint;
use super::description::Sdp;
use super::media::Media;
use crate::candidate::Candidate;

/// Attributes without a value.
const FLAGS: [&str; 11] = [
    "sendrecv",
    "sendonly",
    "recvonly",
    "inactive",
    "rtcp-mux",
    "rtcp-mux-only",
    "rtcp-rsize",
    "bundle-only",
    "ice-lite",
    "end-of-candidates",
    "extmap-allow-mixed",
];

/// Clock rates of RTP encodings. None begins with another.
const CLOCK_RATES: [&str; 9] = [
    "8000", "11025", "16000", "22050", "24000", "32000", "44100", "48000", "90000",
];

/// Of candidates; the last word of most.
const KINDS: [&str; 4] = ["host", "srflx", "prflx", "relay"];

/// The first payload type that means nothing without `a=rtpmap` (RFC 3551 section 6).
const DYNAMIC: u8 = 96;

impl Sdp {
    /// Whether its last line would have been noticed if it had been cut, or could not have lost
    /// anything, and every section that the description tells of is there.
    pub(super) fn is_evidently_whole(&self) -> bool {
        let last = self.text.lines().next_back().unwrap_or_default();
        let mids: HashSet<&str> = self.media().filter_map(|media| media.mid()).collect();
        let all_there = self.bundles().flatten().all(|mid| mids.contains(mid));
        let has_media = self.active_media().next().is_some();
        has_media
            && all_there
            && self.active_media().all(|m| m.explains_its_formats())
            && is_complete(last)
    }
}

impl Media<'_> {
    fn explains_its_formats(&self) -> bool {
        let explained = self.payload_types_explained();
        let numbers = self.formats().filter_map(|format| format.parse().ok());
        numbers
            .filter(|number: &u8| *number >= DYNAMIC)
            .all(|number| explained.contains(&number))
    }
}

/// Whether this line cannot have been longer, or what it has lost changes nothing.
fn is_complete(line: &str) -> bool {
    let line = line.trim_end();
    let Some(attribute) = line.strip_prefix("a=") else {
        // Of a limit that we do not keep, any part will do.
        return line.starts_with("b=");
    };
    let Some((name, value)) = attribute.split_once(':') else {
        return FLAGS.contains(&attribute);
    };
    let second = value.split_whitespace().nth(1);
    match name {
        "setup" => matches!(value, "actpass" | "active" | "passive" | "holdconn"),
        "fingerprint" => Fingerprint::parse(value).is_some(),
        "candidate" => {
            let candidate = attribute.parse::<Candidate>();
            candidate.is_ok_and(|c| KINDS.contains(&c.kind.as_str()))
        }
        "rtpmap" => {
            let clock_rate = second.and_then(|encoding| encoding.split('/').nth(1));
            clock_rate.is_some_and(|rate| CLOCK_RATES.contains(&rate))
        }
        "fmtp" | "rtcp-fb" => second.is_some(),
        "ssrc" => second.is_some_and(|attribute| attribute.contains(':')),
        "msid" | "rtcp" | "ice-options" | "msid-semantic" => !value.is_empty(),
        // Names, passwords and proofs: their beginnings look like others of them.
        _ => false,
    }
}
