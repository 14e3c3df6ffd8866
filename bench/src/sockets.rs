//! What the kernel has thrown away because nobody read it in time.

use anyhow::Context;

/// A UDP socket of this machine, as the kernel tells of it.
pub(crate) struct UdpSocket {
    pub(crate) port: u16,
    /// The kernel's number of it.
    pub(crate) number: u64,
    /// How many datagrams found it full; a run that was sent together counts as one.
    pub(crate) drops: u64,
}

/// Those of IPv4 and of IPv6.
const TABLES: [&str; 2] = ["/proc/net/udp", "/proc/net/udp6"];

/// All UDP sockets.
pub(crate) fn udp() -> anyhow::Result<Vec<UdpSocket>> {
    let mut sockets = Vec::new();
    for table in TABLES {
        let text = match std::fs::read_to_string(table) {
            // A machine without IPv6.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
            read => read?,
        };
        for line in text.lines().skip(1) {
            let socket = parse(line);
            sockets.push(socket.with_context(|| format!("what does {line:?} mean?"))?);
        }
    }
    Ok(sockets)
}

/// Packets between processes of this machine that were thrown away before any socket.
pub(crate) fn backlog_drops() -> anyhow::Result<u64> {
    let text = std::fs::read_to_string("/proc/net/softnet_stat")?;
    let mut drops = 0;
    for line in text.lines() {
        let dropped = line.split_whitespace().nth(1);
        drops += u64::from_str_radix(dropped.context("what does softnet_stat mean?")?, 16)?;
    }
    Ok(drops)
}

/// A line of such a table, see proc_pid_net(5).
fn parse(line: &str) -> Option<UdpSocket> {
    let fields: Vec<_> = line.split_whitespace().collect();
    let (_, port) = fields.get(1)?.rsplit_once(':')?;
    Some(UdpSocket {
        port: u16::from_str_radix(port, 16).ok()?,
        number: fields.get(9)?.parse().ok()?,
        drops: fields.get(12)?.parse().ok()?,
    })
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, UdpSocket};

    #[test]
    fn a_socket_that_nobody_reads_drops_what_it_has_no_room_for() {
        let full = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let empty = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        for _ in 0..1000 {
            let to = full.local_addr().unwrap();
            empty.send_to(&[0; 1200], to).unwrap();
        }
        let sockets = super::udp().unwrap();
        let drops = |socket: &UdpSocket| {
            let port = socket.local_addr().unwrap().port();
            let mut with_port = sockets.iter().filter(|socket| socket.port == port);
            with_port.next().unwrap().drops
        };
        assert!(drops(&full) > 0);
        assert_eq!(drops(&empty), 0);
    }
}
