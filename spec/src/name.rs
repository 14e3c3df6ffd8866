//! A camera's name: what its owner calls it, shown to whoever watches.
//!
//! A room that is a key has it signed, as a claim of the proof ([`crate::proof`]); another has it in
//! the offer's `s=` line (RFC 8866 section 5.3), where anyone in between can change it.

use std::fmt;
use std::str::FromStr;

use serde::Serialize;

/// One line of text without what could pose as something else beside it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(into = "String")]
pub struct CameraName(Box<str>);

/// Why a text is no name for a camera.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CameraNameError {
    /// Nothing in it can be seen.
    #[error("a name needs at least one visible character")]
    Empty,
    /// Longer than [`CameraName::MAX_CHARS`].
    #[error("a name has at most {max} characters, this one has {0}", max = CameraName::MAX_CHARS)]
    Long(usize),
    /// A line break, a control character or one that turns the direction of text.
    #[error("a name is one line of text without control characters, not with {0:?}")]
    Character(char),
}

impl CameraName {
    /// The longest name.
    pub const MAX_CHARS: usize = 64;

    /// What can be shown of a name that somebody else has chosen: without the characters that are
    /// forbidden, blanks as one, cut off at [`Self::MAX_CHARS`]. Nothing if nothing is left.
    pub fn cleaned(text: &str) -> Option<Self> {
        // No name that is allowed has more bytes.
        let text: String = text.chars().take(Self::MAX_CHARS * 8).collect();
        let shown: String = text
            .chars()
            .map(|c| if c.is_whitespace() { ' ' } else { c })
            .filter(|c| !is_forbidden(*c))
            .collect();
        let words: Vec<&str> = shown.split(' ').filter(|word| !word.is_empty()).collect();
        let name: String = words.join(" ").chars().take(Self::MAX_CHARS).collect();
        let name = name.trim_end();
        // RFC 8866 section 5.3: "s=-" where there is none.
        let is_none = name == "-" || !name.chars().any(is_visible);
        (!is_none).then(|| Self(name.into()))
    }

    /// The name as it is shown.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Control characters (Unicode category Cc), line and paragraph separators, and all that turn the
/// direction of the text around them (UAX #9): what stands behind a name must stay as it is.
fn is_forbidden(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{061c}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{feff}'
        )
        || matches!(c, '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}')
        || matches!(c, '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// Joiners show nothing by themselves.
fn is_visible(c: char) -> bool {
    !matches!(c, ' ' | '\u{200c}' | '\u{200d}' | '\u{fe00}'..='\u{fe0f}')
}

impl FromStr for CameraName {
    type Err = CameraNameError;

    /// A name as its owner writes it: what cannot be shown is refused, not left out.
    fn from_str(text: &str) -> Result<Self, CameraNameError> {
        let text = text.trim();
        if let Some(odd) = text.chars().find(|c| is_forbidden(*c)) {
            return Err(CameraNameError::Character(odd));
        }
        match text.chars().count() {
            count if count > Self::MAX_CHARS => Err(CameraNameError::Long(count)),
            _ => Self::cleaned(text).ok_or(CameraNameError::Empty),
        }
    }
}

impl From<CameraName> for String {
    fn from(name: CameraName) -> Self {
        name.0.into()
    }
}

impl fmt::Display for CameraName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
