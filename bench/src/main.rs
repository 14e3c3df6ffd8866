//! The gateway's figures: what a waiting camera costs, what a pairing, and what a packet
//! that is relayed.
//!
//! Starts the real gateway process, talks to it over loopback, and reads what the kernel
//! says of its memory and CPU time: those can be trusted on a busy machine, wall time cannot.

mod client;
mod gateway;
mod limit;
mod media;
mod pairings;
mod party;
mod process;
mod relay;
mod report;
mod signaling;
mod soak;
mod sockets;
mod stage;
mod waiting;

use std::path::PathBuf;

use conf::{Conf, Subcommands};

/// Measures the gateway.
#[derive(Conf, Debug)]
#[conf(name = "sightline-bench", version)]
struct Options {
    #[conf(subcommands)]
    command: Command,
}

/// What to measure.
#[derive(Subcommands, Debug)]
enum Command {
    /// What cameras cost that wait for a viewer.
    Waiting(WaitingOptions),
    /// How fast cameras and viewers can meet, and what each meeting costs.
    Pairings(PairingsOptions),
    /// What it costs to relay one camera's media to many viewers.
    Relay(RelayOptions),
    /// What one packet costs this machine at least: encryption, and its share of a system call.
    Limit(LimitOptions),
    /// Whether exchanges that are broken off leave anything behind: fails if they do.
    Soak(SoakOptions),
}

/// What every measurement wants to know.
#[derive(Conf, Debug)]
struct CommonOptions {
    /// The gateway's program. Default: beside this one.
    #[arg(long)]
    gateway_bin: Option<PathBuf>,

    /// Use rooms with a name, where nobody needs a token, instead of rooms that are a key.
    #[arg(long)]
    named_rooms: bool,

    /// Print one line of JSON instead of a table.
    #[arg(long)]
    json: bool,
}

#[derive(Conf, Debug)]
struct WaitingOptions {
    #[conf(flatten)]
    common: CommonOptions,

    /// How many cameras wait, each in its own room and on its own connection.
    #[arg(long, default_value = "10000")]
    cameras: usize,

    /// How long to watch the gateway do nothing.
    #[arg(long, default_value = "10")]
    idle_seconds: u64,
}

#[derive(Conf, Debug)]
struct PairingsOptions {
    #[conf(flatten)]
    common: CommonOptions,

    /// How long to pair.
    #[arg(long, default_value = "10")]
    seconds: u64,

    /// How many cameras and as many viewers meet at the same time.
    #[arg(long, default_value = "64")]
    concurrency: usize,
}

#[derive(Conf, Debug)]
struct LimitOptions {
    /// How many viewers, each with a key of its own.
    #[arg(long, default_value = "50")]
    viewers: usize,

    /// How long a packet is, in bytes.
    #[arg(long, default_value = "1200")]
    packet_bytes: usize,

    /// How many packets are sent in one system call (UDP GSO).
    #[arg(long, default_value = "9")]
    run: usize,

    /// How long to measure.
    #[arg(long, default_value = "5")]
    seconds: u64,

    /// Print one line of JSON instead of a table.
    #[arg(long)]
    json: bool,
}

#[derive(Conf, Debug)]
struct SoakOptions {
    #[conf(flatten)]
    common: CommonOptions,

    /// How many exchanges, a fifth of them to warm up.
    #[arg(long, default_value = "100000")]
    exchanges: usize,
}

#[derive(Conf, Debug)]
struct RelayOptions {
    #[conf(flatten)]
    common: CommonOptions,

    /// How many viewers watch.
    #[arg(long, default_value = "50")]
    viewers: usize,

    /// Bits per second of the video, such as 800k or 2.5M.
    #[arg(long, default_value = "2.5M", value_parser = relay::bits_per_second)]
    bitrate: u64,

    /// Publish sound as well: Opus, 64 kbit/s.
    #[arg(long)]
    sound: bool,

    /// Publish simulcast: layers of a quarter and a sixteenth of the bitrate as well.
    ///
    /// Each viewer has one of them, by its link, which is measured. What is lost on the way
    /// cannot be told then.
    #[arg(long)]
    simulcast: bool,

    /// Have the server's kernel cut up runs of packets that are sent together.
    ///
    /// Between processes of one machine it can hand over a whole run (UDP GRO); a network
    /// card that cannot cut it up makes this work for the kernel.
    #[arg(long)]
    cut_up_runs: bool,

    /// How long to measure.
    #[arg(long, default_value = "10")]
    seconds: u64,

    /// How many threads of the gateway carry media. Default: what it does by itself.
    #[arg(long)]
    media_workers: Option<usize>,

    /// Measure another server: where to publish (http only). Needs --whep and --pid.
    #[arg(long)]
    whip: Option<String>,

    /// … where to watch.
    #[arg(long)]
    whep: Option<String>,

    /// … and the id of its process.
    #[arg(long)]
    pid: Option<u32>,

    /// The bearer token that it wants.
    #[arg(long)]
    token: Option<String>,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    match Options::parse().command {
        Command::Waiting(options) => {
            let json = options.common.json;
            report::print(&waiting::measure(&options).await?, json)
        }
        Command::Pairings(options) => {
            let json = options.common.json;
            report::print(&pairings::measure(&options).await?, json)
        }
        Command::Relay(options) => {
            let json = options.common.json;
            report::print(&relay::measure(&options).await?, json)
        }
        Command::Limit(options) => report::print(&limit::measure(&options)?, options.json),
        Command::Soak(options) => {
            let json = options.common.json;
            report::print(&soak::measure(&options).await?, json)
        }
    }
}
