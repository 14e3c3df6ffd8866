//! What breaks takes no more along than it must, and who is ended hears of it.

use tokio::time::{interval, timeout};

use super::*;
use crate::clock;
use crate::connection::drive::Sink;
use crate::health::Part;

/// Nothing here takes longer, not even on a busy machine.
const LONG: Duration = Duration::from_secs(30);

/// A relay of one worker that has its thread.
fn running() -> (Relay, Mailbox, Events) {
    let parts = Parts::new();
    let relay = parts.relay();
    let (mailbox, thread) = Worker::start(parts.ports, parts.surroundings).unwrap();
    (relay(mailbox.clone(), Some(thread)), mailbox, parts.events)
}

async fn next(events: &mut Events) -> Event {
    let event = timeout(LONG, events.recv()).await;
    event.expect("an event in time").unwrap()
}

fn ended(session: SessionId) -> Event {
    Event::Ended {
        session,
        is_stranded: false,
    }
}

#[tokio::test]
async fn a_worker_that_breaks_ends_its_sessions_and_another_takes_its_place() {
    let (relay, mailbox, mut events) = running();
    assert!(relay.is_whole());
    let [(first, session), (second, _)] = pair(&relay);
    let (third, negotiated) = viewer(&relay);
    mailbox.try_send(Command::Panic).unwrap();
    // What comes after it is the next one's.
    negotiated.begin().unwrap();

    let stopped = next(&mut events).await;
    assert!(
        matches!(&stopped, Event::Sending { publisher, is_sending: false, .. } if *publisher == first),
        "{stopped:?}"
    );
    let told = [next(&mut events).await, next(&mut events).await];
    assert!(told.contains(&ended(first)) && told.contains(&ended(second)));
    assert!(!told.contains(&ended(third)));
    assert_eq!(relay.health().panics(Part::Worker), 1);
    let theirs = IceCredentials::new("them", &credentials().pass).unwrap();
    assert_eq!(session.restart(&theirs).await.err(), Some(Error::Ended));
    let room = "garage".parse().unwrap();
    let nobody = relay.view(&room, SessionId::random(), &Sdp::parse(VIEWER).unwrap());
    assert_eq!(nobody.err(), Some(Error::NoPublisher));

    // The same ports, which a firewall may have been opened for.
    let (_, negotiated) = publisher(&relay);
    let stranger = Stranger::new(PUBLISHER, &negotiated.answer);
    negotiated.begin().unwrap();
    let mut looks = interval(Duration::from_millis(20));
    let answered = async {
        while !stranger.is_answered() {
            looks.tick().await;
            stranger.check();
        }
    };
    timeout(LONG, answered).await.expect("an answer in time");
    assert!(relay.is_whole());
}

#[tokio::test]
async fn all_workers_of_a_relay_that_is_closed_end_their_sessions_and_themselves() {
    let (relay, _, mut events) = running();
    let [(first, _), (second, _)] = pair(&relay);
    relay.close();
    timeout(LONG, relay.closed()).await.expect("an end in time");
    assert_eq!(relay.health().at_work(), 0);
    let mut told = Vec::new();
    while let Some(event) = events.recv().await {
        told.push(event);
    }
    assert!(told.contains(&ended(first)) && told.contains(&ended(second)));
    let (_, negotiated) = publisher(&relay);
    assert_eq!(negotiated.begin(), Err(Error::ShuttingDown));
}

#[tokio::test]
async fn a_connection_that_breaks_its_library_is_ended_and_no_other() {
    let mut rig = Rig::new();
    let [(first, _), (second, session)] = rig.pair().await;
    let worker = &mut rig.worker;
    let key = worker.registry.by_session(first).unwrap();
    let mut sink = Sink {
        network: &mut worker.network,
        events: &mut worker.events,
        now: clock::now(),
    };
    let peer = worker.registry.get_mut(key).unwrap();
    let broken = peer.contained(&mut sink, |_, _, _| panic!("a test has asked for it"));
    assert_eq!(broken, None::<()>);
    rig.worker.act_on_events(crate::clock::now());
    assert_eq!(rig.ended(), [first]);
    assert_eq!(rig.relay.health().panics(Part::Connection), 1);
    session.end();
    rig.turn().await;
    assert_eq!(rig.ended(), [second]);
}
