//! Encryption of what is sent to one viewer, and of what it reports: SRTP and SRTCP (RFC 3711,
//! RFC 7714).

mod indexes;
mod seen;
#[cfg(test)]
mod tests;

use aws_lc_rs::aead::{AES_128_GCM, AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::cipher::{
    AES_128, AES_256, Algorithm, EncryptingKey, EncryptionContext, UnboundCipherKey,
};
use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::error::Unspecified;
use aws_lc_rs::hmac;
use aws_lc_rs::iv::FixedLength;
use str0m::crypto::dtls::SrtpProfile;

use indexes::Indexes;
use seen::Seen;

/// What a DTLS handshake left for SRTP (RFC 5764 section 4.2).
pub(crate) struct Keys {
    /// Both sides' master keys and salts.
    pub(crate) material: Vec<u8>,
    pub(crate) profile: SrtpProfile,
    /// Whether we were the handshake's client.
    pub(crate) is_client: bool,
}

/// See the module.
pub(crate) struct Srtp {
    rtp: Cipher,
    rtcp: Cipher,
    /// Of RTP: no two packets may have the same index.
    indexes: Indexes,
    /// SRTCP packets so far, which is the next one's index.
    reports: u32,
    /// The peer's SRTCP, and which of it has been seen.
    theirs: Cipher,
    seen: Seen,
}

enum Cipher {
    /// RFC 7714 sections 8 and 9.
    Gcm { key: LessSafeKey, salt: [u8; 12] },
    /// Boxed, as it is rare and 1.7 KiB.
    Counter(Box<Counter>),
}

/// Counter mode and HMAC-SHA1, RFC 3711 sections 4.1.1 and 4.2.1.
struct Counter {
    key: EncryptingKey,
    salt: [u8; 14],
    authentication: hmac::Key,
}

/// What session keys are derived for (RFC 3711 section 4.3.2). Those of SRTCP follow three
/// further on.
const ENCRYPTION: u8 = 0;
const AUTHENTICATION: u8 = 1;
const SALTING: u8 = 2;
const OF_RTCP: u8 = 3;

const GCM_TAG: usize = 16;
const HMAC_TAG: usize = 10;

/// What SRTCP leaves readable: the first packet's head and source.
const RTCP_HEAD: usize = 8;

/// Says in an SRTCP index that the packet is encrypted.
const IS_ENCRYPTED: u32 = 1 << 31;

impl Srtp {
    /// Our direction of the session; nothing if the profile is none that we offer.
    pub(crate) fn new(keys: &Keys) -> Option<Self> {
        let (key_length, salt_length) = match keys.profile {
            SrtpProfile::AEAD_AES_128_GCM => (16, 12),
            SrtpProfile::AEAD_AES_256_GCM => (32, 12),
            SrtpProfile::AES128_CM_SHA1_80 => (16, 14),
            _ => return None,
        };
        // Client's key, server's key, client's salt, server's salt.
        let (master_keys, salts) = keys.material.split_at_checked(2 * key_length)?;
        let master = |is_client: bool| {
            Some(Master {
                key: master_keys
                    .chunks(key_length)
                    .nth(usize::from(!is_client))?,
                salt: salts.chunks(salt_length).nth(usize::from(!is_client))?,
            })
        };
        let ours = master(keys.is_client)?;
        Some(Self {
            rtp: ours.cipher(keys.profile, 0)?,
            rtcp: ours.cipher(keys.profile, OF_RTCP)?,
            indexes: Indexes::default(),
            reports: 0,
            theirs: master(!keys.is_client)?.cipher(keys.profile, OF_RTCP)?,
            seen: Seen::default(),
        })
    }

    /// What encryption adds to an RTP packet.
    pub(crate) fn overhead(&self) -> usize {
        self.rtp.tag_length()
    }

    /// Encrypts an RTP packet in place. `head` bytes of it stay readable, and the last
    /// [`Srtp::overhead`] are for the tag. `index` is the sequence number with its
    /// rollovers; one that was used before for this source is refused.
    pub(crate) fn protect_rtp(
        &mut self,
        packet: &mut [u8],
        head: usize,
        source: u32,
        index: u64,
    ) -> Result<(), Unspecified> {
        let (head, rest) = packet.split_at_mut_checked(head).ok_or(Unspecified)?;
        let length = rest.len().checked_sub(self.rtp.tag_length());
        let (payload, tag) = rest.split_at_mut(length.ok_or(Unspecified)?);
        if !self.indexes.take(source, index) {
            return Err(Unspecified);
        }
        match &self.rtp {
            Cipher::Gcm { key, salt } => seal(key, iv(salt, 2, source, index), head, payload, tag),
            Cipher::Counter(counter) => {
                encrypt(&counter.key, iv(&counter.salt, 4, source, index), payload)?;
                let rollovers = (index >> 16) as u32;
                sign(
                    &counter.authentication,
                    &[head, payload, &rollovers.to_be_bytes()],
                    tag,
                );
                Ok(())
            }
        }
    }

    /// Encrypts a compound RTCP packet of `source`.
    pub(crate) fn protect_rtcp(
        &mut self,
        mut packet: Vec<u8>,
        source: u32,
    ) -> Result<Vec<u8>, Unspecified> {
        let number = self.reports;
        if number & IS_ENCRYPTED != 0 {
            // All 31 bits of it are used up (RFC 3711 section 9.2).
            return Err(Unspecified);
        }
        self.reports += 1;
        let index = (number | IS_ENCRYPTED).to_be_bytes();
        let number = number.into();
        let length = packet.len();
        let payload = RTCP_HEAD..length;
        if length < RTCP_HEAD {
            return Err(Unspecified);
        }
        packet.resize(length + self.rtcp.tag_length() + index.len(), 0);
        match &self.rtcp {
            Cipher::Gcm { key, salt } => {
                let (sealed, index_bytes) = packet.split_at_mut(length + GCM_TAG);
                index_bytes.copy_from_slice(&index);
                let (text, tag) = sealed.split_at_mut(length);
                let (head, text) = text.split_at_mut(RTCP_HEAD);
                let head = [&*head, &index].concat();
                seal(key, iv(salt, 2, source, number), &head, text, tag)?;
            }
            Cipher::Counter(counter) => {
                encrypt(
                    &counter.key,
                    iv(&counter.salt, 4, source, number),
                    &mut packet[payload],
                )?;
                packet[length..length + index.len()].copy_from_slice(&index);
                let (signed, tag) = packet.split_at_mut(length + index.len());
                sign(&counter.authentication, &[signed], tag);
            }
        }
        Ok(packet)
    }

    /// Decrypts a compound RTCP packet of the peer into `plain`. What is not authentic, or
    /// was seen before, is refused.
    pub(crate) fn unprotect_rtcp(
        &mut self,
        packet: &[u8],
        plain: &mut Vec<u8>,
    ) -> Result<(), Unspecified> {
        let (rest, index) = match &self.theirs {
            Cipher::Gcm { .. } => packet.split_last_chunk::<4>().ok_or(Unspecified)?,
            Cipher::Counter(counter) => {
                let (signed, tag) = packet.split_last_chunk::<HMAC_TAG>().ok_or(Unspecified)?;
                let mut expected = [0; HMAC_TAG];
                sign(&counter.authentication, &[signed], &mut expected);
                verify_slices_are_equal(tag, &expected)?;
                signed.split_last_chunk::<4>().ok_or(Unspecified)?
            }
        };
        let word = u32::from_be_bytes(*index);
        let number = word & !IS_ENCRYPTED;
        let head = rest.first_chunk::<RTCP_HEAD>().ok_or(Unspecified)?;
        if word & IS_ENCRYPTED == 0 || self.seen.has(number) {
            return Err(Unspecified);
        }
        let source = u32::from_be_bytes([head[4], head[5], head[6], head[7]]);
        plain.clear();
        plain.extend_from_slice(rest);
        let text = &mut plain[RTCP_HEAD..];
        match &self.theirs {
            Cipher::Gcm { key, salt } => {
                let nonce = Nonce::assume_unique_for_key(iv(salt, 2, source, number.into()));
                let head = [&head[..], index].concat();
                let length = key.open_in_place(nonce, Aad::from(&head), text)?.len();
                plain.truncate(RTCP_HEAD + length);
            }
            Cipher::Counter(counter) => {
                // In counter mode that is the same as to encrypt.
                let iv = iv(&counter.salt, 4, source, number.into());
                encrypt(&counter.key, iv, text)?;
            }
        }
        self.seen.note(number);
        Ok(())
    }
}

impl Cipher {
    fn tag_length(&self) -> usize {
        match self {
            Self::Gcm { .. } => GCM_TAG,
            Self::Counter(_) => HMAC_TAG,
        }
    }
}

/// The initialization vector: source and index, the source `at` bytes from the left, under
/// the salt. One layout serves GCM and counter mode, SRTP and SRTCP.
fn iv<const SALT: usize, const IV: usize>(
    salt: &[u8; SALT],
    at: usize,
    source: u32,
    index: u64,
) -> [u8; IV] {
    let mut iv = [0; IV];
    iv[at..at + 4].copy_from_slice(&source.to_be_bytes());
    // Of an index there are 48 bits.
    iv[at + 4..at + 10].copy_from_slice(&index.to_be_bytes()[2..]);
    iv.iter_mut()
        .zip(salt)
        .for_each(|(byte, salt)| *byte ^= salt);
    iv
}

fn seal(
    key: &LessSafeKey,
    iv: [u8; 12],
    head: &[u8],
    text: &mut [u8],
    tag: &mut [u8],
) -> Result<(), Unspecified> {
    let nonce = Nonce::assume_unique_for_key(iv);
    let sealed = key.seal_in_place_separate_tag(nonce, Aad::from(head), text)?;
    tag.copy_from_slice(sealed.as_ref());
    Ok(())
}

fn encrypt(key: &EncryptingKey, iv: [u8; 16], text: &mut [u8]) -> Result<(), Unspecified> {
    let context = EncryptionContext::Iv128(FixedLength::from(iv));
    key.less_safe_encrypt(text, context).map(drop)
}

fn sign(key: &hmac::Key, parts: &[&[u8]], tag: &mut [u8]) {
    let mut context = hmac::Context::with_key(key);
    parts.iter().for_each(|part| context.update(part));
    tag.copy_from_slice(&context.sign().as_ref()[..HMAC_TAG]);
}

/// One direction's master key and salt.
struct Master<'a> {
    key: &'a [u8],
    salt: &'a [u8],
}

impl Master<'_> {
    fn cipher(&self, profile: SrtpProfile, labels: u8) -> Option<Cipher> {
        let algorithm = match profile {
            SrtpProfile::AEAD_AES_128_GCM => &AES_128_GCM,
            SrtpProfile::AEAD_AES_256_GCM => &AES_256_GCM,
            _ => return self.counter(labels).ok(),
        };
        let mut key = vec![0; self.key.len()];
        let mut salt = [0; 12];
        self.derive(labels + ENCRYPTION, &mut key).ok()?;
        self.derive(labels + SALTING, &mut salt).ok()?;
        let key = LessSafeKey::new(UnboundKey::new(algorithm, &key).ok()?);
        Some(Cipher::Gcm { key, salt })
    }

    fn counter(&self, labels: u8) -> Result<Cipher, Unspecified> {
        let (mut key, mut salt, mut authentication) = ([0; 16], [0; 14], [0; 20]);
        self.derive(labels + ENCRYPTION, &mut key)?;
        self.derive(labels + SALTING, &mut salt)?;
        self.derive(labels + AUTHENTICATION, &mut authentication)?;
        let algorithm = hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY;
        Ok(Cipher::Counter(Box::new(Counter {
            key: EncryptingKey::ctr(UnboundCipherKey::new(&AES_128, &key)?)?,
            salt,
            authentication: hmac::Key::new(algorithm, &authentication),
        })))
    }

    /// RFC 3711 section 4.3.1, and RFC 7714 section 11 for the shorter salt.
    fn derive(&self, label: u8, output: &mut [u8]) -> Result<(), Unspecified> {
        let algorithm: &Algorithm = match self.key.len() {
            32 => &AES_256,
            _ => &AES_128,
        };
        let mut x = [0; 16];
        x[..self.salt.len()].copy_from_slice(self.salt);
        x[7] ^= label;
        output.fill(0);
        let key = EncryptingKey::ctr(UnboundCipherKey::new(algorithm, self.key)?)?;
        encrypt(&key, x, output)
    }
}
