//! All options: the only reader of arguments, environment and configuration file.

use std::{net::SocketAddr, path::PathBuf};

use conf::Conf;
use reqwest::Url;
use sightline_spec::{ice_server::IceServer, name::CameraName, room::RoomId, token::Admission};

use crate::{
    audio::Audio,
    capacity::Capacity,
    command::Command,
    encoder::{Codec, EncoderKind, candidates},
    format::{Format, Size},
    option::{QrMode, Secret},
    source::Source,
    token::Token,
    trust::{Pin, Trust},
};

/// The TLS library complains of every attempt; we say it once, and what to do.
const DEFAULT_LOG: &str = "info,rustls_platform_verifier=off";

/// Puts a camera on the web: anyone with the link watches it in a browser.
///
/// Without options it shows the webcam (or a test picture where there is none) in a room of its
/// own on the gateway at http://127.0.0.1:8080, and prints the link and its QR code.
///
/// Every option can also stand in the environment (SIGHTLINE_CAMERA_SIZE=…) or in a TOML file
/// (--config FILE, `size = "1280x720"`). Arguments win over environment, environment over file.
/// Options may stand before a command or behind it.
#[derive(Conf, Debug)]
#[conf(
    serde,
    version,
    name = "sightline-camera",
    env_prefix = "SIGHTLINE_CAMERA_",
    validation_predicate = agrees_with_itself
)]
pub struct Config {
    /// A TOML file with any of these options.
    #[conf(long, env, serde(skip))]
    pub config: Option<PathBuf>,

    /// The gateway.
    #[conf(
        long,
        env,
        default_value = "http://127.0.0.1:8080",
        serde(use_value_parser)
    )]
    pub gateway: Url,

    /// Trust the authorities in this PEM file to sign the gateway's certificate, instead of those
    /// that the system trusts.
    #[conf(long, env)]
    pub ca: Option<PathBuf>,

    /// Trust this certificate of the gateway and no other: sha256:HEX, as a gateway with a
    /// self-signed one prints it at its start.
    #[conf(long, env, serde(use_value_parser))]
    pub pin: Option<Pin>,

    /// The room's name, where the gateway has open rooms, or a token for this one, which then
    /// is SIGHTLINE_CAMERA_TOKEN. Default: a room of the camera's own, named by its key, in which
    /// nobody else can publish.
    #[conf(long, env)]
    pub room: Option<RoomId>,

    /// What the camera is called, as viewers read it: one line of up to 64 characters. In a room of
    /// the camera's own it is signed, so that nobody in between can change it.
    #[conf(long, env, serde(use_value_parser))]
    pub name: Option<CameraName>,

    /// The camera's key, made at the first start. Whoever has this file is the camera.
    /// Default: ~/.config/sightline/camera.key
    #[conf(long, env)]
    pub key_file: Option<PathBuf>,

    /// What to show: auto, test, v4l2[:/dev/videoN], libcamera, screen, a network camera
    /// (rtsp://user:password@host/path), a file (looped), or any gst-launch text that ends in raw
    /// video (recognised by a `!` or the prefix `gst:`). A network camera's H.264 or H.265 is
    /// passed on as it is, with its sound, and a webcam's H.264, unless --codec or --encoder says
    /// otherwise. A password is better in SIGHTLINE_CAMERA_SOURCE or the file: everyone on the
    /// machine can read arguments.
    #[conf(long, env, default_value = "auto", serde(use_value_parser))]
    pub source: Source,

    /// What is heard: auto, off, test (a tone), alsa[:DEVICE], pulse[:SOURCE], pipewire[:NODE], or any
    /// gst-launch text that ends in raw audio. auto takes the camera's own microphone, else the
    /// default one; without one there is no sound. What is no camera of this machine (test picture,
    /// film, screen, gst-launch text) has no sound by auto.
    #[conf(long, env, default_value = "auto", serde(use_value_parser))]
    pub audio: Audio,

    /// Width and height of the picture.
    #[conf(long, env, default_value = "1280x720", serde(use_value_parser))]
    pub size: Size,

    /// Pictures per second, 1 to 120.
    #[conf(long, env, default_value = "30")]
    pub fps: u32,

    /// Kilobits per second of video. Default: fits size and fps (2500 for 1280x720 at 30).
    #[conf(long, env)]
    pub bitrate: Option<u32>,

    /// h264, vp8, vp9 or av1, and no other. Default: h264, where there is an encoder for it, and vp8
    /// besides, while somebody watches who cannot decode h264.
    #[conf(long, env, serde(use_value_parser))]
    pub codec: Option<Codec>,

    /// The encoder to try before all others, by its GStreamer element: v4l2h264enc, vah264enc,
    /// vah264lpenc, vaapih264enc, nvh264enc, mpph264enc, x264enc, openh264enc, vp8enc, vp9enc,
    /// svtav1enc, av1enc. Default: the first of them that encodes a few frames as it should. One that
    /// fails later gives way to the next.
    #[conf(long, env, serde(use_value_parser))]
    pub encoder: Option<EncoderKind>,

    /// STUN or TURN server, besides those the gateway names: stun:host:port or
    /// turn:user:password@host:port. Repeatable.
    #[conf(repeat, long, env, serde(use_value_parser))]
    pub ice_server: Vec<IceServer>,

    /// How many may watch at once, straight from this camera. For more, and for players that
    /// cannot watch that way, the gateway's relay takes one further stream and distributes it.
    #[conf(long, env, default_value = "8")]
    pub max_viewers: u32,

    /// Send to viewers only, never to the gateway's relay: whoever cannot be reached directly
    /// sees nothing, and the gateway never gets the pictures.
    #[conf(long, env)]
    pub direct_only: bool,

    /// Show pictures only to who has a private link (sightline-camera share --private). Not even
    /// the gateway can watch then, so it cannot relay either: this implies --direct-only.
    #[conf(long, env)]
    pub private: bool,

    /// Have the gateway let in only who has a ticket (sightline-camera share) besides the link.
    #[conf(long, env)]
    pub tickets: bool,

    /// Bearer token, where a server asks for one: for publish, or for a --room with a name.
    /// A room of the camera's own has its key for that. Not an argument, since everyone on the
    /// machine can read those.
    #[conf(env, secret)]
    pub token: Option<Secret>,

    /// A file with that token, which is read for each request: for tokens that expire.
    #[conf(long, env)]
    pub token_file: Option<PathBuf>,

    /// Log statistics every so many seconds while somebody watches; 0 for never. Default: 2, and
    /// never where the log goes to a terminal, which has a status line instead.
    #[conf(long, env)]
    pub stats: Option<u64>,

    /// Answer Prometheus at this address and port, as 127.0.0.1:9091, path /metrics. Plain HTTP that
    /// asks for no token: keep it on loopback or in a network of your own.
    #[conf(long, env)]
    pub metrics_listen: Option<SocketAddr>,

    /// What to log, on standard error: error, warn, info, debug, or a filter such as
    /// sightline_camera=debug. SIGHTLINE_LOG works too. Default: info
    #[conf(long, env)]
    pub log: Option<String>,

    /// The link as a QR code: auto (on a terminal), always or never.
    #[conf(long, env, default_value = "auto", serde(use_value_parser))]
    pub qr: QrMode,

    /// What to do instead of running the camera.
    #[conf(subcommands, serde(skip))]
    pub command: Option<Command>,
}

fn agrees_with_itself(config: &Config) -> Result<(), &'static str> {
    let elsewhere = matches!(config.command, Some(Command::Publish(_)));
    if (config.direct_only || config.private) && elsewhere {
        return Err("--direct-only and --private forbid what publish is: media by way of a server");
    }
    if config.pin.is_some() && config.ca.is_some() {
        return Err("--pin and --ca exclude each other: one certificate, or whom --ca trusts");
    }
    if (config.pin.is_some() || config.ca.is_some()) && elsewhere {
        return Err("--pin and --ca are for gateways, not for publish");
    }
    // What `view` is told is the gateway of its link.
    let views = matches!(config.command, Some(Command::View(_)));
    let is_plain = !views && config.gateway.scheme() != "https";
    if (config.pin.is_some() || config.ca.is_some()) && is_plain {
        return Err("--pin and --ca need a --gateway that begins with https:");
    }
    if config.token.is_some() && config.token_file.is_some() {
        return Err("SIGHTLINE_CAMERA_TOKEN and --token-file exclude each other");
    }
    if let (Some(codec), Some(encoder)) = (config.codec, config.encoder)
        && codec != encoder.codec
    {
        return Err("--encoder is one of another codec than --codec");
    }
    if config.private && config.room.is_some() {
        return Err("--private needs the camera's own room, which is its key: leave out --room");
    }
    if config.tickets && (elsewhere || config.room.is_some()) {
        return Err("--tickets needs the camera's own room, whose key signs them");
    }
    Ok(())
}

impl Config {
    /// Reads arguments, environment and, where named, the TOML file; explains itself and exits
    /// where they are wrong or `--help` is asked for.
    pub fn read() -> Self {
        let arguments = Command::after_options(std::env::args_os());
        let Some(path) = config_file() else {
            return Self::conf_builder().args(arguments).parse();
        };
        let document = std::fs::read_to_string(&path)
            .map_err(|error| error.to_string())
            .and_then(|text| {
                text.parse::<toml::Table>()
                    .map_err(|error| error.to_string())
            });
        match document {
            Ok(document) => Self::conf_builder()
                .args(arguments)
                .doc(path.display().to_string(), document)
                .parse(),
            Err(error) => {
                eprintln!("cannot read the configuration {}: {error}", path.display());
                std::process::exit(2)
            }
        }
    }

    /// What to log; for all programs of Sightline together there is `SIGHTLINE_LOG`.
    pub fn log_filter(&self) -> String {
        let common = || std::env::var("SIGHTLINE_LOG").ok();
        self.log
            .clone()
            .or_else(common)
            .unwrap_or_else(|| DEFAULT_LOG.to_owned())
    }

    /// Whom the camera serves.
    pub fn capacity(&self) -> Capacity {
        Capacity {
            viewers: self.max_viewers,
            direct_only: self.direct_only || self.private,
        }
    }

    /// Which gateway is the right one.
    pub fn trust(&self) -> Trust {
        match (&self.pin, &self.ca) {
            (Some(pin), _) => Trust::Pinned(*pin),
            (None, Some(path)) => Trust::Authority(path.clone()),
            (None, None) => Trust::System,
        }
    }

    /// The token that a server may ask for.
    pub fn token(&self) -> Option<Token> {
        let file = self.token_file.clone().map(Token::File);
        self.token.clone().map(Token::Fixed).or(file)
    }

    /// Whom the gateway is to let watch.
    pub fn admission(&self) -> Admission {
        match self.tickets {
            true => Admission::Ticket,
            false => Admission::Link,
        }
    }

    /// Size and rate of the picture.
    pub fn format(&self) -> Format {
        Format {
            size: self.size,
            fps: self.fps.clamp(1, 120),
        }
    }

    /// Which encoders to try, in this order.
    pub fn encoders(&self) -> Vec<EncoderKind> {
        candidates(self.codec, self.encoder)
    }

    /// Those for viewers that cannot take what the first of the others makes.
    pub fn second_encoders(&self) -> Vec<EncoderKind> {
        match self.codec {
            Some(_) => Vec::new(),
            None => candidates(Some(Codec::Vp8), None),
        }
    }

    /// Whether what the source has encoded by itself is passed on.
    pub fn passes(&self) -> bool {
        self.encoder.is_none() && self.codec.is_none_or(|codec| codec == Codec::H264)
    }

    /// Kilobits per second, chosen or fitting.
    pub fn kbits(&self) -> u32 {
        self.bitrate
            .unwrap_or_else(|| self.format().fitting_kbits())
    }
}

/// `--config FILE` has to be known before the options are read, since it is one of their sources.
fn config_file() -> Option<PathBuf> {
    conf::find_parameter("config", std::env::args_os())
        .or_else(|| std::env::var_os("SIGHTLINE_CAMERA_CONFIG"))
        .map(PathBuf::from)
}

#[cfg(test)]
mod tests;
