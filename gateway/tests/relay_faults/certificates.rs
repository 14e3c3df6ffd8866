//! RFC 8827 section 6.5: the certificate of the handshake MUST be the one that the SDP
//! announced, whoever presents it and of whatever kind it is.
//!
//! Those who lie may take a minute to connect, so that what ends them is their lie.

use str0m::ice::TransId;
use tokio::task::spawn_blocking;

use crate::datagrams::check;
use crate::handshake::{Identity, Shaken, shake_hands};
use crate::peer::{Offered, Peer, Role, Wanted};
use crate::rig::{Rig, Session};

const PUBLISHER: &str = include_str!("../../../spec/http/sdp/camera-offer.sdp");
const VIEWER: &str = include_str!("../../../spec/http/sdp/viewer-offer.sdp");
const A_MINUTE: [&str; 2] = ["--media-connect", "1m"];

/// The offer, with this fingerprint.
fn announcing(fingerprint: &str, offer: &str) -> String {
    let lines = offer
        .lines()
        .map(|line| match line.starts_with("a=fingerprint:") {
            true => format!("a=fingerprint:{fingerprint}\r\n"),
            false => format!("{line}\r\n"),
        });
    lines.collect()
}

fn forged(offer: String) -> String {
    announcing(&format!("sha-256 {}", ["AB"; 32].join(":")), &offer)
}

/// POSTs this offer, and shakes hands as GStreamer would.
async fn with_rsa(rig: &Rig, role: Role, identity: Identity, offer: String) -> (Session, Shaken) {
    let session = rig.offer(role, offer).await;
    let password = session.attribute("ice-pwd");
    let check = check(&session.check_name(), password, TransId::new());
    let relay = session.media_address();
    let shaken = spawn_blocking(move || shake_hands(&identity, relay, &check));
    (session, shaken.await.unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_publisher_with_another_ecdsa_certificate_is_refused() {
    let rig = Rig::start(A_MINUTE);
    let wanted = Wanted {
        forge: forged,
        ..Wanted::new(Role::Publisher)
    };
    let liar = Offered::post(&rig, wanted).await;
    let viewer = Peer::watching(&rig).await;
    let liar = liar.connect().await;
    liar.session.ends().await;
    viewer
        .sees("it is connected", |seen| seen.is_connected)
        .await;
    assert_eq!(viewer.seen().packets, 0);

    // The same, but honest, is let in: it was the certificate.
    let _honest = Peer::publishing(&rig).await;
    viewer.sees_more(30).await;
    rig.end();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_viewer_with_another_ecdsa_certificate_is_refused() {
    let rig = Rig::start(A_MINUTE);
    let _publisher = Peer::publishing(&rig).await;
    let wanted = Wanted {
        forge: forged,
        ..Wanted::new(Role::Viewer)
    };
    let liar = Peer::start(&rig, wanted).await;
    liar.session.ends().await;
    assert_eq!(liar.seen().packets, 0);

    let honest = Peer::watching(&rig).await;
    honest.sees_more(30).await;
    rig.end();
}

/// Our RSA peers say nothing after their handshake, which would be their end in time. The
/// honest one comes first: whatever ends the other before it is not its silence.
#[tokio::test(flavor = "multi_thread")]
async fn a_publisher_with_another_rsa_certificate_is_refused() {
    let hasty = Rig::start(["--media-connect", "2s"]);
    let identity = Identity::rsa();
    let truth = announcing(&identity.fingerprint(), PUBLISHER);
    let (honest, _shaken) = with_rsa(&hasty, Role::Publisher, identity, truth).await;
    let absent = hasty.offer(Role::Viewer, VIEWER.to_owned()).await;

    let patient = Rig::start(A_MINUTE);
    let lie = forged(PUBLISHER.to_owned());
    let (liar, _shaken) = with_rsa(&patient, Role::Publisher, Identity::rsa(), lie).await;
    liar.ends().await;
    assert!(honest.exists().await);

    // This one's time to connect is over, and so is that of the honest one, which has.
    absent.ends().await;
    assert!(honest.exists().await);
    hasty.end();
    patient.end();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_viewer_with_another_rsa_certificate_is_refused() {
    let rig = Rig::start(A_MINUTE);
    let _publisher = Peer::publishing(&rig).await;
    let identity = Identity::rsa();
    let truth = announcing(&identity.fingerprint(), VIEWER);
    let (honest, given) = with_rsa(&rig, Role::Viewer, identity, truth).await;
    let lie = forged(VIEWER.to_owned());
    let (liar, not_given) = with_rsa(&rig, Role::Viewer, Identity::rsa(), lie).await;
    liar.ends().await;
    assert!(honest.exists().await);
    assert!(!not_given.has_been_given_media());

    let given = spawn_blocking(move || given.is_given_media());
    assert!(given.await.unwrap());
    rig.end();
}
