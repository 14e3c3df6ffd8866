//! How a connection is driven: str0m does no input or output of its own, so every change is
//! followed by a complete drain of what it has to say (its README, "The single-mutation
//! invariant").

use std::time::Instant;

use str0m::rtp::RtpPacket;
use str0m::{Event, Output, Rtc};

use crate::connection::dtls::BEAT;
use crate::connection::paths::Paths;
use crate::keys::Key;
use crate::net::udp::Network;
use crate::publisher::capture_clock::SenderReport;
use crate::subscriber::retransmission::Missing;
use crate::subscriber::sender_report::ReferenceTime;

/// Where a connection's datagrams go, what it tells, and when.
pub(crate) struct Sink<'a> {
    pub(crate) network: &'a mut Network,
    pub(crate) events: &'a mut Vec<(Key, ConnectionEvent)>,
    pub(crate) now: Instant,
}

/// What driving a connection has led to, beside that.
#[derive(Debug, Default)]
#[must_use]
pub(crate) struct Driven {
    /// When it wants to be driven again.
    pub(crate) next: Option<Instant>,
    pub(crate) has_failed: bool,
    /// Another second has passed for a viewer: it is time for a report.
    pub(crate) is_report_due: bool,
}

/// What a connection tells.
#[derive(Debug)]
pub(crate) enum ConnectionEvent {
    /// ICE and DTLS are done: media can flow.
    Connected,
    /// The peer said goodbye, or cannot be gone on with.
    Gone,
    /// It cannot be driven any more: a library panicked on it.
    Broke,
    /// A publisher's packet.
    Packet(Box<RtpPacket>),
    /// A publisher tells what time it is, and when that arrived.
    SenderReport(SenderReport, Instant),
    /// A viewer cannot go on without a keyframe.
    KeyframeWanted,
    /// Packets that a viewer has missed.
    Missing(Missing),
    /// What time it is at a viewer.
    ReferenceTime(ReferenceTime),
    /// It is time to report to a viewer what it was sent.
    ReportDue,
}

impl Driven {
    /// What this and, after it, `later` have led to.
    pub(crate) fn and(self, later: Self) -> Self {
        Self {
            next: later.next.or(self.next),
            has_failed: self.has_failed || later.has_failed,
            is_report_due: self.is_report_due || later.is_report_due,
        }
    }
}

/// Empties the connection `key` of all it has to send and to tell.
pub(crate) fn drive(rtc: &mut Rtc, key: Key, paths: &mut Paths, sink: &mut Sink<'_>) -> Driven {
    let mut driven = Driven::default();
    loop {
        match rtc.poll_output() {
            Ok(Output::Timeout(next)) => {
                driven.next = Some(next);
                return driven;
            }
            Ok(Output::Transmit(transmit)) => {
                let way = paths.way(&transmit, sink.now);
                if *transmit.contents == *BEAT {
                    driven.is_report_due = true;
                } else if let Some(way) = way {
                    sink.network.send(&way, &transmit.contents);
                }
            }
            Ok(Output::Event(event)) => {
                let event = ConnectionEvent::of(event).map(|event| (key, event));
                sink.events.extend(event);
            }
            Err(error) => {
                tracing::debug!(%error, "a connection failed");
                driven.has_failed = true;
                return driven;
            }
        }
    }
}

impl ConnectionEvent {
    fn of(event: Event) -> Option<Self> {
        match event {
            Event::Connected => Some(Self::Connected),
            // ICE that is “disconnected” does not end it: str0m says so of every peer that has
            // sent no Binding request for 15 s, and libnice keeps alive by indications.
            Event::Closed => Some(Self::Gone),
            Event::RtpPacket(packet) => Some(Self::Packet(Box::new(packet))),
            Event::SenderFeedback(feedback) => {
                let info = feedback.sender_info;
                let report = SenderReport {
                    source: info.ssrc,
                    wall: info.ntp_time,
                    // The lower bits are what it has.
                    time: info.rtp_time.numer() as u32,
                };
                Some(Self::SenderReport(report, feedback.received_at))
            }
            _ => None,
        }
    }
}
