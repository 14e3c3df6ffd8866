//! The log: what was asked for, but for what could tell secrets.

use std::io;

use anyhow::Context;
use tracing::{Level, Metadata};
use tracing_subscriber::filter::{EnvFilter, filter_fn};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

/// Whose debug and trace lines we know: our own, and requests by method and route.
const KNOWN: [&str; 2] = ["sightline", "tower_http::trace"];

/// Logs to standard error from now on.
pub(crate) fn start(filter: &str) -> anyhow::Result<()> {
    let wanted = EnvFilter::try_new(filter).context("in --log")?;
    tracing_subscriber::registry()
        .with(wanted)
        .with(filter_fn(may_be_told))
        .with(tracing_subscriber::fmt::layer().with_writer(io::stderr))
        .init();
    Ok(())
}

/// Libraries print what they carry: str0m the passwords of ICE at debug, others header
/// fields at trace, and the next version of any of them something new. So they tell what
/// is worth an operator's attention, and no more, whatever was asked for.
fn may_be_told(of: &Metadata<'_>) -> bool {
    let is_known = KNOWN.iter().any(|start| of.target().starts_with(start));
    *of.level() <= Level::INFO || is_known
}
