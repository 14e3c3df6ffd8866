//! One WebRTC connection: whose datagrams are whose, where they go, ICE and DTLS, and encryption.

pub(crate) mod checks;
pub(crate) mod drive;
pub(crate) mod dtls;
pub(crate) mod feedback;
mod first_packets;
pub(crate) mod paths;
pub(crate) mod peer;
pub(crate) mod registry;
mod sent_packets;
pub(crate) mod share;
pub(crate) mod srtp;
pub(crate) mod srtp_sender;
pub(crate) mod stun;
