//! One connection, as HTTP holds it: its beginning, its changes and its end.

use std::fmt;
use std::sync::Arc;

use sightline_spec::layer::LayerSelection;
use sightline_spec::room::{RoomId, SessionId};
use sightline_spec::sdp::{IceCredentials, Media, Sdp};
use sightline_spec::sdpfrag::{MediaSection, SdpFrag, Section};
use str0m::{Candidate, Rtc};
use tokio::sync::oneshot;

use crate::error::Error;
use crate::net::addresses::Addresses;
use crate::placement::Load;
use crate::sdp::negotiate::{credentials, on_the_wire};
use crate::streams::Streams;
use crate::worker::{Command, IsOver, Mailbox, Newcomer};

/// A connection that has been negotiated. Nothing has changed yet; dropped, it never was.
#[must_use]
pub struct Negotiated {
    /// What to tell the peer.
    pub answer: Sdp,
    /// What the connection can be asked for once it has begun.
    pub session: Session,
    pub(crate) begin: Command,
}

/// A connection of the relay. Cheap to clone; every clone is the same one.
#[derive(Clone)]
pub struct Session(pub(crate) Arc<Shared>);

pub(crate) struct Shared {
    pub(crate) id: SessionId,
    pub(crate) room: RoomId,
    pub(crate) offered: Offered,
    pub(crate) streams: Arc<Streams>,
    pub(crate) worker: Mailbox,
    /// Its worker's place among all, and what that has to do.
    pub(crate) index: usize,
    pub(crate) load: Arc<Load>,
    pub(crate) is_over: IsOver,
    pub(crate) addresses: Addresses,
}

/// What of an offer is needed later. The offer itself is not kept: how large it is, its
/// peer chooses.
pub(crate) struct Offered {
    /// The `m=` line, for fragments, and the name of the section whose transport all share.
    tagged: Option<(String, Option<String>)>,
    /// What that section says of the peer's ICE.
    credentials: Option<IceCredentials>,
    /// Of each section.
    is_video: Vec<bool>,
}

impl Negotiated {
    /// Begins it: from now on the peer can connect.
    ///
    /// # Errors
    ///
    /// [`Error::Busy`] if its worker has too much to do, or another publisher has begun at
    /// another one in the same moment; [`Error::ShuttingDown`] if it is gone.
    pub fn begin(self) -> Result<(), Error> {
        let Session(session) = &self.session;
        let worker = session.worker.try_reserve()?;
        if let Command::Publish { publication, .. } = &self.begin {
            let (streams, tracks) = (&session.streams, &publication.tracks);
            streams.add((&session.room, session.id), tracks, session.index)?;
        }
        session.load.place();
        worker.send(self.begin);
        Ok(())
    }

    /// Begins a publisher's apart from its room, in which another publishes: the peer can
    /// connect, and nobody else notices. It has the room when it is told to
    /// [take it over](Session::take_over).
    ///
    /// # Errors
    ///
    /// As above.
    pub fn begin_apart(mut self) -> Result<(), Error> {
        if let Command::Publish { is_apart, .. } = &mut self.begin {
            *is_apart = true;
        }
        let Session(session) = &self.session;
        let worker = session.worker.try_reserve()?;
        session.load.place();
        worker.send(self.begin);
        Ok(())
    }
}

impl Session {
    /// Its connection on the way to its worker; `ufrag` names it in STUN requests.
    pub(crate) fn newcomer(&self, rtc: Box<Rtc>, ufrag: String) -> Newcomer {
        let session = &self.0;
        Newcomer {
            session: session.id,
            room: session.room.clone(),
            rtc,
            ufrag,
            theirs: session.offered.credentials.clone(),
            is_over: session.is_over.clone(),
        }
    }

    /// Begins ICE anew with the peer's new credentials (RFC 9725 section 4.3.3). Returns what
    /// it has to know of our side.
    ///
    /// # Errors
    ///
    /// [`Error::Ended`] if there is no connection any more, [`Error::Busy`] if the worker has
    /// too much to do.
    pub async fn restart(&self, theirs: &IceCredentials) -> Result<SdpFrag, Error> {
        let session = &self.0;
        let ours = credentials();
        let fragment = session.fragment(on_the_wire(&ours).ok_or(Error::Ended)?);
        let (done, outcome) = oneshot::channel();
        let restart = Command::Restart {
            session: session.id,
            theirs: theirs.clone(),
            ours,
            done,
        };
        session.worker.try_send(restart)?;
        // A worker that is gone by now has taken the connection along.
        outcome.await.unwrap_or(Err(Error::Ended))?;
        Ok(fragment)
    }

    /// Has a viewer be sent this layer from now on, or the best that is no larger than this (WHEP
    /// core extensions section 5).
    ///
    /// # Errors
    ///
    /// [`Error::NoSuchLayer`] if the publisher has announced none like it, or none is known to be
    /// so small; [`Error::Busy`] if the worker has too much to do; [`Error::Ended`] if the
    /// connection is over.
    pub async fn select(&self, selection: &LayerSelection) -> Result<(), Error> {
        let session = &self.0;
        if !session.offered.has_video_in(selection.media_id) {
            return Err(Error::NoSuchLayer);
        }
        let (done, outcome) = oneshot::channel();
        let select = Command::Select {
            session: session.id,
            selection: session.streams.selection(&session.room, selection)?,
            done,
        };
        session.worker.try_send(select)?;
        // A worker that is gone by now has taken the connection along.
        outcome.await.unwrap_or(Err(Error::Ended))
    }

    /// Gives a publisher that waits apart the room. [`Event::TookOver`](crate::Event::TookOver)
    /// tells that it has it; if it is gone, whoever has the room has it still.
    ///
    /// # Errors
    ///
    /// [`Error::Busy`] if the worker has too much to do, [`Error::Ended`] if it is gone.
    pub fn take_over(&self) -> Result<(), Error> {
        let session = &self.0;
        let take_over = Command::TakeOver {
            session: session.id,
        };
        session.worker.try_send(take_over)
    }

    /// Ends it, with a goodbye to the peer. Nobody can view what it publishes from now on.
    pub fn end(&self) {
        let session = &self.0;
        session.streams.remove(&session.room, session.id);
        session.worker.end(session.id, &session.is_over);
    }
}

impl Shared {
    /// What a peer needs to begin ICE anew. Where we are goes with it, though that has not
    /// changed: medooze's clients forget what they had been told.
    fn fragment(&self, ours: IceCredentials) -> SdpFrag {
        let candidates = self.addresses.candidates();
        let candidates = candidates.iter().map(Candidate::to_sdp_string);
        let tagged = self.offered.tagged.as_ref();
        let media = tagged.map(|(m_line, mid)| MediaSection {
            m_line: m_line.clone(),
            section: Section {
                mid: mid.clone(),
                credentials: Some(ours),
                candidates: candidates.filter_map(|text| text.parse().ok()).collect(),
                end_of_candidates: true,
                other: Vec::new(),
            },
        });
        SdpFrag {
            session: Section {
                other: vec!["ice-lite".to_owned()],
                ..Section::default()
            },
            media: media.into_iter().collect(),
        }
    }
}

impl Offered {
    pub(crate) fn of(offer: &Sdp, answer: &Sdp) -> Self {
        // All sections share the first accepted one's transport (RFC 9143 section 7.3.1).
        let tagged = (answer.media().zip(offer.media())).find(|(media, _)| !media.is_rejected());
        let credentials = tagged.and_then(|(_, offered)| offered.ice_credentials());
        let tagged = tagged.map(|(media, _)| {
            let m_line = format!("{} 9 {} 0", media.kind(), media.protocol());
            (m_line, media.mid().map(str::to_owned))
        });
        let is_video = |media: Media<'_>| media.kind() == "video" && !media.is_rejected();
        Self {
            tagged,
            credentials,
            is_video: offer.media().map(is_video).collect(),
        }
    }

    /// Whether that section is one in which there is a choice.
    fn has_video_in(&self, section: Option<u16>) -> bool {
        let is_video = |section: u16| self.is_video.get(usize::from(section)).copied();
        section.is_none_or(|section| is_video(section).unwrap_or(false))
    }
}

/// Its room and its id are for those who know them already.
impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Session(…)")
    }
}

impl fmt::Debug for Negotiated {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Negotiated(…)")
    }
}
