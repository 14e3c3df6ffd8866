//! What can be changed in a session of the relay: its ICE, and what a viewer is sent.

use sightline_spec::layer::LayerSelection;
use sightline_spec::room::{RoomId, SessionId};
use sightline_spec::sdp::{IceCredentials, Sdp};
use sightline_spec::sdpfrag::{MediaSection, SdpFrag, Section};
use str0m::Candidate;
use tokio::sync::oneshot;

use super::Relay;
use super::worker::Command;
use crate::error::Error;
use crate::session::{EntityTag, Precondition};

/// What a PATCH with a fragment led to.
pub(crate) enum Trickled {
    /// The candidates were noted.
    Noted,
    /// ICE begins anew, with this fragment as our side of it.
    Restarted { fragment: SdpFrag, etag: EntityTag },
}

impl Relay {
    /// Candidates, or an ICE restart (RFC 9725 section 4.3).
    ///
    /// The relay is ICE-lite: it answers checks and makes none (RFC 8445 section 2.5), so
    /// candidates are of no use to it, and only counted.
    pub(crate) async fn trickle(
        &self,
        room: &RoomId,
        session: SessionId,
        precondition: &Precondition,
        fragment: &SdpFrag,
    ) -> Result<Trickled, Error> {
        let most = self.0.directory.most_candidates();
        let restart = self.0.directory.with(room, session, |session| {
            session.party.check(precondition)?;
            match session.party.accept(fragment, most) {
                Err(Error::RestartUnsupported) => {
                    let restarts = fragment.credentials();
                    let credentials = restarts.first().ok_or(Error::RestartUnsupported)?;
                    Ok(Some((
                        session.offer.restarted_with(credentials),
                        (*credentials).clone(),
                    )))
                }
                accepted => accepted.map(|()| None),
            }
        })?;
        match restart {
            None => Ok(Trickled::Noted),
            Some((offer, theirs)) => self.restart(room, session, offer, theirs).await,
        }
    }

    async fn restart(
        &self,
        room: &RoomId,
        session: SessionId,
        offer: Sdp,
        theirs: IceCredentials,
    ) -> Result<Trickled, Error> {
        let (done, outcome) = oneshot::channel();
        let restart = Command::Restart {
            session,
            offer: offer.clone(),
            done,
        };
        let worker = self.worker(room);
        let sent = worker.commands.send(restart).await;
        sent.map_err(|_| Error::ShuttingDown)?;
        let credentials = outcome.await.map_err(|_| Error::ShuttingDown)??;
        let fragment = fragment(&offer, credentials, &worker.addresses.candidates());
        let etag = self.0.directory.with(room, session, |session| {
            session.offer = offer;
            Ok(session.party.restart(theirs))
        })?;
        Ok(Trickled::Restarted { fragment, etag })
    }

    /// Notes which layer a viewer wants (WHEP core extensions section 5).
    pub(crate) fn select(
        &self,
        room: &RoomId,
        session: SessionId,
        selection: &LayerSelection,
    ) -> Result<(), Error> {
        let directory = &self.0.directory;
        let is_for_video = directory.with(room, session, |viewer| {
            Ok(is_for_video(&viewer.offer, selection.media_id))
        })?;
        if !is_for_video || !directory.offers_layer(room, selection) {
            return Err(Error::NoSuchLayer);
        }
        let rid = selection.rid.as_ref().map(|rid| rid.as_str().into());
        let select = Command::Select { session, rid };
        let sent = self.worker(room).commands.try_send(select);
        sent.map_err(|_| Error::GatewayFull)
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
