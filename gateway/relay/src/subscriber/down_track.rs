//! One track on its way to one viewer: where the viewer is in the packet cache, and how its
//! packets are numbered.

use std::time::{Duration, Instant};

use str0m::Rtc;
use str0m::rtp::RtpWrite;

use crate::connection::drive::Drain;
use crate::connection::srtp_sender::SrtpSender;
use crate::publisher::packet_cache::{Cursor, Packet, PacketCache};
use crate::publisher::track::Layer;
use crate::sdp::encoding::Encoding;
use crate::sdp::negotiate::SendParameters;
use crate::subscriber::picture_ids::{PictureIds, PictureNumbers};
use crate::subscriber::rewriting::{Position, Rewriter};
use crate::subscriber::rtp_stream::RtpStream;

/// How many times as fast as they were taken old pictures follow each other: they are sent
/// only to be decoded, not to be looked at. At their own pace the player would play them
/// and stay behind for ever.
const CATCH_UP_SPEED: u64 = 30;

/// A picture group that began this lately is as good as a new one.
const FRESH: Duration = Duration::from_secs(1);

/// One that began before this is not sent to anyone before the publisher was asked for a
/// new one: it is a lot to send, and to decode.
const SHORT: Duration = Duration::from_secs(2);

/// Packets of old pictures in one go, so that a newcomer's link is not flooded.
pub(crate) const CATCH_UP_PACKETS: usize = 24;

/// See the module.
#[derive(Debug)]
pub(crate) struct DownTrack {
    pub(crate) parameters: SendParameters,
    pub(crate) stream: RtpStream,
    rewriter: Rewriter,
    picture_ids: PictureIds,
    state: State,
    /// The layer that is being sent.
    pub(crate) layer: usize,
    /// The layer to go over to at its next keyframe, and since when.
    pub(crate) wanted: Option<(usize, Instant)>,
    /// How many packets str0m keeps to be sent again.
    pub(crate) rtx_cache_packets: usize,
}

/// How packets leave.
pub(crate) enum Way<'a> {
    /// Through str0m, which measures the link by them.
    Measured(&'a mut Rtc),
    /// By our own SRTP, as there is nothing to be measured.
    Plain(&'a SrtpSender),
}

#[derive(Debug, Clone, Copy)]
enum State {
    /// For a picture that needs no other.
    Waiting,
    /// Behind the publisher, on old pictures; these are from before the time `until`.
    CatchingUp { next: Cursor, until: u64 },
    /// All has been sent that has arrived.
    Live { next: Cursor },
}

/// What a down track needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Need {
    Nothing,
    /// A keyframe of this layer.
    Keyframe(usize),
    /// To be called again soon, since there is more to send.
    Time,
}

impl DownTrack {
    pub(crate) fn new(parameters: SendParameters) -> Self {
        let clock_rate = parameters.format.encoding.clock_rate();
        Self {
            rewriter: Rewriter::new(clock_rate, first_sequence(&parameters)),
            stream: RtpStream::new(&parameters),
            parameters,
            picture_ids: PictureIds::default(),
            state: State::Waiting,
            layer: 0,
            wanted: None,
            rtx_cache_packets: 0,
        }
    }

    /// The publisher is another one now.
    pub(crate) fn restart(&mut self) {
        self.layer = 0;
        self.wanted = None;
        self.state = State::Waiting;
        self.stream.forget_cursors();
    }

    /// Sends what there is to send.
    pub(crate) fn send(
        &mut self,
        way: &mut Way<'_>,
        layers: &mut [Layer],
        now: Instant,
        drain: &mut Drain<'_>,
    ) -> Need {
        let mut need = self.switch_layer(layers, now);
        let Some(layer) = layers.get_mut(self.layer) else {
            return need;
        };
        match (self.state, self.parameters.format.encoding.is_video()) {
            (State::Waiting, true) => match start(layer, now) {
                Some(cursor) => self.catch_up_from(&layer.cache, cursor, now),
                None => return Need::Keyframe(self.layer),
            },
            (State::Waiting, false) => {
                // Sound has no keyframes: whatever comes next is the first.
                self.rewriter.end_source();
                let next = layer.cache.end();
                self.state = State::Live { next };
            }
            _ => {}
        }
        if let (State::CatchingUp { next, .. }, Some((group, _))) =
            (self.state, layer.cache.group())
            && next < group
        {
            // A newer group has begun: the old one is of no use any more.
            self.catch_up_from(&layer.cache, group, now);
        }
        if self.write(way, &layer.cache, now, drain) {
            need = Need::Time;
        }
        need
    }

    /// How far in the packet cache of its layer the viewer is.
    pub(crate) fn cursor(&self) -> Option<Cursor> {
        match self.state {
            State::Waiting => None,
            State::CatchingUp { next, .. } | State::Live { next } => Some(next),
        }
    }

    /// Goes over to the wanted layer once that has a keyframe that is new enough.
    fn switch_layer(&mut self, layers: &[Layer], now: Instant) -> Need {
        let Some((wanted, since)) = self.wanted else {
            return Need::Nothing;
        };
        match layers
            .get(wanted)
            .and_then(|layer| layer.cache.group().zip(Some(layer)))
        {
            Some(((cursor, began), layer)) if began >= since => {
                self.layer = wanted;
                self.wanted = None;
                self.stream.forget_cursors();
                self.catch_up_from(&layer.cache, cursor, now);
                Need::Nothing
            }
            _ => Need::Keyframe(wanted),
        }
    }

    fn catch_up_from(&mut self, cache: &PacketCache, cursor: Cursor, now: Instant) {
        let (Some(first), Some(latest)) = (cache.picture(cursor), cache.latest()) else {
            return;
        };
        self.state = State::CatchingUp {
            next: cursor,
            until: latest.time,
        };
        let first = self.position(first);
        self.rewriter.switch(first, now);
        self.picture_ids.switch();
    }

    /// Where a packet stands, with old pictures pressed together.
    fn position(&self, position: Position) -> Position {
        match self.state {
            State::CatchingUp { until, .. } if position.time < until => Position {
                time: until - (until - position.time) / CATCH_UP_SPEED,
                ..position
            },
            _ => position,
        }
    }

    /// Sends from the viewer's cursor on; says whether there is more.
    fn write(
        &mut self,
        way: &mut Way<'_>,
        cache: &PacketCache,
        now: Instant,
        drain: &mut Drain<'_>,
    ) -> bool {
        let (mut next, mut left) = match self.state {
            State::Waiting => return false,
            State::CatchingUp { next, .. } => (next, CATCH_UP_PACKETS),
            State::Live { next } => (next, usize::MAX),
        };
        while let Some(packet) = cache.get(next).filter(|_| left > 0) {
            let position = self.position(packet.position);
            if !self.rewriter.has_source() {
                self.rewriter.switch(position, now);
            }
            let cursor = next;
            next = next.next();
            let Some(position) = self.rewriter.map(position, now) else {
                continue;
            };
            left -= 1;
            let numbers = match self.parameters.format.encoding {
                Encoding::Vp8 => self.picture_ids.renumber(&packet.payload),
                _ => None,
            };
            match way {
                Way::Plain(sender) => {
                    let packet = (packet, cursor);
                    self.stream
                        .send(sender, drain.network, packet, position, numbers);
                }
                Way::Measured(rtc) => {
                    write(rtc, &self.parameters, packet, position, numbers);
                    // str0m wants every change followed by a complete drain.
                    drain.run(rtc);
                }
            }
        }
        let caught_up = next >= cache.end();
        self.state = match self.state {
            _ if cache.get(next).is_none() && !caught_up => State::Waiting,
            _ if caught_up => State::Live { next },
            State::CatchingUp { until, .. } => State::CatchingUp { next, until },
            _ => State::Live { next },
        };
        !caught_up
    }
}

/// RFC 3550 section 5.1 wants it random, as the source's name is; in the lower half, so
/// that it does not wrap before the receiver has seen any.
fn first_sequence(parameters: &SendParameters) -> u16 {
    (*parameters.source & 0x7fff) as u16
}

fn write(
    rtc: &mut Rtc,
    parameters: &SendParameters,
    packet: &Packet,
    position: Position,
    numbers: Option<PictureNumbers>,
) {
    let mut api = rtc.direct_api();
    let Some(stream) = api.stream_tx(&parameters.source) else {
        return;
    };
    let payload = match numbers {
        None => packet.payload.clone(),
        Some(numbers) => {
            let mut copy = packet.payload.to_vec();
            numbers.write(&mut copy);
            copy.into()
        }
    };
    let write = RtpWrite::new(
        parameters.payload_type,
        position.sequence.into(),
        // RTP has the lower 32 bits of it.
        position.time as u32,
        packet.arrived,
        payload,
    );
    let write = write
        .marker(packet.marker)
        .ext_vals(packet.extensions.clone())
        .nackable(parameters.format.encoding.is_video());
    stream.write_rtp(write);
}

/// Where a newcomer can begin at once. From a publisher that answers, a new keyframe is
/// better than an old group of pictures; from one that does not, the group is all there is.
/// Of one that was never asked we find out which it is, and meanwhile a group that is not
/// long will do.
fn start(layer: &mut Layer, now: Instant) -> Option<Cursor> {
    let (cursor, began) = layer.cache.group()?;
    let age = now.saturating_duration_since(began);
    if age < FRESH || layer.keyframes.is_unresponsive(now) {
        return Some(cursor);
    }
    if layer.keyframes.has_answered() {
        return None;
    }
    layer.keyframes.want();
    (age < SHORT).then_some(cursor)
}
