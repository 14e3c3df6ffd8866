//! The gateway: pairs cameras and viewers over WHIP and WHEP, and stays out of the
//! media path. `docs/architecture.md` is the map.

mod app;
mod auth;
mod config;
mod error;
mod events;
mod http;
mod ice_servers;
mod relay;
mod rendezvous;
mod room;
mod serve;
mod session;

use anyhow::Context as _;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::EnvFilter;

use app::App;
use config::{Config, Switch};
use relay::Relay;
use rendezvous::Rendezvous;
use serve::ConnectionLimits;

/// Handshakes come in crowds and leave holes, which the system's allocator keeps
/// (`docs/decisions/allocator.md`).
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let config = Config::read()?;
    let filter = EnvFilter::try_new(&config.log).context("in --log")?;
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .init();
    // Every camera and viewer that waits is an open socket.
    if let Err(error) = rlimit::increase_nofile_limit(rlimit::INFINITY) {
        tracing::warn!(%error, "the limit of open files stays low");
    }

    let rendezvous = Rendezvous::new(config.bounds());
    let listener = TcpListener::bind(config.listen)
        .await
        .with_context(|| format!("cannot listen on {}", config.listen))?;
    let address = listener.local_addr()?;
    let relay = match config.relay {
        Switch::On => Some(Relay::start(
            &config.media_ports(),
            config.relay_limits(),
            rendezvous.clone(),
        )?),
        Switch::Off => None,
    };
    let context = context(&config, rendezvous.clone(), relay.clone());
    let router = http::router(context, config.player_dir);
    let limits = ConnectionLimits {
        header_timeout: config.waits.header_timeout,
        connections: config.limits.max_connections,
    };
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let stop = async {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        tracing::info!("ending what is held, then stopping");
    };
    let close = || {
        rendezvous.close();
        relay.iter().for_each(Relay::close);
    };
    println!("listening on http://{address}");
    tokio::select! {
        () = rendezvous.run() => {}
        () = serve::serve(listener, router, limits, stop, close) => {}
    }
    Ok(())
}

fn context(config: &Config, rendezvous: Rendezvous, relay: Option<Relay>) -> http::Context {
    let app = App {
        rendezvous,
        relay,
        authority: config.authority(),
        ice_servers: config.ice_servers(),
        waits: config.waits(),
        strict: config.strict,
    };
    http::Context {
        app,
        max_body: config.limits.max_body,
        body_timeout: config.waits.body_timeout,
    }
}
