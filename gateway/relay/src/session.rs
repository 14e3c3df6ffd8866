//! One connection, as HTTP holds it: its beginning, its changes and its end.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use sightline_spec::layer::LayerSelection;
use sightline_spec::room::{RoomId, SessionId};
use sightline_spec::sdp::{IceCredentials, Sdp};
use sightline_spec::sdpfrag::{MediaSection, SdpFrag, Section};
use str0m::Candidate;
use tokio::sync::{mpsc, oneshot};

use crate::error::Error;
use crate::net::addresses::Addresses;
use crate::streams::Streams;
use crate::worker::Command;

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
    /// What was offered, for ICE restarts. Guards a text, never across an await.
    pub(crate) offer: Mutex<Sdp>,
    pub(crate) streams: Arc<Streams>,
    pub(crate) worker: mpsc::Sender<Command>,
    pub(crate) addresses: Addresses,
}

impl Negotiated {
    /// Begins it: from now on the peer can connect.
    ///
    /// # Errors
    ///
    /// [`Error::Busy`] if its worker has too much to do.
    pub fn begin(self) -> Result<(), Error> {
        let Session(session) = &self.session;
        let worker = session.worker.try_reserve().map_err(|_| Error::Busy)?;
        if let Command::Publish { tracks, .. } = &self.begin {
            let offer = session.offer();
            let streams = &session.streams;
            streams.add(&session.room, session.id, &offer, tracks);
        }
        worker.send(self.begin);
        Ok(())
    }
}

impl Session {
    /// Begins ICE anew with the peer's new credentials (RFC 9725 section 4.3.3). Returns what
    /// it has to know of our side.
    ///
    /// # Errors
    ///
    /// [`Error::Ended`] if there is no connection any more, [`Error::UnacceptableOffer`] if
    /// these credentials cannot be used.
    pub async fn restart(&self, theirs: &IceCredentials) -> Result<SdpFrag, Error> {
        let session = &self.0;
        let offer = session.offer().restarted_with(theirs);
        let (done, outcome) = oneshot::channel();
        let restart = Command::Restart {
            session: session.id,
            offer: offer.clone(),
            done,
        };
        let sent = session.worker.send(restart).await;
        sent.map_err(|_| Error::ShuttingDown)?;
        let credentials = outcome.await.map_err(|_| Error::ShuttingDown)??;
        let fragment = fragment(&offer, credentials, &session.addresses.candidates());
        *session.offer() = offer;
        Ok(fragment)
    }

    /// Has a viewer be sent this layer from now on (WHEP core extensions section 5).
    ///
    /// # Errors
    ///
    /// [`Error::NoSuchLayer`] if the publisher has announced none like it, [`Error::Busy`] if
    /// the worker has too much to do.
    pub fn select(&self, selection: &LayerSelection) -> Result<(), Error> {
        let session = &self.0;
        let is_for_video = is_for_video(&session.offer(), selection.media_id);
        if !is_for_video || !session.streams.offers_layer(&session.room, selection) {
            return Err(Error::NoSuchLayer);
        }
        let select = Command::Select {
            session: session.id,
            rid: selection.rid.as_ref().map(|rid| rid.as_str().into()),
        };
        session.worker.try_send(select).map_err(|_| Error::Busy)
    }

    /// Ends it, with a goodbye to the peer. Nobody can view what it publishes from now on.
    pub fn end(&self) {
        let session = &self.0;
        session.streams.remove(&session.room, session.id);
        let end = Command::End {
            session: session.id,
        };
        // A worker that is too busy to be told notices by itself that the peer is gone.
        let _ = session.worker.try_send(end);
    }
}

impl Shared {
    fn offer(&self) -> MutexGuard<'_, Sdp> {
        // Whatever panicked, it is one text or the other.
        self.offer.lock().unwrap_or_else(PoisonError::into_inner)
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

/// Whether that section of the viewer's offer is one in which there is a choice.
fn is_for_video(offer: &Sdp, media_id: Option<u16>) -> bool {
    let mut sections = offer.media();
    match media_id {
        None => true,
        Some(index) => {
            let section = sections.nth(index.into());
            section.is_some_and(|section| section.kind() == "video" && !section.is_rejected())
        }
    }
}

/// What a peer needs to begin anew. Where we are goes with it, though that has not changed:
/// medooze's clients forget what they had been told.
fn fragment(offer: &Sdp, credentials: IceCredentials, candidates: &[Candidate]) -> SdpFrag {
    let candidates = candidates.iter().map(Candidate::to_sdp_string);
    // All sections share the first one's transport (RFC 9143).
    let media = offer.active_media().next().map(|first| MediaSection {
        m_line: format!("{} 9 UDP/TLS/RTP/SAVPF 0", first.kind()),
        section: Section {
            mid: first.mid().map(str::to_owned),
            credentials: Some(credentials),
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
