//! How far a home is in handing its stream over to a replica.

use std::time::Instant;

use sightline_spec::room::SessionId;

use super::links::Links;
use super::pull::{LayerName, Replica, Update};
use crate::publisher::keyframe::Answers;
use crate::publisher::packet_cache::{Cursor, Packet, SourceNumber};
use crate::publisher::track::{Layer, PublishedTrack};

/// Like a viewer, a replica is somewhere in the packet cache of each layer. Unlike for a viewer
/// nothing is kept for it: a cache has the last picture group anyway, and who is further behind
/// than that goes on with it.
#[derive(Debug, Default)]
pub(super) struct Handover {
    told: Told,
    /// By track and layer.
    progress: Vec<Vec<Progress>>,
}

/// Who publishes, as the replica knows it.
#[derive(Debug, Default, PartialEq, Eq)]
enum Told {
    #[default]
    Nothing,
    Nobody,
    Publisher(SessionId),
}

/// How far it is with one layer.
#[derive(Debug, Default)]
struct Progress {
    /// What comes next; nothing if the layer is still to be described.
    next: Option<Cursor>,
    answers: Option<Answers>,
    /// Nobody needs it there.
    is_skipped: bool,
    /// The replica is still to be told that it is skipped.
    is_untold: bool,
    /// The same of what was measured of it.
    is_measured: bool,
}

/// There is no room for it all at present.
#[derive(Debug)]
pub(super) struct Full;

/// The way to one replica.
struct Way<'a, L> {
    links: &'a mut L,
    replica: Replica,
}

impl Handover {
    /// Hands over what the replica has not got.
    pub(super) fn go_on(
        &mut self,
        replica: Replica,
        publisher: Option<SessionId>,
        tracks: &mut [PublishedTrack],
        links: &mut impl Links,
    ) -> Result<(), Full> {
        let mut way = Way { links, replica };
        if let Some(publisher) = publisher
            && self.told != Told::Publisher(publisher)
        {
            way.update(|| Update::Published {
                publisher,
                tracks: tracks.iter().map(|track| track.track.clone()).collect(),
            })?;
            self.told = Told::Publisher(publisher);
            self.progress.clear();
        }
        if let Told::Publisher(_) = self.told {
            self.progress.resize_with(tracks.len(), Vec::new);
            for (index, track) in tracks.iter_mut().enumerate() {
                let progress = &mut self.progress[index];
                progress.resize_with(track.layers.len(), Progress::default);
                for (progress, layer) in progress.iter_mut().zip(&mut track.layers) {
                    progress.go_on((index, layer.rid), layer, &mut way)?;
                }
            }
        }
        if publisher.is_none() && self.told != Told::Nobody {
            way.update(|| Update::Unpublished)?;
            self.told = Told::Nobody;
        }
        Ok(())
    }

    /// The replica needs all layers but these.
    pub(super) fn skip(&mut self, unneeded: &[LayerName], tracks: &[PublishedTrack]) {
        for (index, (track, progress)) in tracks.iter().zip(&mut self.progress).enumerate() {
            for (layer, progress) in track.layers.iter().zip(progress) {
                progress.skip(unneeded.contains(&(index, layer.rid)));
            }
        }
    }

    /// The layers have been measured: a replica has no other way to know of those that it is not
    /// sent, and that they still come.
    pub(super) fn measured(&mut self, tracks: &[PublishedTrack], now: Instant) {
        for (track, progress) in tracks.iter().zip(&mut self.progress) {
            for (layer, progress) in track.layers.iter().zip(progress) {
                progress.is_measured = progress.is_skipped && !layer.is_silent(now);
            }
        }
    }
}

impl Progress {
    fn skip(&mut self, is_skipped: bool) {
        if is_skipped && !self.is_skipped {
            self.next = None;
            self.is_untold = true;
        }
        self.is_skipped = is_skipped;
    }

    fn go_on(
        &mut self,
        name: LayerName,
        layer: &mut Layer,
        way: &mut Way<'_, impl Links>,
    ) -> Result<(), Full> {
        if self.is_untold {
            way.update(|| Update::Skipped { name })?;
            self.is_untold = false;
        }
        if self.is_skipped {
            if self.is_measured {
                let known = layer.known();
                way.update(|| Update::Known { name, known })?;
                self.is_measured = false;
            }
            return Ok(());
        }
        if let Some(missed) = self.next.filter(|next| *next < layer.cache.first()) {
            way.links.not_handed_over(beginning(layer).since(missed));
            self.next = None;
            if layer.cache.group().is_none() {
                layer.keyframes.want();
            }
        }
        let mut next = match self.next {
            Some(next) => next,
            None => {
                let next = beginning(layer);
                let first = layer.cache.get_of_source(next);
                let source = first.map_or(layer.cache.source(), |(source, _)| source);
                let known = layer.known();
                way.update(|| Update::Layer {
                    name,
                    source,
                    known,
                })?;
                next
            }
        };
        self.next = Some(next);
        let answers = layer.keyframes.answers();
        if self.answers != Some(answers) {
            way.update(|| Update::Answers { name, answers })?;
            self.answers = Some(answers);
        }
        while let Some((source, packet)) = layer.cache.get_of_source(next) {
            way.packet(name, source, packet)?;
            next = next.next();
            self.next = Some(next);
        }
        Ok(())
    }
}

impl<L: Links> Way<'_, L> {
    fn update(&mut self, update: impl FnOnce() -> Update) -> Result<(), Full> {
        if !self.links.has_room(self.replica.worker) {
            return Err(Full);
        }
        self.links.update(self.replica, update());
        Ok(())
    }

    fn packet(
        &mut self,
        layer: LayerName,
        source: SourceNumber,
        packet: &Packet,
    ) -> Result<(), Full> {
        self.update(|| Update::Packet {
            layer,
            source,
            packet: packet.clone(),
        })
    }
}

/// Where a replica begins: at the last picture group, or with all that is there.
fn beginning(layer: &Layer) -> Cursor {
    let group = layer.cache.group().map(|group| group.cursor);
    group.unwrap_or(layer.cache.first())
}
