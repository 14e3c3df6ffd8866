//! One WebRTC connection of the relay: a publisher's or a viewer's.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Instant;

use sightline_spec::room::{RoomId, SessionId};
use str0m::bwe::Bitrate;
use str0m::media::Rid;
use str0m::net::Receive;
use str0m::rtp::Ssrc;
use str0m::{Input, Rtc};

use crate::connection::drive::{Drain, Heard};
use crate::connection::dtls;
use crate::connection::srtp::Srtp;
use crate::connection::srtp_sender::SrtpSender;
use crate::net::udp::{Network, Route};
use crate::publisher::track::PublishedTrack;
use crate::relay::Limits;
use crate::subscriber::down_track::DownTrack;

/// A connection and whose it is.
pub(crate) struct Peer {
    pub(crate) rtc: Box<Rtc>,
    /// The pair of addresses that ICE chose.
    pub(crate) route: Option<Route>,
    /// The way to a viewer, unless str0m is that.
    pub(crate) sender: Option<SrtpSender>,
    pub(crate) session: SessionId,
    pub(crate) room: RoomId,
    pub(crate) role: Role,
    /// Names the connection in the peer's STUN requests.
    pub(crate) ufrag: String,
    pub(crate) created: Instant,
    /// When anything last came from the peer.
    pub(crate) heard_at: Instant,
    pub(crate) is_connected: bool,
    /// When it wants to be driven again, and for when that is noted down.
    pub(crate) next: Instant,
    pub(crate) noted: Option<Instant>,
}

/// Which way media flows.
pub(crate) enum Role {
    Publisher(Sources),
    Viewer(Subscriber),
}

/// A publisher's streams: which track and layer a source is.
#[derive(Debug, Default)]
pub(crate) struct Sources(Vec<(Ssrc, usize, Option<Rid>)>);

/// A viewer's side.
#[derive(Debug)]
pub(crate) struct Subscriber {
    pub(crate) down_tracks: Vec<DownTrack>,
    /// Whether str0m sends, to measure the link.
    pub(crate) is_measured: bool,
    /// Names our side in reports.
    pub(crate) name: String,
    pub(crate) estimate: Option<Bitrate>,
    /// What it was when layers were chosen last.
    pub(crate) estimate_before: Option<Bitrate>,
    /// The layer that the viewer asked for; without one, its link decides.
    pub(crate) selected: Option<Rid>,
    pub(crate) switched_at: Instant,
}

impl Sources {
    /// The track and layer of a source that was seen before.
    pub(crate) fn get(&self, source: Ssrc) -> Option<(usize, Option<Rid>)> {
        let known = self.0.iter().find(|(known, ..)| *known == source)?;
        Some((known.1, known.2))
    }

    /// A peer invents as many sources as it likes; we remember a few.
    pub(crate) fn insert(&mut self, source: Ssrc, track: usize, rid: Option<Rid>) {
        const MOST: usize = 16;
        if self.0.len() >= MOST {
            self.0.remove(0);
        }
        self.0.push((source, track, rid));
    }
}

impl Peer {
    /// Whether a datagram is for this connection.
    pub(crate) fn accepts(&self, receive: Receive<'_>, now: Instant) -> bool {
        self.rtc.accepts(&Input::Receive(now, receive))
    }

    /// Takes in a datagram.
    pub(crate) fn receive(&mut self, receive: Receive<'_>, now: Instant, drain: &mut Drain<'_>) {
        self.heard_at = now;
        self.input(Input::Receive(now, receive), drain);
    }

    /// Lets time pass, and so sends what was written.
    pub(crate) fn tick(&mut self, now: Instant, drain: &mut Drain<'_>) {
        self.input(Input::Timeout(now), drain);
    }

    /// What one peer makes of our libraries ends that peer and nothing else.
    fn input(&mut self, input: Input<'_>, drain: &mut Drain<'_>) {
        let rtc = &mut self.rtc;
        drain.holds_reports = self.sender.is_some();
        let driven = catch_unwind(AssertUnwindSafe(|| match rtc.handle_input(input) {
            Ok(()) => drain.run(rtc),
            Err(error) => {
                tracing::debug!(%error, "a connection failed");
                drain.has_failed = true;
            }
        }));
        if driven.is_err() {
            tracing::error!("a connection broke its library; it is ended");
            drain.has_failed = true;
        }
        self.settle(drain);
    }

    /// Notes what the drain has learnt.
    pub(crate) fn settle(&mut self, drain: &mut Drain<'_>) {
        if let Some(next) = drain.next.take() {
            self.next = next;
        }
        if std::mem::take(&mut drain.has_failed) {
            drain.hear([Heard::Gone]);
        }
        self.route = drain.route.take().or(self.route);
        self.take_keys();
        if let (Some(sender), Some(route)) = (&mut self.sender, self.route) {
            sender.route = route;
        }
        if std::mem::take(&mut drain.is_report_due) {
            self.report(drain.network, Instant::now(), false);
        }
        drain.network.flush();
    }

    /// Takes a viewer's media over from str0m once its keys are there.
    fn take_keys(&mut self) {
        let (Some(keys), Some(route)) = (dtls::exported_keys(), self.route) else {
            return;
        };
        if matches!(&self.role, Role::Viewer(subscriber) if !subscriber.is_measured) {
            self.sender = Srtp::new(&keys).map(|srtp| SrtpSender::new(srtp, route));
        }
    }

    fn report(&mut self, network: &mut Network, now: Instant, is_over: bool) {
        if let (Role::Viewer(subscriber), Some(sender)) = (&self.role, &mut self.sender) {
            for down_track in &subscriber.down_tracks {
                down_track
                    .stream
                    .report(sender, network, &subscriber.name, now, is_over);
            }
        }
    }

    /// Says goodbye.
    pub(crate) fn close(&mut self, drain: &mut Drain<'_>, now: Instant) {
        self.report(drain.network, now, true);
        drain.network.flush();
        // A peer that has failed has nothing to say any more.
        if self.rtc.close().is_ok() {
            drain.holds_reports = self.sender.is_some();
            drain.run(&mut self.rtc);
            // It is over, and that was the last report.
            drain.is_report_due = false;
            self.settle(drain);
        }
    }

    /// Which of a publisher's tracks and layers a source belongs to.
    pub(crate) fn source(
        &mut self,
        source: Ssrc,
        tracks: &[PublishedTrack],
    ) -> Option<(usize, Option<Rid>)> {
        let Role::Publisher(sources) = &mut self.role else {
            return None;
        };
        if let Some(known) = sources.get(source) {
            return Some(known);
        }
        let mut api = self.rtc.direct_api();
        let stream = api.stream_rx(&source)?;
        let (mid, rid) = (stream.mid(), stream.rid());
        let track = tracks.iter().position(|track| track.track.mid == mid)?;
        if tracks[track].encoding().is_video() {
            // OBS and FFmpeg describe no source for retransmissions, and answer all the
            // same.
            stream.suppress_nack(false);
        }
        sources.insert(source, track, rid);
        Some((track, rid))
    }

    /// Whether the peer has been silent for longer than it may.
    pub(crate) fn is_overdue(&self, limits: &Limits, now: Instant) -> bool {
        match self.is_connected {
            true => self.heard_at + limits.silence <= now,
            false => self.created + limits.connect <= now,
        }
    }
}
