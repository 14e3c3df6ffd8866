//! The three changes that the gateway makes to a description on its way.

use std::collections::HashSet;
use std::net::IpAddr;

use super::description::Sdp;
use crate::candidate::Candidate;
use crate::sdpfrag::SdpFrag;

impl Sdp {
    /// Drops `a=ssrc-group` lines that name a source which no `a=ssrc` line of
    /// the section describes: FFmpeg writes such lines and Chromium refuses them
    /// (RFC 5576 section 4.2 wants every source described).
    #[must_use]
    pub fn without_undescribed_ssrc_groups(&self) -> Self {
        if !self.text.contains("a=ssrc-group:") {
            return self.clone();
        }
        let described: HashSet<&str> = (self.text.lines())
            .filter_map(|line| line.strip_prefix("a=ssrc:"))
            .filter_map(|value| value.split([' ', ':']).next())
            .collect();
        self.filter_map_lines(|line| {
            let Some(group) = line.strip_prefix("a=ssrc-group:") else {
                return Some(line.to_owned());
            };
            let mut sources = group.split_whitespace().skip(1);
            sources
                .all(|source| described.contains(source))
                .then(|| line.to_owned())
        })
    }

    /// Puts `address` in the place of multicast-DNS names, at the same port.
    ///
    /// GStreamer, OBS and FFmpeg cannot resolve `<uuid>.local`; the address the
    /// peer's HTTP came from is the best guess of what hides behind it.
    #[must_use]
    pub fn with_mdns_resolved_to(&self, address: IpAddr) -> Self {
        if !self.text.contains(".local") {
            return self.clone();
        }
        self.filter_map_lines(|line| {
            let candidate = line.strip_prefix("a=").map(str::parse::<Candidate>);
            match candidate {
                Some(Ok(hidden)) if hidden.address.is_mdns() => {
                    Some(format!("a={}", hidden.at(address)))
                }
                _ => Some(line.to_owned()),
            }
        })
    }

    /// Adds trickled candidates to the sections they belong to, for a peer that
    /// would never hear of them otherwise. Candidates of a section that does not
    /// exist, or of a bundle, go to the first, which carries the transport.
    #[must_use]
    pub fn with_candidates(&self, fragments: &[SdpFrag]) -> Self {
        let mids: Vec<Option<&str>> = self.media().map(|media| media.mid()).collect();
        let mut added: Vec<Vec<String>> = vec![Vec::new(); mids.len()];
        for (mid, candidate) in fragments.iter().flat_map(SdpFrag::candidates) {
            let section = mids.iter().position(|m| m.is_some() && *m == mid);
            if let Some(lines) = added.get_mut(section.unwrap_or(0)) {
                let line = format!("a={candidate}\r\n");
                if !self.text.contains(line.trim_end()) && !lines.contains(&line) {
                    lines.push(line);
                }
            }
        }
        let mut text: String = self.session_lines().map(|l| format!("{l}\r\n")).collect();
        for (media, lines) in self.media().zip(added) {
            text.push_str(media.text);
            text.extend(lines);
        }
        Self { text: text.into() }
    }

    fn filter_map_lines(&self, change: impl Fn(&str) -> Option<String>) -> Self {
        let lines = self.text.lines().filter_map(change);
        let text: String = lines.map(|line| line + "\r\n").collect();
        Self { text: text.into() }
    }
}
