//! One room of the relay: what its publisher sends, and who gets it.

use std::time::{Duration, Instant};

use sightline_spec::layer::{self, Layers};
use str0m::media::{KeyframeRequestKind, MediaKind, Rid};
use str0m::rtp::rtcp::Nack;

use crate::connection::drive::Drain;
use crate::connection::peer::{Peer, Role, Subscriber};
use crate::connection::registry::{Key, Registry};
use crate::net::udp::Network;
use crate::publisher::track::PublishedTrack;
use crate::sdp::negotiate::{Track, kind};
use crate::subscriber::down_track::{DownTrack, Need, Way};
use crate::subscriber::layer_choice;
use crate::subscriber::retransmission;

/// A publisher that sends nothing for so long is taken for away.
const AWAY: Duration = Duration::from_secs(2);

/// More old pictures for a viewer that catches up, after so long.
const CATCH_UP: Duration = Duration::from_millis(2);

/// See the module.
pub(crate) struct Router {
    pub(crate) publisher: Option<Key>,
    pub(crate) viewers: Vec<Key>,
    pub(crate) tracks: Vec<PublishedTrack>,
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

impl Router {
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
    pub(crate) fn publish(
        &mut self,
        key: Key,
        tracks: Vec<Track>,
        registry: &mut Registry,
    ) -> Vec<Key> {
        self.publisher = Some(key);
        self.without_publisher = None;
        self.tracks = tracks.into_iter().map(PublishedTrack::new).collect();
        let mut stranded = Vec::new();
        for viewer in &self.viewers {
            let Some((subscriber, _)) = registry.viewer(*viewer) else {
                continue;
            };
            match subscriber
                .down_tracks
                .iter_mut()
                .all(|down_track| resume(down_track, &self.tracks))
            {
                true => {}
                false => stranded.push(*viewer),
            }
        }
        stranded
    }

    /// Takes in a publisher's packets, which [`Router::flush`] sends on. Says whether media
    /// has begun to arrive with them.
    pub(crate) fn received(&mut self, now: Instant) -> bool {
        self.last_packet = Some(now);
        !std::mem::replace(&mut self.is_active, true)
    }

    /// Sends every viewer what has arrived; when to call again at the latest.
    pub(crate) fn flush(
        &mut self,
        registry: &mut Registry,
        now: Instant,
        drain: &mut Drain<'_>,
    ) -> Option<Instant> {
        let mut again = None;
        let viewers = std::mem::take(&mut self.viewers);
        for key in &viewers {
            if self.send_to(*key, registry, now, drain) {
                again = Some(now + CATCH_UP);
            }
        }
        self.viewers = viewers;
        self.trim(registry, now);
        self.ask_for_keyframes(registry, now, drain);
        // Without a publisher there is nobody to ask.
        let layers = self.publisher.iter().flat_map(|_| self.layers());
        let deadlines = layers.filter_map(|layer| layer.keyframes.deadline());
        deadlines.chain(again).min()
    }

    /// Sends one viewer what it has not got; says whether there is more.
    pub(crate) fn send_to(
        &mut self,
        key: Key,
        registry: &mut Registry,
        now: Instant,
        drain: &mut Drain<'_>,
    ) -> bool {
        let Some(peer) = registry.get_mut(key).filter(|peer| peer.is_connected) else {
            return false;
        };
        let drain = drain.of(key);
        let Role::Viewer(subscriber) = &mut peer.role else {
            return false;
        };
        let mut way = match &peer.sender {
            Some(sender) => Way::Plain(sender),
            None => Way::Measured(&mut peer.rtc),
        };
        let mut has_more = false;
        for down_track in &mut subscriber.down_tracks {
            let Some(track) = self.tracks.get_mut(down_track.parameters.track) else {
                continue;
            };
            match down_track.send(&mut way, &mut track.layers, now, drain) {
                Need::Nothing => {}
                Need::Time => has_more = true,
                Need::Keyframe(layer) => track.want_keyframe(layer),
            }
        }
        match way {
            Way::Plain(_) => drain.network.flush(),
            Way::Measured(_) => {
                peer.tick(now, drain);
                registry.note(key);
            }
        }
        has_more
    }

    /// Sends a viewer what it has missed.
    pub(crate) fn send_again(&self, peer: &mut Peer, nack: &Nack, network: &mut Network) {
        let (Role::Viewer(subscriber), Some(sender)) = (&mut peer.role, &peer.sender) else {
            return;
        };
        let of_source = |down_track: &&mut DownTrack| down_track.parameters.source == nack.ssrc;
        let Some(down_track) = subscriber.down_tracks.iter_mut().find(of_source) else {
            return;
        };
        let track = self.tracks.get(down_track.parameters.track);
        let Some(layer) = track.and_then(|track| track.layers.get(down_track.layer)) else {
            return;
        };
        for entry in nack.reports.iter() {
            // One number, and a bit for each of the sixteen that follow.
            let following = (0..16).filter(|bit| entry.blp >> bit & 1 == 1);
            let all = std::iter::once(0).chain(following.map(|bit| bit + 1));
            for offset in all {
                let sequence = entry.pid.wrapping_add(offset);
                down_track
                    .stream
                    .send_again(sender, network, &layer.cache, sequence);
            }
        }
        network.flush();
    }

    /// A viewer cannot go on without a keyframe.
    pub(crate) fn keyframe_wanted(&mut self, subscriber: &Subscriber) {
        for down_track in &subscriber.down_tracks {
            if let Some(track) = self.tracks.get_mut(down_track.parameters.track)
                && track.encoding().is_video()
            {
                track.want_keyframe(down_track.layer);
            }
        }
    }

    fn ask_for_keyframes(&mut self, registry: &mut Registry, now: Instant, drain: &mut Drain<'_>) {
        let Some(key) = self.publisher else {
            return;
        };
        let Some(publisher) = registry.get_mut(key) else {
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
            registry.note(key);
        }
    }

    fn trim(&mut self, registry: &mut Registry, now: Instant) {
        for (index, track) in self.tracks.iter_mut().enumerate() {
            let cursors = self.viewers.iter().filter_map(|key| {
                let (subscriber, is_connected) = registry.viewer(*key)?;
                let down_track = subscriber
                    .down_tracks
                    .iter()
                    .find(|down_track| down_track.parameters.track == index)?;
                // Who cannot be sent anything yet need not be waited for.
                Some((
                    down_track.layer,
                    down_track.cursor().filter(|_| is_connected)?,
                ))
            });
            track.trim(cursors, now);
        }
    }

    /// Whether the publisher has fallen silent since the last look.
    pub(crate) fn has_fallen_silent(&mut self, now: Instant) -> bool {
        let is_silent = self.last_packet.is_none_or(|last| last + AWAY <= now);
        is_silent && std::mem::take(&mut self.is_active)
    }

    /// Measures the layers, and fits each viewer's share of them to what was measured.
    pub(crate) fn measure(&mut self, period: Duration, registry: &mut Registry, now: Instant) {
        self.tracks.iter_mut().for_each(|t| t.measure(period));
        let has_choice = self.has_choice();
        for key in &self.viewers {
            let Some(peer) = registry.get_mut(*key) else {
                continue;
            };
            if has_choice {
                layer_choice::choose(peer, &self.tracks, now);
            }
            self.provide_sent_history(peer);
        }
    }

    /// Keeps as much for a viewer to ask for again as its layers' bitrates call for.
    pub(crate) fn provide_sent_history(&self, peer: &mut Peer) {
        let Role::Viewer(subscriber) = &mut peer.role else {
            return;
        };
        for down_track in &mut subscriber.down_tracks {
            let track = self.tracks.get(down_track.parameters.track);
            let layer = track.and_then(|track| track.layers.get(down_track.layer));
            let bitrate = layer.map_or(0, |layer| layer.bitrate);
            retransmission::provide(down_track, &mut peer.rtc, peer.sender.is_some(), bitrate);
        }
    }

    /// Whether what viewers can choose from has changed since the last look, or which of
    /// it is better: a layer that has only begun is not what it will be.
    pub(crate) fn has_other_layers(&mut self, now: Instant) -> bool {
        let names = |track: &PublishedTrack| {
            let active = track.active(now).into_iter();
            let measured = active.map(|i| &track.layers[i]).filter(|l| l.bitrate > 0);
            measured.map(|layer| layer.rid).collect::<Vec<_>>()
        };
        let layers: Vec<_> = self.tracks.iter().map(names).collect();
        let is_news = layers != self.told_layers;
        self.told_layers = layers;
        is_news && self.has_choice()
    }

    /// Whether there is anything to choose from.
    pub(crate) fn has_choice(&self) -> bool {
        self.tracks.iter().any(|track| track.layers.len() > 1)
    }

    /// What a viewer can choose from, by its own sections.
    pub(crate) fn layers_for(&self, subscriber: &Subscriber, now: Instant) -> Layers {
        let section = |down_track: &DownTrack| {
            let track = self.tracks.get(down_track.parameters.track)?;
            let has_choice = track.layers.len() > 1;
            has_choice.then(|| (down_track.parameters.section, described(track, now)))
        };
        Layers(subscriber.down_tracks.iter().filter_map(section).collect())
    }

    fn layers(&self) -> impl Iterator<Item = &crate::publisher::track::Layer> {
        self.tracks.iter().flat_map(|track| &track.layers)
    }
}

/// Connects a down track to a new publisher's track of the same kind and encoding.
fn resume(down_track: &mut DownTrack, tracks: &[PublishedTrack]) -> bool {
    let is_video = down_track.parameters.format.encoding.is_video();
    let same_kind = |track: &&PublishedTrack| (kind(&track.track) == MediaKind::Video) == is_video;
    let Some(index) = tracks.iter().position(|track| same_kind(&track)) else {
        // Nothing of this kind any more: sound that is switched off is no reason to go.
        down_track.parameters.track = usize::MAX;
        return !is_video;
    };
    down_track.parameters.track = index;
    down_track.restart();
    tracks[index].encoding() == down_track.parameters.format.encoding
}

fn described(track: &PublishedTrack, now: Instant) -> Vec<layer::Layer> {
    let described = |index: usize| {
        let layer = &track.layers[index];
        layer::Layer {
            rid: layer.rid.and_then(wire_rid),
            bitrate: Some(layer.bitrate),
            ..layer::Layer::default()
        }
    };
    let layers = track.active(now).into_iter().map(described);
    layers.filter(layer::Layer::is_named).collect()
}

fn wire_rid(rid: Rid) -> Option<layer::Rid> {
    rid.to_string().parse().ok()
}
