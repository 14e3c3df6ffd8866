//! What the relay has of a publisher who asks for tickets, nobody gets without one.

use reqwest::StatusCode;

use crate::departures::of_author;
use crate::key_room::{KeyRoom, key_holder};
use crate::peer::{Http, Setup};
use crate::support::Gateway;

#[tokio::test]
async fn who_watches_without_a_ticket_sees_nothing_of_a_stricter_publisher_that_takes_over() {
    let gateway = Gateway::start(["--relay", "on"]);
    let http = Http::new(&gateway);
    let key = KeyRoom::new(&http);
    let _open = key_holder(&key.token, 1).open(&http, &key.room).await;
    let without = Setup::viewer().open(&http, &key.room).await;
    let mut with = Setup::viewer();
    with.fields.token = Some(key.ticket.clone());
    let with = with.open(&http, &key.room).await;
    for viewer in [&without, &with] {
        viewer.until("the open publisher", of_author(1, 20)).await;
    }

    let token = &key.token_asking_for_tickets;
    let _strict = key_holder(token, 2).open(&http, &key.room).await;
    with.until("the stricter publisher", of_author(2, 60)).await;
    without
        .until("the end", |seen| seen.is_over.then_some(()))
        .await;
    assert!(without.seen(|seen| of_author(2, 1)(seen).is_none()));
    assert!(!without.session.exists().await);

    let refused = Setup::viewer().try_open(&http, &key.room).await;
    assert_eq!(refused.err().unwrap().status, StatusCode::UNAUTHORIZED);
}
