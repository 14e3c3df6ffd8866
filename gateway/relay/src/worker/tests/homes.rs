//! A room at two workers, of which either may be lost.

use super::*;
use crate::clock;
use crate::streams::Streams;

/// More than stay at one worker while the other has nothing to do.
const VIEWERS: usize = 30;

/// A relay of two workers, which do nothing by themselves.
struct Two {
    relay: Relay,
    workers: [Option<Worker>; 2],
    streams: Arc<Streams>,
    directory: Arc<Directory>,
    events: Events,
    sender: tokio::sync::mpsc::Sender<Event>,
    publisher: SessionId,
}

impl Two {
    /// To be made within a runtime.
    fn new() -> Self {
        let (sender, events) = event::stream();
        let (streams, directory) = (Arc::default(), Arc::new(Directory::new(2)));
        let begun = [0, 1].map(|index| begin(index, &streams, &directory, &sender));
        let (workers, handles): (Vec<_>, Vec<_>) = begun.into_iter().unzip();
        let workers: Vec<_> = workers.into_iter().map(Some).collect();
        Self {
            relay: Relay::with(handles, streams.clone(), Arc::default(), Arc::default()).unwrap(),
            workers: workers.try_into().ok().unwrap(),
            streams,
            directory,
            events,
            sender,
            publisher: SessionId::random(),
        }
    }

    fn publish(&self) -> Session {
        let (room, id) = ("garage".parse().unwrap(), SessionId::random());
        let offer = Sdp::parse(PUBLISHER).unwrap();
        let negotiated = self.relay.publish(&room, id, &offer, false).unwrap();
        let session = negotiated.session.clone();
        negotiated.begin().unwrap();
        session
    }

    fn view(&self) -> Session {
        let (room, id) = ("garage".parse().unwrap(), SessionId::random());
        let offer = Sdp::parse(VIEWER).unwrap();
        let negotiated = self.relay.view(&room, id, &offer).unwrap();
        let session = negotiated.session.clone();
        negotiated.begin().unwrap();
        session
    }

    /// A publisher at the first, and viewers at both.
    async fn crowd() -> (Self, Vec<Session>) {
        let mut two = Self::new();
        let mut sessions = vec![two.publish()];
        two.publisher = sessions[0].0.id;
        sessions.extend((0..VIEWERS).map(|_| two.view()));
        for (worker, least) in [(0, 10), (1, 5)] {
            let of_worker = |session: &&Session| session.0.index == worker;
            assert!(sessions.iter().filter(of_worker).count() > least);
        }
        two.turns().await;
        (two, sessions)
    }

    /// Turns of both, until neither has anything to do.
    async fn turns(&mut self) {
        let mut incoming = Incoming::new();
        for _ in 0..10 {
            for worker in self.workers.iter_mut().flatten() {
                let turn = worker.take_turn(&mut incoming);
                // Who has nothing to do waits for the next round.
                let _ = tokio::time::timeout(Duration::from_millis(5), turn).await;
                worker.flush_changed(clock::now());
                assert!(worker.others.send());
            }
        }
    }

    fn look(&mut self) {
        for worker in self.workers.iter_mut().flatten() {
            worker.look_over(clock::now());
            assert!(worker.others.send());
        }
    }

    /// What is known of the room at each worker: whether it is there, and somebody publishes.
    fn rooms(&mut self) -> [Option<bool>; 2] {
        [0, 1].map(|index| {
            let worker = self.workers[index].as_mut()?;
            let key = worker.rooms.find(&"garage".parse().unwrap())?;
            Some(worker.rooms.get_mut(key)?.is_published())
        })
    }

    /// The worker in this place fails, and another one begins there, which the relay does not
    /// know of.
    fn replace(&mut self, index: usize) {
        self.workers[index] = None;
        // Its sessions are ended, as `abandon` does.
        let home = self.streams.places(&"garage".parse().unwrap());
        if home.is_some_and(|places| places.home == index) {
            self.streams
                .remove(&"garage".parse().unwrap(), self.publisher);
        }
        let (worker, _) = begin(index, &self.streams, &self.directory, &self.sender);
        self.workers[index] = Some(worker);
    }

    /// Somebody publishes at this worker.
    fn publish_at(&mut self, index: usize) -> SessionId {
        let (room, id) = ("garage".parse().unwrap(), SessionId::random());
        let offer = Sdp::parse(PUBLISHER).unwrap();
        let negotiated = self.relay.publish(&room, id, &offer, false).unwrap();
        let Command::Publish { publication, .. } = &negotiated.begin else {
            panic!("it publishes");
        };
        let added = self.streams.add((&room, id), &publication.tracks, index);
        assert_eq!(added, Ok(()));
        let worker = self.workers[index].as_mut().unwrap();
        worker.carry_out(negotiated.begin, clock::now());
        id
    }
}

/// A worker in this place, and how the relay reaches it.
fn begin(
    index: usize,
    streams: &Arc<Streams>,
    directory: &Arc<Directory>,
    sender: &tokio::sync::mpsc::Sender<Event>,
) -> (Worker, Handle) {
    let ports = MediaPorts {
        address: Ipv4Addr::LOCALHOST.into(),
        port: 0,
        workers: 1,
        advertised: Vec::new(),
    };
    let ports = ports.bind().unwrap().remove(0);
    let load = Arc::<Load>::default();
    let surroundings = Surroundings {
        index,
        directory: directory.clone(),
        load: load.clone(),
        health: Arc::default(),
        streams: streams.clone(),
        traffic: Arc::default(),
        teller: Teller::new(sender.clone()),
        limits: limits(),
    };
    let (mailbox, inbox) = mailbox();
    let sockets = Sockets::open(&ports).unwrap();
    let addresses = ports.addresses;
    let worker = Worker::new(surroundings, addresses.clone(), inbox, sockets);
    let handle = Handle {
        mailbox,
        load,
        addresses,
        thread: Mutex::new(None),
    };
    (worker, handle)
}

#[tokio::test]
async fn a_room_is_where_it_is_watched_and_leaves_nothing_behind() {
    let (mut two, sessions) = Two::crowd().await;
    assert_eq!(two.rooms(), [Some(true), Some(true)]);
    let room = "garage".parse().unwrap();
    let places = two.streams.places(&room).unwrap();
    assert_eq!((places.home, places.replicas), (0, vec![1]));

    // The publisher goes first; its viewers may wait for it.
    sessions[0].end();
    two.turns().await;
    assert_eq!(two.rooms(), [Some(false), Some(false)]);
    sessions[1..].iter().for_each(Session::end);
    two.turns().await;
    two.look();
    two.turns().await;
    two.look();
    assert_eq!(two.rooms(), [None, None]);
    assert_eq!(two.streams.places(&room), None);
    let ended = std::iter::from_fn(|| two.events.try_recv().ok());
    let ended = ended.filter(|event| matches!(event, Event::Ended { .. }));
    assert_eq!(ended.count(), sessions.len());
}

/// What was answered for another worker than its room's home is not begun, and changes nothing.
#[tokio::test]
async fn a_room_has_one_home_whoever_begins_at_the_same_time() {
    let two = Two::new();
    let negotiate = |room: &str| {
        let (room, id) = (room.parse().unwrap(), SessionId::random());
        let offer = Sdp::parse(PUBLISHER).unwrap();
        two.relay.publish(&room, id, &offer, false).unwrap()
    };
    let first = negotiate("garage");
    negotiate("garden").begin().unwrap();
    let second = negotiate("garage");
    assert_ne!(first.session.0.index, second.session.0.index);
    first.begin().unwrap();
    assert_eq!(second.begin(), Err(Error::Busy));
    let room = "garage".parse().unwrap();
    assert_eq!(two.streams.places(&room).unwrap().home, 0);
}

/// Commands outlast the worker that they were for.
#[tokio::test]
async fn who_is_still_to_begin_at_a_worker_that_is_lost_has_a_room_at_the_next_one() {
    let two = Two::new();
    let publisher = two.publish();
    let (worker, _) = begin(0, &two.streams, &two.directory, &two.sender);
    let room = "garage".parse().unwrap();
    assert!(two.streams.tracks(&room).is_ok());
    publisher.end();
    assert!(two.streams.leave(&room, worker.others.id().index));
    assert_eq!(two.streams.places(&room), None);
}

#[tokio::test]
async fn who_comes_back_finds_its_viewers_where_they_were() {
    let (mut two, sessions) = Two::crowd().await;
    sessions[0].end();
    two.turns().await;
    two.look();
    let back = two.publish();
    assert_eq!(back.0.index, 0);
    two.turns().await;
    assert_eq!(two.rooms(), [Some(true), Some(true)]);
}

#[tokio::test]
async fn viewers_whose_home_is_lost_go_on_with_the_next_one() {
    for next in [0, 1] {
        let (mut two, _sessions) = Two::crowd().await;
        two.replace(0);
        two.look();
        assert_eq!(two.rooms(), [None, Some(false)]);
        two.publish_at(next);
        // It is in the round that one without a home looks for it.
        two.look();
        two.turns().await;
        let home = Some(true).filter(|_| next == 0);
        assert_eq!(two.rooms(), [home, Some(true)]);
    }
}

#[tokio::test]
async fn a_replica_that_is_lost_takes_its_own_viewers_along_and_no_others() {
    let (mut two, sessions) = Two::crowd().await;
    two.replace(1);
    two.look();
    two.turns().await;
    assert_eq!(two.rooms(), [Some(true), None]);
    let home = sessions.iter().filter(|session| session.0.index == 0);
    home.for_each(Session::end);
    two.turns().await;
    two.look();
    assert_eq!(two.rooms(), [None, None], "nobody is waited for");
}
