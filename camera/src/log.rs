//! The log: what was asked for, but for what could tell secrets.

use std::io::{self, IsTerminal};

use crate::stats::status_line::StatusLine;

use tracing::{Level, Metadata};
use tracing_subscriber::{
    filter::{EnvFilter, filter_fn},
    layer::SubscriberExt,
    util::SubscriberInitExt,
};

/// Logs to standard error from now on, above the status line if there is one.
pub fn start(filter: &str, status: StatusLine) {
    let layer = tracing_subscriber::fmt::layer()
        .with_writer(status)
        .with_ansi(io::stderr().is_terminal());
    tracing_subscriber::registry()
        .with(EnvFilter::new(filter))
        .with(filter_fn(may_be_told))
        .with(layer)
        .init();
}

/// Libraries print what they carry, header fields with tokens among it. So they tell what is
/// worth a person's attention, and no more, whatever was asked for.
fn may_be_told(of: &Metadata<'_>) -> bool {
    *of.level() <= Level::INFO || of.target().starts_with("sightline")
}

/// A text without the users and passwords of the URLs in it: a source's address may have them,
/// and GStreamer repeats it when something is wrong.
pub(crate) fn without_passwords(text: &str) -> String {
    let mut parts = text.split("://");
    let mut safe = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let end = part.find(|c: char| c == '/' || c.is_whitespace());
        let authority = &part[..end.unwrap_or(part.len())];
        let host = authority.rfind('@').map_or(0, |at| at + 1);
        safe.push_str("://");
        safe.push_str(&part[host..]);
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::without_passwords;

    #[test]
    fn urls_lose_their_passwords_and_nothing_else() {
        for (text, safe) in [
            ("rtsp://ann:p@ss@cam/1 failed", "rtsp://cam/1 failed"),
            (
                "a http://h:80/x@y and rtsp://u:p@[::1]:5 b",
                "a http://h:80/x@y and rtsp://[::1]:5 b",
            ),
            ("mail to a@b", "mail to a@b"),
            ("rtsp://", "rtsp://"),
            ("", ""),
        ] {
            assert_eq!(without_passwords(text), safe);
        }
    }
}
