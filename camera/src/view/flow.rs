//! What comes, counted: for the status line, and to notice that nothing comes any more.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use super::output::Packet;
use crate::branch::Media;

/// Counts of one session.
#[derive(Debug, Default)]
pub(crate) struct Flow(Mutex<Counts>);

/// What has come so far.
#[derive(Debug, Clone, Default)]
pub(crate) struct Counts {
    pub(crate) pictures: u64,
    pub(crate) sounds: u64,
    pub(crate) bytes: u64,
    /// When the last of each came.
    pub(crate) last_picture: Option<Instant>,
    pub(crate) last_sound: Option<Instant>,
    pub(crate) size: Option<(i32, i32)>,
    pub(crate) codec: Option<&'static str>,
}

impl Counts {
    /// For how long no picture has come, or no sound where there is no picture; nothing if there
    /// never was any.
    pub(crate) fn silence(&self, has_picture: bool) -> Option<Duration> {
        let last = match has_picture {
            true => self.last_picture,
            false => self.last_sound,
        };
        last.map(|last| last.elapsed())
    }
}

impl Flow {
    pub(crate) fn note(&self, packet: &Packet) {
        let mut counts = self.lock();
        counts.bytes += packet.buffer.size() as u64;
        match packet.media() {
            Media::Audio => {
                counts.sounds += 1;
                counts.last_sound = Some(Instant::now());
            }
            Media::Video => {
                counts.pictures += 1;
                counts.last_picture = Some(Instant::now());
                counts.codec = Some(packet.kind.encoding);
                let structure = packet.caps.structure(0);
                let side = |name| structure.and_then(|it| it.get::<i32>(name).ok());
                counts.size = side("width").zip(side("height"));
            }
        }
    }

    /// Another session begins: nothing has come yet.
    pub(crate) fn begin(&self) {
        *self.lock() = Counts::default();
    }

    pub(crate) fn counts(&self) -> Counts {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, Counts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
