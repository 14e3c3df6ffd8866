//! Sockets: where datagrams come in and go out.

pub(crate) mod addresses;
pub(crate) mod ports;
pub(crate) mod tcp;
pub(crate) mod traffic;
pub(crate) mod udp;
