//! Which certificates a connection's peer may present: its `a=fingerprint` lines.
//!
//! str0m makes a connection's DTLS when it makes the connection, and has no words for handing
//! these on to it; so they stand by, on this thread, while it does.

use std::cell::RefCell;

use openssl::hash::{MessageDigest, hash};
use openssl::memcmp;
use sightline_spec::sdp::Fingerprint;

thread_local! {
    static PRESENT: RefCell<Option<Certificates>> = const { RefCell::new(None) };
}

/// What is kept of one peer's. Most have one; aiortc has one for each of three hash functions.
const MOST: usize = 16;

/// Those of one peer: at least one.
#[derive(Debug, Clone)]
pub(crate) struct Certificates(Vec<Fingerprint>);

impl Certificates {
    /// RFC 8122 section 5.1: of several hash functions the one that is preferred counts, here
    /// the longest, and one of its fingerprints has to match.
    pub(crate) fn of(fingerprints: Vec<Fingerprint>) -> Self {
        let longest = fingerprints.iter().map(|f| f.digest().len()).max();
        let is_longest = |f: &Fingerprint| Some(f.digest().len()) == longest;
        let longest = fingerprints.into_iter().filter(is_longest);
        Self(longest.take(MOST).collect())
    }

    /// Whether this certificate, in DER, is one of them.
    pub(crate) fn include(&self, certificate: &[u8]) -> bool {
        self.0.iter().any(|fingerprint| {
            let digest = fingerprint.digest();
            let algorithm = match fingerprint.hash() {
                "sha-1" => MessageDigest::sha1(),
                "sha-224" => MessageDigest::sha224(),
                "sha-256" => MessageDigest::sha256(),
                "sha-384" => MessageDigest::sha384(),
                "sha-512" => MessageDigest::sha512(),
                _ => return false,
            };
            hash(algorithm, certificate)
                .is_ok_and(|found| found.len() == digest.len() && memcmp::eq(&found, &digest))
        })
    }

    /// Makes a connection whose peer has to present one of them.
    pub(crate) fn with<T>(self, make: impl FnOnce() -> T) -> T {
        PRESENT.set(Some(self));
        let made = make();
        PRESENT.take();
        made
    }

    /// Those of the connection that is being made on this thread.
    pub(crate) fn of_this_connection() -> Option<Self> {
        PRESENT.with_borrow(Clone::clone)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn certificates(lines: &[&str]) -> Certificates {
        let all = lines.iter().map(|line| Fingerprint::parse(line).unwrap());
        Certificates::of(all.collect())
    }

    fn line(name: &str, algorithm: MessageDigest, certificate: &[u8]) -> String {
        let digest = hash(algorithm, certificate).unwrap();
        let pairs: Vec<String> = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        format!("{name} {}", pairs.join(":"))
    }

    #[test]
    fn each_hash_function_is_checked() {
        for (name, algorithm) in [
            ("sha-1", MessageDigest::sha1()),
            ("SHA-224", MessageDigest::sha224()),
            ("sha-256", MessageDigest::sha256()),
            ("SHA-384", MessageDigest::sha384()),
            ("sha-512", MessageDigest::sha512()),
        ] {
            let line = line(name, algorithm, b"mine");
            assert!(certificates(&[&line]).include(b"mine"), "{name}");
            assert!(!certificates(&[&line]).include(b"another"), "{name}");
        }
    }

    #[test]
    fn any_of_the_strongest_matches_and_no_weaker_one() {
        let weak = line("sha-256", MessageDigest::sha256(), b"mine");
        let strong = line("sha-512", MessageDigest::sha512(), b"another");
        let both = certificates(&[&weak, &strong]);
        assert!(both.include(b"another") && !both.include(b"mine"));
        let mine = line("sha-512", MessageDigest::sha512(), b"mine");
        assert!(certificates(&[&strong, &weak, &mine]).include(b"mine"));
    }

    #[test]
    fn they_stand_by_no_longer_than_it_takes() {
        let all = certificates(&[&line("sha-256", MessageDigest::sha256(), b"mine")]);
        let present = all.with(|| Certificates::of_this_connection().is_some());
        assert!(present && Certificates::of_this_connection().is_none());
    }
}
