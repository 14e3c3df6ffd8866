//! Whichever encoder runs, and the next one when it fails.

use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, Weak,
        atomic::{AtomicU64, Ordering},
        mpsc::{Receiver, RecvTimeoutError, Sender, channel},
    },
    thread,
    time::{Duration, Instant},
};

use super::{
    Choice, EncoderKind,
    output::{Encoded, Output},
    proof::MAY_HOLD,
    running::{Encoding, StartError},
};
use crate::{backoff::Backoff, format::Format};

/// An encoder that is given frames and makes nothing of them is looked at so often before another
/// takes its place: that a machine slept in between is seen only once.
const LOOKS: u32 = 6;
/// The same before the first frame, for which chips set themselves up.
const LOOKS_AT_FIRST: u32 = 18;
const CHIP_LOOKED_AT_EVERY: Duration = Duration::from_millis(80);
/// Software does not hang. It may be kept from running.
const SOFTWARE_LOOKED_AT_EVERY: Duration = Duration::from_secs(1);

/// So many frames wait for an encoder that is behind.
const ROOM: u64 = 2;

/// One that ran for so long did not fail at once.
const LASTED: Duration = Duration::from_secs(10);

/// Takes frames for ever. Ends when dropped.
#[derive(Debug)]
pub(crate) struct Encoder(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    format: Format,
    output: gst_app::AppSrc,
    counts: Output,
    /// What an encoder makes that has been replaced is nobody's concern: only of this number.
    number: AtomicU64,
    failures: Sender<Failure>,
    /// Guards what is below, and nothing that takes time.
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// None while the next one starts.
    running: Option<Encoding>,
    kbits: u32,
}

/// Which encoder failed, and why.
#[derive(Debug)]
struct Failure {
    number: u64,
    why: String,
}

impl Encoder {
    /// Starts the one that was chosen; what is encoded goes there.
    pub(crate) fn start(choice: Choice, format: Format, kbits: u32, to: gst_app::AppSrc) -> Self {
        let (failures, reported) = channel();
        let shared = Arc::new(Shared {
            format,
            output: to,
            counts: Output::default(),
            number: AtomicU64::new(0),
            failures,
            state: Mutex::new(State {
                running: None,
                kbits,
            }),
        });
        let mut succession = Succession {
            waiting: std::iter::once(choice.kind).chain(choice.behind).collect(),
            backoff: Backoff::new(),
            failed_in_a_row: 0,
        };
        succession.next(&Arc::downgrade(&shared));
        let weak = Arc::downgrade(&shared);
        thread::spawn(move || succession.look_after(&weak, &reported));
        Self(shared)
    }

    /// Encodes this, if there is an encoder at the moment.
    pub(crate) fn push(&self, frame: &gst::Sample) {
        self.0.counts.begin(frame);
        if let Some(running) = &self.0.state().running {
            running.push(frame);
        }
    }

    /// Makes the next frame a keyframe.
    pub(crate) fn force_keyframe(&self) {
        if let Some(running) = &self.0.state().running {
            running.force_keyframe();
        }
    }

    /// How much it may spend from now on.
    pub(crate) fn set_kbits(&self, kbits: u32) {
        let mut state = self.0.state();
        state.kbits = kbits;
        if let Some(running) = &state.running {
            running.set_kbits(kbits);
        }
    }

    /// What came out so far.
    pub(crate) fn encoded(&self) -> Encoded {
        self.0.counts.encoded()
    }

    /// Which one runs.
    pub(crate) fn running(&self) -> Option<EncoderKind> {
        self.0.state().running.as_ref().map(|running| running.kind)
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Starts this one as the next.
    fn run(self: &Arc<Self>, kind: EncoderKind) -> Result<(), StartError> {
        let number = self.number.fetch_add(1, Ordering::SeqCst) + 1;
        let (weak, failures) = (Arc::downgrade(self), self.failures.clone());
        let made = move |sample: &gst::Sample| {
            let of_now = |shared: &Arc<Self>| shared.number.load(Ordering::SeqCst) == number;
            if let Some(shared) = weak.upgrade().filter(of_now) {
                shared.counts.end(sample);
                let _ = shared.output.push_sample(sample);
            }
        };
        let failed = move |why| {
            let _ = failures.send(Failure { number, why });
        };
        let kbits = self.state().kbits;
        let running = Encoding::start(kind, (self.format, kbits), ROOM, made, failed)?;
        self.state().running = Some(running);
        Ok(())
    }
}

/// Who follows whom; a thread of its own.
struct Succession {
    /// The first of them runs.
    waiting: VecDeque<EncoderKind>,
    backoff: Backoff,
    failed_in_a_row: usize,
}

impl Succession {
    fn look_after(mut self, shared: &Weak<Shared>, failures: &Receiver<Failure>) {
        let mut started = Instant::now();
        // Frames in, when the last of those out was made.
        let (mut seen, mut silent, mut at_start) = ((0, 0), 0, 0);
        loop {
            let hardware = self.waiting.front().is_some_and(|kind| kind.is_hardware);
            let until = match hardware {
                true => CHIP_LOOKED_AT_EVERY,
                false => SOFTWARE_LOOKED_AT_EVERY,
            };
            let failure = failures.recv_timeout(until);
            let Some(now) = shared.upgrade() else {
                return;
            };
            let why = match failure {
                Ok(Failure { number, .. }) if number != now.number.load(Ordering::SeqCst) => {
                    continue;
                }
                Ok(Failure { why, .. }) => why,
                Err(RecvTimeoutError::Disconnected) => return,
                Err(RecvTimeoutError::Timeout) => {
                    let (frames_in, frames_out) = now.counts.in_and_out();
                    let has_begun = frames_out > at_start;
                    if frames_out != seen.1 {
                        seen = (frames_in, frames_out);
                    }
                    let is_silent = frames_in - seen.0 > MAY_HOLD as u64;
                    silent = if is_silent { silent + 1 } else { 0 };
                    if silent < if has_begun { LOOKS } else { LOOKS_AT_FIRST } {
                        continue;
                    }
                    "it makes nothing of what it is given".to_owned()
                }
            };
            seen = now.counts.in_and_out();
            at_start = seen.1;
            silent = 0;
            drop(now);
            if started.elapsed() > LASTED {
                self.backoff.reset();
                self.failed_in_a_row = 0;
            }
            self.give_way(shared, &why);
            self.next(shared);
            started = Instant::now();
        }
    }

    /// The first goes to the back.
    fn give_way(&mut self, shared: &Weak<Shared>, why: &str) {
        self.failed_in_a_row += 1;
        if let Some(shared) = shared.upgrade() {
            shared.number.fetch_add(1, Ordering::SeqCst);
            let stopped = shared.state().running.take();
            drop(stopped);
        }
        self.waiting.rotate_left(1);
        if let Some(last) = self.waiting.back() {
            tracing::warn!("the encoder {last} failed: {why}");
        }
    }

    /// Starts the first of them that starts.
    fn next(&mut self, shared: &Weak<Shared>) {
        while let (Some(shared_now), Some(kind)) = (shared.upgrade(), self.waiting.front().copied())
        {
            if self.failed_in_a_row >= self.waiting.len() {
                drop(shared_now);
                // All of them have, one after the other.
                thread::sleep(self.backoff.next());
                self.failed_in_a_row = 0;
                continue;
            }
            match shared_now.run(kind) {
                Ok(()) => {
                    if self.failed_in_a_row > 0 {
                        tracing::info!(encoder = kind.element, "encoder: it takes over");
                    }
                    return;
                }
                Err(error) => self.give_way(shared, &error.to_string()),
            }
        }
    }
}
