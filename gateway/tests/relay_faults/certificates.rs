//! RFC 8827 section 6.5: the certificate of the handshake MUST be the one that the SDP
//! announced, whoever presents it and of whatever kind it is.
//!
//! Those who lie may take a minute to connect, so that what ends them is their lie.

use openssl::hash::MessageDigest;
use str0m::ice::TransId;
use tokio::task::spawn_blocking;

use crate::datagrams::check;
use crate::handshake::{Identity, Shaken, shake_hands};
use crate::peer::{Session, Setup};
use crate::rig::{Rig, attribute, ends, goes_on, media_address, sees_more};

const PUBLISHER: &str = include_str!("../../../spec/http/sdp/camera-offer.sdp");
const VIEWER: &str = include_str!("../../../spec/http/sdp/viewer-offer.sdp");
const FROM_PUBLISHER: &str = include_str!("../../../spec/http/sdp/camera-candidates.sdpfrag");
const FROM_VIEWER: &str = include_str!("../../../spec/http/sdp/viewer-offer-candidates.sdpfrag");
const A_MINUTE: [&str; 6] = [
    "--media-connect",
    "1m",
    "--publisher-connect",
    "1m",
    "--media-silence",
    "1m",
];

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

fn forged(offer: &str) -> String {
    announcing(&format!("sha-256 {}", ["AB"; 32].join(":")), offer)
}

/// POSTs this offer, and shakes hands as GStreamer would.
async fn with_rsa(
    rig: &Rig,
    endpoint: &str,
    identity: Identity,
    offer: String,
) -> (Session, Shaken) {
    let session = rig.offer(endpoint, offer.clone()).await;
    let answer = &session.answer;
    let names = [answer, &offer].map(|sdp| attribute(sdp, "ice-ufrag"));
    let check = check(
        &names.join(":"),
        attribute(answer, "ice-pwd"),
        TransId::new(),
    );
    let relay = media_address(&session);
    let shaken = spawn_blocking(move || shake_hands(&identity, relay, &check));
    (session, shaken.await.unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_publisher_with_another_ecdsa_certificate_is_refused() {
    let rig = Rig::start(A_MINUTE);
    let liar = Setup::publisher().offer().await;
    let session = rig.offer("whip", forged(&liar.sdp)).await;
    let viewer = rig.viewer().await;
    let liar = liar.answered(session).await;
    ends(&liar.session).await;
    viewer.connected().await;
    assert_eq!(viewer.seen(|seen| seen.packets.len()), 0);

    // The same, but honest, is let in: it was the certificate.
    let _honest = rig.publisher().await;
    sees_more(&viewer, 30).await;
    rig.end();
}

/// Every viewer that a camera offers itself to is given its fingerprint.
#[tokio::test(flavor = "multi_thread")]
async fn who_has_copied_the_publisher_s_fingerprint_does_not_get_its_room() {
    for is_mute in [false, true] {
        let rig = Rig::start(
            match is_mute {
                false => &A_MINUTE[..],
                true => &["--publisher-connect", "1s"],
            }
            .iter()
            .copied(),
        );
        let offering = Setup::publisher().offer().await;
        let fingerprint = attribute(&offering.sdp, "fingerprint").to_owned();
        let session = rig.offer("whip", offering.sdp.clone()).await;
        let publisher = offering.answered(session).await;
        let viewer = rig.viewer().await;
        sees_more(&viewer, 30).await;

        let liar = Setup::publisher().offer().await;
        let session = rig.offer("whip", announcing(&fingerprint, &liar.sdp)).await;
        let newcomer = rig.viewer().await;
        sees_more(&newcomer, 30).await;
        match is_mute {
            false => ends(&liar.answered(session).await.session).await,
            true => ends(&session).await,
        }
        sees_more(&viewer, 30).await;
        sees_more(&newcomer, 30).await;
        assert!(publisher.session.exists().await);
        sees_more(&rig.viewer().await, 30).await;
        rig.end();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_publisher_that_does_not_connect_has_its_room_for_seconds() {
    let rig = Rig::start(["--publisher-connect", "3s", "--publisher-grace", "1m"]);
    let absent = rig.offer("whip", PUBLISHER.to_owned()).await;
    // This one waits for it.
    let _publisher = rig.publisher().await;
    ends(&absent).await;
    sees_more(&rig.viewer().await, 30).await;
    rig.end();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_viewer_with_another_ecdsa_certificate_is_refused() {
    let rig = Rig::start(A_MINUTE);
    let _publisher = rig.publisher().await;
    let liar = Setup::viewer().offer().await;
    let session = rig.offer("whep", forged(&liar.sdp)).await;
    let liar = liar.answered(session).await;
    ends(&liar.session).await;
    assert_eq!(liar.seen(|seen| seen.packets.len()), 0);

    let honest = rig.viewer().await;
    sees_more(&honest, 30).await;
    rig.end();
}

/// Our RSA peers say nothing after their handshake, which would be their end in time. The
/// honest one comes first: whatever ends the other before it is not its silence.
#[tokio::test(flavor = "multi_thread")]
async fn a_publisher_with_another_rsa_certificate_is_refused() {
    let hasty = Rig::start(["--media-connect", "2s"]);
    let identity = Identity::rsa();
    let truth = announcing(&identity.fingerprint(), PUBLISHER);
    let (honest, _shaken) = with_rsa(&hasty, "whip", identity, truth).await;
    let absent = hasty.offer("whep", VIEWER.to_owned()).await;

    let patient = Rig::start(A_MINUTE);
    let lie = forged(PUBLISHER);
    let (liar, _shaken) = with_rsa(&patient, "whip", Identity::rsa(), lie).await;
    ends(&liar).await;
    assert!(goes_on(&honest, FROM_PUBLISHER).await);

    // This one's time to connect is over, and so is that of the honest one, which has.
    ends(&absent).await;
    assert!(goes_on(&honest, FROM_PUBLISHER).await);
    hasty.end();
    patient.end();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_viewer_with_another_rsa_certificate_is_refused() {
    let rig = Rig::start(A_MINUTE);
    let _publisher = rig.publisher().await;
    let identity = Identity::rsa();
    let truth = announcing(&identity.fingerprint(), VIEWER);
    let (honest, given) = with_rsa(&rig, "whep", identity, truth).await;
    let lie = forged(VIEWER);
    let (liar, not_given) = with_rsa(&rig, "whep", Identity::rsa(), lie).await;
    ends(&liar).await;
    assert!(!not_given.has_been_given_media());
    assert!(goes_on(&honest, FROM_VIEWER).await);
    assert!(!goes_on(&liar, FROM_VIEWER).await);

    let given = spawn_blocking(move || given.is_given_media());
    assert!(given.await.unwrap());
    rig.end();
}

/// RFC 8122 section 5.1: "an endpoint that receives fingerprints [...] with multiple hash
/// functions" goes by the one that it prefers, and one of those has to match.
#[tokio::test(flavor = "multi_thread")]
async fn certificates_are_checked_by_the_strongest_hash_of_the_offer() {
    let rig = Rig::start(A_MINUTE);
    let _publisher = rig.publisher().await;
    let identity = Identity::rsa();
    let sha_256 = identity.fingerprint();
    let sha_384 = identity.fingerprint_by("sha-384", MessageDigest::sha384());
    let sha_512 = identity
        .fingerprint_by("SHA-512", MessageDigest::sha512())
        .to_lowercase();
    let another = |name, length| format!("{name} {}", vec!["AB"; length].join(":"));
    let and = |first: &str, second: &str| format!("{first}\r\na=fingerprint:{second}");
    for (announced, is_true) in [
        (sha_384.clone(), true),
        (sha_512.clone(), true),
        (and(&sha_256, &sha_512), true),
        (and(&another("sha-512", 64), &sha_512), true),
        (and(&another("sha3-512", 64), &sha_256), true),
        (another("sha-384", 48), false),
        (another("sha-512", 64), false),
        (and(&sha_256, &another("sha-512", 64)), false),
    ] {
        let offer = announcing(&announced, VIEWER);
        let (session, shaken) = with_rsa(&rig, "whep", identity.clone(), offer).await;
        match is_true {
            true => {
                let given = spawn_blocking(move || shaken.is_given_media());
                assert!(given.await.unwrap(), "{announced}");
            }
            false => {
                ends(&session).await;
                assert!(!shaken.has_been_given_media(), "{announced}");
            }
        }
    }
    rig.end();
}
