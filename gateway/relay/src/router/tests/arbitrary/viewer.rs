//! A viewer in such a room, and all that it was sent.

use std::collections::{BTreeMap, HashMap};

use rtcp_types::prelude::*;
use rtcp_types::{TransportFeedback, TwccBuilder, TwccPacketStatus};
use str0m::rtp::Ssrc;

use super::super::{Key, Sent};

pub(super) struct Viewer {
    pub(super) key: Key,
    pub(super) is_connected: bool,
    pub(super) is_here: bool,
    /// By its streams.
    pub(super) sent: HashMap<Ssrc, BTreeMap<u64, Sent>>,
    pub(super) transport_sequences: Vec<u16>,
    told: u16,
}

impl Viewer {
    pub(super) fn new(key: Key) -> Self {
        Self {
            key,
            is_connected: false,
            is_here: true,
            sent: HashMap::new(),
            transport_sequences: Vec::new(),
            told: 0,
        }
    }

    /// Each packet has the next number, or the link could not be measured.
    pub(super) fn check_transport_sequences(&self) {
        let mut all = self.transport_sequences.windows(2);
        let gap = all.find(|two| two[1] != two[0].wrapping_add(1));
        assert_eq!(gap, None);
    }

    /// What it tells of the packets after those that it has told of: which have arrived.
    pub(super) fn feedback(&mut self, received: &[bool]) -> Option<Vec<u8>> {
        let sent = self.transport_sequences.iter();
        let statuses = sent.skip(self.told.into()).zip(received);
        let statuses: Vec<_> = statuses
            .map(|(_, is_received)| match is_received {
                true => TwccPacketStatus::Received { delta: 4 },
                false => TwccPacketStatus::NotReceived,
            })
            .collect();
        let first = self.transport_sequences.get(usize::from(self.told))?;
        let twcc = TwccBuilder::new(*first, 1, 1, &statuses, None);
        self.told += statuses.len() as u16;
        let feedback = TransportFeedback::builder_owned(twcc);
        let mut bytes = vec![0; feedback.calculate_size().ok()?];
        feedback.write_into(&mut bytes).ok()?;
        Some(bytes)
    }
}
