//! Whether an encoder is as good as it should be: it encodes a few frames.

use std::{
    fmt,
    sync::mpsc::{Receiver, channel},
    time::{Duration, Instant},
};

use gst_video::{VideoFormat, VideoInfo};

use super::{
    kind::EncoderKind,
    running::{Encoding, StartError, is_keyframe},
};
use crate::format::Format;

/// So many frames before a keyframe is asked for, and so many after it.
const BEFORE: usize = 8;
const AFTER: usize = 4;

/// How many frames a chip may have in the works without being given a next one.
pub(super) const MAY_HOLD: usize = 2;

/// Until the first one is there: chips take their time to set themselves up.
const FIRST: Duration = Duration::from_secs(3);

/// What comes later than this after the last one does not come. Machines are busy when they start.
const SILENCE: Duration = Duration::from_secs(1);

/// An encoder that works.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Proof {
    /// What it says of H.264.
    pub(super) profile: Option<String>,
    pub(crate) frames_per_second: f64,
}

/// Why an encoder is not the one to take.
#[derive(Debug)]
pub(crate) enum Refusal {
    Absent(&'static str),
    Start(StartError),
    Failed(String),
    Silent,
    /// It works, but …
    Poor(Fault, Proof),
}

/// What is wrong with an encoder that can be lived with where there is no better one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Fault {
    Holds(usize),
    IgnoresRequests,
    Slow,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Absent(package) => write!(f, "it is not here ({package})"),
            Self::Start(error) => error.fmt(f),
            Self::Failed(why) => write!(f, "it failed: {why}"),
            Self::Silent => f.write_str("it makes nothing of what it is given"),
            Self::Poor(Fault::Holds(frames), _) => write!(f, "it holds back {frames} frames"),
            Self::Poor(Fault::IgnoresRequests, _) => f.write_str("it makes no keyframe on request"),
            Self::Poor(
                Fault::Slow,
                Proof {
                    frames_per_second, ..
                },
            ) => write!(f, "it is too slow: {frames_per_second:.0} frames a second"),
        }
    }
}

enum News {
    Made {
        at: Instant,
        is_keyframe: bool,
        profile: Option<String>,
    },
    Failed(String),
}

/// Has it encode a few frames. Blocks meanwhile, for less than a tenth of a second where all is well.
pub(crate) fn prove(kind: EncoderKind, format: Format, kbits: u32) -> Result<Proof, Refusal> {
    if gst::ElementFactory::find(kind.element).is_none() {
        return Err(Refusal::Absent(kind.package));
    }
    let (sender, news) = channel();
    let failures = sender.clone();
    let made = move |sample: &gst::Sample| {
        let caps = sample.caps().and_then(|caps| caps.structure(0));
        let _ = sender.send(News::Made {
            at: Instant::now(),
            is_keyframe: is_keyframe(sample),
            profile: caps.and_then(|caps| caps.get("profile").ok()),
        });
    };
    let failed = move |why| {
        let _ = failures.send(News::Failed(why));
    };
    let room = (BEFORE + AFTER) as u64;
    let encoding = Encoding::start(kind, (format, kbits), room, made, failed);
    // What it says on its bus is more than that it did not start.
    let encoding = encoding.map_err(|error| match news.try_recv() {
        Ok(News::Failed(why)) => Refusal::Failed(why),
        _ => Refusal::Start(error),
    })?;
    let mut film = Film::new(format).map_err(Refusal::Start)?;
    let mut show = |frames: usize| {
        let frames = (0..frames).filter_map(|_| film.next());
        frames.for_each(|frame| encoding.push(&frame));
    };
    show(BEFORE);
    let before = Made::until(&news, |made| made.gaps.len() + 1 >= BEFORE - MAY_HOLD)?;
    encoding.force_keyframe();
    show(AFTER);
    let after = Made::until(&news, |made| made.has_keyframe)?;
    let proof = Proof {
        frames_per_second: before.frames_per_second(),
        profile: before.profile,
    };
    let held = BEFORE - (before.gaps.len() + 1);
    let fault = match () {
        () if held > MAY_HOLD => Fault::Holds(held),
        () if !after.has_keyframe => Fault::IgnoresRequests,
        () if proof.frames_per_second < f64::from(format.fps) => Fault::Slow,
        () => return Ok(proof),
    };
    Err(Refusal::Poor(fault, proof))
}

/// What came of some frames.
#[derive(Default)]
struct Made {
    last: Option<Instant>,
    /// Between each and the next.
    gaps: Vec<Duration>,
    has_keyframe: bool,
    profile: Option<String>,
}

impl Made {
    /// Waits for as much as this, or until no more comes.
    fn until(news: &Receiver<News>, is_enough: impl Fn(&Self) -> bool) -> Result<Self, Refusal> {
        let mut made = Self::default();
        while made.last.is_none() || !is_enough(&made) {
            let wait = made.last.map_or(FIRST, |_| SILENCE);
            match news.recv_timeout(wait) {
                Ok(News::Failed(why)) => return Err(Refusal::Failed(why)),
                Ok(News::Made {
                    at,
                    is_keyframe,
                    profile,
                }) => {
                    let last = made.last.replace(at);
                    made.gaps.extend(last.map(|last| at - last));
                    made.has_keyframe |= is_keyframe;
                    made.profile = profile.or(made.profile);
                }
                Err(_) if made.last.is_none() => return Err(Refusal::Silent),
                Err(_) => break,
            }
        }
        Ok(made)
    }

    /// By the gap in the middle: the first frame sets the encoder up, and a machine has other things
    /// to do now and then.
    fn frames_per_second(&self) -> f64 {
        let mut gaps = self.gaps.clone();
        gaps.sort();
        let middle = gaps.get(gaps.len() / 2);
        middle.map_or(0.0, |gap| 1.0 / gap.as_secs_f64().max(1e-6))
    }
}

/// A picture that moves and has noise in it: grey ones would flatter the encoder.
pub(super) struct Film {
    picture: VideoInfo,
    noise: Vec<u8>,
    distance: gst::ClockTime,
    frames: u64,
}

impl Film {
    pub(super) fn new(format: Format) -> Result<Self, StartError> {
        let Format { size, fps } = format;
        let picture = VideoInfo::builder(VideoFormat::I420, size.width, size.height)
            .fps(gst::Fraction::new(fps as i32, 1))
            .build()?;
        let mut state = 1_u32;
        let mut noise = |x: usize| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (x * 200 / size.width as usize) as u8 + (state >> 30) as u8
        };
        let row = picture.stride()[0] as usize;
        // Far enough from each other that no two requests for keyframes are one.
        let distance = (1_000_000_000 / u64::from(fps)).max(33_333_333);
        Ok(Self {
            noise: (0..row * 2)
                .map(|x| noise(x % row % size.width as usize))
                .collect(),
            picture,
            distance: gst::ClockTime::from_nseconds(distance),
            frames: 0,
        })
    }

    pub(super) fn next(&mut self) -> Option<gst::Sample> {
        let row = self.picture.stride()[0] as usize;
        let mut picture = Vec::with_capacity(self.picture.size());
        for number in 0..self.picture.height() as usize {
            let from = (number * 7 + self.frames as usize * 3) % row;
            picture.extend_from_slice(&self.noise[from..from + row]);
        }
        picture.resize(self.picture.size(), 128);
        let mut buffer = gst::Buffer::from_mut_slice(picture);
        let made = buffer.make_mut();
        made.set_pts(self.distance * self.frames);
        made.set_duration(self.distance);
        self.frames += 1;
        let caps = self.picture.to_caps().ok()?;
        Some(gst::Sample::builder().caps(&caps).buffer(&buffer).build())
    }
}
