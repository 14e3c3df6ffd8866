//! Publishers that wait apart until they may have the room.

use sightline_spec::room::RoomId;

use super::*;
use crate::clock;

fn garage() -> RoomId {
    "garage".parse().unwrap()
}

impl Rig {
    /// A publisher that waits apart from the room.
    async fn apart(&mut self) -> (SessionId, Session) {
        let (id, negotiated) = publisher(&self.relay);
        let session = negotiated.session.clone();
        negotiated.begin_apart().unwrap();
        self.turn().await;
        (id, session)
    }

    /// Who has the room, for those who negotiate and where packets come in.
    fn published(&mut self) -> (Option<SessionId>, Option<SessionId>) {
        let streams = self.worker.streams.clone();
        let known = streams.pull(&garage(), 0).and_then(|room| room.published);
        let peers: Vec<_> = self.worker.registry.iter().collect();
        let peers: Vec<_> = peers
            .iter()
            .map(|(key, peer)| (*key, peer.session))
            .collect();
        let key = self.worker.rooms.find(&garage());
        let router = key.and_then(|key| self.worker.rooms.get_mut(key));
        let routed = router.and_then(|router| {
            let mut publishers = peers.iter().filter(|(key, _)| router.is_publisher(*key));
            publishers.next().map(|(_, session)| *session)
        });
        (known.map(|(session, _)| session), routed)
    }

    fn told(&mut self) -> Vec<Event> {
        std::iter::from_fn(|| self.events.try_recv().ok()).collect()
    }
}

#[tokio::test]
async fn one_that_waits_apart_has_the_room_when_it_is_told_to_and_not_before() {
    let mut rig = Rig::new();
    let [(live, _), _] = rig.pair().await;
    let (newcomer, session) = rig.apart().await;
    assert_eq!(rig.published(), (Some(live), Some(live)));
    rig.worker.look_over(clock::now());
    assert_eq!(rig.told(), []);

    session.take_over().unwrap();
    rig.turn().await;
    assert_eq!(rig.published(), (Some(newcomer), Some(newcomer)));
    let ended = |session| Event::Ended {
        session,
        is_stranded: false,
    };
    let took_over = Event::TookOver {
        room: garage(),
        publisher: newcomer,
    };
    assert_eq!(rig.told(), [took_over, ended(live)]);
}

#[tokio::test]
async fn one_that_is_gone_takes_nothing_over() {
    let mut rig = Rig::new();
    let [(live, _), _] = rig.pair().await;
    let (newcomer, session) = rig.apart().await;
    session.end();
    session.take_over().unwrap();
    rig.turn().await;
    assert_eq!(rig.published(), (Some(live), Some(live)));
    assert_eq!(rig.ended(), [newcomer]);
}

#[tokio::test]
async fn a_room_lasts_until_who_waits_apart_from_it_is_gone() {
    let mut rig = Rig::new();
    let [live, viewer] = rig.pair().await;
    let (newcomer, session) = rig.apart().await;
    [live.1, viewer.1].iter().for_each(Session::end);
    rig.turn().await;
    rig.worker.look_over(clock::now());
    assert!(rig.worker.rooms.find(&garage()).is_some());
    session.end();
    rig.turn().await;
    rig.worker.look_over(clock::now());
    assert_eq!(rig.ended(), [live.0, viewer.0, newcomer]);
    assert!(rig.worker.rooms.is_empty());
}
