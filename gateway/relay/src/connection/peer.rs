//! One WebRTC connection of the relay: a publisher's or a viewer's.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Instant;

use sightline_spec::room::SessionId;
use sightline_spec::sdp::IceCredentials;
use str0m::ice::IceCreds;
use str0m::media::{KeyframeRequestKind, Rid};
use str0m::net::Receive;
use str0m::rtp::Ssrc;
use str0m::{Candidate, Input, Rtc};

use crate::connection::checks::Checks;
use crate::connection::drive::{ConnectionEvent, Driven, Sink, drive};
use crate::connection::dtls;
use crate::connection::first_packets::FirstPackets;
use crate::connection::paths::{Address, Paths};
use crate::connection::share::{Kind, Share};
use crate::connection::srtp::Srtp;
use crate::connection::srtp_sender::SrtpSender;
use crate::keys::{Key, RoomKey};
use crate::limits::Limits;
use crate::net::udp::{Network, Route};
use crate::publisher::sources::{Head, Sources};
use crate::publisher::track::PublishedTrack;
use crate::subscriber::Report;

/// A connection and whose it is.
pub(crate) struct Peer {
    key: Key,
    pub(crate) rtc: Box<Rtc>,
    pub(crate) paths: Paths,
    /// The way to a viewer, once there are keys for it.
    sender: Option<SrtpSender>,
    pub(crate) session: SessionId,
    pub(crate) room: RoomKey,
    role: Role,
    /// Of a publisher, as long as they wait.
    first_packets: FirstPackets,
    /// Names the connection in the peer's STUN requests.
    pub(crate) ufrag: String,
    /// Those requests, as far as they are remembered.
    pub(crate) checks: Checks,
    share: Share,
    /// Where it has been heard from.
    pub(crate) addresses: Vec<Address>,
    created: Instant,
    /// When anything last came from the peer.
    heard_at: Instant,
    is_connected: bool,
    /// A library panicked on it.
    is_broken: bool,
    /// When it wants to be driven again, and for when that is noted down.
    pub(crate) next: Instant,
    pub(crate) noted: Option<Instant>,
}

/// Which way media flows.
pub(crate) enum Role {
    Publisher(Sources),
    Viewer,
}

/// A connection on its way to its worker.
pub(crate) struct NewPeer {
    pub(crate) rtc: Box<Rtc>,
    pub(crate) session: SessionId,
    pub(crate) room: RoomKey,
    pub(crate) ufrag: String,
    /// What checks of our own are made with.
    pub(crate) theirs: Option<IceCredentials>,
    pub(crate) role: Role,
}

impl Peer {
    pub(crate) fn new(key: Key, new: NewPeer, now: Instant) -> Self {
        let mut paths = Paths::default();
        paths.identify(&new.ufrag, new.theirs);
        Self {
            key,
            rtc: new.rtc,
            paths,
            sender: None,
            session: new.session,
            room: new.room,
            role: new.role,
            first_packets: FirstPackets::default(),
            ufrag: new.ufrag,
            checks: Checks::default(),
            share: Share::default(),
            addresses: Vec::new(),
            created: now,
            heard_at: now,
            is_connected: false,
            is_broken: false,
            next: now,
            noted: None,
        }
    }

    /// ICE and DTLS are done.
    pub(crate) fn connected(&mut self) {
        self.is_connected = true;
    }

    /// Whether one more datagram of this kind is looked into.
    pub(crate) fn takes(&mut self, kind: Kind, now: Instant) -> bool {
        let kind = match (kind, &self.role) {
            // Nobody is sent what a viewer sends.
            (Kind::Media, Role::Viewer) => Kind::Report,
            (kind, _) => kind,
        };
        self.share.takes(kind, now)
    }

    /// Whether one more would be.
    pub(crate) fn has_left(&self, kind: Kind, now: Instant) -> bool {
        self.share.has_left(kind, now)
    }

    /// Whether a datagram is for this connection.
    pub(crate) fn accepts(&self, receive: Receive<'_>, now: Instant) -> bool {
        let accepts = || self.rtc.accepts(&Input::Receive(now, receive));
        catch_unwind(AssertUnwindSafe(accepts)).unwrap_or(false)
    }

    /// Whether str0m has nothing to do with a datagram: a viewer's media and reports are ours.
    pub(crate) fn is_beside_str0m(&self, datagram: &[u8]) -> bool {
        let kind = Kind::of(datagram);
        matches!(self.role, Role::Viewer) && matches!(kind, Some(Kind::Report | Kind::Media))
    }

    /// The RTCP of a viewer in a datagram, decrypted. Nobody is sent what else there may be.
    pub(crate) fn open_rtcp(&mut self, datagram: &[u8], now: Instant) -> Option<&[u8]> {
        if Kind::of(datagram) != Some(Kind::Report) {
            return None;
        }
        let rtcp = self.sender.as_mut()?.open_rtcp(datagram)?;
        self.heard_at = now;
        Some(rtcp)
    }

    /// Whether a datagram of this kind that has come from elsewhere is of this peer, as far as can
    /// be told before it is taken in: a viewer's by its keys, a publisher's by its source, which
    /// only they see who are on the way.
    pub(crate) fn may_have_sent(&mut self, kind: Kind, datagram: &[u8]) -> bool {
        match (kind, &self.role, &mut self.sender) {
            (Kind::Media, Role::Publisher(sources), _) => {
                Head::of(datagram).is_some_and(|head| sources.get(head.source).is_some())
            }
            (Kind::Report, Role::Viewer, Some(sender)) => sender.open_rtcp(datagram).is_some(),
            _ => false,
        }
    }

    /// Sees to it that a publisher's source is taken in that only its payload type tells.
    pub(crate) fn expect_source(&mut self, datagram: &[u8], tracks: &[PublishedTrack]) {
        if let Role::Publisher(sources) = &mut self.role {
            sources.expect(datagram, &mut self.rtc, tracks);
        }
    }

    /// Whether it waits with this datagram, which is of a publisher's source that just begins.
    pub(crate) fn waits_with(
        &mut self,
        datagram: &[u8],
        back: &Route,
        tracks: &[PublishedTrack],
        now: Instant,
    ) -> bool {
        let Some(head) = Head::of(datagram).filter(|_| self.is_publisher()) else {
            return false;
        };
        let payload_type = head.payload_type.into();
        let is_media = |track: &PublishedTrack| track.track.payload_type == payload_type;
        let packet = (head.source, head.sequence);
        // Source 0 is that of libwebrtc's probes, which are no stream.
        if *head.source == 0
            || !tracks.iter().any(is_media)
            || !self.first_packets.keep(packet, datagram, back, now)
        {
            return false;
        }
        self.heard_at = now;
        self.next = self.first_packets.due().unwrap_or(now).min(self.next);
        true
    }

    /// Takes in those that have waited.
    fn take_first_packets(&mut self, sink: &mut Sink<'_>) -> Driven {
        let mut driven = Driven::default();
        let packets = self.first_packets.take_due(sink.now);
        if !packets.is_empty() && !self.is_connected {
            self.first_packets.forget();
            return driven;
        }
        for packet in packets {
            let (to, from) = (packet.route.source, packet.route.destination);
            if let Ok(receive) = Receive::new(packet.route.proto, from, to, &packet.datagram) {
                driven = driven.and(self.input(Input::Receive(packet.arrived, receive), sink));
            }
        }
        driven
    }

    /// Takes in a datagram.
    pub(crate) fn receive(&mut self, receive: Receive<'_>, sink: &mut Sink<'_>) {
        self.heard_at = sink.now;
        let driven = self.input(Input::Receive(sink.now, receive), sink);
        self.settle(driven, sink);
    }

    /// Lets time pass, and so sends what was written.
    pub(crate) fn tick(&mut self, sink: &mut Sink<'_>) {
        let before = self.take_first_packets(sink);
        self.tick_after(before, sink);
    }

    /// The same, after the connection has been driven already.
    fn tick_after(&mut self, before: Driven, sink: &mut Sink<'_>) {
        let driven = self.input(Input::Timeout(sink.now), sink);
        self.settle(before.and(driven), sink);
    }

    fn input(&mut self, input: Input<'_>, sink: &mut Sink<'_>) -> Driven {
        let failed = Driven {
            has_failed: true,
            ..Driven::default()
        };
        let key = self.key;
        let driven = self.contained(sink, |rtc, paths, sink| match rtc.handle_input(input) {
            Ok(()) => Some(drive(rtc, key, paths, sink)),
            Err(error) => {
                tracing::debug!(%error, "a connection failed");
                None
            }
        });
        driven.flatten().unwrap_or(failed)
    }

    /// What one peer makes of our libraries ends that peer and nothing else.
    pub(crate) fn contained<T>(
        &mut self,
        sink: &mut Sink<'_>,
        step: impl FnOnce(&mut Rtc, &mut Paths, &mut Sink<'_>) -> T,
    ) -> Option<T> {
        if self.is_broken {
            return None;
        }
        let (rtc, paths) = (&mut self.rtc, &mut self.paths);
        let stepped = catch_unwind(AssertUnwindSafe(|| step(rtc, paths, sink)));
        if stepped.is_err() {
            tracing::error!("a connection broke its library; it is ended");
            self.is_broken = true;
            sink.events.push((self.key, ConnectionEvent::Broke));
        }
        stepped.ok()
    }

    /// Notes what driving it has led to.
    fn settle(&mut self, driven: Driven, sink: &mut Sink<'_>) {
        let next = driven.next.unwrap_or(self.next);
        self.next = self.first_packets.due().map_or(next, |due| due.min(next));
        if driven.has_failed {
            sink.events.push((self.key, ConnectionEvent::Gone));
        }
        self.take_keys(sink.now);
        if driven.is_report_due {
            sink.events.push((self.key, ConnectionEvent::ReportDue));
        }
        sink.network.flush();
    }

    /// Takes the keys of a viewer's media once they are there.
    fn take_keys(&mut self, now: Instant) {
        let Some(keys) = dtls::exported_keys() else {
            return;
        };
        self.paths.shaken_hands(now);
        if matches!(self.role, Role::Viewer) {
            self.sender = Srtp::new(&keys).map(SrtpSender::new);
        }
    }

    /// The way to a viewer, once there is one.
    pub(crate) fn sender(&mut self) -> Option<(&mut SrtpSender, &Route)> {
        self.sender.as_mut().zip(self.paths.route())
    }

    /// Takes the answer to a check of ours; says whether it is one.
    pub(crate) fn answered(&mut self, from: Address, answer: &[u8], now: Instant) -> bool {
        let is_answered = self.paths.answered(from, answer, now);
        if is_answered {
            self.heard_at = now;
        }
        is_answered
    }

    /// Asks at an address that the peer wants to be reached at whether it receives there.
    pub(crate) fn check(&mut self, route: &Route, now: Instant, network: &mut Network) {
        if let Some(check) = self.paths.check(route, now) {
            network.send(route, &check);
            network.flush();
        }
    }

    /// Asks where the peer seems to be by now whether it receives there.
    pub(crate) fn follow(&mut self, to: &Route, now: Instant, network: &mut Network) {
        self.paths.follow(*to);
        self.check(to, now, network);
    }

    /// The same, where it is due though nothing has come. Where media goes is asked again
    /// and again: a viewer that has gone elsewhere can have others say that it is there.
    pub(crate) fn check_due(&mut self, now: Instant, network: &mut Network) {
        let is_renewed = self.is_connected && matches!(self.role, Role::Viewer);
        if let Some(route) = self.paths.due(is_renewed, now) {
            self.check(&route, now, network);
        }
    }

    /// Tells a viewer what it was sent.
    pub(crate) fn report(&mut self, reports: Vec<Report>, network: &mut Network) {
        if let (Some(sender), Some(route)) = (&mut self.sender, self.paths.route()) {
            for report in reports {
                sender.send_rtcp(network, route, report);
            }
            network.flush();
        }
    }

    /// Asks a publisher for keyframes of these sources.
    pub(crate) fn request_keyframes(&mut self, sources: &[Ssrc], sink: &mut Sink<'_>) {
        let key = self.key;
        let driven = self.contained(sink, |rtc, paths, sink| {
            let mut driven = Driven::default();
            for source in sources {
                if let Some(stream) = rtc.direct_api().stream_rx(source) {
                    stream.request_keyframe(KeyframeRequestKind::Pli);
                    driven = driven.and(drive(rtc, key, paths, sink));
                }
            }
            driven
        });
        self.tick_after(driven.unwrap_or_default(), sink);
    }

    /// Begins ICE anew, under these names and passwords. `candidates` are where we are.
    ///
    /// As an offer it would be read, and all that was negotiated be gone through once more.
    pub(crate) fn restart_ice(
        &mut self,
        theirs: IceCredentials,
        ours: IceCreds,
        candidates: &[Candidate],
        sink: &mut Sink<'_>,
    ) {
        self.contained(sink, |rtc, _, _| {
            let mut api = rtc.direct_api();
            api.set_local_ice_credentials(ours);
            api.set_remote_ice_credentials(IceCreds {
                ufrag: theirs.ufrag,
                pass: theirs.pwd,
            });
            // RFC 8445 section 9: no pair outlasts a restart. Media goes on by the one that was
            // chosen until the peer has chosen another.
            for candidate in candidates {
                rtc.direct_api().invalidate_candidate(candidate);
            }
            for candidate in candidates {
                rtc.add_local_candidate(candidate.clone());
            }
        });
    }

    /// Says goodbye.
    pub(crate) fn close(&mut self, sink: &mut Sink<'_>) {
        let key = self.key;
        let driven = self.contained(sink, |rtc, paths, sink| {
            let is_closing = rtc.close().is_ok();
            is_closing.then(|| drive(rtc, key, paths, sink))
        });
        // A peer that has failed has nothing to say any more.
        if let Some(driven) = driven.flatten() {
            self.settle(driven, sink);
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

    /// Whether what is due for it may be a little late: nothing of a viewer that is connected
    /// is urgent, as its media does not wait for it.
    pub(crate) fn can_wait(&self) -> bool {
        self.is_connected && matches!(self.role, Role::Viewer)
    }

    /// Whether it is a publisher's.
    pub(crate) fn is_publisher(&self) -> bool {
        matches!(self.role, Role::Publisher(_))
    }

    /// Whether the peer has been silent for longer than it may.
    pub(crate) fn is_overdue(&self, limits: &Limits, now: Instant) -> bool {
        match self.is_connected {
            true => {
                let silence = now.saturating_duration_since(self.heard_at);
                silence >= limits.silence || self.has_moved_away(now)
            }
            false => {
                let limit = match self.role {
                    Role::Publisher(_) => limits.publisher_connect,
                    Role::Viewer => limits.connect,
                };
                now.saturating_duration_since(self.created) >= limit
            }
        }
    }

    /// RFC 7675 section 5.1: media goes on only as long as somebody at its address wants it.
    /// Of a publisher nothing is asked again, as FFmpeg does not answer once it sends.
    fn has_moved_away(&self, now: Instant) -> bool {
        matches!(self.role, Role::Viewer) && self.paths.is_lost(now)
    }
}
