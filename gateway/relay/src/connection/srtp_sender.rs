//! The way to one viewer, by SRTP of our own, and back what it reports.
//!
//! str0m keeps the connection: ICE and DTLS (`docs/decisions/own-srtp.md`).

use str0m::rtp::Ssrc;

use crate::connection::sent_packets::SentPackets;
use crate::connection::srtp::Srtp;
use crate::net::udp::{Network, Route};
use crate::sdp::extensions::Rtp;
use crate::subscriber::Report;
use crate::subscriber::outgoing::Outgoing;

/// See the module.
pub(crate) struct SrtpSender {
    srtp: Srtp,
    /// What may have to be sent once more.
    sent: SentPackets,
    /// The peer's last RTCP, decrypted.
    rtcp: Vec<u8>,
}

impl SrtpSender {
    pub(crate) fn new(srtp: Srtp) -> Self {
        Self {
            srtp,
            sent: SentPackets::default(),
            rtcp: Vec::new(),
        }
    }

    /// Sends a packet, together with those of the same run.
    pub(crate) fn send_rtp(
        &mut self,
        network: &mut Network,
        route: &Route,
        outgoing: &Outgoing<'_>,
    ) {
        let packet = outgoing.packet;
        let extensions = outgoing
            .extensions
            .write(&packet.extensions, outgoing.transport_sequence);
        let original = outgoing.original.map(u16::to_be_bytes);
        let rtp = Rtp::new()
            .payload_type(*outgoing.payload_type)
            .marker_bit(packet.marker)
            .sequence_number(outgoing.sequence as u16)
            .timestamp(outgoing.time)
            .ssrc(*outgoing.source);
        let mut rtp = extensions.add_to(rtp);
        // RFC 4588 section 4: in front of the payload.
        if let Some(original) = &original {
            rtp = rtp.payload(original);
        }
        let rtp = rtp.payload(&packet.payload);
        let Ok(length) = rtp.calculate_size() else {
            return;
        };
        let tag = self.srtp.overhead();
        let payload = original.map_or(0, |original| original.len()) + packet.payload.len();
        network.write(route, length + tag, |buffer| {
            let start = buffer.len();
            rtp.write_into_vec(buffer).ok()?;
            let own = buffer.len().checked_sub(packet.payload.len())?;
            if let Some(numbers) = outgoing.numbers {
                numbers.write(outgoing.encoding, &mut buffer[own..]);
            }
            let head = buffer.len().checked_sub(payload)? - start;
            buffer.resize(start + length + tag, 0);
            let (source, index) = (*outgoing.source, outgoing.sequence);
            let (srtp, sent) = (&mut self.srtp, &mut self.sent);
            let protected = &mut buffer[start..];
            srtp.protect_rtp(protected, head, source, index).ok()?;
            if outgoing.is_kept {
                sent.keep((source, index), packet.arrived, protected);
            }
            Some(())
        });
    }

    /// Sends a packet that was sent before once more, bit by bit as it was.
    pub(crate) fn repeat_rtp(
        &self,
        network: &mut Network,
        route: &Route,
        source: Ssrc,
        sequence: u64,
    ) {
        if let Some(bytes) = self.sent.find(*source, sequence) {
            network.send(route, bytes);
        }
    }

    /// The peer's compound packet, decrypted; nothing if it is not authentic.
    pub(crate) fn open_rtcp(&mut self, packet: &[u8]) -> Option<&[u8]> {
        self.srtp.unprotect_rtcp(packet, &mut self.rtcp).ok()?;
        Some(&self.rtcp)
    }

    /// Sends a compound packet.
    pub(crate) fn send_rtcp(&mut self, network: &mut Network, route: &Route, report: Report) {
        if let Ok(bytes) = self.srtp.protect_rtcp(report.packet, *report.source) {
            network.send(route, &bytes);
        }
    }
}
