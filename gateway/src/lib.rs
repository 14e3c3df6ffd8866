//! The gateway: pairs cameras and viewers over WHIP and WHEP, and stays out of the
//! media path. `docs/architecture.md` is the map.
//!
//! The library exists for its tests and for `fuzz`, and has nothing else to offer but [`run`],
//! which is the whole program but for what a program chooses: `main.rs`.

mod app;
mod auth;
mod census;
mod certificates;
mod config;
mod error;
mod events;
mod http;
mod ice_servers;
mod log;
mod metrics;
mod relaying;
mod rendezvous;
mod room;
mod secret;
mod serve;
mod session;
mod shares;
#[cfg(any(test, feature = "fuzzing"))]
pub mod testing;
mod throttle;

use std::future::pending;
use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::Context as _;
use futures_util::future::OptionFuture;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use app::App;
use certificates::Certificates;
use config::{Config, Switch};
use metrics::Metrics;
use relaying::Relaying;
use rendezvous::Rendezvous;
use serve::{ConnectionLimits, Door, Tls};
use sightline_relay::Events;
use throttle::Throttle;

/// A few people and programs look.
const ADMIN_CONNECTIONS: usize = 32;

/// Is the gateway: reads the options that the process was given, and serves until it is asked
/// to end. Needs a runtime of Tokio with all drivers.
///
/// # Errors
///
/// What it cannot start with, in words for whoever started it.
pub async fn run() -> anyhow::Result<()> {
    let config = Config::read()?;
    log::start(&config.log)?;
    // Every camera and viewer that waits is an open socket.
    if let Err(error) = rlimit::increase_nofile_limit(rlimit::INFINITY) {
        tracing::warn!(%error, "the limit of open files stays low");
    }

    // For the libraries that ask the process, such as the client of ACME.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    serve(config).await
}

/// Serves until the process is asked to end.
async fn serve(config: Config) -> anyhow::Result<()> {
    let rendezvous = Rendezvous::new(config.bounds());
    let listener = listen(config.listen).await?;
    let address = listener.local_addr()?;
    let certificates = config.tls.source()?.map(Certificates::open).transpose()?;
    let tls = certificates.as_ref().map(|kept| Tls::new(kept.resolver()));
    let tls = tls.transpose()?;
    let names = certificates.as_ref().map(Certificates::names);
    let redirect = redirect(&config, names.unwrap_or_default(), address).await?;
    let relaying = match config.relay {
        Switch::On => Some(Relaying::start(
            &config.media_ports(),
            &config.relaying_limits(),
            rendezvous.clone(),
        )?),
        Switch::Off => None,
    };
    let (relay, events) = relaying.unzip();
    let context = Arc::new(context(&config, rendezvous.clone(), relay.clone()));
    let admin = serve_admin(&config, context.clone()).await?;
    let limits = config.connection_limits();
    let door = Door {
        listener,
        tls,
        router: http::router(context, config.player_dir),
    };
    let stop = CancellationToken::new();
    let close = || {
        rendezvous.close();
        relay.iter().for_each(Relaying::close);
    };
    announce(address, certificates.as_ref());
    let stopping = stopping(&stop)?;
    let serving = async {
        tokio::join!(
            stopping,
            serve::serve(door, &limits, stop.cancelled(), close),
            OptionFuture::from(redirect.map(|door| serve::serve(
                door,
                &limits,
                stop.cancelled(),
                || {}
            ))),
        );
        if let Some(relay) = &relay {
            relay.closed().await;
        }
    };
    tokio::select! {
        () = rendezvous.run() => {}
        () = run_relay(relay.as_ref().zip(events)) => {}
        () = Certificates::keep(certificates.as_ref()) => {}
        () = serving => {}
        () = admin => {}
    }
    Ok(())
}

/// Does what the relay's events call for, for ever.
async fn run_relay(started: Option<(&Relaying, Events)>) {
    match started {
        Some((relaying, events)) => relaying.run(events).await,
        None => pending().await,
    }
}

/// Says where the gateway is: programs that start one read this.
fn announce(address: SocketAddr, certificates: Option<&Certificates>) {
    match certificates {
        None => println!("listening on http://{address}"),
        Some(certificates) => {
            let pin = certificates.pin();
            let pin = pin.map(|pin| format!("\ncertificate {pin}"));
            println!("listening on https://{address}{}", pin.unwrap_or_default());
        }
    }
}

/// Where plain HTTP is sent on to HTTPS, which is at `https` and has a certificate for `names`.
async fn redirect(
    config: &Config,
    names: Vec<String>,
    https: SocketAddr,
) -> anyhow::Result<Option<Door>> {
    let Some(address) = config.tls.redirect_listen else {
        return Ok(None);
    };
    Ok(Some(Door {
        listener: listen(address).await?,
        tls: None,
        router: http::redirect(config.https(names, https.port())),
    }))
}

async fn listen(address: SocketAddr) -> anyhow::Result<TcpListener> {
    let listener = TcpListener::bind(address).await;
    listener.with_context(|| format!("cannot listen on {address}"))
}

/// Cancels `stop` when the process is asked to end.
fn stopping(stop: &CancellationToken) -> anyhow::Result<impl Future<Output = ()>> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        tracing::info!("ending what is held, then stopping");
        stop.cancel();
    })
}

/// Serves the administrator until the process ends, if one is wanted.
async fn serve_admin(
    config: &Config,
    context: Arc<http::Context>,
) -> anyhow::Result<impl Future<Output = ()> + use<>> {
    let interface = match config.admin.interface() {
        Some((address, token)) => {
            let listener = listen(address).await?;
            println!("administration on http://{}", listener.local_addr()?);
            let router = http::admin::router(context, token);
            Some(Door {
                listener,
                tls: None,
                router,
            })
        }
        None => None,
    };
    let limits = ConnectionLimits {
        connections: ADMIN_CONNECTIONS,
        ..config.connection_limits()
    };
    Ok(async move {
        match interface {
            // It still tells while the gateway shuts down.
            Some(door) => serve::serve(door, &limits, pending(), || {}).await,
            None => pending().await,
        }
    })
}

fn context(config: &Config, rendezvous: Rendezvous, relay: Option<Relaying>) -> http::Context {
    let metrics = Metrics::new(
        rendezvous.clone(),
        relay.clone(),
        config.admin.assumed_bitrate,
    );
    let app = App {
        rendezvous,
        relay,
        metrics,
        authority: config.authority(),
        ice_servers: config.ice_servers(),
        waits: config.waits(),
        strict: config.strict,
        throttle: Throttle::new(config.throttle.rates()),
    };
    http::Context {
        app,
        proxies: config.proxies(),
        max_body: config.limits.max_body,
        body_timeout: config.waits.body_timeout,
    }
}
