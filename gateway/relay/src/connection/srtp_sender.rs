//! The way to one viewer, by SRTP of our own.
//!
//! str0m keeps the connection: ICE, DTLS, and what the viewer sends. The media it does not
//! send, which is nearly all of a relay's work (`docs/decisions/own-srtp.md`).

use rtcp_types::{CompoundBuilder, RtcpPacketWriter, RtcpPacketWriterExt};
use rtp_types::RtpPacketBuilder;

use crate::connection::srtp::Srtp;
use crate::net::udp::{Network, Route};

/// See the module.
pub(crate) struct SrtpSender {
    srtp: Srtp,
    /// The pair of addresses that ICE chose last.
    pub(crate) route: Route,
}

/// An RTP packet that is being sent.
pub(crate) type Rtp<'a> = RtpPacketBuilder<&'a [u8], &'a [u8]>;

impl SrtpSender {
    pub(crate) fn new(srtp: Srtp, route: Route) -> Self {
        Self { srtp, route }
    }

    /// Sends a packet of `source`, whose last `editable` bytes `edit` may change before they
    /// are encrypted. `index` is its sequence number with the rollovers.
    pub(crate) fn send_rtp(
        &self,
        network: &mut Network,
        packet: &Rtp<'_>,
        (source, index): (u32, u64),
        payload: usize,
        edit: impl FnOnce(&mut [u8]),
    ) {
        let Ok(length) = packet.calculate_size() else {
            return;
        };
        let tag = self.srtp.overhead();
        network.write(&self.route, length + tag, |buffer| {
            let start = buffer.len();
            packet.write_into_vec(buffer).ok()?;
            let payload_start = buffer.len().checked_sub(payload)?;
            edit(&mut buffer[payload_start..]);
            buffer.resize(start + length + tag, 0);
            let head = payload_start - start;
            let protected = self
                .srtp
                .protect_rtp(&mut buffer[start..], head, source, index);
            protected.ok()
        });
    }

    /// Sends a compound packet of `source`.
    pub(crate) fn send_rtcp(
        &mut self,
        network: &mut Network,
        packet: &CompoundBuilder<'_>,
        source: u32,
    ) {
        let mut bytes = vec![0; packet.calculate_size().unwrap_or_default()];
        if packet.write_into(&mut bytes).is_err() {
            return;
        }
        if let Ok(bytes) = self.srtp.protect_rtcp(bytes, source) {
            network.write(&self.route, bytes.len(), |buffer| {
                buffer.extend_from_slice(&bytes);
                Some(())
            });
        }
    }
}
