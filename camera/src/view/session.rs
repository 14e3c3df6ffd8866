//! One WHEP session and its lifetime, from the POST to the DELETE.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, SystemTime},
};

use sightline_spec::{
    event::{Event, EventKind},
    ice_server::IceServer,
    name::CameraName,
    sdp::Sdp,
};
use tokio::{sync::mpsc, task::JoinSet, time::Instant};
use tokio_util::sync::CancellationToken;

use super::{
    demands::{Demands, Standing},
    ending::Ending,
    output::Output,
    receiver::Receiver,
    timeline::Timeline,
    whep::{Session, Way, Whep},
    words::Words,
};
use crate::{
    branch::Connection,
    certificate::Certificate,
    events::{self, News},
    unknown::UnknownViewers,
};

/// Until the gateway has held the POST this long, nobody needs to read that we are waiting.
const UNNOTICED: Duration = Duration::from_millis(600);

/// How long a connection may take to come up.
const CONNECT: Duration = Duration::from_secs(8);

/// How long its first packet may take.
const FIRST: Duration = Duration::from_secs(5);

/// For how long nothing may come: of a camera, and of a relay, which may be mending its own line.
const STALLED: Duration = Duration::from_secs(3);
const STALLED_RELAY: Duration = Duration::from_secs(8);

/// How often that is looked at.
const LOOK: Duration = Duration::from_millis(250);

/// Events of one session that have not been acted on yet.
const EVENT_BACKLOG: usize = 64;

/// All that a session needs.
pub(crate) struct Viewing {
    pub(crate) whep: Whep,
    pub(crate) demands: Demands,
    pub(crate) certificate: Certificate,
    pub(crate) output: Arc<Output>,
    pub(crate) timeline: Timeline,
    /// Besides those that the gateway names.
    pub(crate) ice_servers: Vec<IceServer>,
    pub(crate) words: Words,
    /// Whether there was anything to see in the last session.
    pub(crate) was_live: AtomicBool,
}

/// What is known of the picture that comes.
struct Promise {
    way: Way,
    standing: Standing,
    name: Option<CameraName>,
}

impl Viewing {
    /// One session, whatever becomes of it.
    pub(crate) async fn attempt(&self, direct: bool, stop: &CancellationToken) -> Ending {
        self.output.begin_session();
        self.was_live.store(false, Ordering::Relaxed);
        if let Err(distrust) = self.demands.begin(SystemTime::now()) {
            return Ending::Distrusted(distrust);
        }
        tokio::select! {
            opened = self.open(direct) => match opened {
                Ok((receiver, offer, session)) => {
                    self.follow(receiver, offer, session, stop).await
                }
                Err(ending) => ending,
            },
            // Whoever hangs up is taken out of the room.
            () = stop.cancelled() => Ending::Stopped,
            end = self.output.ended() => Ending::Output(end),
        }
    }

    async fn open(&self, direct: bool) -> Result<(Receiver, Sdp, Session), Ending> {
        let mut receiver = self.receiver()?;
        let offer = receiver.offer().await.map_err(Ending::Receiver)?;
        let is_private = self.demands.is_private();
        let opened = {
            let opening = self.whep.open(&offer, direct || is_private, is_private);
            let mut opening = std::pin::pin!(opening);
            match tokio::time::timeout(UNNOTICED, &mut opening).await {
                Ok(opened) => opened,
                Err(_) => {
                    self.words.state("waiting for the camera");
                    opening.await
                }
            }
        };
        Ok((receiver, offer, opened.map_err(Ending::Request)?))
    }

    fn receiver(&self) -> Result<Receiver, Ending> {
        Receiver::new(&self.output, &self.timeline, &self.certificate).map_err(Ending::Receiver)
    }

    /// From the first answer to the goodbye.
    async fn follow(
        &self,
        receiver: Receiver,
        offer: Sdp,
        session: Session,
        stop: &CancellationToken,
    ) -> Ending {
        let mut receiver = receiver;
        let ending = match self.negotiate(&mut receiver, &offer, &session).await {
            Ok(promise) => self.watch(&mut receiver, &session, promise, stop).await,
            Err(ending) => ending,
        };
        tokio::join!(self.whep.end(&session), receiver.close());
        ending
    }

    async fn negotiate(
        &self,
        receiver: &mut Receiver,
        offer: &Sdp,
        session: &Session,
    ) -> Result<Promise, Ending> {
        let servers: Vec<_> = session
            .ice_servers
            .iter()
            .chain(&self.ice_servers)
            .collect();
        let servers: Vec<IceServer> = servers.into_iter().cloned().collect();
        let now = SystemTime::now();
        let (standing, name) = match session.way {
            Way::Direct => {
                let judged = self.demands.judge(&session.description, now);
                let judged = judged.map_err(Ending::Distrusted)?;
                // webrtcbin 1.22 cannot take back an offer.
                *receiver = self.receiver()?;
                receiver.use_servers(&servers);
                let answer = receiver.answer(&session.description).await;
                let answer = answer.map_err(Ending::Receiver)?;
                let proved = self.demands.answer(&answer, now).map_err(|error| {
                    Ending::MediaLost(format!("the answer cannot be signed: {error}"))
                })?;
                let answered = self.whep.answer(session, &proved).await;
                answered.map_err(|_| Ending::OfferSpent)?;
                judged
            }
            Way::Relay => {
                let standing = self.demands.relayed().map_err(Ending::Distrusted)?;
                receiver.use_servers(&servers);
                let accepted = receiver.accept(offer, &session.description).await;
                accepted.map_err(Ending::Receiver)?;
                (standing, None)
            }
        };
        Ok(Promise {
            way: session.way,
            standing,
            name,
        })
    }

    async fn watch(
        &self,
        receiver: &mut Receiver,
        session: &Session,
        promise: Promise,
        stop: &CancellationToken,
    ) -> Ending {
        let (mut news, _listener) = self.listen(session);
        let mut connection = receiver.connection();
        // It may have connected before we looked.
        connection.mark_changed();
        let mut deadline = Some((Instant::now() + CONNECT, false));
        let mut look = tokio::time::interval(LOOK);
        let mut trickles = true;
        let has_picture = receiver.has_picture();
        let mut is_live = false;
        let mut is_away = false;
        loop {
            tokio::select! {
                Ok(()) = connection.changed() => {
                    let now = connection.borrow_and_update().clone();
                    match now {
                        Connection::Connected if matches!(deadline, Some((_, false))) => {
                            deadline = Some((Instant::now() + FIRST, true));
                        }
                        Connection::Over(_) if matches!(deadline, Some((_, false))) => {
                            return Ending::NoPath(promise.way);
                        }
                        Connection::Over(why) => return Ending::MediaLost(why),
                        _ => {}
                    }
                }
                Some(news) = news.recv() => match news {
                    News::Event(Event::Candidates(fragment)) => receiver.add_candidates(&fragment),
                    News::Event(Event::ViewerCount(count)) => self.words.viewers(count),
                    News::Event(Event::Reconnect) => return Ending::Reconnect,
                    // On the direct path the camera was the other end. A relay goes on when it is
                    // back.
                    News::Event(Event::Inactive) if promise.way == Way::Direct => {
                        return Ending::CameraGone;
                    }
                    News::Event(Event::Inactive) => {
                        is_away = true;
                        self.words.state("camera gone: the picture comes back when the camera does");
                    }
                    News::Event(Event::Active) => is_away = false,
                    News::Event(_) => {}
                    // A camera goes on without the gateway.
                    News::Forgotten { .. } if promise.way == Way::Direct => {}
                    News::Forgotten { .. } => {
                        return Ending::MediaLost("the gateway does not know of it any more".into());
                    }
                },
                Some(fragment) = receiver.candidates(), if trickles => {
                    // Where it is not understood, the other side's checks have to do.
                    if let Err(error) = self.whep.trickle(session, &fragment).await {
                        tracing::debug!("trickle: {error}");
                        trickles = false;
                    }
                }
                _ = look.tick() => {
                    let counts = self.output.flow.counts();
                    let silence = counts.silence(has_picture);
                    // It was on its way before we could take it.
                    if silence.is_none() && matches!(deadline, Some((_, true))) {
                        receiver.want_keyframe();
                    }
                    if silence.is_some() && !is_live {
                        is_live = true;
                        self.was_live.store(true, Ordering::Relaxed);
                        deadline = None;
                        self.words.live(promise.way, promise.standing, promise.name.as_ref());
                    }
                    if is_away && silence.is_some_and(|silence| silence < LOOK) {
                        is_away = false;
                        self.words.live(promise.way, promise.standing, promise.name.as_ref());
                    }
                    self.words.figures(&counts);
                    let limit = match promise.way {
                        Way::Direct => STALLED,
                        Way::Relay => STALLED_RELAY,
                    };
                    if !is_away && silence.is_some_and(|silence| silence > limit) {
                        return Ending::MediaLost("nothing comes any more".to_owned());
                    }
                    match deadline {
                        Some((until, _)) if until > Instant::now() || is_away => {}
                        Some((_, false)) => return Ending::NoPath(promise.way),
                        Some((_, true)) => {
                            return Ending::MediaLost("connected, and nothing comes".to_owned());
                        }
                        None => {}
                    }
                }
                end = self.output.ended() => return Ending::Output(end),
                () = stop.cancelled() => return Ending::Stopped,
            }
        }
    }

    fn listen(&self, session: &Session) -> (mpsc::Receiver<News>, JoinSet<()>) {
        let (sender, news) = mpsc::channel(EVENT_BACKLOG);
        let mut listener = JoinSet::new();
        if let Some((url, kinds)) = session.events() {
            let http = self.whep.http.clone();
            let events: (_, &'static [EventKind]) = (url, kinds);
            listener.spawn(async move {
                events::follow(http, events, sender, UnknownViewers::default()).await;
            });
        }
        (news, listener)
    }
}
