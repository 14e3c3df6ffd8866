//! How a connection is driven: str0m does no input or output of its own, so every change is
//! followed by a complete drain of what it has to say (its README, "The single-mutation
//! invariant").

use std::time::Instant;

use str0m::bwe::{Bitrate, BweKind};
use str0m::net::Transmit;
use str0m::rtp::rtcp::{Nack, Rtcp};
use str0m::rtp::{RawPacket, RtpPacket};
use str0m::{Event, Output, Rtc};

use crate::connection::registry::Key;
use crate::net::udp::{Network, Route};

/// What drives a connection, and where its words go.
pub(crate) struct Drain<'a> {
    pub(crate) network: &'a mut Network,
    heard: &'a mut Vec<(Key, Heard)>,
    /// Whose connection it is that is drained.
    whose: Key,
    /// When the connection wants to be driven again.
    pub(crate) next: Option<Instant>,
    pub(crate) has_failed: bool,
    /// Where the connection sends what is not STUN.
    pub(crate) route: Option<Route>,
    /// The reports are ours to make; the connection's own say when they are due.
    pub(crate) holds_reports: bool,
    pub(crate) is_report_due: bool,
}

/// What a connection tells.
#[derive(Debug)]
pub(crate) enum Heard {
    /// ICE and DTLS are done: media can flow.
    Connected,
    /// The peer said goodbye.
    Gone,
    /// A publisher's packet.
    Packet(Box<RtpPacket>),
    /// A viewer cannot go on without a keyframe.
    KeyframeWanted,
    /// Packets that a viewer has missed.
    Missing(Box<Nack>),
    /// What a viewer's link can carry.
    Estimate(Bitrate),
}

impl<'a> Drain<'a> {
    pub(crate) fn new(network: &'a mut Network, heard: &'a mut Vec<(Key, Heard)>) -> Self {
        Self {
            network,
            heard,
            whose: Key::default(),
            next: None,
            has_failed: false,
            route: None,
            holds_reports: false,
            is_report_due: false,
        }
    }

    /// What is told from now on is told by this connection.
    pub(crate) fn of(&mut self, whose: Key) -> &mut Self {
        self.whose = whose;
        self
    }

    pub(crate) fn hear(&mut self, news: impl IntoIterator<Item = Heard>) {
        let whose = self.whose;
        self.heard
            .extend(news.into_iter().map(|news| (whose, news)));
    }

    /// Empties a connection of all it has to send and to tell.
    pub(crate) fn run(&mut self, rtc: &mut Rtc) {
        loop {
            match rtc.poll_output() {
                Ok(Output::Timeout(next)) => {
                    self.next = Some(next);
                    return;
                }
                Ok(Output::Transmit(transmit)) => self.transmit(&transmit),
                Ok(Output::Event(event)) => self.hear(Heard::of(event)),
                Err(error) => {
                    tracing::debug!(%error, "a connection failed");
                    self.has_failed = true;
                    return;
                }
            }
        }
    }
}

impl Drain<'_> {
    fn transmit(&mut self, transmit: &Transmit) {
        // RFC 7983: what a datagram is, by its first byte.
        let kind = transmit.contents.first();
        if kind.is_some_and(|byte| *byte >= 20) {
            self.route = Some(Route::of(transmit));
        }
        let is_report = kind.is_some_and(|byte| (128..192).contains(byte));
        match is_report && self.holds_reports {
            true => self.is_report_due = true,
            false => self.network.send(transmit),
        }
    }
}

impl Heard {
    fn of(event: Event) -> Option<Self> {
        match event {
            Event::Connected => Some(Self::Connected),
            // ICE that is “disconnected” does not end it: str0m says so of every peer that has
            // sent no Binding request for 15 s, and libnice keeps alive by indications.
            Event::Closed => Some(Self::Gone),
            Event::RtpPacket(packet) => Some(Self::Packet(Box::new(packet))),
            Event::KeyframeRequest(_) => Some(Self::KeyframeWanted),
            Event::RawPacket(packet) => match *packet {
                RawPacket::RtcpRx(Rtcp::Nack(nack)) => Some(Self::Missing(Box::new(nack))),
                _ => None,
            },
            Event::EgressBitrateEstimate(BweKind::Twcc { estimate, .. }) => {
                Some(Self::Estimate(estimate))
            }
            _ => None,
        }
    }
}
