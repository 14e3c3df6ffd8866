//! One line at the bottom of a terminal that says how things are.

use std::{fmt::Write, io, sync::Arc};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use tokio::sync::watch;
use tracing_subscriber::fmt::MakeWriter;

use super::{Path, Snapshot, in_ms};

/// On standard error, if that is a terminal, from [`StatusLine::show`] to [`StatusLine::hide`].
#[derive(Debug, Clone)]
pub struct StatusLine(ProgressBar);

impl Default for StatusLine {
    fn default() -> Self {
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden());
        // Cut off where the terminal ends.
        Self(
            bar.with_style(
                ProgressStyle::with_template("{wide_msg}")
                    .unwrap_or_else(|_| ProgressStyle::default_bar()),
            ),
        )
    }
}

impl StatusLine {
    /// From now on it is there, if there is a terminal; says whether.
    pub fn show(&self) -> bool {
        self.0.set_draw_target(ProgressDrawTarget::stderr());
        self.0.set_message("starting");
        self.0.tick();
        !self.0.is_hidden()
    }

    /// It is gone.
    pub fn hide(&self) {
        self.0.finish_and_clear();
        self.0.set_draw_target(ProgressDrawTarget::hidden());
    }

    /// Something else is written to the terminal, above the line.
    pub fn above<T>(&self, write: impl FnOnce() -> T) -> T {
        self.0.suspend(write)
    }

    /// Says how things are whenever they have been looked at.
    pub async fn run(self, mut snapshots: watch::Receiver<Arc<Snapshot>>) {
        while snapshots.changed().await.is_ok() {
            let text = in_words(&snapshots.borrow_and_update());
            self.say(text);
        }
    }

    /// Says this from now on.
    pub(crate) fn say(&self, text: String) {
        self.0.set_message(text);
        self.0.tick();
    }
}

/// Log lines go above the status line.
impl<'a> MakeWriter<'a> for StatusLine {
    type Writer = Above<'a>;

    fn make_writer(&'a self) -> Above<'a> {
        Above(self)
    }
}

/// Standard error, above the status line. An event is written at once.
#[derive(Debug)]
pub struct Above<'a>(&'a StatusLine);

impl io::Write for Above<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.above(|| io::stderr().lock().write_all(bytes))?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn in_words(now: &Snapshot) -> String {
    let mut text = match now.viewers.len() {
        0 => "waiting for viewers".to_owned(),
        1 => "1 viewer".to_owned(),
        count => format!("{count} viewers"),
    };
    // Writing to a string does not fail.
    let mut say = |part: std::fmt::Arguments<'_>| {
        let _ = text.write_fmt(part);
    };
    let counts = Path::ALL.map(|path| (path, now.on(path)));
    let on: Vec<_> = counts
        .iter()
        .filter(|(_, count)| *count > 0)
        .map(|(path, count)| format!("{count} {}", path.name()))
        .collect();
    if !on.is_empty() {
        say(format_args!(" ({})", on.join(", ")));
    }
    say(format_args!(" · {:.0} fps in", now.fps_in));
    if !now.viewers.is_empty() {
        say(format_args!(", {:.0} out", now.fps_out));
        say(format_args!(
            " · {:.0} of {} kbit/s",
            now.kbits, now.kbits_wanted
        ));
        say(format_args!(" · loss {:.1} %", now.loss() * 100.0));
        if let Some(round_trip) = now.round_trip() {
            say(format_args!(" · rtt {:.0} ms", in_ms(round_trip)));
        }
        if let Some(time) = now.encoder_time {
            say(format_args!(" · encoder {:.1} ms", in_ms(time)));
        }
    }
    say(format_args!(" · CPU {:.0} %", now.cpu * 100.0));
    if let Some(degrees) = now.temperature {
        say(format_args!(" · {degrees:.0} °C"));
    }
    text
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::stats::Viewer;

    #[test]
    fn what_is_not_known_is_not_said() {
        let mut now = Snapshot {
            fps_in: 30.04,
            cpu: 0.031,
            ..Snapshot::default()
        };
        assert_eq!(in_words(&now), "waiting for viewers · 30 fps in · CPU 3 %");
        let viewer = Viewer {
            number: 1,
            path: Path::Direct,
            kbits: 2500.0,
            loss: 0.02,
            round_trip: Some(Duration::from_micros(12_400)),
            keyframe_requests: 0,
        };
        let relay = Viewer {
            path: Path::Relay,
            loss: 0.0,
            round_trip: None,
            ..viewer.clone()
        };
        now = Snapshot {
            viewers: vec![viewer, relay],
            fps_out: 29.9,
            kbits: 2431.7,
            kbits_wanted: 2500,
            encoder_time: Some(Duration::from_micros(4120)),
            temperature: Some(51.2),
            ..now
        };
        assert_eq!(
            in_words(&now),
            "2 viewers (1 direct, 1 relay) · 30 fps in, 30 out · 2432 of 2500 kbit/s · loss 1.0 % \
             · rtt 12 ms · encoder 4.1 ms · CPU 3 % · 51 °C"
        );
    }
}
