//! How long things may take: the table `[waits]`.

use std::time::Duration;

use conf::Conf;
use humantime::parse_duration;

/// How long things may take.
#[derive(Conf, Debug)]
#[conf(serde)]
pub struct WaitOptions {
    /// How long a camera's offer waits for a viewer if the camera does not say (Prefer: wait=N).
    #[arg(long, env, default_value = "30s", value_parser = parse_duration, serde(use_value_parser))]
    pub(crate) camera_wait: Duration,

    /// How long a viewer waits for a camera if the viewer does not say.
    #[arg(long, env, default_value = "5s", value_parser = parse_duration, serde(use_value_parser))]
    pub(crate) viewer_wait: Duration,

    /// The longest wait that is granted, whatever a client says.
    #[arg(long, env, default_value = "5m", value_parser = parse_duration, serde(use_value_parser))]
    pub(crate) max_wait: Duration,

    /// How long a viewer has to answer a counter-offer (its valid-until); a second while others
    /// wait.
    #[arg(long, env, default_value = "5s", value_parser = parse_duration, serde(use_value_parser))]
    pub(crate) answer_within: Duration,

    /// How long an event stream may be away before its party is taken for gone.
    #[arg(long, env, default_value = "3s", value_parser = parse_duration, serde(use_value_parser))]
    pub(crate) event_grace: Duration,

    /// How long a direct session lasts without an event stream of either side or a request about
    /// it: its media is not seen here.
    #[arg(long, env, default_value = "30s", value_parser = parse_duration, serde(use_value_parser))]
    pub(crate) session_idle: Duration,

    /// How long a session that has ended still answers 410 instead of 404.
    #[arg(long, env, default_value = "30s", value_parser = parse_duration, serde(use_value_parser))]
    pub(crate) session_linger: Duration,

    /// How long the relay's viewers stay when their publisher has gone.
    #[arg(long, env, default_value = "30s", value_parser = parse_duration, serde(use_value_parser))]
    pub(crate) relay_linger: Duration,

    /// How long a publisher waits for its room while another one has it, which may have gone
    /// without a word: of media that is told after two seconds.
    #[arg(long, env, default_value = "4s", value_parser = parse_duration, serde(use_value_parser))]
    pub(crate) publisher_grace: Duration,

    /// How long a publisher may take to connect to the relay: it has the room meanwhile.
    #[arg(long, env, default_value = "5s", value_parser = parse_duration, serde(use_value_parser))]
    pub(crate) publisher_connect: Duration,

    /// How long a viewer of the relay may take to connect.
    #[arg(long, env, default_value = "15s", value_parser = parse_duration, serde(use_value_parser))]
    pub(crate) media_connect: Duration,

    /// How long a peer of the relay may be silent before it is taken for gone.
    #[arg(long, env, default_value = "15s", value_parser = parse_duration, serde(use_value_parser))]
    pub(crate) media_silence: Duration,

    /// How long the head of a request may take to arrive.
    #[arg(long, env, default_value = "30s", value_parser = parse_duration, serde(use_value_parser))]
    pub(crate) header_timeout: Duration,

    /// How long the body of a request may take to arrive.
    #[arg(long, env, default_value = "10s", value_parser = parse_duration, serde(use_value_parser))]
    pub(crate) body_timeout: Duration,
}
