//! What the program can do besides running the camera, with the options of each.

use std::time::Duration;

use conf::{Conf, Subcommands};
use reqwest::Url;
use sightline_spec::token::{Admission, Scope};

use crate::{
    option::{parse_admission, parse_lifetime, parse_scope},
    view::{Destination, WatchLink},
};

/// What the program does instead of showing a camera.
#[derive(Subcommands, Debug)]
#[conf(serde)]
pub enum Command {
    /// Publish to any WHIP server, which distributes the media: one session, by GStreamer's whipsink.
    ///
    /// Source, sound, picture and encoder are what the options say, which may stand before `publish`
    /// or behind it; the token is SIGHTLINE_CAMERA_TOKEN, or in --token-file. When the server ends
    /// the session, restarts or cannot be reached, the camera tries again until it works.
    #[conf(serde(skip))]
    Publish(PublishOptions),
    /// Watch a camera here: in a window, into a file, or into a pipe.
    ///
    /// LINK is what a camera prints and a browser opens; in quotes, since it may have a # in it. The
    /// camera is checked as the watch page does it: of a room that is a key nothing is shown but what
    /// that key has signed, and a private link shows nothing that passes the server. What holds is
    /// said before the first picture: verified, or why not. When the camera or the gateway is gone,
    /// view waits and goes on by itself; Ctrl-C ends it.
    #[conf(serde(skip))]
    View(ViewOptions),
    /// Look at this machine: what is there, what is missing, what to install.
    Doctor,
    /// Show this camera's room, the link to watch it, and the link's QR code.
    #[conf(serde(skip))]
    Key(KeyOptions),
    /// Print a token that lets another program publish in this camera's room.
    ///
    /// OBS, say, takes it as bearer token. With --scope view it is a ticket to watch the room,
    /// which `share` prints as a link.
    #[conf(serde(skip))]
    Token(TokenOptions),
    /// Print a link that lets whoever has it watch for a while, and its QR code.
    ///
    /// There is a ticket in it, which is needed where the camera runs with --tickets. With
    /// --private it is a private link, for a camera that runs with --private.
    #[conf(serde(skip))]
    Share(ShareOptions),
}

/// Where to publish.
#[derive(Conf, Debug)]
pub struct PublishOptions {
    /// The WHIP endpoint.
    #[conf(pos)]
    pub url: Url,
}

/// What to watch, and where to.
#[derive(Conf, Debug)]
pub struct ViewOptions {
    /// The watch link, as https://gateway/watch/ROOM, with all that stands behind its #.
    #[conf(pos)]
    pub link: WatchLink,

    /// A file that ends in .mp4, .mkv or .webm, or - for standard output, as Matroska. What
    /// comes is written as the camera encoded it, never encoded anew: .webm takes cameras that
    /// can send VP8, VP9 or AV1, .mp4 the others and AV1, .mkv all. What cannot go on in one
    /// file (H.264 of another size, say) goes on in FILE-2. Default: a window, and sound.
    #[conf(long)]
    pub output: Option<Destination>,

    /// End after so long: 10s, 5m, 12h.
    #[conf(long = "for", value_parser = parse_lifetime)]
    pub lifetime: Option<Duration>,
}

/// Which gateway a link or a token is for.
#[derive(Conf, Debug)]
pub struct KeyOptions {
    /// The gateway, if not the one that the camera is configured for.
    #[conf(long)]
    pub gateway: Option<Url>,
}

/// What the token is to be.
#[derive(Conf, Debug)]
pub struct TokenOptions {
    /// How long it is good for: 90m, 12h, 365d.
    #[conf(long = "for", default_value = "24h", value_parser = parse_lifetime)]
    pub lifetime: Duration,

    /// What it permits: publish or view.
    #[conf(long, default_value = "publish", value_parser = parse_scope)]
    pub scope: Scope,

    /// Whom the gateway is to let watch what is published with it: link (whoever has the link) or
    /// ticket (whoever has a ticket besides). Default: ticket if --tickets is configured.
    #[conf(long, value_parser = parse_admission)]
    pub view: Option<Admission>,

    /// The gateway, if not the one that the camera is configured for.
    #[conf(long)]
    pub gateway: Option<Url>,
}

/// What the link is to be.
#[derive(Conf, Debug)]
pub struct ShareOptions {
    /// How long it is good for: 90m, 2h, 7d. A private link without it does not expire; another
    /// is good for 24h.
    #[conf(long = "for", value_parser = parse_lifetime)]
    pub lifetime: Option<Duration>,

    /// A private link: not even the gateway can watch. Always so if --private is configured for
    /// the camera.
    #[conf(long)]
    pub private: bool,

    /// The gateway, if not the one that the camera is configured for.
    #[conf(long)]
    pub gateway: Option<Url>,
}
