//! Where the relay's ports can be reached, as its answers say.

use std::net::{IpAddr, SocketAddr};

use str0m::Candidate;
use str0m::net::{Protocol, TcpType};

/// The addresses that one worker's ports are known by.
#[derive(Debug, Clone)]
pub(crate) struct Addresses {
    /// IPv4 first: some clients look at the first one only.
    advertised: Vec<SocketAddr>,
    /// By UDP, and from this machine only.
    for_this_machine: Option<SocketAddr>,
}

impl Addresses {
    /// The same port at each of these addresses.
    pub(crate) fn new(addresses: &[IpAddr], port: u16) -> Self {
        let mut advertised: Vec<SocketAddr> = addresses
            .iter()
            .map(|address| SocketAddr::new(*address, port))
            .collect();
        advertised.sort_by_key(SocketAddr::is_ipv6);
        Self {
            advertised,
            for_this_machine: None,
        }
    }

    /// And this one, by UDP, for those of this machine who take no media from loopback.
    pub(crate) fn with_own(self, own: Option<SocketAddr>) -> Self {
        Self {
            for_this_machine: own,
            ..self
        }
    }

    fn by_udp(&self) -> impl Iterator<Item = &SocketAddr> {
        self.advertised.iter().chain(&self.for_this_machine)
    }

    /// What answers say: UDP first, since FFmpeg fails if the first candidate is TCP.
    pub(crate) fn candidates(&self) -> Vec<Candidate> {
        let udp = self.by_udp().map(|address| {
            let candidate = Candidate::host(*address, Protocol::Udp);
            candidate.ok()
        });
        let tcp = self.advertised.iter().map(|address| {
            let candidate = Candidate::builder().tcp().host(*address);
            candidate.tcptype(TcpType::Passive).build().ok()
        });
        udp.chain(tcp).flatten().collect()
    }

    /// The candidate that a datagram came to, which behind a NAT is not the address that
    /// it was delivered to.
    pub(crate) fn local(&self, delivered_to: Option<IpAddr>, port: SocketAddr) -> SocketAddr {
        let delivered_to = delivered_to.unwrap_or(port.ip()).to_canonical();
        let exact = |address: &&SocketAddr| address.ip() == delivered_to;
        let of_family = |address: &&SocketAddr| address.is_ipv4() == delivered_to.is_ipv4();
        let all = || self.by_udp();
        let found = all().find(exact).or_else(|| all().find(of_family));
        found.copied().unwrap_or(port)
    }
}

/// This machine's addresses, or those of them that others can reach.
pub(crate) fn of_this_machine() -> Vec<IpAddr> {
    let interfaces = if_addrs::get_if_addrs().unwrap_or_default();
    let addresses = interfaces.iter().map(if_addrs::Interface::ip);
    let mut addresses: Vec<IpAddr> = addresses.filter(|ip| !is_link_local(ip)).collect();
    addresses.sort_by_key(|address| (address.is_loopback(), address.is_ipv6()));
    addresses
}

/// Where a process of this machine sends to if it does not pair with loopback, as Firefox: any of
/// the machine's other addresses, of the same family.
pub(crate) fn beside(loopback: IpAddr) -> Option<IpAddr> {
    let mut all = of_this_machine().into_iter();
    all.find(|own| !own.is_loopback() && own.is_ipv4() == loopback.is_ipv4())
}

fn is_link_local(address: &IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => address.is_link_local(),
        IpAddr::V6(address) => address.is_unicast_link_local(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn udp_and_ipv4_come_first() {
        let addresses = Addresses::new(&["2001:db8::1".parse().unwrap(), [192, 0, 2, 1].into()], 7);
        let candidates = addresses.candidates();
        let lines: Vec<String> = candidates.iter().map(Candidate::to_sdp_string).collect();
        assert!(lines[0].contains(" udp ") && lines[0].contains(" 192.0.2.1 7 typ host"));
        assert!(lines[1].contains(" udp ") && lines[1].contains(" 2001:db8::1 7 typ host"));
        assert!(lines[2].contains(" tcp ") && lines[2].contains("tcptype passive"));
        assert_eq!(lines.len(), 4);
    }

    #[test]
    fn the_address_for_this_machine_is_the_last_by_udp_and_none_by_tcp() {
        let loopback: IpAddr = [127, 0, 0, 1].into();
        let own = SocketAddr::new([192, 0, 2, 10].into(), 7);
        let addresses = Addresses::new(&[loopback], 7).with_own(Some(own));
        let candidates = addresses.candidates();
        let lines: Vec<String> = candidates.iter().map(Candidate::to_sdp_string).collect();
        assert!(lines[0].contains(" udp ") && lines[0].contains(" 127.0.0.1 7 typ host"));
        assert!(lines[1].contains(" udp ") && lines[1].contains(" 192.0.2.10 7 typ host"));
        assert!(lines[2].contains(" tcp ") && lines[2].contains(" 127.0.0.1 7 typ host"));
        assert_eq!(lines.len(), 3);
        assert_eq!(addresses.local(Some(own.ip()), own), own);
    }

    #[test]
    fn behind_a_nat_a_datagram_came_to_what_is_advertised() {
        let public = [203, 0, 113, 7].into();
        let addresses = Addresses::new(&[public], 9);
        let port = "10.0.0.2:9".parse().unwrap();
        let local = addresses.local(Some([10, 0, 0, 2].into()), port);
        assert_eq!(local, SocketAddr::new(public, 9));
    }
}
