//! What is said while somebody watches: on standard output, or standard error where that is taken.

use std::{
    io::Write,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Instant,
};

use sightline_spec::{name::CameraName, room::RoomId};

use super::{demands::Standing, flow::Counts, whep::Way};
use crate::stats::status_line::StatusLine;

/// How often the status line says other figures.
const PERIOD: f64 = 1.0;

/// Says things once, and the status line all the time.
#[derive(Debug)]
pub(crate) struct Words {
    status: StatusLine,
    room: RoomId,
    /// Standard output is for the picture.
    is_piped: bool,
    said: Mutex<Said>,
}

#[derive(Debug, Default)]
struct Said {
    state: String,
    is_live: bool,
    viewers: Option<usize>,
    /// When the figures were last said, and what had come until then.
    before: Option<(Instant, Counts)>,
}

impl Words {
    pub(crate) fn new(status: StatusLine, room: RoomId, is_piped: bool) -> Self {
        Self {
            status,
            room,
            is_piped,
            said: Mutex::default(),
        }
    }

    /// How things are, if that is news.
    pub(crate) fn state(&self, words: &str) {
        let mut said = self.lock();
        said.is_live = false;
        if said.state == words {
            return;
        }
        words.clone_into(&mut said.state);
        drop(said);
        self.print(words);
        self.status.say(words.to_owned());
    }

    /// There is a picture, of whom, and what holds for it.
    pub(crate) fn live(&self, way: Way, standing: Standing, name: Option<&CameraName>) {
        let name = match (name, self.room.key()) {
            (Some(name), _) => name.to_string(),
            (None, Some(_)) => format!("{}…", &self.room.as_str()[..10]),
            (None, None) => self.room.to_string(),
        };
        let words = format!("{name}, {}\n{standing}", way.name());
        self.state(&format!("live: {words}"));
        self.lock().is_live = true;
    }

    /// So many watch the room.
    pub(crate) fn viewers(&self, count: usize) {
        self.lock().viewers = Some(count);
    }

    /// What comes, for the status line.
    pub(crate) fn figures(&self, now: &Counts) {
        let mut said = self.lock();
        let (at, viewers) = (Instant::now(), said.viewers);
        let before = said.before.get_or_insert_with(|| (at, now.clone()));
        let seconds = at.duration_since(before.0).as_secs_f64();
        if seconds < PERIOD {
            return;
        }
        let (_, before) = std::mem::replace(before, (at, now.clone()));
        if !said.is_live {
            return;
        }
        drop(said);
        self.status.say(in_words(&before, now, seconds, viewers));
    }

    fn print(&self, words: &str) {
        self.status.above(|| {
            // A closed output does not keep anybody from watching.
            let _ = match self.is_piped {
                true => writeln!(std::io::stderr().lock(), "{words}"),
                false => {
                    let mut out = std::io::stdout().lock();
                    writeln!(out, "{words}").and_then(|()| out.flush())
                }
            };
        });
    }

    fn lock(&self) -> MutexGuard<'_, Said> {
        self.said.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn in_words(before: &Counts, now: &Counts, seconds: f64, viewers: Option<usize>) -> String {
    // Another session begins at zero.
    let rate = |before: u64, now: u64| now.saturating_sub(before) as f64 / seconds;
    let mut text = "live".to_owned();
    if let Some((width, height)) = now.size {
        text.push_str(&format!(" · {width}x{height}"));
    }
    if let Some(codec) = now.codec {
        let fps = rate(before.pictures, now.pictures);
        text.push_str(&format!(" · {codec} {fps:.0} fps"));
    }
    let kbits = rate(before.bytes, now.bytes) * 8.0 / 1000.0;
    text.push_str(&format!(" · {kbits:.0} kbit/s"));
    if now.sounds == 0 {
        text.push_str(" · no sound");
    }
    match viewers {
        Some(1) => text.push_str(" · 1 viewer"),
        Some(count) => text.push_str(&format!(" · {count} viewers")),
        None => {}
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_status_line_says_what_came_since_it_spoke_last() {
        let before = Counts {
            pictures: 30,
            bytes: 100_000,
            ..Counts::default()
        };
        let now = Counts {
            pictures: 90,
            bytes: 725_000,
            size: Some((1280, 720)),
            codec: Some("H264"),
            ..before.clone()
        };
        let said = in_words(&before, &now, 2.0, Some(2));
        assert_eq!(
            said,
            "live · 1280x720 · H264 30 fps · 2500 kbit/s · no sound · 2 viewers"
        );
    }
}
