//! All options: the only reader of arguments, environment and configuration file.

use std::{fmt, path::PathBuf, str::FromStr};

use conf::{Conf, Subcommands};
use reqwest::Url;
use sightline_spec::{
    link::{IceServer, IceServerCredential},
    room::RoomId,
};

use crate::{encoder::Codec, source::Source};

/// Puts a camera on the web: anyone with the link watches it in a browser.
///
/// Without options it shows the webcam (or a test picture where there is none) in a room of its
/// own on the gateway at http://127.0.0.1:8080, and prints the link and its QR code.
///
/// Every option can also stand in the environment (SIGHTLINE_CAMERA_SIZE=…) or in a TOML file
/// (--config FILE, `size = "1280x720"`). Arguments win over environment, environment over file.
#[derive(Conf, Debug)]
#[conf(
    serde,
    version,
    name = "sightline-camera",
    env_prefix = "SIGHTLINE_CAMERA_"
)]
pub struct Config {
    /// A TOML file with any of these options.
    #[conf(long, env, serde(skip))]
    pub config: Option<PathBuf>,

    /// The gateway; for --publish whip the URL to publish to.
    #[conf(
        long,
        env,
        default_value = "http://127.0.0.1:8080",
        serde(use_value_parser)
    )]
    pub gateway: Url,

    /// The room's name, where the gateway has open rooms. Default: a room of the camera's own,
    /// named by its key, in which nobody else can publish.
    #[conf(long, env)]
    pub room: Option<RoomId>,

    /// The camera's key, made at the first start. Whoever has this file is the camera.
    /// Default: ~/.config/sightline/camera.key
    #[conf(long, env)]
    pub key_file: Option<PathBuf>,

    /// What to show: auto, test, v4l2[:/dev/videoN], libcamera, screen, a file (looped), or any
    /// gst-launch text that ends in raw video (recognised by a `!` or the prefix `gst:`).
    #[conf(long, env, default_value = "auto", serde(use_value_parser))]
    pub source: Source,

    /// Width and height of the picture.
    #[conf(long, env, default_value = "1280x720", serde(use_value_parser))]
    pub size: Size,

    /// Pictures per second, 1 to 120.
    #[conf(long, env, default_value = "30")]
    pub fps: u32,

    /// Kilobits per second of video. Default: fits size and fps (2500 for 1280x720 at 30).
    #[conf(long, env)]
    pub bitrate: Option<u32>,

    /// h264 or vp8.
    #[conf(long, env, default_value = "h264", serde(use_value_parser))]
    pub codec: Codec,

    /// STUN or TURN server, besides those the gateway names: stun:host:port or
    /// turn:user:password@host:port. Repeatable.
    #[conf(repeat, long, env, value_parser = parse_ice_server, serde(use_value_parser))]
    pub ice_server: Vec<IceServer>,

    /// How many may watch at once, straight from this camera.
    #[conf(long, env, default_value = "8")]
    pub max_viewers: u32,

    /// How to publish: direct (to any number of viewers, through a Sightline gateway) or
    /// whip (once, to any WHIP server, whose full URL --gateway then is).
    #[conf(long, env, default_value = "direct", serde(use_value_parser))]
    pub publish: Publish,

    /// Bearer token for --publish whip, where that server asks for one. Not an argument, since
    /// everyone on the machine can read those.
    #[conf(env, secret)]
    pub token: Option<Secret>,

    /// Log statistics every so many seconds; 0 for never.
    #[conf(long, env, default_value = "10")]
    pub stats: u64,

    /// The link as a QR code: auto (on a terminal), always or never.
    #[conf(long, env, default_value = "auto", serde(use_value_parser))]
    pub qr: QrMode,

    /// What to do instead of running the camera.
    #[conf(subcommands, serde(skip))]
    pub command: Option<Command>,
}

/// What the program does instead of showing a camera.
#[derive(Subcommands, Debug)]
#[conf(serde)]
pub enum Command {
    /// Look at this machine: what is there, what is missing, what to install.
    Doctor,
}

impl Config {
    /// Reads arguments, environment and, where named, the TOML file; explains itself and exits
    /// where they are wrong or `--help` is asked for.
    pub fn read() -> Self {
        let Some(path) = config_file() else {
            return Self::parse();
        };
        let document = std::fs::read_to_string(&path)
            .map_err(|error| error.to_string())
            .and_then(|text| {
                text.parse::<toml::Table>()
                    .map_err(|error| error.to_string())
            });
        match document {
            Ok(document) => Self::conf_builder()
                .doc(path.display().to_string(), document)
                .parse(),
            Err(error) => {
                eprintln!("cannot read the configuration {}: {error}", path.display());
                std::process::exit(2)
            }
        }
    }

    /// Size and rate of the picture.
    pub fn format(&self) -> Format {
        Format {
            size: self.size,
            fps: self.fps.clamp(1, 120),
        }
    }

    /// Kilobits per second, chosen or fitting.
    pub fn kbits(&self) -> u32 {
        self.bitrate
            .unwrap_or_else(|| self.format().fitting_kbits())
    }
}

/// `--config FILE` has to be known before the options are read, since it is one of their sources.
fn config_file() -> Option<PathBuf> {
    let mut arguments = std::env::args_os().skip(1);
    while let Some(argument) = arguments.next() {
        if argument == "--config" {
            return arguments.next().map(PathBuf::from);
        }
        let path = argument.to_str().and_then(|a| a.strip_prefix("--config="));
        if let Some(path) = path {
            return Some(path.into());
        }
    }
    std::env::var_os("SIGHTLINE_CAMERA_CONFIG").map(PathBuf::from)
}

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
    fn fitting_kbits(self) -> u32 {
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

/// The two ways out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Publish {
    /// One session for each viewer, media straight to them.
    Direct,
    /// One session with a WHIP server that distributes the media.
    Whip,
}

impl FromStr for Publish {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "direct" => Ok(Self::Direct),
            "whip" => Ok(Self::Whip),
            _ => Err(format!("`{text}`: use `direct` or `whip`")),
        }
    }
}

/// When to print the QR code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum QrMode {
    /// When somebody is looking.
    Auto,
    /// Also into a pipe or file.
    Always,
    /// Not at all.
    Never,
}

impl FromStr for QrMode {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "auto" => Ok(Self::Auto),
            "always" => Ok(Self::Always),
            "never" => Ok(Self::Never),
            _ => Err(format!("`{text}`: use `auto`, `always` or `never`")),
        }
    }
}

/// A text that stays out of logs.
#[derive(Clone, serde::Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    /// The text itself, for the one place that sends it.
    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}

impl FromStr for Secret {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// `stun:host:port`, or `turn:user:password@host:port` as on the command lines of other tools.
fn parse_ice_server(text: &str) -> Result<IceServer, String> {
    let parse = || {
        let (scheme, rest) = text.split_once(':')?;
        let Some((user, host)) = rest.rsplit_once('@') else {
            return Some((text.to_owned(), None));
        };
        let (username, password) = user.split_once(':')?;
        let credential = IceServerCredential {
            username: username.to_owned(),
            password: password.to_owned(),
        };
        Some((format!("{scheme}:{host}"), Some(credential)))
    };
    let (url, credential) = parse().ok_or("not stun:host:port or turn:user:password@host:port")?;
    IceServer::new(&url, credential).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(
        arguments: &[&str],
        environment: &[(&str, &str)],
        file: &str,
    ) -> Result<Config, String> {
        Config::conf_builder()
            .args(std::iter::once("sightline-camera").chain(arguments.iter().copied()))
            .env(environment.iter().copied())
            .doc("camera.toml", file.parse::<toml::Table>().unwrap())
            .try_parse()
            .map_err(|error| error.to_string())
    }

    #[test]
    fn the_defaults_are_720p30_at_2500_kbits() {
        let config = read(&[], &[], "").unwrap();
        assert_eq!(config.format().size.to_string(), "1280x720");
        assert_eq!((config.fps, config.kbits()), (30, 2500));
        assert_eq!(config.source, Source::Auto);
        assert_eq!(config.publish, Publish::Direct);
    }

    #[test]
    fn arguments_win_over_environment_and_environment_over_file() {
        let file = "size = \"320x240\"\nfps = 10\ncodec = \"vp8\"\nice_server = [\"stun:a:1\"]";
        let environment = [
            ("SIGHTLINE_CAMERA_SIZE", "640x480"),
            ("SIGHTLINE_CAMERA_FPS", "15"),
        ];
        let config = read(&["--size", "800x600"], &environment, file).unwrap();
        assert_eq!(config.size.to_string(), "800x600");
        assert_eq!(config.fps, 15);
        assert_eq!(config.codec, Codec::Vp8);
        assert_eq!(config.ice_server.len(), 1);
    }

    #[test]
    fn every_mistake_is_reported_at_once() {
        let error = read(&["--size", "big", "--codec", "av9"], &[], "").unwrap_err();
        assert!(
            error.contains("`big` is no size") && error.contains("`av9` is no codec"),
            "{error}"
        );
        assert!(
            read(&[], &[], "bitrat = 3").is_err(),
            "a misspelt option must not pass"
        );
    }

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

    #[test]
    fn ice_servers_carry_their_credentials() {
        let turn =
            parse_ice_server("turn:ann:s3c:ret@turn.example.net:3478?transport=tcp").unwrap();
        assert_eq!(turn.url, "turn:turn.example.net:3478?transport=tcp");
        assert_eq!(turn.credential.unwrap().password, "s3c:ret");
        assert!(parse_ice_server("stun:stun.example.net:3478").is_ok());
        for text in ["turn:host:3478", "turn:ann@host", "http://host", "host"] {
            assert!(parse_ice_server(text).is_err(), "{text}");
        }
    }

    #[test]
    fn the_token_stays_out_of_logs() {
        let config = read(&[], &[("SIGHTLINE_CAMERA_TOKEN", "hush")], "").unwrap();
        assert!(!format!("{config:?}").contains("hush"));
    }
}
