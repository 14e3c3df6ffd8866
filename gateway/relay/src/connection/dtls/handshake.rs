//! One handshake, and what follows it: nothing but the goodbye, since the relay has no
//! data channels.

#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::mem;
use std::time::{Duration, Instant};

use openssl::error::ErrorStack;
use openssl::ssl::{HandshakeError, MidHandshakeSslStream, ShutdownState, Ssl, SslRef, SslStream};
use str0m::crypto::dtls::{
    DtlsImplError, DtlsInstance, DtlsOutput, KeyingMaterial, ProtocolVersion, SrtpProfile,
};
use str0m_proto::crypto::dtls::{DtlsCryptoError, DtlsCryptoOperation};

use super::EXPORTED;
use crate::connection::srtp::Keys;
use crate::sdp::certificates::Certificates;

/// What a client hello waits for its answer at first; it doubles with each repetition.
///
/// FFmpeg drops a hello that comes while it is still busy with ICE, and OpenSSL's own
/// timer (a second, RFC 6347 section 4.2.4.1) would be seen by every viewer.
const HELLO_AGAIN: Duration = Duration::from_millis(60);

/// How often a handshake is looked after; OpenSSL decides whether to send again.
const HANDSHAKE_TICK: Duration = Duration::from_millis(250);

/// How long a finished handshake is remembered at least: the peer may have missed our last
/// flight and ask for it again (RFC 6347 section 4.2.4).
const REMEMBERED: Duration = Duration::from_secs(5);

/// How often a viewer's connection beats.
const PULSE: Duration = Duration::from_secs(1);

/// What it beats with. It looks like SRTP, which str0m has no keys for and so never sends to a
/// viewer, and it does not leave.
pub(in crate::connection) const BEAT: &[u8] = &[128];

/// When nothing is due.
const NEVER: Duration = Duration::from_secs(60 * 60);

/// Records that may wait to be read or sent; a handshake has far fewer.
const MAX_QUEUED: usize = 32;

/// RFC 5764 section 4.2.
const EXPORTER_LABEL: &str = "EXTRACTOR-dtls_srtp";

/// Datagrams on their way into and out of OpenSSL.
#[derive(Default)]
struct Datagrams {
    incoming: VecDeque<Vec<u8>>,
    outgoing: VecDeque<Vec<u8>>,
}

impl io::Read for Datagrams {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let datagram = self.incoming.pop_front().ok_or(io::ErrorKind::WouldBlock)?;
        let length = datagram.len().min(buf.len());
        buf[..length].copy_from_slice(&datagram[..length]);
        Ok(length)
    }
}

impl io::Write for Datagrams {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        if self.outgoing.len() < MAX_QUEUED {
            self.outgoing.push_back(buf.to_vec());
        }
        Ok(buf.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

enum State {
    New(Ssl, Datagrams),
    Shaking(MidHandshakeSslStream<Datagrams>),
    Done(SslStream<Datagrams>),
    /// Done, and nothing more is expected. The record that says goodbye is kept.
    Settled(Option<Box<[u8]>>),
    Failed,
}

/// Whose handshake it is, and so what becomes of it when it is finished.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Peer {
    /// str0m gets the keys, since it decrypts what a publisher sends. OpenSSL's side of it is
    /// kept, 70 KiB, to hear goodbye: a publisher's end shall be known at once.
    Publisher,
    /// Media and reports are ours, and so are the keys. OpenSSL's side is forgotten soon: of a
    /// viewer's end DELETE tells, or its silence.
    ///
    /// The connection beats from now on, as str0m says only by where it sends what is not STUN
    /// where ICE wants the peer to be reached.
    Viewer,
}

/// See the module.
pub(super) struct Handshake {
    /// What the peer may present.
    expected: Certificates,
    peer: Peer,
    state: State,
    active: bool,
    now: Instant,
    /// The first flight of a client, until the peer has said anything.
    hello: Option<Hello>,
    next_tick: Option<Instant>,
    /// When OpenSSL's side of a viewer's handshake is forgotten.
    forget_at: Option<Instant>,
    news: VecDeque<News>,
    closed: bool,
    /// All has been told, and nothing has happened since.
    is_quiet: bool,
}

struct Hello {
    flight: Vec<Vec<u8>>,
    pause: Duration,
    again_at: Instant,
}

/// What the handshake has to tell, in the order in which it is told.
enum News {
    PeerCertificate(Vec<u8>),
    Keys(Vec<u8>, SrtpProfile),
    Connected,
    Beat,
    Closed,
}

impl Handshake {
    pub(super) fn new(ssl: Ssl, expected: Certificates, peer: Peer, now: Instant) -> Self {
        Self {
            expected,
            peer,
            state: State::New(ssl, Datagrams::default()),
            active: false,
            now,
            hello: None,
            next_tick: None,
            forget_at: None,
            news: VecDeque::new(),
            closed: false,
            is_quiet: false,
        }
    }

    /// There is nothing to tell before then.
    fn until_next(&self) -> DtlsOutput<'static> {
        DtlsOutput::Timeout(self.next_tick.unwrap_or(self.now + NEVER))
    }

    fn datagrams(&mut self) -> Option<&mut Datagrams> {
        match &mut self.state {
            State::New(_, datagrams) => Some(datagrams),
            State::Shaking(stream) => Some(stream.get_mut()),
            State::Done(stream) => Some(stream.get_mut()),
            State::Settled(_) | State::Failed => None,
        }
    }

    fn next_datagram(&mut self) -> Option<Vec<u8>> {
        match &mut self.state {
            State::Settled(goodbye) if self.closed => goodbye.take().map(Vec::from),
            _ => self.datagrams()?.outgoing.pop_front(),
        }
    }

    /// Goes on with the handshake as far as what has arrived allows.
    fn shake(&mut self) -> Result<(), DtlsImplError> {
        let outcome = match mem::replace(&mut self.state, State::Failed) {
            State::New(ssl, datagrams) if self.active => ssl.connect(datagrams),
            State::New(ssl, datagrams) => ssl.accept(datagrams),
            State::Shaking(stream) => stream.handshake(),
            done @ (State::Done(_) | State::Settled(_)) => {
                self.state = done;
                return Ok(());
            }
            State::Failed => return Err(failed(DtlsCryptoOperation::Decrypt)),
        };
        match outcome {
            Ok(mut stream) => {
                match is_expected(&stream, &self.expected) {
                    true => self.news.extend(news(&stream)?),
                    // There are no keys for it, and it is told goodbye.
                    false => {
                        tracing::debug!("a certificate is not the one that was announced");
                        let _ = stream.shutdown();
                        self.closed = true;
                        self.news.push_back(News::Closed);
                    }
                }
                self.state = State::Done(stream);
                let is_viewer = self.peer == Peer::Viewer;
                self.next_tick = is_viewer.then_some(self.now + PULSE);
                self.forget_at = is_viewer.then_some(self.now + REMEMBERED);
                Ok(())
            }
            Err(HandshakeError::WouldBlock(stream)) => {
                self.state = State::Shaking(stream);
                Ok(())
            }
            Err(HandshakeError::SetupFailure(error)) => {
                tracing::debug!(%error, "a DTLS handshake could not begin");
                Err(failed(DtlsCryptoOperation::Decrypt))
            }
            Err(HandshakeError::Failure(stream)) => {
                tracing::debug!(error = %stream.error(), "a DTLS handshake failed");
                Err(failed(DtlsCryptoOperation::Decrypt))
            }
        }
    }

    /// Keeps the first flight, to be repeated while the peer is silent.
    fn remember_hello(&mut self) {
        let now = self.now;
        let Some(datagrams) = self.datagrams() else {
            return;
        };
        let flight: Vec<_> = datagrams.outgoing.iter().cloned().collect();
        self.hello = Some(Hello {
            flight,
            pause: HELLO_AGAIN,
            again_at: now + HELLO_AGAIN,
        });
        self.next_tick = Some(now + HELLO_AGAIN);
    }

    fn repeat_hello(&mut self, now: Instant) {
        let Some(hello) = self.hello.as_mut().filter(|hello| hello.again_at <= now) else {
            return;
        };
        hello.pause *= 2;
        hello.again_at = now + hello.pause;
        let flight = hello.flight.clone();
        if let Some(datagrams) = self.datagrams() {
            datagrams.outgoing.extend(flight);
        }
    }

    /// After the handshake only a goodbye is of interest; reading is how OpenSSL sees it.
    fn read_to_end(&mut self) {
        let State::Done(stream) = &mut self.state else {
            return;
        };
        let mut record = [0; 2048];
        while stream.ssl_read(&mut record).is_ok_and(|length| length > 0) {}
        let goodbye = stream.get_shutdown().contains(ShutdownState::RECEIVED);
        if goodbye && !self.closed {
            // RFC 5246 section 7.2.1: answered in kind. Whether it arrives matters to nobody.
            let _ = stream.shutdown();
            self.closed = true;
            self.news.push_back(News::Closed);
        }
    }
}

/// RFC 8827 section 6.5: the peer's certificate MUST be one that its SDP announced.
fn is_expected(stream: &SslStream<Datagrams>, expected: &Certificates) -> bool {
    let certificate = stream.ssl().peer_certificate();
    let der = certificate.and_then(|certificate| certificate.to_der().ok());
    der.is_some_and(|der| expected.include(&der))
}

/// The peer's certificate and the keys of RFC 5764 section 4.2.
fn news(stream: &SslStream<Datagrams>) -> Result<[News; 3], DtlsImplError> {
    let export = || -> Result<Option<[News; 3]>, ErrorStack> {
        let ssl = stream.ssl();
        let (Some(certificate), Some(profile)) = (ssl.peer_certificate(), srtp_profile(ssl)) else {
            return Ok(None);
        };
        let mut material = vec![0; profile.keying_material_len()];
        ssl.export_keying_material(&mut material, EXPORTER_LABEL, None)?;
        Ok(Some([
            News::PeerCertificate(certificate.to_der()?),
            News::Keys(material, profile),
            News::Connected,
        ]))
    };
    export()
        .ok()
        .flatten()
        .ok_or(failed(DtlsCryptoOperation::Decrypt))
}

/// What OpenSSL would say at the end (RFC 5246 section 7.2.1), some forty bytes. Nothing is
/// encrypted after it, so it can be sent at any time.
fn goodbye(stream: &mut SslStream<Datagrams>) -> Option<Box<[u8]>> {
    stream.get_mut().outgoing.clear();
    let _ = stream.shutdown();
    let record = stream.get_mut().outgoing.pop_front()?;
    Some(record.into_boxed_slice())
}

fn srtp_profile(ssl: &SslRef) -> Option<SrtpProfile> {
    match ssl.selected_srtp_profile()?.name() {
        "SRTP_AEAD_AES_128_GCM" => Some(SrtpProfile::AEAD_AES_128_GCM),
        "SRTP_AEAD_AES_256_GCM" => Some(SrtpProfile::AEAD_AES_256_GCM),
        "SRTP_AES128_CM_SHA1_80" => Some(SrtpProfile::AES128_CM_SHA1_80),
        _ => None,
    }
}

fn failed(operation: DtlsCryptoOperation) -> DtlsImplError {
    DtlsImplError::CryptoError(DtlsCryptoError::OperationFailed(operation))
}

impl DtlsInstance for Handshake {
    fn set_active(&mut self, active: bool) {
        self.active = active;
    }

    fn handle_packet(&mut self, packet: &[u8]) -> Result<(), DtlsImplError> {
        self.is_quiet = false;
        if packet.is_empty() {
            // How str0m tells a client to begin.
            self.shake()?;
            self.remember_hello();
            return Ok(());
        }
        self.hello = None;
        if let Some(datagrams) = self.datagrams()
            && datagrams.incoming.len() < MAX_QUEUED
        {
            datagrams.incoming.push_back(packet.to_vec());
        }
        match self.state {
            State::Settled(_) => return Ok(()),
            State::Done(_) => {}
            _ => self.shake()?,
        }
        self.read_to_end();
        if matches!(self.state, State::Shaking(_)) {
            self.next_tick = Some(self.now + HANDSHAKE_TICK);
        }
        Ok(())
    }

    fn poll_output<'a>(&mut self, buf: &'a mut [u8]) -> DtlsOutput<'a> {
        // We are asked for every packet of media, and finding OpenSSL's queue takes a while.
        if self.is_quiet {
            return self.until_next();
        }
        if let Some(datagram) = self.next_datagram() {
            return DtlsOutput::Packet(copied(&datagram, buf));
        }
        match self.news.pop_front() {
            Some(News::PeerCertificate(der)) if der.len() > buf.len() => {
                let needed = der.len();
                self.news.push_front(News::PeerCertificate(der));
                DtlsOutput::BufferTooSmall { needed }
            }
            Some(News::PeerCertificate(der)) => DtlsOutput::PeerCert(copied(&der, buf)),
            Some(News::Keys(material, profile)) => {
                let keys = KeyingMaterial::new(&material);
                let is_client = self.active;
                EXPORTED.set(Some(Keys {
                    material,
                    profile,
                    is_client,
                }));
                match self.peer {
                    Peer::Publisher => DtlsOutput::KeyingMaterial(keys, profile),
                    Peer::Viewer => self.poll_output(buf),
                }
            }
            Some(News::Beat) => DtlsOutput::Packet(copied(BEAT, buf)),
            Some(News::Connected) => DtlsOutput::Connected,
            Some(News::Closed) => DtlsOutput::CloseNotify,
            None => {
                self.is_quiet = true;
                self.until_next()
            }
        }
    }

    fn handle_timeout(&mut self, now: Instant) -> Result<(), DtlsImplError> {
        self.now = now;
        if self.next_tick.is_none_or(|tick| tick > now) {
            return Ok(());
        }
        self.is_quiet = false;
        self.repeat_hello(now);
        if matches!(self.state, State::Done(_) | State::Settled(_)) && !self.closed {
            self.news.push_back(News::Beat);
            self.next_tick = Some(now + PULSE);
        }
        if let State::Done(stream) = &mut self.state
            && self.forget_at.is_some_and(|at| at <= now)
        {
            self.state = State::Settled(goodbye(stream));
        }
        if matches!(self.state, State::Shaking(_)) {
            // OpenSSL repeats its flight if its own timer says so.
            self.shake()?;
            let again_at = self.hello.as_ref().map(|hello| hello.again_at);
            self.next_tick = Some(again_at.unwrap_or(now + HANDSHAKE_TICK));
        }
        Ok(())
    }

    fn send_application_data(&mut self, _data: &[u8]) -> Result<usize, DtlsImplError> {
        // Data channels are never negotiated.
        Ok(0)
    }

    fn is_active(&self) -> bool {
        self.active
    }

    fn protocol_version(&self) -> Option<ProtocolVersion> {
        Some(ProtocolVersion::DTLS1_2)
    }

    fn is_closing(&self) -> bool {
        self.closed
    }

    fn is_closed(&self) -> bool {
        let sent = match &self.state {
            State::Done(stream) => stream.get_ref().outgoing.is_empty(),
            State::Settled(goodbye) => goodbye.is_none(),
            _ => true,
        };
        self.closed && sent
    }

    fn close(&mut self) -> Result<(), DtlsImplError> {
        self.is_quiet = false;
        if let State::Done(stream) = &mut self.state {
            // A peer that is gone already does not hear it.
            let _ = stream.shutdown();
        }
        self.closed = true;
        Ok(())
    }
}

fn copied<'a>(from: &[u8], to: &'a mut [u8]) -> &'a [u8] {
    let length = from.len().min(to.len());
    to[..length].copy_from_slice(&from[..length]);
    &to[..length]
}

/// Keys and certificates are not for logs.
impl fmt::Debug for Handshake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Handshake(…)")
    }
}
