//! A peer's offer as the relay can answer it: what must not be ambiguous is checked, and the
//! sections are those that share one transport.

use std::collections::HashMap;

use sightline_spec::sdp::{Direction, Fingerprint, IceCredentials, Media, Sdp};

use crate::sdp::encoding::Encoding;

/// What cannot be answered, and where it stands in the offer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {why}")]
pub struct Unanswerable {
    /// The number of the line; the first is 1.
    pub line: usize,
    /// In words for whoever sent it.
    pub why: String,
}

/// Who is to begin with DTLS (RFC 8842 section 5.3), seen from the peer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Setup {
    Active,
    Passive,
    /// Either will do, which is also what an offer without it means.
    Either,
}

/// See the module.
pub(crate) struct Offer<'a> {
    pub(crate) sdp: &'a Sdp,
    /// The sections of the transport that is taken, with their indexes.
    pub(crate) sections: Vec<(u16, Media<'a>)>,
    /// Whether they are a bundle, by the peer's word.
    pub(crate) is_bundled: bool,
    /// A section of the bundle in which nothing can flow and which has its transport all the same.
    pub(crate) anchor: Option<(u16, Media<'a>)>,
    pub(crate) credentials: IceCredentials,
    pub(crate) fingerprints: Vec<Fingerprint>,
    pub(crate) setup: Setup,
}

impl Unanswerable {
    pub(crate) fn new(line: usize, why: impl Into<String>) -> Self {
        let why = why.into();
        Self { line, why }
    }
}

impl<'a> Offer<'a> {
    /// Reads it.
    ///
    /// Of sections that are not bundled each wants a transport of its own, and a connection has
    /// one: the rest are rejected (RFC 3264 section 6). RFC 9725 section 4.3.2 wants a bundle.
    pub(crate) fn read(sdp: &'a Sdp) -> Result<Self, Unanswerable> {
        check_ice(sdp)?;
        check_mids(sdp)?;
        let usable = |(_, media): &(u16, Media<'a>)| is_usable(media);
        let usable: Vec<_> = (0..).zip(sdp.media()).filter(usable).collect();
        for (_, media) in &usable {
            check_payload_types(media)?;
            check_extensions(media)?;
        }
        let (sections, is_bundled) = of_one_transport(sdp, usable);
        // What RFC 9143 section 7.3.1 calls the answerer-tagged section, or nothing.
        let tagged = sections.first().map(|(_, media)| *media);
        let tagged = tagged.or_else(|| sdp.active_media().next());
        let tagged = tagged.ok_or_else(|| Unanswerable::new(1, "there is no section to answer"))?;
        let line = tagged.first_line();
        let missing = |what| Unanswerable::new(line, format!("this section has no valid {what}"));
        Ok(Self {
            sdp,
            credentials: (tagged.ice_credentials())
                .ok_or_else(|| missing("ice-ufrag and ice-pwd"))?,
            fingerprints: tagged
                .fingerprints()
                .ok_or_else(|| missing("fingerprint"))?,
            setup: setup(&tagged)?,
            anchor: anchor(sdp, &sections).filter(|_| is_bundled),
            sections,
            is_bundled,
        })
    }
}

/// The payload type of a section that is preferred among those of which we know the encoding.
pub(crate) fn first_known<'a>(
    media: &Media<'a>,
) -> Option<(sightline_spec::sdp::Payload<'a>, Encoding)> {
    let is_video = media.kind() == "video";
    media.payloads().into_iter().find_map(|payload| {
        let encoding = Encoding::of(&payload)?;
        (encoding.is_video() == is_video).then_some((payload, encoding))
    })
}

fn is_usable(media: &Media<'_>) -> bool {
    let is_media = matches!(media.kind(), "audio" | "video") && media.is_rtp();
    // An inactive one may have none.
    let has_transport = || media.ice_credentials().is_some() && media.fingerprints().is_some();
    is_media && !media.is_rejected() && first_known(media).is_some() && has_transport()
}

/// The sections of the transport that serves most of what flows; of equals one with video, then
/// the first.
fn of_one_transport<'a>(sdp: &Sdp, usable: Vec<(u16, Media<'a>)>) -> (Vec<(u16, Media<'a>)>, bool) {
    let mut bundled: Vec<Vec<(u16, Media<'a>)>> = Vec::new();
    for mids in sdp.bundles() {
        let is_in = |media: &Media<'_>| media.mid().is_some_and(|mid| mids.contains(&mid));
        let all = usable.iter().filter(|(_, media)| is_in(media));
        bundled.push(all.copied().collect());
    }
    let is_alone = |section: &&(u16, Media<'a>)| {
        let mut all = bundled.iter().flatten();
        !all.any(|(index, _)| *index == section.0)
    };
    let alone: Vec<_> = usable.iter().filter(is_alone).map(|s| vec![*s]).collect();
    let transports = bundled.into_iter().map(|sections| (sections, true));
    let transports = transports.chain(alone.into_iter().map(|sections| (sections, false)));
    let worth = |sections: &[(u16, Media<'_>)]| {
        let flows = |section: &&(u16, Media<'_>)| section.1.direction() != Direction::Inactive;
        let mut flowing = sections.iter().filter(flows);
        let count = flowing.clone().count();
        let has_video = flowing.any(|(_, media)| media.kind() == "video");
        (count, has_video, sections.len())
    };
    let mut best = (Vec::new(), false);
    for transport in transports {
        if worth(&transport.0) > worth(&best.0) {
            best = transport;
        }
    }
    best
}

/// The first section of the bundle, if the peer cannot do without it though we have no encoding
/// for it.
///
/// By RFC 9143 section 7.3.3 the transport is that of the next section when the first is rejected.
/// libwebrtc under the policy `max-bundle` has one transport, by the name of the first section,
/// and fails without it: “Failed to setup RTCP mux”. It does not say that the others are
/// `bundle-only`, as RFC 8829 section 5.2.1 has it, and its offers look alike under every policy:
/// each section has its own lines of the very same credentials, and two forms of header
/// extensions are allowed.
fn anchor<'a>(sdp: &'a Sdp, sections: &[(u16, Media<'a>)]) -> Option<(u16, Media<'a>)> {
    let mut session = sdp.numbered_session_lines();
    let is_like_libwebrtc = session.any(|(_, line)| line.trim_end() == "a=extmap-allow-mixed");
    let (_, taken) = sections.first().filter(|_| is_like_libwebrtc)?;
    let is_bundle = |mids: &Vec<&str>| taken.mid().is_some_and(|mid| mids.contains(&mid));
    let name = *sdp.bundles().find(is_bundle)?.first()?;
    let (index, first) = (0..)
        .zip(sdp.media())
        .find(|(_, m)| m.mid() == Some(name))?;
    let is_media = matches!(first.kind(), "audio" | "video") && first.is_rtp();
    let has_own = first
        .lines()
        .any(|(_, line)| line.starts_with("a=ice-ufrag:"));
    let is_one_transport = has_own && first.ice_credentials() == taken.ice_credentials();
    let is_wanted = is_media && !first.is_rejected() && first_known(&first).is_none();
    (is_wanted && is_one_transport).then_some((index, first))
}

/// RFC 8445 section 6.1.1: of two that are lite nobody would check.
fn check_ice(sdp: &Sdp) -> Result<(), Unanswerable> {
    let session = sdp.numbered_session_lines();
    let media = sdp.media().flat_map(|media| media.lines());
    let mut lines = session.chain(media);
    match lines.find(|(_, line)| line.trim_end() == "a=ice-lite") {
        Some((line, _)) => Err(Unanswerable::new(
            line,
            "a=ice-lite: this server is ICE-lite too, so neither would make a connection",
        )),
        None => Ok(()),
    }
}

/// RFC 5888 section 4: "identification-tag [...] MUST be unique within an SDP session
/// description".
fn check_mids(sdp: &Sdp) -> Result<(), Unanswerable> {
    let mut known: Vec<&str> = Vec::new();
    for media in &sdp.media().collect::<Vec<_>>() {
        let Some(mid) = media.mid() else { continue };
        let why = match mid {
            _ if !is_token(mid) => "is not a token (RFC 8866 section 9)",
            _ if known.contains(&mid) => "is the name of another section already",
            _ => {
                known.push(mid);
                continue;
            }
        };
        return Err(at(media, "mid", &format!("a=mid:{mid} {why}")));
    }
    Ok(())
}

fn check_payload_types(media: &Media<'_>) -> Result<(), Unanswerable> {
    match media.ambiguous_payload_type() {
        Some((number, line)) => {
            let why = format!("payload type {number} has another a=rtpmap in this section");
            Err(Unanswerable::new(line, why))
        }
        None => Ok(()),
    }
}

/// RFC 8285 section 5: one id, one extension. Those above 4095 only number what is offered.
fn check_extensions(media: &Media<'_>) -> Result<(), Unanswerable> {
    let mut known: HashMap<u16, &str> = HashMap::new();
    for extension in media.header_extensions() {
        let (id, uri) = (extension.id, extension.uri);
        if *known.entry(id).or_insert(uri) != uri {
            let why = format!("a=extmap:{id} is another extension already in this section");
            return Err(Unanswerable::new(extension.line, why));
        }
    }
    Ok(())
}

fn setup(media: &Media<'_>) -> Result<Setup, Unanswerable> {
    match media.setup() {
        None | Some("actpass") => Ok(Setup::Either),
        Some("active") => Ok(Setup::Active),
        Some("passive") => Ok(Setup::Passive),
        Some(other) => {
            let why = format!("a=setup:{other} is none of actpass, active and passive");
            Err(at(media, "setup", &why))
        }
    }
}

/// What is wrong with the section's attribute of this name.
fn at(media: &Media<'_>, name: &str, why: &str) -> Unanswerable {
    let is_named = |line: &str| {
        let attribute = line.strip_prefix("a=").unwrap_or_default();
        attribute.split(':').next() == Some(name)
    };
    let line = media.lines().find(|(_, line)| is_named(line));
    Unanswerable::new(line.map_or(media.first_line(), |(line, _)| line), why)
}

fn is_token(text: &str) -> bool {
    let is_token = |b: u8| b.is_ascii_graphic() && !b"\"(),/:;<=>?@[\\]".contains(&b);
    !text.is_empty() && text.bytes().all(is_token)
}
