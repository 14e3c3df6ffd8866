//! Figures for people, and the same for programs.

use std::fmt;
use std::time::Duration;

use serde::Serialize;

/// What was measured.
pub(crate) trait Figures: Serialize {
    /// What it is, and how much.
    fn rows(&self) -> Vec<(&'static str, String)>;
}

/// Prints figures as a table, or as one line of JSON.
pub(crate) fn print(figures: &impl Figures, json: bool) -> anyhow::Result<()> {
    if json {
        println!("{}", serde_json::to_string(figures)?);
        return Ok(());
    }
    let rows = figures.rows();
    let width = rows.iter().map(|(what, _)| what.len()).max().unwrap_or(0);
    for (what, figure) in rows {
        println!("{what:width$}  {figure}");
    }
    Ok(())
}

/// To so many decimals, so that the JSON has no digits that mean nothing.
pub(crate) fn round(figure: f64, decimals: i32) -> f64 {
    let scale = 10f64.powi(decimals);
    (figure * scale).round() / scale
}

/// How long something took that was done many times.
#[derive(Serialize)]
pub(crate) struct Latency {
    median_milliseconds: f64,
    p99_milliseconds: f64,
}

impl Latency {
    pub(crate) fn new(median: Duration, p99: Duration) -> Self {
        let milliseconds = |time: Duration| round(time.as_secs_f64() * 1e3, 3);
        Self {
            median_milliseconds: milliseconds(median),
            p99_milliseconds: milliseconds(p99),
        }
    }

    pub(crate) fn of(mut times: Vec<Duration>) -> Self {
        times.sort_unstable();
        let at = |part: f64| {
            let index = (times.len() as f64 * part) as usize;
            let time = times.get(index.min(times.len().saturating_sub(1)));
            time.copied().unwrap_or_default()
        };
        Self::new(at(0.5), at(0.99))
    }
}

impl fmt::Display for Latency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            median_milliseconds: median,
            p99_milliseconds: p99,
        } = self;
        write!(f, "median {median} ms, 99 % within {p99} ms")
    }
}
