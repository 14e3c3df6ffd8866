//! Size and rate of the picture.

use std::{fmt, str::FromStr};

/// Size and rate of the picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Format {
    /// Width and height.
    pub size: Size,
    /// Pictures per second.
    pub fps: u32,
}

impl Format {
    /// About 0.09 bits per pixel: 2500 kbit/s at 1280x720 and 30 fps.
    pub(crate) fn fitting_kbits(self) -> u32 {
        let pixels = u64::from(self.size.width) * u64::from(self.size.height) * u64::from(self.fps);
        u32::try_from(pixels * 2500 / (1280 * 720 * 30))
            .unwrap_or(u32::MAX)
            .clamp(100, 50_000)
    }
}

/// Width and height in pixels, both even since chroma is shared by two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size {
    /// Pixels from left to right.
    pub width: u32,
    /// Pixels from top to bottom.
    pub height: u32,
}

impl Size {
    /// How many 16x16 blocks it has, the unit in which H.264 levels count.
    pub(crate) fn macroblocks(self) -> u32 {
        self.width.div_ceil(16) * self.height.div_ceil(16)
    }
}

impl FromStr for Size {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let side = |text: &str| {
            let side = text.parse::<u32>().ok()?;
            ((16..=7680).contains(&side) && side % 2 == 0).then_some(side)
        };
        text.split_once('x')
            .and_then(|(width, height)| {
                Some(Self {
                    width: side(width)?,
                    height: side(height)?,
                })
            })
            .ok_or_else(|| format!("`{text}` is no size: use WIDTHxHEIGHT, both even, 16 to 7680"))
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}x{}", self.width, self.height)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_even_and_bounded() {
        assert_eq!(
            "1920x1080".parse(),
            Ok(Size {
                width: 1920,
                height: 1080
            })
        );
        for text in [
            "", "x", "1280", "1280x", "1281x720", "0x0", "99999x2", "-2x2", "1280X720",
        ] {
            assert!(text.parse::<Size>().is_err(), "{text}");
        }
    }
}
