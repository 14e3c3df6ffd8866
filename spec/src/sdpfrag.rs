//! Trickle ICE fragments, `application/trickle-ice-sdpfrag`, RFC 8840 section 9.

use std::fmt;
use std::str::FromStr;

use crate::candidate::Candidate;
use crate::sdp::IceCredentials;

/// The body of a PATCH that adds candidates or restarts ICE.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SdpFrag {
    /// What stands above the first `m=` line.
    pub session: Section,
    /// The pseudo `m=` sections with their candidates.
    pub media: Vec<MediaSection>,
}

/// A pseudo `m=` line, RFC 8840 section 4.4, and what belongs to it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MediaSection {
    /// The value of the `m=` line: `audio 9 UDP/TLS/RTP/SAVPF 0`.
    pub m_line: String,
    /// The attributes below it.
    pub section: Section,
}

/// The attributes of one level.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Section {
    /// `a=mid`: which section of the offer this is about.
    pub mid: Option<String>,
    /// `a=ice-ufrag` and `a=ice-pwd`: which ICE session this is about.
    pub credentials: Option<IceCredentials>,
    /// `a=candidate` lines, as far as they can be read: what one cannot read one cannot use,
    /// and clients end a session whose PATCH fails.
    pub candidates: Vec<Candidate>,
    /// `a=end-of-candidates`: there will be no more.
    pub end_of_candidates: bool,
    /// Other attributes (`ice-options`, `ice-lite`, `group`, …) without `a=`.
    pub other: Vec<String>,
}

/// Why a text is no fragment.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SdpFragError {
    /// There is nothing in it.
    #[error("the fragment is empty")]
    Empty,
    /// A line that is neither `a=` nor `m=`; the first is 1.
    #[error("line {0} is neither an a= nor an m= line")]
    Line(usize),
    /// One of `ice-ufrag` and `ice-pwd` without the other, or malformed.
    #[error("ice-ufrag and ice-pwd must come together and be well-formed")]
    Credentials,
    /// More sections or candidates than any peer has.
    #[error("too many candidates or sections in one fragment")]
    TooMany,
}

impl SdpFrag {
    /// Most candidates in one fragment.
    pub const MAX_CANDIDATES: usize = 64;
    /// Most sections in one fragment.
    pub const MAX_SECTIONS: usize = 16;

    /// All candidates, each with the mid of its section.
    pub fn candidates(&self) -> impl Iterator<Item = (Option<&str>, &Candidate)> {
        self.sections().flat_map(|section| {
            let mid = section.mid.as_deref();
            section.candidates.iter().map(move |c| (mid, c))
        })
    }

    /// About how many bytes of memory it takes.
    pub fn memory(&self) -> usize {
        // What the allocator adds to each.
        const PIECE: usize = 16;
        let text = |text: &String| size_of::<String>() + text.len() + PIECE;
        let section = |section: &Section| {
            let credentials = section.credentials.iter();
            let credentials = credentials.map(|it| it.ufrag.len() + it.pwd.len() + 2 * PIECE);
            let candidates = section.candidates.iter();
            let candidates =
                candidates.map(|it| size_of::<Candidate>() + it.to_string().len() + PIECE);
            size_of::<MediaSection>()
                + section.mid.as_ref().map_or(0, text)
                + section.other.iter().map(text).sum::<usize>()
                + credentials.sum::<usize>()
                + candidates.sum::<usize>()
        };
        let lines = self.media.iter().map(|media| media.m_line.len() + PIECE);
        lines.sum::<usize>() + self.sections().map(section).sum::<usize>()
    }

    /// The credentials named anywhere in it, in order and without repetition.
    pub fn credentials(&self) -> Vec<&IceCredentials> {
        let mut all: Vec<_> = self
            .sections()
            .filter_map(|s| s.credentials.as_ref())
            .collect();
        all.dedup();
        all
    }

    /// Whether there is nothing in it, as where no candidate of it could be read.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// The session level and then each section.
    pub fn sections(&self) -> impl Iterator<Item = &Section> {
        std::iter::once(&self.session).chain(self.media.iter().map(|media| &media.section))
    }

    /// The same fragment with every candidate changed by `change`.
    #[must_use]
    pub fn map_candidates(mut self, change: impl Fn(Candidate) -> Candidate) -> Self {
        let media = self.media.iter_mut().map(|media| &mut media.section);
        for section in std::iter::once(&mut self.session).chain(media) {
            let candidates = std::mem::take(&mut section.candidates);
            section.candidates = candidates.into_iter().map(&change).collect();
        }
        self
    }
}

/// A level while it is being read: the two credentials come on lines of their own.
#[derive(Default)]
struct OpenSection {
    section: Section,
    ufrag: Option<String>,
    pwd: Option<String>,
}

impl OpenSection {
    fn attribute(&mut self, attribute: &str) {
        let (name, value) = attribute.split_once(':').unwrap_or((attribute, ""));
        match name {
            "mid" => self.section.mid = Some(value.into()),
            "ice-ufrag" => self.ufrag = Some(value.into()),
            "ice-pwd" => self.pwd = Some(value.into()),
            "end-of-candidates" => self.section.end_of_candidates = true,
            "candidate" => self
                .section
                .candidates
                .extend(attribute.parse::<Candidate>()),
            _ => self.section.other.push(attribute.into()),
        }
    }

    fn close(mut self) -> Result<Section, SdpFragError> {
        self.section.credentials = match (self.ufrag, self.pwd) {
            (None, None) => None,
            (Some(ufrag), Some(pwd)) => {
                let valid = IceCredentials::new(&ufrag, &pwd);
                Some(valid.ok_or(SdpFragError::Credentials)?)
            }
            _ => return Err(SdpFragError::Credentials),
        };
        Ok(self.section)
    }
}

impl FromStr for SdpFrag {
    type Err = SdpFragError;

    fn from_str(text: &str) -> Result<Self, SdpFragError> {
        if text.trim().is_empty() {
            return Err(SdpFragError::Empty);
        }
        let mut levels = vec![(String::new(), OpenSection::default())];
        for (index, line) in text.lines().enumerate() {
            let line = line.trim_end();
            if line.contains(char::is_control) {
                return Err(SdpFragError::Line(index + 1));
            }
            let Some((_, open)) = levels.last_mut() else {
                unreachable!("the session level is always there");
            };
            match line.split_once('=') {
                Some(("a", attribute)) if !attribute.is_empty() => {
                    open.attribute(attribute);
                }
                Some(("m", m_line)) if !m_line.is_empty() => {
                    levels.push((m_line.into(), OpenSection::default()));
                }
                None if line.is_empty() => {}
                _ => return Err(SdpFragError::Line(index + 1)),
            }
        }
        let mut closed = levels
            .into_iter()
            .map(|(m_line, open)| open.close().map(|section| MediaSection { m_line, section }));
        let session = closed.next().transpose()?.unwrap_or_default().section;
        let media = closed.collect::<Result<Vec<_>, _>>()?;
        let fragment = Self { session, media };
        let candidates = fragment.candidates().count();
        match candidates > Self::MAX_CANDIDATES || fragment.media.len() > Self::MAX_SECTIONS {
            true => Err(SdpFragError::TooMany),
            false => Ok(fragment),
        }
    }
}

impl fmt::Display for SdpFrag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.session.fmt(f)?;
        for MediaSection { m_line, section } in &self.media {
            write!(f, "m={m_line}\r\n{section}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Section {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for attribute in &self.other {
            write!(f, "a={attribute}\r\n")?;
        }
        if let Some(mid) = &self.mid {
            write!(f, "a=mid:{mid}\r\n")?;
        }
        if let Some(IceCredentials { ufrag, pwd }) = &self.credentials {
            write!(f, "a=ice-ufrag:{ufrag}\r\na=ice-pwd:{pwd}\r\n")?;
        }
        for candidate in &self.candidates {
            write!(f, "a={candidate}\r\n")?;
        }
        match self.end_of_candidates {
            true => f.write_str("a=end-of-candidates\r\n"),
            false => Ok(()),
        }
    }
}
