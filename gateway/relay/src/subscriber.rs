//! One viewer's side: which layer it gets, how its packets are numbered, and what it can
//! have again.

#[allow(
    dead_code,
    unused_imports,
    reason = "simulcast viewers come to it next"
)]
pub(crate) mod bandwidth;
pub(crate) mod catch_up;
pub(crate) mod down_track;
pub(crate) mod layer_choice;
pub(crate) mod outgoing;
pub(crate) mod picture_ids;
mod retransmission;
pub(crate) mod rewriting;
mod rtp_stream;
mod sender_report;
mod sent_history;

use std::time::{Instant, SystemTime};

use sightline_spec::room::SessionId;
use str0m::bwe::Bitrate;
use str0m::media::Rid;
use str0m::rtp::Ssrc;
use str0m::rtp::rtcp::Nack;

use crate::publisher::packet_cache::Cursor;
use crate::publisher::track::PublishedTrack;
use crate::sdp::negotiate::Subscription;
use down_track::{DownTrack, Need};
use layer_choice::LayerChoice;
use outgoing::Downlink;

/// See the module.
#[derive(Debug)]
pub(crate) struct Subscriber {
    session: SessionId,
    /// Names our side in reports.
    name: String,
    down_tracks: Vec<DownTrack>,
    choice: LayerChoice,
    /// Whether str0m sends, to measure the link.
    is_measured: bool,
    is_connected: bool,
}

/// What a connection has to be told whose media str0m sends.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Adjustment {
    /// What we would like to send, so that the estimate is tried up to there.
    Bitrate { needed: Bitrate, desired: Bitrate },
    /// How many packets to keep, to send them again.
    SentHistory { source: Ssrc, packets: usize },
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
        let down_tracks = subscription.down_tracks.into_iter();
        Self {
            session,
            name: subscription.name,
            down_tracks: down_tracks.map(DownTrack::new).collect(),
            choice: LayerChoice::new(now),
            is_measured: subscription.is_measured,
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
    pub(crate) fn connected(&mut self, tracks: &[PublishedTrack], now: Instant) -> Vec<Adjustment> {
        self.is_connected = true;
        let bitrate = self.choice.begin(&mut self.down_tracks, tracks, now);
        let mut adjustments: Vec<Adjustment> = bitrate.into_iter().collect();
        adjustments.extend(self.provide_sent_history(tracks));
        adjustments
    }

    /// Another publisher has come; says whether the viewer can go on with what it sends.
    pub(crate) fn resume(&mut self, tracks: &[PublishedTrack]) -> bool {
        self.down_tracks.iter_mut().all(|d| d.resume(tracks))
    }

    /// Sends what it has not got; says whether there is more.
    pub(crate) fn send(
        &mut self,
        tracks: &mut [PublishedTrack],
        now: Instant,
        downlink: &mut impl Downlink,
    ) -> bool {
        let mut has_more = false;
        for down_track in &mut self.down_tracks {
            let Some(track) = down_track.track().and_then(|index| tracks.get_mut(index)) else {
                continue;
            };
            match down_track.send(&mut track.layers, now, downlink) {
                Need::Nothing => {}
                Need::Time => has_more = true,
                Need::Keyframe(layer) => track.want_keyframe(layer),
            }
        }
        has_more
    }

    /// Sends again what it has missed.
    pub(crate) fn retransmit(
        &mut self,
        tracks: &[PublishedTrack],
        nack: &Nack,
        downlink: &mut impl Downlink,
    ) {
        let of_source = |down_track: &&mut DownTrack| down_track.source() == nack.ssrc;
        if let Some(down_track) = self.down_tracks.iter_mut().find(of_source) {
            down_track.retransmit(tracks, nack, downlink);
        }
    }

    /// It cannot go on without a keyframe.
    pub(crate) fn want_keyframes(&self, tracks: &mut [PublishedTrack]) {
        for down_track in &self.down_tracks {
            let track = down_track.track().and_then(|index| tracks.get_mut(index));
            if let Some(track) = track.filter(|track| track.encoding().is_video()) {
                track.want_keyframe(down_track.layer());
            }
        }
    }

    /// Its link can carry so much.
    pub(crate) fn estimated(&mut self, estimate: Bitrate) {
        self.choice.estimated(estimate);
    }

    /// It wants this layer; nothing leaves it to its link.
    pub(crate) fn select(&mut self, rid: Option<Rid>) {
        self.choice.select(rid);
    }

    /// Fits its share to what was measured of the layers.
    pub(crate) fn adjust(
        &mut self,
        tracks: &[PublishedTrack],
        has_choice: bool,
        now: Instant,
    ) -> Vec<Adjustment> {
        let mut adjustments = Vec::new();
        if has_choice {
            adjustments.extend(self.choice.choose(&mut self.down_tracks, tracks, now));
        }
        adjustments.extend(self.provide_sent_history(tracks));
        adjustments
    }

    /// Keeps as much to be asked for again as its layers' bitrates call for.
    fn provide_sent_history(&mut self, tracks: &[PublishedTrack]) -> Vec<Adjustment> {
        let is_measured = self.is_measured;
        let down_tracks = self.down_tracks.iter_mut();
        let adjustments = down_tracks.filter_map(|d| d.provide_sent_history(tracks, is_measured));
        adjustments.collect()
    }

    /// Which layer of a track it gets, and where it is in that one's packet cache. Who cannot
    /// be sent anything yet need not be waited for.
    pub(crate) fn cursor(&self, track: usize) -> Option<(usize, Cursor)> {
        let of_track = |down_track: &&DownTrack| down_track.track() == Some(track);
        let down_track = self.down_tracks.iter().find(of_track)?;
        let cursor = down_track.cursor().filter(|_| self.is_connected)?;
        Some((down_track.layer(), cursor))
    }

    /// Its sections, and the index of the track that each gets.
    pub(crate) fn sections(&self) -> impl Iterator<Item = (u16, usize)> {
        let down_tracks = self.down_tracks.iter();
        down_tracks.filter_map(|down_track| Some((down_track.section(), down_track.track()?)))
    }

    /// Its sender reports, or the last ones if `is_over`.
    pub(crate) fn reports(&self, now: Instant, wall: SystemTime, is_over: bool) -> Vec<Report> {
        let down_tracks = self.down_tracks.iter();
        let reports = down_tracks.filter_map(|d| d.report(&self.name, now, wall, is_over));
        reports.collect()
    }
}
