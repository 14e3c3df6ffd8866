//! A peer that goes no further than its handshake, so that it can present any certificate:
//! one check (RFC 8445 section 7.2), then DTLS as the client (RFC 5764).

use std::io::{self, Read, Write};
use std::net::{SocketAddr, UdpSocket};
use std::time::{Duration, Instant};

use openssl::asn1::Asn1Time;
use openssl::hash::MessageDigest;
use openssl::pkey::{PKey, Private};
use openssl::rsa::Rsa;
use openssl::ssl::{Ssl, SslContext, SslMethod, SslOptions, SslStream, SslVerifyMode};
use openssl::x509::{X509, X509Builder, X509NameBuilder};

use crate::support::LONG;

/// A key, and the certificate that says so.
#[derive(Clone)]
pub(crate) struct Identity {
    key: PKey<Private>,
    certificate: X509,
}

impl Identity {
    /// What GStreamer 1.22 has.
    pub(crate) fn rsa() -> Self {
        let key = PKey::from_rsa(Rsa::generate(2048).unwrap()).unwrap();
        let mut name = X509NameBuilder::new().unwrap();
        name.append_entry_by_text("CN", "peer").unwrap();
        let name = name.build();
        let mut builder = X509Builder::new().unwrap();
        builder.set_version(2).unwrap();
        builder.set_subject_name(&name).unwrap();
        builder.set_issuer_name(&name).unwrap();
        let (start, end) = (Asn1Time::days_from_now(0), Asn1Time::days_from_now(30));
        builder.set_not_before(&start.unwrap()).unwrap();
        builder.set_not_after(&end.unwrap()).unwrap();
        builder.set_pubkey(&key).unwrap();
        builder.sign(&key, MessageDigest::sha256()).unwrap();
        let certificate = builder.build();
        Self { key, certificate }
    }

    /// The value of `a=fingerprint` (RFC 8122 section 5).
    pub(crate) fn fingerprint(&self) -> String {
        self.fingerprint_by("sha-256", MessageDigest::sha256())
    }

    /// The same by another hash function.
    pub(crate) fn fingerprint_by(&self, name: &str, algorithm: MessageDigest) -> String {
        let digest = self.certificate.digest(algorithm).unwrap();
        let bytes = digest.iter().map(|byte| format!("{byte:02X}"));
        format!("{name} {}", bytes.collect::<Vec<_>>().join(":"))
    }
}

/// Between a check and the same once more.
const REPEAT: Duration = Duration::from_millis(250);

/// Datagrams as OpenSSL reads and writes them.
#[derive(Debug)]
struct Datagrams(UdpSocket);

impl Read for Datagrams {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.recv(buffer)
    }
}

impl Write for Datagrams {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.send(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A connection whose handshake has come to an end, as far as this side knows.
pub(crate) struct Shaken {
    socket: UdpSocket,
    _stream: SslStream<Datagrams>,
}

/// Lets the relay know where we are, and shakes hands. Blocks.
pub(crate) fn shake_hands(identity: &Identity, relay: SocketAddr, check: &[u8]) -> Shaken {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.connect(relay).unwrap();
    assert!(is_answered(&socket, check), "no answer to the check");
    socket.set_read_timeout(Some(LONG)).unwrap();

    let mut context = SslContext::builder(SslMethod::dtls()).unwrap();
    context.set_private_key(&identity.key).unwrap();
    context.set_certificate(&identity.certificate).unwrap();
    context.set_verify_callback(SslVerifyMode::PEER, |_, _| true);
    context
        .set_tlsext_use_srtp("SRTP_AEAD_AES_128_GCM")
        .unwrap();
    context.set_options(SslOptions::NO_QUERY_MTU);
    let mut ssl = Ssl::new(&context.build()).unwrap();
    ssl.set_mtu(1200).unwrap();
    let stream = ssl.connect(Datagrams(socket.try_clone().unwrap()));
    Shaken {
        socket,
        _stream: stream.expect("a handshake"),
    }
}

/// Repeats the check until it is answered, as every ICE agent does (RFC 8489 section 6.2.1): the
/// relay may not have heard of the session yet.
fn is_answered(socket: &UdpSocket, check: &[u8]) -> bool {
    let until = Instant::now() + LONG;
    socket.set_read_timeout(Some(REPEAT)).unwrap();
    while Instant::now() < until {
        socket.send(check).unwrap();
        if socket.recv(&mut [0; 512]).is_ok() {
            return true;
        }
    }
    false
}

impl Shaken {
    /// Waits for a packet of media, or of its control: first bytes of RFC 7983. Blocks.
    pub(crate) fn is_given_media(&self) -> bool {
        let mut first = [0; 1];
        loop {
            match self.socket.recv(&mut first) {
                Ok(_) if first[0] >= 128 => return true,
                Ok(_) => {}
                Err(_) => return false,
            }
        }
    }

    /// Whether it has been given any so far.
    pub(crate) fn has_been_given_media(&self) -> bool {
        self.socket.set_nonblocking(true).unwrap();
        self.is_given_media()
    }
}
