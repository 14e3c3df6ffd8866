//! The relay's own checks: a question that only who receives at an address can answer.
//!
//! Written and read here: str0m makes none, as a lite agent, writes no names of more than
//! 128 characters, and refuses FFmpeg's answers, which lack XOR-MAPPED-ADDRESS
//! (`docs/decisions/return-routability.md`).

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::{hmac, rand};

/// Of every STUN message (RFC 8489 section 5): its kind, its length, and these two.
const HEADER: usize = 20;
const MAGIC: [u8; 4] = [0x21, 0x12, 0xa4, 0x42];

/// A Binding request, and a success response to one.
const REQUEST: [u8; 2] = [0x00, 0x01];
const SUCCESS: [u8; 2] = [0x01, 0x01];

/// RFC 8489 section 14 and RFC 8445 section 16.1.
const USERNAME: u16 = 0x0006;
const MESSAGE_INTEGRITY: u16 = 0x0008;
const PRIORITY: u16 = 0x0024;
const FINGERPRINT: u16 = 0x8028;
const ICE_CONTROLLED: u16 = 0x8029;

/// The length of a MESSAGE-INTEGRITY and of a FINGERPRINT.
const TAG: usize = 20;
const SUM: usize = 4;

/// What a fingerprint is combined with (RFC 8489 section 14.7).
const STUN: u32 = 0x5354_554e;

/// Peer reflexive and UDP (RFC 8445 section 5.1.2.1). Nobody chooses by it.
const OUR_PRIORITY: u32 = (110 << 24) | (0xffff << 8) | 255;

/// What ties a check to its answer: 96 bits that nobody can guess.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Transaction([u8; 12]);

impl Transaction {
    /// A new one; nothing if the system has no randomness.
    pub(crate) fn random() -> Option<Self> {
        let mut id = [0; 12];
        rand::fill(&mut id).ok()?;
        Some(Self(id))
    }

    /// The one that this datagram is the answer to; nothing if it is no success response.
    pub(crate) fn answered_by(datagram: &[u8]) -> Option<Self> {
        let head = datagram.first_chunk::<HEADER>()?;
        let length = usize::from(u16::from_be_bytes([head[2], head[3]]));
        let is_answer =
            head[..2] == SUCCESS && head[4..8] == MAGIC && HEADER + length == datagram.len();
        is_answer.then(|| head.last_chunk().map(|id| Self(*id)))?
    }
}

/// A Binding request as RFC 8445 section 7.2.2 wants it, of the controlled side.
pub(crate) fn check(transaction: Transaction, name: &str, password: &str) -> Vec<u8> {
    let mut check = [&REQUEST[..], &[0, 0], &MAGIC, &transaction.0].concat();
    append(&mut check, USERNAME, name.as_bytes());
    append(&mut check, PRIORITY, &OUR_PRIORITY.to_be_bytes());
    // Roles do not conflict where one side is lite (RFC 8445 section 6.1.1).
    append(&mut check, ICE_CONTROLLED, &[0; 8]);
    // Both are over a length that counts them already.
    announce(&mut check, 4 + TAG);
    let tag = sha1_hmac(password.as_bytes(), &[&check]);
    append(&mut check, MESSAGE_INTEGRITY, &tag);
    announce(&mut check, 4 + SUM);
    let sum = crc32fast::hash(&check) ^ STUN;
    append(&mut check, FINGERPRINT, &sum.to_be_bytes());
    check
}

fn append(message: &mut Vec<u8>, kind: u16, value: &[u8]) {
    // No value of ours is longer than two names.
    let length = u16::try_from(value.len()).unwrap_or_default();
    message.extend(kind.to_be_bytes());
    message.extend(length.to_be_bytes());
    message.extend(value);
    message.resize(message.len().next_multiple_of(4), 0);
}

/// Writes the length that the message has with so many bytes more.
fn announce(message: &mut [u8], more: usize) {
    let length = u16::try_from(message.len() - HEADER + more).unwrap_or_default();
    message[2..4].copy_from_slice(&length.to_be_bytes());
}

/// Whether an answer is signed with this password. A STUN server would answer as well, where
/// no peer of ours is: it has none.
pub(crate) fn is_signed(answer: &[u8], password: &str) -> bool {
    let mut at = HEADER;
    while let Some([k0, k1, l0, l1]) = answer.get(at..at + 4) {
        if u16::from_be_bytes([*k0, *k1]) == MESSAGE_INTEGRITY {
            return is_tag_right(answer, at, password);
        }
        let length = usize::from(u16::from_be_bytes([*l0, *l1]));
        at += 4 + length.next_multiple_of(4);
    }
    false
}

fn is_tag_right(answer: &[u8], at: usize, password: &str) -> bool {
    let Some(tag) = answer.get(at + 4..at + 4 + TAG) else {
        return false;
    };
    // As if the message ended with the tag (RFC 8489 section 14.5).
    let Ok(length) = u16::try_from(at + 4 + TAG - HEADER) else {
        return false;
    };
    let parts = [&answer[..2], &length.to_be_bytes(), &answer[4..at]];
    verify_slices_are_equal(tag, &sha1_hmac(password.as_bytes(), &parts)).is_ok()
}

fn sha1_hmac(key: &[u8], parts: &[&[u8]]) -> [u8; TAG] {
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, key);
    let mut context = hmac::Context::with_key(&key);
    parts.iter().for_each(|part| context.update(part));
    let mut tag = [0; TAG];
    tag.copy_from_slice(context.sign().as_ref());
    tag
}

/// An answer for tests: as most write it, or without the address, as FFmpeg does.
#[cfg(test)]
pub(crate) fn answer(check: &[u8], password: &str, has_address: bool) -> Vec<u8> {
    let mut answer = [&SUCCESS[..], &[0, 0], &check[4..HEADER]].concat();
    if has_address {
        append(&mut answer, 0x0020, &[0, 1, 0, 0, 0, 0, 0, 0]);
    }
    announce(&mut answer, 4 + TAG);
    let tag = sha1_hmac(password.as_bytes(), &[&answer]);
    append(&mut answer, MESSAGE_INTEGRITY, &tag);
    answer
}

#[cfg(test)]
mod tests {
    use str0m::ice::StunMessage;

    use super::*;

    const PASSWORD: &str = "asecretoftwentytwochars";

    fn asked(name: &str) -> (Transaction, Vec<u8>) {
        let transaction = Transaction::random().unwrap();
        (transaction, check(transaction, name, PASSWORD))
    }

    #[test]
    fn a_check_is_one_that_a_full_agent_reads() {
        // Names of 4 to 256 characters, RFC 8839 section 5.4.
        for length in [4, 5, 6, 7, 256] {
            let theirs = "t".repeat(length);
            let (_, check) = asked(&format!("{theirs}:usus"));
            let message = StunMessage::parse(&check).unwrap();
            assert!(message.is_binding_request() && !message.use_candidate());
            assert_eq!(message.split_username(), Some((theirs.as_str(), "usus")));
            assert_eq!(message.ice_controlled(), Some(0));
            assert_eq!(message.prio(), Some(OUR_PRIORITY));
            assert!(message.verify(PASSWORD.as_bytes(), sha1_hmac));
            let (signed, fingerprint) = check.split_last_chunk::<4>().unwrap();
            let sum = crc32fast::hash(&signed[..signed.len() - 4]) ^ STUN;
            assert_eq!(sum.to_be_bytes(), *fingerprint);
            assert!(Transaction::answered_by(&check).is_none());
        }
    }

    #[test]
    fn an_answer_names_its_check_and_is_signed_or_is_none() {
        let (transaction, check) = asked("them:us");
        for has_address in [true, false] {
            let answer = answer(&check, PASSWORD, has_address);
            assert_eq!(Transaction::answered_by(&answer), Some(transaction));
            assert!(is_signed(&answer, PASSWORD));
            assert!(!is_signed(&answer, "another secret than that"));
            for length in 0..answer.len() {
                assert!(Transaction::answered_by(&answer[..length]).is_none());
                assert!(!is_signed(&answer[..length], PASSWORD));
            }
            for index in 8..HEADER {
                let mut other = answer.clone();
                other[index] ^= 1;
                assert!(!is_signed(&other, PASSWORD), "signed with its transaction");
            }
        }
    }
}
