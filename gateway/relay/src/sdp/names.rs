//! How str0m knows a publisher's sections and layers, whose names are longer or of other
//! characters than its own can be: of a mid it keeps 16 letters and digits, of a rid 8.
//!
//! A name that fits is kept. Others get a short one, and the header extensions that carry
//! them (RFC 9143 section 15, RFC 8852) are read here.

use std::str::from_utf8;

use sightline_spec::sdp::Sdp;
use str0m::media::{Mid, Rid};
use str0m::rtp::{Extension, ExtensionSerializer, ExtensionValues};

/// What str0m keeps of a name.
const MAX_MID: usize = 16;
const MAX_RID: usize = 8;

/// Not announced by anyone.
const UNKNOWN: &str = "";

/// See the module.
#[derive(Debug, Clone)]
pub(crate) struct Names {
    /// By section.
    mids: Vec<(Option<Box<str>>, Mid)>,
    rids: Vec<(Box<str>, Rid)>,
}

/// A header extension that carries a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Carries {
    Mid,
    Rid,
    RepairedRid,
}

impl Names {
    pub(crate) fn of(offer: &Sdp) -> Self {
        let mut names = Self {
            mids: Vec::new(),
            rids: Vec::new(),
        };
        let mids: Vec<_> = offer.media().map(|media| media.mid()).collect();
        for (index, mid) in mids.iter().enumerate() {
            let is_real = |name: &str| mids.contains(&Some(name));
            let known = short(*mid, MAX_MID, index, is_real);
            names
                .mids
                .push((mid.map(Into::into), known.as_str().into()));
        }
        let rids: Vec<_> = offer.media().flat_map(|media| media.layers()).collect();
        for (index, rid) in rids.iter().enumerate() {
            if names.rids.iter().all(|(name, _)| **name != **rid) {
                let known = short(Some(rid), MAX_RID, index, |name| rids.contains(&name));
                names.rids.push(((*rid).into(), known.as_str().into()));
            }
        }
        names
    }

    /// The section of this index.
    pub(crate) fn mid(&self, section: u16) -> Mid {
        let known = self.mids.get(usize::from(section));
        known.map_or_else(|| UNKNOWN.into(), |(_, mid)| *mid)
    }

    /// The layer of this name.
    pub(crate) fn rid(&self, name: &str) -> Rid {
        let known = self.rids.iter().find(|(known, _)| **known == *name);
        known.map_or_else(|| UNKNOWN.into(), |(_, rid)| *rid)
    }

    /// The extension by which str0m reads names in packets.
    pub(crate) fn extension(&self, carries: Carries) -> Extension {
        let names = self.clone();
        let uri = match carries {
            Carries::Mid => "urn:sightline:mid",
            Carries::Rid => "urn:sightline:rid",
            Carries::RepairedRid => "urn:sightline:repaired-rid",
        };
        Extension::with_serializer(uri, Named { carries, names })
    }
}

/// The name itself if str0m can keep it, or one that no other section has.
fn short(name: Option<&str>, most: usize, index: usize, is_real: impl Fn(&str) -> bool) -> String {
    let fits = |name: &&str| {
        (1..=most).contains(&name.len()) && name.bytes().all(|b| b.is_ascii_alphanumeric())
    };
    if let Some(name) = name.filter(fits) {
        return name.to_owned();
    }
    let mut made = format!("n{index}");
    while is_real(&made) && made.len() < most {
        made.push('x');
    }
    made
}

#[derive(Debug)]
struct Named {
    carries: Carries,
    names: Names,
}

impl Named {
    fn rid(&self, name: &str) -> Rid {
        match self.names.rids.is_empty() {
            // Nothing was announced, so nothing is confused with it.
            true => name.into(),
            false => self.names.rid(name),
        }
    }
}

impl ExtensionSerializer for Named {
    fn write_to(&self, _: &mut [u8], _: &ExtensionValues) -> usize {
        // Publishers are sent no media.
        0
    }

    fn parse_value(&self, value: &[u8], values: &mut ExtensionValues) -> bool {
        let Ok(name) = from_utf8(value) else {
            return false;
        };
        match self.carries {
            Carries::Mid => {
                let mut mids = self.names.mids.iter();
                let known = mids.find(|(known, _)| known.as_deref() == Some(name));
                values.mid = known.map(|(_, mid)| *mid);
            }
            Carries::Rid => values.rid = Some(self.rid(name)),
            Carries::RepairedRid => values.rid_repair = Some(self.rid(name)),
        }
        true
    }

    fn is_video(&self) -> bool {
        true
    }

    fn is_audio(&self) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: &str = "5b6f0c52-1d1e-4d0e-9a53-0c6d1f2f0a01";

    fn names() -> Names {
        let text = format!(
            "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\n\
             m=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:{LONG}\r\n\
             m=video 9 UDP/TLS/RTP/SAVPF 96\r\na=mid:n0\r\n\
             a=rid:high-quality send\r\na=rid:low send\r\na=simulcast:send high-quality;low\r\n\
             m=video 9 UDP/TLS/RTP/SAVPF 96\r\n"
        );
        Names::of(&Sdp::parse(&text).unwrap())
    }

    fn read(carries: Carries, value: &str) -> ExtensionValues {
        let mut values = ExtensionValues::default();
        let names = names();
        Named { carries, names }.parse_value(value.as_bytes(), &mut values);
        values
    }

    #[test]
    fn names_that_fit_are_kept_and_none_is_another_s() {
        let names = names();
        let mids: Vec<String> = (0..3).map(|index| names.mid(index).to_string()).collect();
        assert_eq!(mids, ["n0x", "n0", "n2"]);
        assert_eq!(names.rid("low").to_string(), "low");
        assert_ne!(names.rid("high-quality"), names.rid("low"));
    }

    #[test]
    fn packets_are_read_by_their_whole_names() {
        let names = names();
        assert_eq!(read(Carries::Mid, LONG).mid, Some(names.mid(0)));
        assert_eq!(read(Carries::Mid, "n0").mid, Some(names.mid(1)));
        // What str0m would keep of it, and what nobody has.
        for unknown in [&LONG[..16], "n0x", ""] {
            assert_eq!(read(Carries::Mid, unknown).mid, None, "{unknown}");
        }
        let high = names.rid("high-quality");
        assert_eq!(read(Carries::Rid, "high-quality").rid, Some(high));
        let repaired = read(Carries::RepairedRid, "high-quality");
        assert_eq!((repaired.rid, repaired.rid_repair), (None, Some(high)));
        let unknown = read(Carries::Rid, "high").rid;
        assert!(unknown != Some(high) && unknown != Some(names.rid("low")));
    }
}
