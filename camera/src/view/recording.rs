//! A file or a pipe: what comes is written as it was encoded.
//!
//! A container knows from its beginning what is in it. When that changes (another codec, another
//! size of H.264, sound that comes or goes) a new part begins: `name-2.mp4`; after a break that changes
//! nothing the same part goes on.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::Context;
use gst::{glib, prelude::*};
use gst_app::{AppLeakyType, AppSrc, AppStreamType};
use tokio::sync::watch;

use super::output::{Container, OutputEnd, Packet};
use crate::branch::Media;

/// How long the first picture waits for sound, and sound for a picture.
const FOR_SOUND: gst::ClockTime = gst::ClockTime::from_mseconds(1500);
const FOR_PICTURE: gst::ClockTime = gst::ClockTime::from_seconds(6);

/// Who is silent for so long, while the other is not, is not waited for any more.
const SILENT: gst::ClockTime = gst::ClockTime::from_seconds(3);

/// How much may wait for a slow disk or reader.
const BUFFERED: u64 = 32 << 20;

/// How long the end of a file may take to write.
const FINISHING: Duration = Duration::from_secs(5);

/// Where it is written.
#[derive(Debug, Clone)]
pub(super) enum Target {
    File(PathBuf, Container),
    Pipe,
}

impl Target {
    /// A file that can be written: else that is said at once.
    pub(super) fn file(path: &Path, container: Container) -> anyhow::Result<Self> {
        let directory = path.parent().filter(|it| !it.as_os_str().is_empty());
        let directory = directory.unwrap_or(Path::new("."));
        if !directory.is_dir() {
            anyhow::bail!("there is no directory {}", directory.display());
        }
        Ok(Self::File(path.to_owned(), container))
    }

    /// The part of this number; the first has the name itself.
    fn part(&self, number: u32) -> (String, Option<PathBuf>) {
        match self {
            Self::Pipe => (
                "matroskamux streamable=true offset-to-zero=true".to_owned(),
                None,
            ),
            Self::File(path, container) => {
                (container.muxer().to_owned(), Some(numbered(path, number)))
            }
        }
    }
}

fn numbered(path: &Path, number: u32) -> PathBuf {
    if number <= 1 {
        return path.to_owned();
    }
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    let extension = path.extension().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!("{stem}-{number}.{extension}"))
}

/// Writes part after part.
#[derive(Debug)]
pub(super) struct Recording {
    target: Target,
    parts: u32,
    stage: Stage,
    end: watch::Sender<Option<OutputEnd>>,
}

#[derive(Debug)]
enum Stage {
    /// What there will be is not known yet.
    Gathering(Vec<Packet>),
    Writing(Part),
    /// Nothing is taken any more.
    Over,
}

/// One container, from its head to its end.
#[derive(Debug)]
struct Part {
    pipeline: gst::Pipeline,
    tracks: Vec<Track>,
    /// What the first packet's time is in it: zero.
    begins: gst::ClockTime,
    /// When the session began whose packets come now.
    resumed: Option<gst::ClockTime>,
    path: Option<PathBuf>,
}

#[derive(Debug)]
struct Track {
    media: Media,
    caps: gst::Caps,
    source: AppSrc,
    last: gst::ClockTime,
    /// A session that has just begun goes on with a picture that needs no other.
    needs_key: bool,
    has_ended: bool,
}

impl Recording {
    pub(super) fn new(target: Target, end: watch::Sender<Option<OutputEnd>>) -> Self {
        Self {
            target,
            parts: 0,
            stage: Stage::Gathering(Vec::new()),
            end,
        }
    }

    pub(super) fn take(&mut self, packet: Packet) {
        match &mut self.stage {
            Stage::Over => {}
            Stage::Gathering(held) => {
                // Nothing can be seen of what comes before a whole picture.
                let has_video = held.iter().any(|it| it.media() == Media::Video);
                if packet.media() == Media::Video && !has_video && !packet.is_key() {
                    return;
                }
                held.push(packet);
                if is_enough(held) {
                    self.begin_part();
                }
            }
            Stage::Writing(part) => match part.takes(&packet) {
                true => part.write(packet),
                false => {
                    self.finish_part();
                    self.take(packet);
                }
            },
        }
    }

    /// What comes from now on is of another session.
    pub(super) fn begin_session(&mut self) {
        match &mut self.stage {
            Stage::Gathering(held) => held.clear(),
            Stage::Writing(part) => {
                part.resumed = None;
                let tracks = part.tracks.iter_mut();
                tracks.for_each(|track| track.needs_key = track.media == Media::Video);
            }
            Stage::Over => {}
        }
    }

    /// Ends what is written, and takes nothing more.
    pub(super) fn finish(&mut self) {
        if let Stage::Gathering(held) = &self.stage
            && held.iter().any(|it| it.media() == Media::Video)
        {
            self.begin_part();
        }
        self.finish_part();
        self.stage = Stage::Over;
    }

    fn begin_part(&mut self) {
        let Stage::Gathering(held) = std::mem::replace(&mut self.stage, Stage::Over) else {
            return;
        };
        self.parts += 1;
        match Part::begin(&self.target, self.parts, &held, &self.end) {
            Ok(mut part) => {
                held.into_iter().for_each(|packet| part.write(packet));
                self.stage = Stage::Writing(part);
            }
            Err(error) => {
                let why = format!("{error:#}");
                self.end.send_replace(Some(OutputEnd::Failed(why)));
            }
        }
    }

    fn finish_part(&mut self) {
        let before = std::mem::replace(&mut self.stage, Stage::Gathering(Vec::new()));
        match before {
            Stage::Writing(part) => part.finish(),
            Stage::Over => self.stage = Stage::Over,
            Stage::Gathering(_) => {}
        }
    }
}

/// Both picture and sound are there, or one has been waited for long enough.
fn is_enough(held: &[Packet]) -> bool {
    let first = |media| {
        let mut of = held.iter().filter(|packet| packet.media() == media);
        of.next().map(|packet| packet.at)
    };
    let now = held.last().map(|packet| packet.at).unwrap_or_default();
    match (first(Media::Video), first(Media::Audio)) {
        (Some(_), Some(_)) => true,
        (Some(picture), None) => now >= picture + FOR_SOUND,
        (None, Some(sound)) => now >= sound + FOR_PICTURE,
        (None, None) => false,
    }
}

impl Part {
    fn begin(
        target: &Target,
        number: u32,
        held: &[Packet],
        end: &watch::Sender<Option<OutputEnd>>,
    ) -> anyhow::Result<Self> {
        let (muxer, path) = target.part(number);
        let sink = match path {
            Some(_) => "filesink name=out",
            None => "fdsink fd=1 name=out",
        };
        // Sound from before the first picture is no part of it.
        let pictures = held.iter().filter(|packet| packet.media() == Media::Video);
        let begins = pictures.map(|packet| packet.at).min();
        let begins = begins.or(held.iter().map(|packet| packet.at).min());
        let begins = begins.unwrap_or_default();
        let text = format!("{muxer} name=mux ! {sink} sync=false async=false");
        let pipeline = gst::parse::launch(&text)?
            .downcast::<gst::Pipeline>()
            .map_err(|_| glib::bool_error!("no pipeline"))?;
        let find = |name| {
            let found = pipeline.by_name(name);
            found.with_context(|| format!("there is no {name}"))
        };
        if let Some(path) = &path {
            find("out")?.set_property("location", path);
            tracing::info!("writing {}", path.display());
        }
        let mux = find("mux")?;
        let mut tracks = Vec::new();
        for media in [Media::Video, Media::Audio] {
            if let Some(packet) = held.iter().find(|packet| packet.media() == media) {
                tracks.push(Track::begin(&pipeline, &mux, packet)?);
            }
        }
        watch_for_end(&pipeline, end.clone());
        pipeline.set_state(gst::State::Playing)?;
        Ok(Self {
            pipeline,
            tracks,
            begins,
            resumed: None,
            path,
        })
    }

    /// Whether this can go on in the same container.
    fn takes(&self, packet: &Packet) -> bool {
        let mut tracks = self.tracks.iter();
        let track = tracks.find(|track| track.media == packet.media());
        track.is_some_and(|track| !track.has_ended && is_same(&track.caps, &packet.caps))
    }

    fn write(&mut self, packet: Packet) {
        let Some(at) = packet.at.checked_sub(self.begins) else {
            return;
        };
        let is_key = packet.is_key();
        let resumed = *self.resumed.get_or_insert(at);
        for track in &mut self.tracks {
            if track.media != packet.media() {
                // Containers wait for all of their tracks, and this one has nothing to say.
                if !track.has_ended && at > track.last.max(resumed) + SILENT {
                    track.has_ended = true;
                    let _ = track.source.end_of_stream();
                }
                continue;
            }
            if track.needs_key && !is_key {
                continue;
            }
            track.needs_key = false;
            // Time goes on, also over a break.
            let at = at.max(track.last);
            track.last = at;
            let mut buffer = packet.buffer.copy();
            if let Some(buffer) = buffer.get_mut() {
                buffer.set_pts(at);
                buffer.set_dts(gst::ClockTime::NONE);
            }
            // What cannot be taken any more is told by the bus.
            let _ = track.source.push_buffer(buffer);
        }
    }

    fn finish(self) {
        for track in &self.tracks {
            let _ = track.source.end_of_stream();
        }
        if let Some(bus) = self.pipeline.bus() {
            bus.unset_sync_handler();
            let ends = [gst::MessageType::Eos, gst::MessageType::Error];
            let limit = gst::ClockTime::from_nseconds(FINISHING.as_nanos() as u64);
            let message = bus.timed_pop_filtered(limit, &ends);
            if message.is_none_or(|it| it.type_() != gst::MessageType::Eos) {
                tracing::warn!("what was written may lack its end");
            }
        }
        let _ = self.pipeline.set_state(gst::State::Null);
        if let Some(path) = &self.path {
            tracing::info!("{} is finished", path.display());
        }
    }
}

impl Track {
    fn begin(
        pipeline: &gst::Pipeline,
        mux: &gst::Element,
        packet: &Packet,
    ) -> anyhow::Result<Self> {
        let source = AppSrc::builder()
            .caps(&packet.caps)
            .format(gst::Format::Time)
            .stream_type(AppStreamType::Stream)
            .max_bytes(BUFFERED)
            .leaky_type(AppLeakyType::Downstream)
            .build();
        // As the container wants it: AVC for MP4 and Matroska.
        let parser = match packet.kind.media_type {
            "video/x-h264" => "h264parse",
            "video/x-h265" => "h265parse",
            "video/x-av1" => "av1parse",
            "audio/x-opus" => "opusparse",
            _ => "identity",
        };
        let parser = gst::ElementFactory::make(parser).build()?;
        let queue = gst::ElementFactory::make("queue")
            .property("max-size-bytes", BUFFERED as u32)
            .property("max-size-time", 0_u64)
            .property("max-size-buffers", 0_u32)
            .build()?;
        let elements = [source.upcast_ref(), &parser, &queue];
        pipeline.add_many(elements)?;
        gst::Element::link_many(elements)?;
        let pad = match packet.media() {
            Media::Video => "video_%u",
            Media::Audio => "audio_%u",
        };
        queue.link_pads(Some("src"), mux, Some(pad))?;
        Ok(Self {
            media: packet.media(),
            caps: packet.caps.clone(),
            source,
            last: gst::ClockTime::ZERO,
            needs_key: false,
            has_ended: false,
        })
    }
}

/// Whether a container that was told the one can hold the other. Browsers change the size of VP8 and
/// VP9 whenever they are busy, and each of those pictures says which size it has.
fn is_same(one: &gst::Caps, other: &gst::Caps) -> bool {
    let same = |name: &str| {
        let of = |caps: &gst::Caps| {
            let structure = caps.structure(0)?;
            structure.get::<i32>(name).ok()
        };
        of(one) == of(other)
    };
    let name = |caps: &gst::Caps| caps.structure(0).map(|it| it.name().to_string());
    let says_its_size = |name: &str| matches!(name, "video/x-vp8" | "video/x-vp9");
    let fields = ["width", "height", "rate", "channels"];
    name(one) == name(other)
        && (name(one).as_deref().is_some_and(says_its_size) || fields.into_iter().all(same))
}

/// A full disk, or a pipe that nobody reads any more.
fn watch_for_end(pipeline: &gst::Pipeline, end: watch::Sender<Option<OutputEnd>>) {
    let Some(bus) = pipeline.bus() else {
        return;
    };
    bus.set_sync_handler(move |_, message| {
        if let gst::MessageView::Error(error) = message.view() {
            tracing::debug!(?error, "writing");
            let is_pipe = message.src().is_some_and(|it| it.is::<gst::Element>())
                && error.debug().is_some_and(|it| it.contains("Broken pipe"));
            let why = match is_pipe {
                true => OutputEnd::Closed("nobody reads the pipe any more"),
                false => OutputEnd::Failed(format!("cannot write: {}", error.error())),
            };
            end.send_if_modified(|end| {
                let is_first = end.is_none();
                end.get_or_insert(why);
                is_first
            });
        }
        gst::BusSyncReply::Pass
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_size_is_another_part_where_only_the_head_says_it() {
        gst::init().unwrap();
        let of = |text: &str| text.parse::<gst::Caps>().unwrap();
        let small = |name: &str| of(&format!("{name}, width=320, height=180"));
        let large = |name: &str| of(&format!("{name}, width=640, height=360"));
        assert!(is_same(&small("video/x-vp8"), &large("video/x-vp8")));
        assert!(is_same(&small("video/x-h264"), &small("video/x-h264")));
        assert!(!is_same(&small("video/x-h264"), &large("video/x-h264")));
        assert!(!is_same(&small("video/x-vp8"), &small("video/x-h264")));
    }

    #[test]
    fn later_parts_have_a_number() {
        let part = |number| numbered(Path::new("/a/b.c.mp4"), number);
        assert_eq!(part(1), Path::new("/a/b.c.mp4"));
        assert_eq!(part(2), Path::new("/a/b.c-2.mp4"));
    }
}
