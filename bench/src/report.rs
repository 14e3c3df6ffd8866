//! Figures for people, and the same for programs.

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
