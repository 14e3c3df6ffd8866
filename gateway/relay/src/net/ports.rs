//! The media ports: one number for each worker, UDP and TCP, IPv4 and IPv6.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, UdpSocket};

use socket2::{Domain, Protocol, Socket, Type};

use crate::error::StartError;
use crate::net::addresses::{Addresses, beside, of_this_machine};

/// Port numbers that are tried before giving up, where any number will do.
const ATTEMPTS: usize = 32;

/// Where media is received.
#[derive(Debug, Clone)]
pub struct MediaPorts {
    /// Unspecified means every address of the machine, of both families. Loopback means this
    /// machine: by UDP one of its other addresses takes what the machine itself sends there.
    pub address: IpAddr,
    /// The first worker's, the next has the next; 0 takes free ones.
    pub port: u16,
    /// How many, of one thread each.
    pub workers: usize,
    /// What answers say; empty means the addresses that are listened on.
    pub advertised: Vec<IpAddr>,
}

/// One worker's ports.
pub(crate) struct BoundPorts {
    pub(crate) udp: Vec<UdpSocket>,
    /// At an address that others can send to as well, which is not for them.
    pub(crate) own: Option<UdpSocket>,
    pub(crate) tcp: Vec<TcpListener>,
    pub(crate) addresses: Addresses,
}

impl MediaPorts {
    /// Binds them all, or says which could not be bound.
    pub(crate) fn bind(&self) -> Result<Vec<BoundPorts>, StartError> {
        let advertised = self.advertised();
        let all = (0..self.workers.max(1)).map(|worker| {
            let number = match self.port {
                0 => 0,
                first => first.saturating_add(u16::try_from(worker).unwrap_or(u16::MAX)),
            };
            let (udp, tcp, number) =
                self.bind_number(number)
                    .map_err(|source| StartError::Listen {
                        address: SocketAddr::new(self.address, number),
                        source,
                    })?;
            let own = self.bind_own(number);
            let own_address = own.as_ref().and_then(|socket| socket.local_addr().ok());
            Ok(BoundPorts {
                udp,
                own,
                tcp,
                addresses: Addresses::new(&advertised, number).with_own(own_address),
            })
        });
        all.collect()
    }

    fn advertised(&self) -> Vec<IpAddr> {
        if !self.advertised.is_empty() {
            return self.advertised.clone();
        }
        if !self.address.is_unspecified() {
            return vec![self.address];
        }
        let all = of_this_machine();
        let reachable = all.iter().copied().filter(|address| !address.is_loopback());
        let reachable: Vec<IpAddr> = reachable.collect();
        match reachable.is_empty() {
            true => all,
            false => reachable,
        }
    }

    /// Firefox pairs none of its addresses with one on loopback. Without this it goes without.
    fn bind_own(&self, number: u16) -> Option<UdpSocket> {
        if !self.address.is_loopback() || !self.advertised.is_empty() {
            return None;
        }
        let address = SocketAddr::new(beside(self.address)?, number);
        let bound = UdpSocket::bind(address);
        bound
            .inspect_err(|error| tracing::debug!(%error, %address, "no media at it"))
            .ok()
    }

    fn bind_number(&self, number: u16) -> io::Result<(Vec<UdpSocket>, Vec<TcpListener>, u16)> {
        let mut attempts = ATTEMPTS;
        loop {
            attempts -= 1;
            match self.bind_all(number) {
                // Of a free UDP port the same TCP port may be taken.
                Err(error) if number == 0 && attempts > 0 => {
                    tracing::debug!(%error, "another media port is tried");
                }
                bound => return bound,
            }
        }
    }

    fn bind_all(&self, number: u16) -> io::Result<(Vec<UdpSocket>, Vec<TcpListener>, u16)> {
        let addresses = match self.address.is_unspecified() {
            true => vec![Ipv4Addr::UNSPECIFIED.into(), Ipv6Addr::UNSPECIFIED.into()],
            false => vec![self.address],
        };
        let (mut udp, mut tcp, mut number) = (Vec::new(), Vec::new(), number);
        for address in addresses {
            let bound = bind(SocketAddr::new(address, number));
            match bound {
                Ok((datagrams, listener, bound)) => {
                    udp.push(datagrams);
                    tcp.push(listener);
                    number = bound;
                }
                // Many machines have no IPv6.
                Err(error) if address.is_ipv6() && !udp.is_empty() => {
                    tracing::debug!(%error, "no media by IPv6");
                }
                Err(error) => return Err(error),
            }
        }
        Ok((udp, tcp, number))
    }
}

fn bind(address: SocketAddr) -> io::Result<(UdpSocket, TcpListener, u16)> {
    let socket = |kind, protocol| -> io::Result<Socket> {
        let socket = Socket::new(Domain::for_address(address), kind, Some(protocol))?;
        if address.is_ipv6() {
            socket.set_only_v6(true)?;
        }
        Ok(socket)
    };
    let udp = socket(Type::DGRAM, Protocol::UDP)?;
    udp.bind(&address.into())?;
    let udp: UdpSocket = udp.into();
    let address = SocketAddr::new(address.ip(), udp.local_addr()?.port());
    let tcp = socket(Type::STREAM, Protocol::TCP)?;
    tcp.set_reuse_address(true)?;
    tcp.bind(&address.into())?;
    tcp.listen(128)?;
    tcp.set_nonblocking(true)?;
    Ok((udp, tcp.into(), address.port()))
}
