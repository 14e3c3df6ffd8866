//! The changes that the gateway makes to a description on its way.

use std::collections::HashSet;
use std::net::IpAddr;

use super::description::Sdp;
use crate::candidate::Candidate;
use crate::name::CameraName;
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
        let mut text: String = self.session_lines().map(|l| format!("{l}\r\n")).collect();
        for media in self.media() {
            let described: HashSet<&str> = (media.text.lines())
                .filter_map(|line| line.strip_prefix("a=ssrc:"))
                .filter_map(|value| value.split([' ', ':']).next())
                .collect();
            let undescribed = |line: &str| match line.strip_prefix("a=ssrc-group:") {
                Some(group) => !(group.split_whitespace().skip(1)).all(|s| described.contains(s)),
                None => false,
            };
            let kept = media.text.lines().filter(|line| !undescribed(line));
            text.extend(kept.map(|line| format!("{line}\r\n")));
        }
        Self { text: text.into() }
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
        let resolved = self.text.lines().map(|line| {
            match line.strip_prefix("a=").map(str::parse::<Candidate>) {
                Some(Ok(hidden)) if hidden.address.is_mdns() => {
                    format!("a={}\r\n", hidden.at(address))
                }
                _ => format!("{line}\r\n"),
            }
        });
        let text: String = resolved.collect();
        Self { text: text.into() }
    }

    /// Adds trickled candidates to the sections they belong to, for a peer that
    /// would never hear of them otherwise. Candidates of a section that does not
    /// exist, or whose transport is another's, go to the first that has its own.
    #[must_use]
    pub fn with_candidates(&self, fragments: &[SdpFrag]) -> Self {
        let open: Vec<Option<&str>> = (self.media())
            .map(|media| {
                media
                    .has_transport()
                    .then(|| media.mid().unwrap_or_default())
            })
            .collect();
        let first = open.iter().position(Option::is_some).unwrap_or(0);
        let mut added: Vec<Vec<String>> = vec![Vec::new(); open.len()];
        for (mid, candidate) in fragments.iter().flat_map(SdpFrag::candidates) {
            let named = open.iter().position(|m| m.is_some() && *m == mid);
            if let Some(lines) = added.get_mut(named.unwrap_or(first)) {
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

    /// The same with this name in its `s=` line (RFC 8866 section 5.3).
    #[must_use]
    pub fn with_session_name(&self, name: &CameraName) -> Self {
        let lines = self.text.lines().filter(|line| !line.starts_with("s="));
        let named = lines.map(|line| match line.starts_with("o=") {
            // It follows the origin.
            true => format!("{line}\r\ns={name}\r\n"),
            false => format!("{line}\r\n"),
        });
        let text: String = named.collect();
        Self { text: text.into() }
    }

    /// Adds an attribute to the session level.
    #[must_use]
    pub fn with_session_attribute(&self, name: &str, value: &str) -> Self {
        let end = self.text.find("\nm=").map_or(self.text.len(), |at| at + 1);
        let (session, media) = self.text.split_at(end);
        let text = format!("{session}a={name}:{value}\r\n{media}");
        Self { text: text.into() }
    }
}
