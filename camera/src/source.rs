//! Where pictures come from: what `--source` means, as GStreamer text.

use std::{fmt, path::PathBuf, str::FromStr};

use crate::{format::Format, rtsp::RtspUrl};

/// A source of video.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// The webcam if there is one, else the test picture.
    Auto,
    /// Colour bars that move.
    Test,
    /// A Video4Linux device; without a path the first one.
    V4l2(Option<PathBuf>),
    /// The camera of a Raspberry Pi, or whatever libcamera finds.
    Libcamera,
    /// The desktop.
    Screen,
    /// A film, looped as if it were a live camera.
    File(PathBuf),
    /// A network camera, which encodes by itself.
    Rtsp(RtspUrl),
    /// What was meant to be one, and why it is none.
    BadRtsp(String),
    /// gst-launch text that ends in raw video.
    Launch(String),
}

/// Why a source cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SourceError {
    /// GStreamer lacks an element.
    #[error("source `{for_source}` needs the GStreamer element `{element}`: apt install {package}")]
    Missing {
        /// Which source.
        for_source: &'static str,
        /// The element it needs.
        element: &'static str,
        /// The Debian package that has it.
        package: &'static str,
    },
    /// The path leads nowhere.
    #[error(
        "there is no file `{0}` (sources are auto, test, v4l2, libcamera, screen, rtsp://…, a file, or gst-launch text)"
    )]
    NoFile(PathBuf),
    /// Nothing plugged in, or no permission to see it.
    #[error("there is no camera at {0}: plug one in, or add this user to the group `video`")]
    NoDevice(PathBuf),
    /// Neither X11 nor Wayland.
    #[error("source `screen` needs a desktop: neither DISPLAY nor WAYLAND_DISPLAY is set")]
    NoDesktop,
    /// The address of a network camera is none.
    #[error("{0}")]
    Address(String),
    /// Not a UTF-8 path, so GStreamer's text cannot carry it.
    #[error("the path `{0}` is not valid UTF-8")]
    Path(PathBuf),
}

impl FromStr for Source {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Some(launch) = text.strip_prefix("gst:") {
            return Ok(Self::Launch(launch.trim().to_owned()));
        }
        Ok(match text.trim() {
            "" => return Err("an empty source".to_owned()),
            "auto" => Self::Auto,
            "test" => Self::Test,
            "v4l2" => Self::V4l2(None),
            "libcamera" => Self::Libcamera,
            "screen" => Self::Screen,
            // An error here would be printed together with the text.
            url if RtspUrl::is_meant_by(url) => url.parse().map_or_else(Self::BadRtsp, Self::Rtsp),
            launch if launch.contains('!') => Self::Launch(launch.to_owned()),
            other => match other.strip_prefix("v4l2:") {
                Some(device) => Self::V4l2(Some(device.into())),
                None => Self::File(other.into()),
            },
        })
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => f.write_str("auto"),
            Self::Test => f.write_str("test"),
            Self::V4l2(None) => f.write_str("v4l2"),
            Self::V4l2(Some(device)) => write!(f, "v4l2:{}", device.display()),
            Self::Libcamera => f.write_str("libcamera"),
            Self::Screen => f.write_str("screen"),
            Self::Rtsp(url) => url.fmt(f),
            Self::BadRtsp(_) => f.write_str("rtsp"),
            Self::File(path) => path.display().fmt(f),
            Self::Launch(text) => write!(f, "gst:{text}"),
        }
    }
}

/// A source as GStreamer text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Description {
    /// Ends in raw video of any form.
    pub(crate) text: String,
    /// Whether the frames have to be held back until their time has come; a live source paces
    /// itself.
    pub(crate) paced: bool,
    /// Whether it has an end, and begins anew there.
    pub(crate) looped: bool,
}

impl Description {
    fn live(text: String) -> Self {
        Self {
            text,
            paced: false,
            looped: false,
        }
    }
}

impl Source {
    /// What it is called in the log: text for gst-launch may hold passwords.
    pub(crate) fn name(&self) -> String {
        match self {
            Self::Launch(_) => "gst-launch text".to_owned(),
            other => other.to_string(),
        }
    }

    /// Decides what `auto` is, now: a webcam may be plugged in later.
    pub fn resolve(&self) -> Self {
        match self {
            Self::Auto => match first_video_device() {
                Some(device) => Self::V4l2(Some(device)),
                None => Self::Test,
            },
            other => other.clone(),
        }
    }

    /// Whether it shows what is before this machine, now.
    pub(crate) fn is_camera_here(&self) -> bool {
        matches!(self.resolve(), Self::V4l2(_) | Self::Libcamera)
    }

    /// Whether the source can work on this machine at all.
    pub fn check(&self, format: Format) -> Result<(), SourceError> {
        match self.describe(format) {
            // Cameras are plugged in later.
            Err(SourceError::NoDevice(device)) => {
                tracing::warn!("{}", SourceError::NoDevice(device));
                Ok(())
            }
            described => described.map(|_| ()),
        }
    }

    /// The source as GStreamer text, for this format where the source can choose.
    pub(crate) fn describe(&self, format: Format) -> Result<Description, SourceError> {
        match self.resolve() {
            Self::Auto | Self::Test => Ok(Description::live(test_text())),
            Self::V4l2(device) => v4l2_text(device, format).map(Description::live),
            Self::Libcamera => libcamera_text(format).map(Description::live),
            Self::Screen => screen_text(format).map(Description::live),
            Self::BadRtsp(why) => Err(SourceError::Address(why)),
            // It is no text: a session has pictures and sound in one.
            Self::Rtsp(_) => {
                need("rtsp", "rtspsrc", "gstreamer1.0-plugins-good")?;
                need("rtsp", "h264parse", "gstreamer1.0-plugins-bad")?;
                Ok(Description::live(String::new()))
            }
            Self::File(path) => Ok(Description {
                text: file_text(path)?,
                paced: true,
                looped: true,
            }),
            // Its author may have meant a file as well as a camera. Pacing does no harm to the
            // latter.
            Self::Launch(text) => Ok(Description {
                text,
                paced: true,
                looped: true,
            }),
        }
    }
}

/// Full-height bars cost the least to paint, and their motion shows that the picture lives.
fn test_text() -> String {
    "videotestsrc is-live=true pattern=smpte75 horizontal-speed=2".to_owned()
}

fn v4l2_text(device: Option<PathBuf>, format: Format) -> Result<String, SourceError> {
    need("v4l2", "v4l2src", "gstreamer1.0-plugins-good")?;
    let device = device
        .or_else(first_video_device)
        .unwrap_or_else(|| "/dev/video0".into());
    if !device.exists() {
        return Err(SourceError::NoDevice(device));
    }
    let device = quoted(device)?;
    let Format { size, fps } = format;
    let exact = format!(
        "width={},height={},framerate={fps}/1",
        size.width, size.height
    );
    // USB cameras reach full rate at 720p in JPEG only; whatever else they have comes after.
    Ok(format!(
        "v4l2src device={device} ! capsfilter \
         caps=\"video/x-raw,{exact};image/jpeg,{exact};image/jpeg;video/x-raw\" ! decodebin"
    ))
}

fn libcamera_text(format: Format) -> Result<String, SourceError> {
    need("libcamera", "libcamerasrc", "gstreamer1.0-libcamera")?;
    let Format { size, fps } = format;
    Ok(format!(
        "libcamerasrc ! video/x-raw,width={},height={},framerate={fps}/1",
        size.width, size.height
    ))
}

fn screen_text(format: Format) -> Result<String, SourceError> {
    let set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    let fps = format.fps;
    if set("DISPLAY") {
        need("screen", "ximagesrc", "gstreamer1.0-plugins-good")?;
        return Ok(format!(
            "ximagesrc use-damage=false ! video/x-raw,framerate={fps}/1"
        ));
    }
    if set("WAYLAND_DISPLAY") {
        need("screen", "pipewiresrc", "gstreamer1.0-pipewire")?;
        return Ok("pipewiresrc do-timestamp=true".to_owned());
    }
    Err(SourceError::NoDesktop)
}

fn file_text(path: PathBuf) -> Result<String, SourceError> {
    if !path.is_file() {
        return Err(SourceError::NoFile(path));
    }
    let path = quoted(path)?;
    Ok(format!(
        "filesrc location={path} ! decodebin expose-all-streams=false caps=video/x-raw(ANY)"
    ))
}

/// The path as gst-launch text reads it back.
pub(crate) fn quoted(path: PathBuf) -> Result<String, SourceError> {
    match path.to_str() {
        Some(text) => Ok(format!(
            "\"{}\"",
            text.replace('\\', r"\\").replace('"', "\\\"")
        )),
        None => Err(SourceError::Path(path)),
    }
}

/// The first webcam, by number.
pub(crate) fn first_video_device() -> Option<PathBuf> {
    (0..64)
        .map(|number| PathBuf::from(format!("/dev/video{number}")))
        .find(|device| device.exists())
}

fn need(
    for_source: &'static str,
    element: &'static str,
    package: &'static str,
) -> Result<(), SourceError> {
    match gst::ElementFactory::find(element) {
        Some(_) => Ok(()),
        None => Err(SourceError::Missing {
            for_source,
            element,
            package,
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::Size;

    fn hd() -> Format {
        let size = Size {
            width: 1280,
            height: 720,
        };
        Format { size, fps: 30 }
    }

    #[test]
    fn a_source_is_known_by_its_text() {
        let cases = [
            ("auto", Source::Auto),
            ("test", Source::Test),
            ("v4l2", Source::V4l2(None)),
            ("v4l2:/dev/video2", Source::V4l2(Some("/dev/video2".into()))),
            ("libcamera", Source::Libcamera),
            ("screen", Source::Screen),
            ("clip.mp4", Source::File("clip.mp4".into())),
            ("gst:videotestsrc", Source::Launch("videotestsrc".into())),
            ("a ! b", Source::Launch("a ! b".into())),
        ];
        for (text, source) in cases {
            assert_eq!(text.parse(), Ok(source.clone()), "{text}");
            assert_eq!(source.to_string().parse(), Ok(source));
        }
        assert!("".parse::<Source>().is_err());
    }

    #[test]
    fn what_is_not_there_is_named() {
        gst::init().unwrap();
        let file = Source::File("/no/such/film.mp4".into()).describe(hd());
        assert!(matches!(file, Err(SourceError::NoFile(_))));
        let device = Source::V4l2(Some("/dev/no-such-video".into())).describe(hd());
        assert!(matches!(device, Err(SourceError::NoDevice(_))));
    }

    #[test]
    fn a_path_cannot_break_out_of_its_quotes() {
        let odd = PathBuf::from(r#"/tmp/a "b" \ ! fakesink.mp4"#);
        assert_eq!(quoted(odd).unwrap(), r#""/tmp/a \"b\" \\ ! fakesink.mp4""#);
    }
}
