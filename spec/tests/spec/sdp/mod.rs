//! Offers and answers: the vectors in `vectors/sdp.json` by role, and what is read
//! from them. What is cut off, what is read of sections and what the gateway changes have
//! files of their own.
mod reading;
mod rewrite;
mod whole;

use serde::Deserialize;
use sightline_spec::sdp::{PublisherOffer, Sdp, SdpError, ViewerAnswer, ViewerOffer};

#[derive(Deserialize)]
struct Vectors {
    valid: Vec<Valid>,
    invalid: Vec<Invalid>,
}

#[derive(Deserialize, Clone, Copy, PartialEq, Debug)]
#[serde(rename_all = "lowercase")]
enum Role {
    Publisher,
    Viewer,
    Answer,
}

#[derive(Deserialize)]
struct Valid {
    name: String,
    role: Role,
    kinds: Vec<String>,
    mids: Vec<String>,
    directions: Vec<String>,
    ufrag: String,
    fingerprints: Vec<String>,
    candidates: usize,
    lines: Vec<String>,
}

#[derive(Deserialize)]
struct Invalid {
    role: Role,
    why: String,
    text: String,
}

impl Valid {
    fn text(&self) -> String {
        self.lines
            .iter()
            .map(|line| format!("{line}\r\n"))
            .collect()
    }

    fn sdp(&self) -> Sdp {
        parse(self.role, &self.text()).unwrap_or_else(|e| panic!("{}: {e}", self.name))
    }
}

fn vectors() -> Vectors {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/vectors/sdp.json");
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

/// The vector whose name begins like this.
fn vector(name: &str) -> Valid {
    let mut all = vectors().valid.into_iter();
    all.find(|valid| valid.name.starts_with(name)).unwrap()
}

fn parse(role: Role, text: &str) -> Result<Sdp, SdpError> {
    match role {
        Role::Publisher => PublisherOffer::parse(text).map(PublisherOffer::into_sdp),
        Role::Viewer => ViewerOffer::parse(text).map(ViewerOffer::into_sdp),
        Role::Answer => ViewerAnswer::parse(text).map(ViewerAnswer::into_sdp),
    }
}

#[test]
fn encodings_are_named_by_who_sends_them() {
    let offer = include_str!("../../../http/sdp/obs-simulcast-offer.sdp");
    let offer = PublisherOffer::parse(offer).unwrap();
    let [audio, video] = [0, 1].map(|index| offer.media().nth(index).unwrap());
    assert!(video.rids().eq(["0", "1", "2"]));
    assert!(video.offers_layers());
    assert!(audio.rids().next().is_none());
    let answer = offer.as_str().replace(" send\r\n", " recv\r\n");
    let answer = Sdp::parse(&answer).unwrap();
    assert!(answer.media().all(|media| media.rids().next().is_none()));
}

#[test]
fn what_is_valid_is_kept_byte_for_byte() {
    for valid in vectors().valid {
        assert_eq!(valid.sdp().to_string(), valid.text(), "{}", valid.name);
    }
}

#[test]
fn sections_mids_directions_and_transport_are_read() {
    for valid in vectors().valid {
        let (sdp, name) = (valid.sdp(), &valid.name);
        let kinds: Vec<_> = sdp.media().map(|media| media.kind()).collect();
        assert_eq!(kinds, valid.kinds, "{name}");
        let mids: Vec<_> = sdp.media().filter_map(|media| media.mid()).collect();
        assert_eq!(mids, valid.mids, "{name}");
        let directions: Vec<_> = sdp.media().map(|m| m.direction().to_string()).collect();
        assert_eq!(directions, valid.directions, "{name}");
        assert_eq!(sdp.ice_credentials()[0].ufrag, valid.ufrag, "{name}");
        let fingerprints = sdp.fingerprints();
        let fingerprints: Vec<_> = fingerprints.iter().map(|f| f.as_str()).collect();
        assert_eq!(fingerprints, valid.fingerprints, "{name}");
        let candidates = sdp.as_str().matches("\r\na=candidate:").count();
        assert_eq!(candidates, valid.candidates, "{name}");
    }
}

#[test]
fn bare_line_feeds_are_accepted_and_kept() {
    for valid in vectors().valid {
        let text = valid.text().replace("\r\n", "\n");
        let sdp = parse(valid.role, &text).unwrap();
        assert_eq!(sdp.as_str(), text, "{}", valid.name);
    }
}

#[test]
fn what_is_invalid_is_refused_with_words() {
    for Invalid { role, why, text } in vectors().invalid {
        let error = parse(role, &text).expect_err(&why);
        assert!(!error.to_string().is_empty(), "{why}");
    }
}

/// Rejected sections and data channels have no direction that matters.
#[test]
fn an_offer_of_one_role_is_refused_in_the_other() {
    for valid in vectors().valid {
        let text = valid.text();
        let has = |direction| valid.directions.iter().any(|d| d == direction);
        let is_idle = valid.directions.iter().all(|d| d == "inactive");
        let no_viewer = has("sendonly") || is_idle;
        let (name, viewer) = (&valid.name, ViewerOffer::parse(&text));
        assert_eq!(viewer.is_err(), no_viewer, "{name}");
        let no_publisher = has("recvonly") || is_idle;
        assert_eq!(
            PublisherOffer::parse(&text).is_err(),
            no_publisher,
            "{name}"
        );
    }
}

/// RFC 3264 section 6: for each m= line in the offer there is one in the answer.
#[test]
fn an_answer_has_the_sections_of_its_offer() {
    let answer = |name| ViewerAnswer::parse(&vector(name).text()).unwrap();
    let fits = |name, offer| answer(name).check_answers(&vector(offer).sdp());
    let chromium = "Chromium 156, publishing";
    assert_eq!(fits("Chromium 156, answering, ", chromium), Ok(()));
    assert_eq!(fits("Chromium 156, answering without", chromium), Ok(()));
    assert_eq!(fits("Chromium 156, answering, ", "OBS"), Ok(()));
    let whep = "WHEP section 4.3, counter-offer";
    assert_eq!(fits("WHEP section 4.3, answer", whep), Ok(()));
    for (name, offer) in [
        ("Chromium 156, answering, ", "GStreamer"),
        ("Chromium 156, answering, ", whep),
        ("WHEP section 4.3, answer", chromium),
    ] {
        let error = fits(name, offer).unwrap_err();
        assert!(matches!(error, SdpError::NotAnAnswer(_)), "{name}: {offer}");
    }
}

#[test]
fn an_answer_that_receives_nothing_answers_nothing() {
    let offer = vector("Chromium 156, publishing").sdp();
    let text = vector("Chromium 156, answering, ").text();
    let deaf = text.replace("a=recvonly", "a=inactive");
    let answer = ViewerAnswer::parse(&deaf).unwrap();
    let error = answer.check_answers(&offer).unwrap_err();
    assert!(error.to_string().contains("receives nothing"), "{error}");
}

#[test]
fn passwords_stay_out_of_debug_output() {
    for valid in vectors().valid {
        let sdp = valid.sdp();
        let debug = format!("{sdp:?} {:?}", sdp.ice_credentials());
        let password = &sdp.ice_credentials()[0].pwd;
        assert!(!debug.contains(password.as_str()), "{}", valid.name);
    }
}

/// What takes long to go through is refused before anyone does.
#[test]
fn more_than_any_peer_has_is_too_many() {
    let head = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n";
    let parsed = |rest: &str| Sdp::parse(&format!("{head}{rest}")).map(|_| ());
    let section = "m=audio 9 UDP/TLS/RTP/SAVPF 0\r\n";
    let formats = |count| format!("m=audio 9 UDP/TLS/RTP/SAVPF{}\r\n", " 0".repeat(count));
    for (what, most, rest) in [
        ("sections", Sdp::MAX_SECTIONS, &|n| section.repeat(n)),
        ("formats", Sdp::MAX_FORMATS, &formats),
        ("lines", Sdp::MAX_LINES - 4, &|n| "a=x\r\n".repeat(n)),
    ] as [(&'static str, usize, &dyn Fn(usize) -> String); 3]
    {
        assert_eq!(parsed(&rest(most)), Ok(()), "{what}");
        assert_eq!(parsed(&rest(most + 1)), Err(SdpError::TooMany(what)));
    }
}

/// A description that a publisher may send, if this ends it.
fn valid_ending_with(last: &str) -> String {
    let fingerprint = ["AB"; 32].join(":");
    format!(
        "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\na=group:BUNDLE v\r\n\
         m=video 9 UDP/TLS/RTP/SAVPF 96\r\na=mid:v\r\na=sendonly\r\na=ice-ufrag:abcd\r\n\
         a=ice-pwd:aaaaaaaaaaaaaaaaaaaaaa\r\na=fingerprint:sha-256 {fingerprint}\r\n\
         a=rtpmap:96 H264/90000\r\n{last}"
    )
}
