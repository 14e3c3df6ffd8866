//! One viewer's side: which layer it gets, how its packets are numbered, and what it can
//! have again.

mod bandwidth;
pub(crate) mod catch_up;
pub(crate) mod down_track;
mod keyframe_share;
pub(crate) mod layer_choice;
pub(crate) mod outgoing;
pub(crate) mod picture_ids;
pub(crate) mod retransmission;
pub(crate) mod rewriting;
mod rtp_stream;
pub(crate) mod sender_report;
mod sent_history;

use std::time::{Instant, SystemTime};

use sightline_spec::room::SessionId;
use str0m::rtp::Ssrc;

use crate::publisher::packet_cache::Cursor;
use crate::publisher::track::PublishedTrack;
use crate::sdp::negotiate::Subscription;
use bandwidth::Bandwidth;
use down_track::{DownTrack, Need};
use layer_choice::{FIRST_ESTIMATE, Selection};
use outgoing::{Downlink, Way};
use retransmission::Missing;
use sender_report::{About, ReferenceTime};

/// A viewer may tell the time once for each of its receivers; we remember a few.
const MAX_RECEIVERS: usize = 4;

/// See the module.
#[derive(Debug)]
pub(crate) struct Subscriber {
    session: SessionId,
    /// Names our side in reports.
    name: String,
    down_tracks: Vec<DownTrack>,
    /// What its link carries, if it tells of every packet and there is a choice by that.
    bandwidth: Option<Box<Bandwidth>>,
    /// What it asked for; the rest is up to its link.
    selected: Selection,
    /// What time it was there, by the last that each of its sources has told.
    reference_times: Vec<ReferenceTime>,
    is_connected: bool,
}

/// A compound RTCP packet of one source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Report {
    pub(crate) source: Ssrc,
    pub(crate) packet: Vec<u8>,
}

impl Subscriber {
    /// A viewer whose connection is not up yet.
    pub(crate) fn new(session: SessionId, subscription: Subscription, now: Instant) -> Self {
        let bandwidth = subscription.is_measured().then(|| {
            let has_padding = subscription.down_tracks.iter().any(|d| d.rtx.is_some());
            Box::new(Bandwidth::new(FIRST_ESTIMATE, has_padding, now))
        });
        let down_tracks = subscription.down_tracks.into_iter();
        Self {
            session,
            name: subscription.name,
            down_tracks: down_tracks.map(DownTrack::new).collect(),
            bandwidth,
            selected: Selection::default(),
            reference_times: Vec::new(),
            is_connected: false,
        }
    }

    pub(crate) fn session(&self) -> SessionId {
        self.session
    }

    /// Whether media can be sent to it.
    pub(crate) fn is_connected(&self) -> bool {
        self.is_connected
    }

    /// Its connection is up.
    pub(crate) fn connected(&mut self, tracks: &[PublishedTrack], now: Instant) {
        self.is_connected = true;
        layer_choice::begin(&mut self.down_tracks, tracks, &self.selected, now);
        self.provide_sent_history(tracks);
    }

    /// Whether what was negotiated is what is sent now.
    pub(crate) fn fits(&self, tracks: &[PublishedTrack]) -> bool {
        self.down_tracks.iter().all(|d| d.fits(tracks))
    }

    /// Another publisher has come; says whether the viewer can go on with what it sends. Of
    /// each kind the first takes the first, and so on.
    pub(crate) fn resume(&mut self, tracks: &[PublishedTrack]) -> bool {
        let of_kind = |is_video| {
            let all = tracks.iter().enumerate();
            let of_kind = all.filter(move |(_, track)| track.encoding().is_video() == is_video);
            of_kind.map(|(index, _)| index)
        };
        let (mut pictures, mut sound) = (of_kind(true), of_kind(false));
        let mut goes_on = true;
        for down_track in &mut self.down_tracks {
            let next = match down_track.is_video() {
                true => pictures.next(),
                false => sound.next(),
            };
            goes_on &= down_track.resume(next, tracks);
        }
        goes_on
    }

    /// Sends what it has not got; when to call again, if there is more.
    pub(crate) fn send(
        &mut self,
        tracks: &mut [PublishedTrack],
        now: Instant,
        downlink: &mut impl Downlink,
    ) -> Option<Instant> {
        let mut way = Way {
            downlink,
            bandwidth: self.bandwidth.as_deref_mut(),
            now,
        };
        let mut again = None;
        for down_track in &mut self.down_tracks {
            let Some(track) = down_track.track().and_then(|index| tracks.get_mut(index)) else {
                continue;
            };
            match down_track.send(&mut track.layers, &mut way) {
                Need::Nothing => {}
                Need::Time => again = Some(now + catch_up::PAUSE),
                Need::Keyframe(layer) => track.want_keyframe(layer),
            }
        }
        let padded = pad(&mut self.down_tracks, tracks, &mut way);
        again.into_iter().chain(padded).min()
    }

    /// Sends again what it has missed.
    pub(crate) fn retransmit(
        &mut self,
        tracks: &[PublishedTrack],
        missing: &Missing,
        now: Instant,
        downlink: &mut impl Downlink,
    ) {
        let of_source = |down_track: &&mut DownTrack| down_track.source() == missing.source;
        if let Some(down_track) = self.down_tracks.iter_mut().find(of_source) {
            let mut way = Way {
                downlink,
                bandwidth: self.bandwidth.as_deref_mut(),
                now,
            };
            down_track.retransmit(tracks, missing, &mut way);
        }
    }

    /// It cannot go on without a keyframe.
    pub(crate) fn want_keyframes(&mut self) {
        self.down_tracks
            .iter_mut()
            .for_each(DownTrack::want_keyframe);
    }

    /// It wants this of the layers; false if none of them is like that, and nothing changes.
    pub(crate) fn select(&mut self, selection: Selection, tracks: &[PublishedTrack]) -> bool {
        let own = self.down_tracks.iter().filter(|d| d.is_video());
        let mut own = own.filter_map(|d| tracks.get(d.track()?));
        let exists = own.any(|track| selection.exists_in(track)) || !selection.is_bounded();
        if exists {
            self.selected = selection;
        }
        exists
    }

    /// Takes in what it tells of its link: RTCP that is not encrypted any more.
    pub(crate) fn take_feedback(&mut self, rtcp: &[u8], tracks: &[PublishedTrack], now: Instant) {
        let Some(bandwidth) = &mut self.bandwidth else {
            return;
        };
        match bandwidth.take_in(rtcp, now) {
            Ok(true) => self.choose(tracks, now),
            Ok(false) => {}
            Err(error) => tracing::debug!(%error, "a viewer's feedback is not used"),
        }
    }

    /// Fits its share to what was measured of the layers.
    pub(crate) fn adjust(&mut self, tracks: &[PublishedTrack], has_choice: bool, now: Instant) {
        if has_choice {
            self.choose(tracks, now);
        }
        self.provide_sent_history(tracks);
    }

    fn choose(&mut self, tracks: &[PublishedTrack], now: Instant) {
        let (down_tracks, bandwidth) = (&mut self.down_tracks, self.bandwidth.as_deref_mut());
        layer_choice::choose(down_tracks, tracks, &self.selected, bandwidth, now);
    }

    /// Keeps as much to be asked for again as its layers' bitrates call for.
    fn provide_sent_history(&mut self, tracks: &[PublishedTrack]) {
        let down_tracks = self.down_tracks.iter_mut();
        down_tracks.for_each(|down_track| down_track.provide_sent_history(tracks));
    }

    /// Which layer of a track it gets, and where it is in that one's packet cache. Who cannot
    /// be sent anything yet need not be waited for.
    pub(crate) fn cursor(&self, track: usize) -> Option<(usize, Cursor)> {
        let of_track = |down_track: &&DownTrack| down_track.track() == Some(track);
        let down_track = self.down_tracks.iter().find(of_track)?;
        let cursor = down_track.cursor().filter(|_| self.is_connected)?;
        Some((down_track.layer(), cursor))
    }

    /// Whether it needs this layer of this track. Before it is connected that is not known.
    pub(crate) fn needs(&self, track: usize, layer: usize) -> bool {
        let mut of_track = self.down_tracks.iter().filter(|d| d.track() == Some(track));
        of_track.any(|d| !self.is_connected || d.layer() == layer || d.target() == layer)
    }

    /// Its sections, and the index of the track that each gets.
    pub(crate) fn sections(&self) -> impl Iterator<Item = (u16, usize)> {
        let down_tracks = self.down_tracks.iter();
        down_tracks.filter_map(|down_track| Some((down_track.section(), down_track.track()?)))
    }

    /// It tells what time it is there.
    pub(crate) fn note_reference_time(&mut self, time: ReferenceTime) {
        let is_other = |known: &ReferenceTime| known.receiver != time.receiver;
        self.reference_times.retain(is_other);
        if self.reference_times.len() >= MAX_RECEIVERS {
            self.reference_times.remove(0);
        }
        self.reference_times.push(time);
    }

    /// Its sender reports, or the last ones if `is_over`.
    pub(crate) fn reports(&self, now: Instant, wall: SystemTime, is_over: bool) -> Vec<Report> {
        let about = About {
            now,
            wall,
            is_over,
            name: &self.name,
            reference_times: &self.reference_times,
        };
        let down_tracks = self.down_tracks.iter();
        let reports = down_tracks.filter_map(|down_track| down_track.report(&about));
        reports.collect()
    }
}

/// Sends more than there is, if the link is to show whether it carries more; when to go on
/// with that.
fn pad(
    down_tracks: &mut [DownTrack],
    tracks: &[PublishedTrack],
    way: &mut Way<'_, impl Downlink>,
) -> Option<Instant> {
    let (bytes, next) = way.bandwidth.as_deref_mut()?.padding(way.now)?;
    if bytes > 0 {
        let layers = |d: &DownTrack| Some(&tracks.get(d.track()?)?.layers);
        let has_choice = |d: &&mut DownTrack| layers(d).is_some_and(|layers| layers.len() > 1);
        let down_track = down_tracks.iter_mut().find(has_choice)?;
        let layers = layers(down_track)?;
        down_track.pad(layers, bytes, way);
    }
    Some(next)
}
