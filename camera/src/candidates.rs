//! Which of a viewer's candidates to check, and when.
//!
//! libnice nominates regularly: it uses a pair that works only when all better-ranked pairs have
//! failed, and one that leads nowhere takes 2 s to fail. Host candidates rank highest, and a
//! browser's are often such: hidden behind mDNS names, or behind a NAT. But the browser checks our
//! candidates at the same moment, and its check shows the true way in milliseconds. So its host
//! candidates are held back, and used only when its own checks have not arrived.

use sightline_spec::{
    candidate::{Address, Candidate},
    sdp::Sdp,
};

/// Host candidates of a viewer, each with the index of its section.
#[derive(Debug, Default)]
pub(crate) struct HeldBack {
    candidates: Vec<(usize, Candidate)>,
    /// From now on nothing is held back.
    released: bool,
    /// Its candidates are the only way to it.
    lite: bool,
}

impl HeldBack {
    /// The answer without the candidates that are held back.
    pub(crate) fn take_from(&mut self, answer: &Sdp) -> String {
        // An ICE-lite peer never checks anything itself (RFC 8445 section 2.5).
        if answer.as_str().lines().any(|line| line == "a=ice-lite") {
            self.released = true;
            self.lite = true;
        }
        let mut rest = String::new();
        let mut sections = 0_usize;
        for line in answer.as_str().lines() {
            sections += usize::from(line.starts_with("m="));
            let value = line
                .strip_prefix("a=")
                .filter(|value| value.starts_with("candidate:"));
            let candidate = value.and_then(|value| value.parse::<Candidate>().ok());
            let keep = match (value, candidate) {
                (None, _) => true,
                (Some(_), None) => false,
                (Some(_), Some(candidate)) => self
                    .filter(sections.saturating_sub(1), &candidate)
                    .is_some(),
            };
            if keep {
                rest.push_str(line);
                rest.push_str("\r\n");
            }
        }
        rest
    }

    /// The candidate, if it is to be checked now.
    pub(crate) fn filter(&mut self, section: usize, candidate: &Candidate) -> Option<Candidate> {
        let reachable = match &candidate.address {
            // RFC 8445 section 5.1.1.1: no loopback addresses. A gateway that puts the viewer's
            // address in place of an mDNS name makes one when it runs on the viewer's machine.
            // A relay that listens there only, beside this camera, means what it says; but libnice
            // ties its UDP sockets to a network (IP_UNICAST_IF), from which no datagram gets there.
            Address::Ip(ip) if ip.is_loopback() => {
                self.lite && candidate.transport.eq_ignore_ascii_case("tcp")
            }
            Address::Ip(_) => true,
            // GStreamer cannot resolve mDNS names.
            Address::Name(_) => !candidate.address.is_mdns(),
        };
        if !reachable {
            return None;
        }
        if self.released || candidate.kind != "host" {
            return Some(candidate.clone());
        }
        if self.candidates.len() < sightline_spec::sdpfrag::SdpFrag::MAX_CANDIDATES {
            self.candidates.push((section, candidate.clone()));
        }
        None
    }

    /// All that were held back; later ones pass.
    pub(crate) fn release(&mut self) -> Vec<(usize, Candidate)> {
        self.released = true;
        std::mem::take(&mut self.candidates)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\n";
    const HOST: &str = "a=candidate:1 1 udp 2122260223 192.0.2.7 5000 typ host\r\n";
    const LOOPBACK: &str = "a=candidate:2 1 udp 2122260223 127.0.0.1 5000 typ host\r\n";
    const LOOPBACK_TCP: &str =
        "a=candidate:5 1 tcp 2105458943 127.0.0.1 5000 typ host tcptype passive\r\n";
    const MDNS: &str = "a=candidate:3 1 udp 2122260223 x-y.local 5000 typ host\r\n";
    const REFLEXIVE: &str =
        "a=candidate:4 1 udp 1686052607 198.51.100.1 6000 typ srflx raddr 0.0.0.0 rport 0\r\n";
    const MEDIA: &str = "m=video 9 UDP/TLS/RTP/SAVPF 96\r\na=recvonly\r\n";

    fn answer(parts: &[&str]) -> Sdp {
        Sdp::parse(&parts.concat()).unwrap()
    }

    #[test]
    fn host_candidates_wait_and_unusable_ones_go() {
        let mut held = HeldBack::default();
        let all = answer(&[HEAD, MEDIA, HOST, LOOPBACK, MDNS, REFLEXIVE]);
        assert_eq!(held.take_from(&all), [HEAD, MEDIA, REFLEXIVE].concat());
        let released = held.release();
        assert_eq!(released.len(), 1);
        assert_eq!(format!("a={}\r\n", released[0].1), HOST);
    }

    #[test]
    fn after_the_wait_nothing_is_held_back() {
        let mut held = HeldBack::default();
        held.release();
        assert_eq!(
            held.take_from(&answer(&[HEAD, MEDIA, HOST])),
            [HEAD, MEDIA, HOST].concat()
        );
    }

    #[test]
    fn a_peer_that_never_checks_is_checked_at_once() {
        let mut held = HeldBack::default();
        let lite = [HEAD, "a=ice-lite\r\n", MEDIA, HOST, LOOPBACK_TCP];
        assert_eq!(held.take_from(&answer(&lite)), lite.concat());
        let with_udp = [HEAD, "a=ice-lite\r\n", MEDIA, HOST, LOOPBACK, LOOPBACK_TCP];
        assert_eq!(held.take_from(&answer(&with_udp)), lite.concat());
    }
}
