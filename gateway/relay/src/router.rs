//! One room of the relay: what its publisher sends, and who gets it.

use std::time::{Duration, Instant};

use sightline_spec::layer::{self, Layers};
use str0m::media::{KeyframeRequestKind, MediaKind, Rid};
use str0m::rtp::rtcp::Nack;

use crate::connection::drive::Drain;
use crate::connection::peer::{Peer, Role, Watching};
use crate::connection::registry::{Key, Peers};
use crate::net::udp::Network;
use crate::publisher::track::Tracked;
use crate::sdp::negotiate::{Track, kind};
use crate::subscriber::down_track::{Feed, Need, Way};
use crate::subscriber::layer_choice;
use crate::subscriber::retransmission;

/// A publisher that sends nothing for so long is taken for away.
const AWAY: Duration = Duration::from_secs(2);

/// More old pictures for a viewer that catches up, after so long.
const CATCH_UP: Duration = Duration::from_millis(2);

/// See the module.
pub(crate) struct Hub {
    pub(crate) publisher: Option<Key>,
    pub(crate) viewers: Vec<Key>,
    pub(crate) tracks: Vec<Tracked>,
    last_packet: Option<Instant>,
    /// Whether media arrives.
    pub(crate) is_active: bool,
    /// Whether the publisher is given up when nobody watches.
    pub(crate) ends_unwatched: bool,
    /// Since when nobody publishes, or nobody watches.
    pub(crate) without_publisher: Option<Instant>,
    pub(crate) without_viewers: Option<Instant>,
    told_layers: Vec<Vec<Option<Rid>>>,
}

impl Hub {
    pub(crate) fn new(now: Instant) -> Self {
        Self {
            publisher: None,
            viewers: Vec::new(),
            tracks: Vec::new(),
            last_packet: None,
            is_active: false,
            ends_unwatched: false,
            without_publisher: Some(now),
            without_viewers: Some(now),
            told_layers: Vec::new(),
        }
    }

    /// Another connection publishes from now on. Returns the viewers that cannot go on
    /// with what it sends.
    pub(crate) fn publish(&mut self, key: Key, tracks: Vec<Track>, peers: &mut Peers) -> Vec<Key> {
        self.publisher = Some(key);
        self.without_publisher = None;
        self.tracks = tracks.into_iter().map(Tracked::new).collect();
        let mut stranded = Vec::new();
        for viewer in &self.viewers {
            let Some((watching, _)) = peers.viewer(*viewer) else {
                continue;
            };
            match watching
                .feeds
                .iter_mut()
                .all(|feed| resume(feed, &self.tracks))
            {
                true => {}
                false => stranded.push(*viewer),
            }
        }
        stranded
    }

    /// Takes in a publisher's packets, which [`Hub::flush`] sends on. Says whether media
    /// has begun to arrive with them.
    pub(crate) fn took_in(&mut self, now: Instant) -> bool {
        self.last_packet = Some(now);
        !std::mem::replace(&mut self.is_active, true)
    }

    /// Sends every viewer what has arrived; when to call again at the latest.
    pub(crate) fn flush(
        &mut self,
        peers: &mut Peers,
        now: Instant,
        drain: &mut Drain<'_>,
    ) -> Option<Instant> {
        let mut again = None;
        let viewers = std::mem::take(&mut self.viewers);
        for key in &viewers {
            if self.send_to(*key, peers, now, drain) {
                again = Some(now + CATCH_UP);
            }
        }
        self.viewers = viewers;
        self.trim(peers, now);
        self.ask_for_keyframes(peers, now, drain);
        // Without a publisher there is nobody to ask.
        let layers = self.publisher.iter().flat_map(|_| self.layers());
        let deadlines = layers.filter_map(|layer| layer.keyframes.deadline());
        deadlines.chain(again).min()
    }

    /// Sends one viewer what it has not got; says whether there is more.
    pub(crate) fn send_to(
        &mut self,
        key: Key,
        peers: &mut Peers,
        now: Instant,
        drain: &mut Drain<'_>,
    ) -> bool {
        let Some(peer) = peers.get_mut(key).filter(|peer| peer.is_connected) else {
            return false;
        };
        let drain = drain.of(key);
        let Role::Viewer(watching) = &mut peer.role else {
            return false;
        };
        let mut way = match &peer.transport {
            Some(transport) => Way::Plain(transport),
            None => Way::Measured(&mut peer.rtc),
        };
        let mut has_more = false;
        for feed in &mut watching.feeds {
            let Some(tracked) = self.tracks.get_mut(feed.outlet.track) else {
                continue;
            };
            match feed.send(&mut way, &mut tracked.layers, now, drain) {
                Need::Nothing => {}
                Need::Time => has_more = true,
                Need::Keyframe(layer) => tracked.want_keyframe(layer),
            }
        }
        match way {
            Way::Plain(_) => drain.network.flush(),
            Way::Measured(_) => {
                peer.tick(now, drain);
                peers.note(key);
            }
        }
        has_more
    }

    /// Sends a viewer what it has missed.
    pub(crate) fn send_again(&self, peer: &mut Peer, nack: &Nack, network: &mut Network) {
        let (Role::Viewer(watching), Some(transport)) = (&mut peer.role, &peer.transport) else {
            return;
        };
        let of_source = |feed: &&mut Feed| feed.outlet.source == nack.ssrc;
        let Some(feed) = watching.feeds.iter_mut().find(of_source) else {
            return;
        };
        let tracked = self.tracks.get(feed.outlet.track);
        let Some(layer) = tracked.and_then(|tracked| tracked.layers.get(feed.layer)) else {
            return;
        };
        for entry in nack.reports.iter() {
            // One number, and a bit for each of the sixteen that follow.
            let following = (0..16).filter(|bit| entry.blp >> bit & 1 == 1);
            let all = std::iter::once(0).chain(following.map(|bit| bit + 1));
            for offset in all {
                let sequence = entry.pid.wrapping_add(offset);
                feed.stream
                    .send_again(transport, network, &layer.backlog, sequence);
            }
        }
        network.flush();
    }

    /// A viewer cannot go on without a keyframe.
    pub(crate) fn keyframe_wanted(&mut self, watching: &Watching) {
        for feed in &watching.feeds {
            if let Some(tracked) = self.tracks.get_mut(feed.outlet.track)
                && tracked.encoding().is_video()
            {
                tracked.want_keyframe(feed.layer);
            }
        }
    }

    fn ask_for_keyframes(&mut self, peers: &mut Peers, now: Instant, drain: &mut Drain<'_>) {
        let Some(key) = self.publisher else {
            return;
        };
        let Some(publisher) = peers.get_mut(key) else {
            return;
        };
        let drain = drain.of(key);
        let layers = self.tracks.iter_mut().flat_map(|t| &mut t.layers);
        let mut has_asked = false;
        for layer in layers {
            if !layer.keyframes.ask(now) {
                continue;
            }
            let mut api = publisher.rtc.direct_api();
            if let Some(stream) = api.stream_rx(&layer.source) {
                stream.request_keyframe(KeyframeRequestKind::Pli);
                drain.run(&mut publisher.rtc);
                has_asked = true;
            }
        }
        if has_asked {
            publisher.tick(now, drain);
            peers.note(key);
        }
    }

    fn trim(&mut self, peers: &mut Peers, now: Instant) {
        for (index, tracked) in self.tracks.iter_mut().enumerate() {
            let places = self.viewers.iter().filter_map(|key| {
                let (watching, is_connected) = peers.viewer(*key)?;
                let feed = watching
                    .feeds
                    .iter()
                    .find(|feed| feed.outlet.track == index)?;
                // Who cannot be sent anything yet need not be waited for.
                Some((feed.layer, feed.place().filter(|_| is_connected)?))
            });
            tracked.trim(places, now);
        }
    }

    /// Whether the publisher has fallen silent since the last look.
    pub(crate) fn has_fallen_silent(&mut self, now: Instant) -> bool {
        let is_silent = self.last_packet.is_none_or(|last| last + AWAY <= now);
        is_silent && std::mem::take(&mut self.is_active)
    }

    /// Measures the layers, and fits each viewer's share of them to what was measured.
    pub(crate) fn measure(&mut self, period: Duration, peers: &mut Peers, now: Instant) {
        self.tracks.iter_mut().for_each(|t| t.measure(period));
        let has_choice = self.has_choice();
        for key in &self.viewers {
            let Some(peer) = peers.get_mut(*key) else {
                continue;
            };
            if has_choice {
                layer_choice::choose(peer, &self.tracks, now);
            }
            self.provide_resends(peer);
        }
    }

    /// Keeps as much for a viewer to ask for again as its layers' bitrates call for.
    pub(crate) fn provide_resends(&self, peer: &mut Peer) {
        let Role::Viewer(watching) = &mut peer.role else {
            return;
        };
        for feed in &mut watching.feeds {
            let tracked = self.tracks.get(feed.outlet.track);
            let layer = tracked.and_then(|tracked| tracked.layers.get(feed.layer));
            let bitrate = layer.map_or(0, |layer| layer.bitrate);
            retransmission::provide(feed, &mut peer.rtc, peer.transport.is_some(), bitrate);
        }
    }

    /// Whether what viewers can choose from has changed since the last look, or which of
    /// it is better: a layer that has only begun is not what it will be.
    pub(crate) fn has_other_layers(&mut self, now: Instant) -> bool {
        let names = |tracked: &Tracked| {
            let active = tracked.active(now).into_iter();
            let measured = active.map(|i| &tracked.layers[i]).filter(|l| l.bitrate > 0);
            measured.map(|layer| layer.rid).collect::<Vec<_>>()
        };
        let layers: Vec<_> = self.tracks.iter().map(names).collect();
        let is_news = layers != self.told_layers;
        self.told_layers = layers;
        is_news && self.has_choice()
    }

    /// Whether there is anything to choose from.
    pub(crate) fn has_choice(&self) -> bool {
        self.tracks.iter().any(|tracked| tracked.layers.len() > 1)
    }

    /// What a viewer can choose from, by its own sections.
    pub(crate) fn layers_for(&self, watching: &Watching, now: Instant) -> Layers {
        let section = |feed: &Feed| {
            let tracked = self.tracks.get(feed.outlet.track)?;
            let has_choice = tracked.layers.len() > 1;
            has_choice.then(|| (feed.outlet.section, described(tracked, now)))
        };
        Layers(watching.feeds.iter().filter_map(section).collect())
    }

    fn layers(&self) -> impl Iterator<Item = &crate::publisher::track::Layer> {
        self.tracks.iter().flat_map(|tracked| &tracked.layers)
    }
}

/// Connects a viewer's feed to a new publisher's track of the same kind and encoding.
fn resume(feed: &mut Feed, tracks: &[Tracked]) -> bool {
    let is_video = feed.outlet.format.encoding.is_video();
    let same_kind = |tracked: &&Tracked| (kind(&tracked.track) == MediaKind::Video) == is_video;
    let Some(index) = tracks.iter().position(|tracked| same_kind(&tracked)) else {
        // Nothing of this kind any more: sound that is switched off is no reason to go.
        feed.outlet.track = usize::MAX;
        return !is_video;
    };
    feed.outlet.track = index;
    feed.restart();
    tracks[index].encoding() == feed.outlet.format.encoding
}

fn described(tracked: &Tracked, now: Instant) -> Vec<layer::Layer> {
    let described = |index: usize| {
        let layer = &tracked.layers[index];
        layer::Layer {
            rid: layer.rid.and_then(wire_rid),
            bitrate: Some(layer.bitrate),
            ..layer::Layer::default()
        }
    };
    let layers = tracked.active(now).into_iter().map(described);
    layers.filter(layer::Layer::is_named).collect()
}

fn wire_rid(rid: Rid) -> Option<layer::Rid> {
    rid.to_string().parse().ok()
}
