//! One track on its way to one viewer: where the viewer is in the backlog, and how its
//! packets are numbered.

use std::time::{Duration, Instant};

use str0m::Rtc;
use str0m::rtp::RtpWrite;

use crate::connection::drive::Drain;
use crate::connection::srtp_sender::Transport;
use crate::publisher::packet_cache::{Backlog, Packet, Place};
use crate::publisher::track::Layer;
use crate::sdp::encoding::Encoding;
use crate::sdp::negotiate::Outlet;
use crate::subscriber::picture_ids::{Numbers, Pictures};
use crate::subscriber::rewriting::{Position, Splice};
use crate::subscriber::rtp_stream::RtpStream;

/// How many times as fast as they were taken old pictures follow each other: they are sent
/// only to be decoded, not to be looked at. At their own pace the player would play them
/// and stay behind for ever.
const PRESSED: u64 = 30;

/// A picture group that began this lately is as good as a new one.
const FRESH: Duration = Duration::from_secs(1);

/// One that began before this is not sent to anyone before the publisher was asked for a
/// new one: it is a lot to send, and to decode.
const SHORT: Duration = Duration::from_secs(2);

/// Packets of old pictures in one go, so that a newcomer's link is not flooded.
pub(crate) const CATCH_UP_PACKETS: usize = 24;

/// See the module.
#[derive(Debug)]
pub(crate) struct Feed {
    pub(crate) outlet: Outlet,
    pub(crate) stream: RtpStream,
    splice: Splice,
    pictures: Pictures,
    state: State,
    /// The layer that is being sent.
    pub(crate) layer: usize,
    /// The layer to go over to at its next keyframe, and since when.
    pub(crate) wanted: Option<(usize, Instant)>,
    /// How many packets str0m keeps to be sent again.
    pub(crate) resend_packets: usize,
}

/// How packets leave.
pub(crate) enum Way<'a> {
    /// Through str0m, which measures the link by them.
    Measured(&'a mut Rtc),
    /// By our own SRTP, as there is nothing to be measured.
    Plain(&'a Transport),
}

#[derive(Debug, Clone, Copy)]
enum State {
    /// For a picture that needs no other.
    Waiting,
    /// Behind the publisher, on old pictures; these are from before the time `until`.
    CatchingUp { next: Place, until: u64 },
    /// All has been sent that has arrived.
    Live { next: Place },
}

/// What a feed needs of the world.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Need {
    Nothing,
    /// A keyframe of this layer.
    Keyframe(usize),
    /// To be called again soon, since there is more to send.
    Time,
}

impl Feed {
    pub(crate) fn new(outlet: Outlet) -> Self {
        let clock_rate = outlet.format.encoding.clock_rate();
        Self {
            splice: Splice::new(clock_rate, first_sequence(&outlet)),
            stream: RtpStream::new(&outlet),
            outlet,
            pictures: Pictures::default(),
            state: State::Waiting,
            layer: 0,
            wanted: None,
            resend_packets: 0,
        }
    }

    /// The publisher is another one now.
    pub(crate) fn restart(&mut self) {
        self.layer = 0;
        self.wanted = None;
        self.state = State::Waiting;
        self.stream.forget_places();
    }

    /// Sends what there is to send.
    pub(crate) fn send(
        &mut self,
        way: &mut Way<'_>,
        layers: &mut [Layer],
        now: Instant,
        drain: &mut Drain<'_>,
    ) -> Need {
        let mut need = self.go_over(layers, now);
        let Some(layer) = layers.get_mut(self.layer) else {
            return need;
        };
        match (self.state, self.outlet.format.encoding.is_video()) {
            (State::Waiting, true) => match start(layer, now) {
                Some(place) => self.catch_up_from(&layer.backlog, place, now),
                None => return Need::Keyframe(self.layer),
            },
            (State::Waiting, false) => {
                // Sound has no keyframes: whatever comes next is the first.
                self.splice.end_source();
                let next = layer.backlog.end();
                self.state = State::Live { next };
            }
            _ => {}
        }
        if let (State::CatchingUp { next, .. }, Some((group, _))) =
            (self.state, layer.backlog.group())
            && next < group
        {
            // A newer group has begun: the old one is of no use any more.
            self.catch_up_from(&layer.backlog, group, now);
        }
        if self.write(way, &layer.backlog, now, drain) {
            need = Need::Time;
        }
        need
    }

    /// How far in the backlog of its layer the viewer is.
    pub(crate) fn place(&self) -> Option<Place> {
        match self.state {
            State::Waiting => None,
            State::CatchingUp { next, .. } | State::Live { next } => Some(next),
        }
    }

    /// Goes over to the wanted layer once that has a keyframe that is new enough.
    fn go_over(&mut self, layers: &[Layer], now: Instant) -> Need {
        let Some((wanted, since)) = self.wanted else {
            return Need::Nothing;
        };
        match layers
            .get(wanted)
            .and_then(|layer| layer.backlog.group().zip(Some(layer)))
        {
            Some(((place, began), layer)) if began >= since => {
                self.layer = wanted;
                self.wanted = None;
                self.stream.forget_places();
                self.catch_up_from(&layer.backlog, place, now);
                Need::Nothing
            }
            _ => Need::Keyframe(wanted),
        }
    }

    fn catch_up_from(&mut self, backlog: &Backlog, place: Place, now: Instant) {
        let (Some(first), Some(latest)) = (backlog.picture(place), backlog.latest()) else {
            return;
        };
        self.state = State::CatchingUp {
            next: place,
            until: latest.time,
        };
        let first = self.position(first);
        self.splice.switch(first, now);
        self.pictures.switch();
    }

    /// Where a packet stands, with old pictures pressed together.
    fn position(&self, position: Position) -> Position {
        match self.state {
            State::CatchingUp { until, .. } if position.time < until => Position {
                time: until - (until - position.time) / PRESSED,
                ..position
            },
            _ => position,
        }
    }

    /// Sends from the viewer's place on; says whether there is more.
    fn write(
        &mut self,
        way: &mut Way<'_>,
        backlog: &Backlog,
        now: Instant,
        drain: &mut Drain<'_>,
    ) -> bool {
        let (mut next, mut left) = match self.state {
            State::Waiting => return false,
            State::CatchingUp { next, .. } => (next, CATCH_UP_PACKETS),
            State::Live { next } => (next, usize::MAX),
        };
        while let Some(packet) = backlog.get(next).filter(|_| left > 0) {
            let position = self.position(packet.position);
            if !self.splice.has_source() {
                self.splice.switch(position, now);
            }
            let place = next;
            next = next.next();
            let Some(position) = self.splice.map(position, now) else {
                continue;
            };
            left -= 1;
            let numbers = match self.outlet.format.encoding {
                Encoding::Vp8 => self.pictures.renumber(&packet.payload),
                _ => None,
            };
            match way {
                Way::Plain(transport) => {
                    let packet = (packet, place);
                    self.stream
                        .send(transport, drain.network, packet, position, numbers);
                }
                Way::Measured(rtc) => {
                    write(rtc, &self.outlet, packet, position, numbers);
                    // str0m wants every change followed by a complete drain.
                    drain.run(rtc);
                }
            }
        }
        let caught_up = next >= backlog.end();
        self.state = match self.state {
            _ if backlog.get(next).is_none() && !caught_up => State::Waiting,
            _ if caught_up => State::Live { next },
            State::CatchingUp { until, .. } => State::CatchingUp { next, until },
            _ => State::Live { next },
        };
        !caught_up
    }
}

/// RFC 3550 section 5.1 wants it random, as the source's name is; in the lower half, so
/// that it does not wrap before the receiver has seen any.
fn first_sequence(outlet: &Outlet) -> u16 {
    (*outlet.source & 0x7fff) as u16
}

fn write(
    rtc: &mut Rtc,
    outlet: &Outlet,
    packet: &Packet,
    position: Position,
    numbers: Option<Numbers>,
) {
    let mut api = rtc.direct_api();
    let Some(stream) = api.stream_tx(&outlet.source) else {
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
        outlet.payload_type,
        position.sequence.into(),
        // RTP has the lower 32 bits of it.
        position.time as u32,
        packet.arrived,
        payload,
    );
    let write = write
        .marker(packet.marker)
        .ext_vals(packet.extensions.clone())
        .nackable(outlet.format.encoding.is_video());
    stream.write_rtp(write);
}

/// Where a newcomer can begin at once. From a publisher that answers, a new keyframe is
/// better than an old group of pictures; from one that does not, the group is all there is.
/// Of one that was never asked we find out which it is, and meanwhile a group that is not
/// long will do.
fn start(layer: &mut Layer, now: Instant) -> Option<Place> {
    let (place, began) = layer.backlog.group()?;
    let age = now.saturating_duration_since(began);
    if age < FRESH || layer.keyframes.is_deaf(now) {
        return Some(place);
    }
    if layer.keyframes.is_proven() {
        return None;
    }
    layer.keyframes.want();
    (age < SHORT).then_some(place)
}
