//! Which codecs can be taken, and how each comes out of its packets.

use sightline_spec::sdp::{Media as Section, Sdp};

use crate::branch::Media;

/// One codec, in SDP and in GStreamer.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Kind {
    /// Its name in SDP, in capitals.
    pub(crate) encoding: &'static str,
    pub(crate) media: Media,
    /// The media type of what was in the packets.
    pub(crate) media_type: &'static str,
    /// Takes it out of them; whole pictures, parameter sets with each keyframe.
    pub(crate) depayload: &'static str,
    /// What our offer says of it.
    rtp: &'static str,
}

const KINDS: [Kind; 6] = [
    Kind {
        encoding: "H264",
        media: Media::Video,
        media_type: "video/x-h264",
        depayload: "rtph264depay request-keyframe=true wait-for-keyframe=true \
            ! h264parse config-interval=-1 ! video/x-h264,stream-format=byte-stream,alignment=au",
        rtp: "packetization-mode=(string)1, profile-level-id=(string)42e01f, \
            level-asymmetry-allowed=(string)1",
    },
    Kind {
        encoding: "H265",
        media: Media::Video,
        media_type: "video/x-h265",
        depayload: "rtph265depay ! h265parse config-interval=-1 \
            ! video/x-h265,stream-format=byte-stream,alignment=au",
        rtp: "",
    },
    Kind {
        encoding: "AV1",
        media: Media::Video,
        media_type: "video/x-av1",
        depayload: "rtpav1depay ! av1parse ! video/x-av1,stream-format=obu-stream,alignment=tu",
        rtp: "",
    },
    Kind {
        encoding: "VP9",
        media: Media::Video,
        media_type: "video/x-vp9",
        depayload: "rtpvp9depay request-keyframe=true wait-for-keyframe=true ! vp9parse \
            ! video/x-vp9,alignment=super-frame",
        rtp: "profile-id=(string)0",
    },
    Kind {
        encoding: "VP8",
        media: Media::Video,
        media_type: "video/x-vp8",
        depayload: "rtpvp8depay request-keyframe=true wait-for-keyframe=true",
        rtp: "",
    },
    Kind {
        encoding: "OPUS",
        media: Media::Audio,
        media_type: "audio/x-opus",
        depayload: "rtpopusdepay ! opusparse",
        rtp: "encoding-params=(string)2, stereo=(string)1, useinbandfec=(string)1",
    },
];

/// The first payload type of an offer of ours (RFC 3551 section 6).
const FIRST_DYNAMIC: usize = 96;

/// The codecs that can be taken.
#[derive(Debug, Clone)]
pub(crate) struct Codecs(Vec<&'static Kind>);

/// There is no picture for us in what is offered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the camera sends {offered}; what can be taken here is {taken}")]
pub(crate) struct NoCodec {
    offered: String,
    taken: String,
}

impl Codecs {
    /// Those of which this is so.
    pub(crate) fn that(are: impl Fn(&Kind) -> bool) -> Self {
        // Part of this program, since GStreamer 1.22 has none for AV1.
        let _ = gstrsrtp::plugin_register_static();
        Self(KINDS.iter().filter(|kind| are(kind)).collect())
    }

    /// Those that this machine can show and play.
    pub(crate) fn decodable() -> Self {
        let decoders = gst::ElementFactory::factories_with_type(
            gst::ElementFactoryType::DECODER,
            gst::Rank::MARGINAL,
        );
        let decoders: Vec<_> = decoders.into_iter().collect();
        Self::that(|kind| {
            let caps = gst::Caps::new_empty_simple(kind.media_type);
            let mut decoders = decoders.iter();
            decoders.any(|decoder| decoder.can_sink_any_caps(&caps))
        })
    }

    /// The one that goes by this name in SDP.
    pub(crate) fn named(encoding: &str) -> Option<&'static Kind> {
        let mut kinds = KINDS.iter();
        kinds.find(|kind| kind.encoding.eq_ignore_ascii_case(encoding))
    }

    /// What an offer of ours says of this kind of media.
    pub(crate) fn rtp_caps(&self, media: Media) -> Option<gst::Caps> {
        let kinds = self.0.iter().filter(|kind| kind.media == media);
        let structures = kinds.enumerate().map(|(index, kind)| {
            // Sound and picture share one connection, and its numbers.
            let (name, rate, first) = match media {
                Media::Video => ("video", 90_000, FIRST_DYNAMIC),
                Media::Audio => ("audio", 48_000, FIRST_DYNAMIC + 15),
            };
            let feedback = match media {
                Media::Video => ", rtcp-fb-nack-pli=(boolean)true, rtcp-fb-ccm-fir=(boolean)true",
                Media::Audio => "",
            };
            let more = if kind.rtp.is_empty() { "" } else { ", " };
            format!(
                "application/x-rtp, media=(string){name}, encoding-name=(string){}, \
                 clock-rate={rate}, payload={}{more}{}{feedback}",
                kind.encoding,
                first + index,
                kind.rtp
            )
        });
        let text: Vec<String> = structures.collect();
        (!text.is_empty()).then(|| text.join("; ").parse().ok())?
    }

    /// The offer with one codec for each section, the first that can be taken, and its
    /// retransmissions: webrtcbin answers with all that it is offered.
    pub(crate) fn choose(&self, offer: &Sdp) -> Result<String, NoCodec> {
        let chosen: Vec<_> = offer.media().map(|media| self.chosen(&media)).collect();
        let is_video = |media: &Section<'_>| media.kind() == "video" && !media.is_rejected();
        let videos = || offer.media().zip(&chosen).filter(|(m, _)| is_video(m));
        if videos().next().is_some() && videos().all(|(_, chosen)| chosen.is_empty()) {
            let offered = offer.media().filter(is_video);
            let offered = offered.flat_map(|m| m.payloads()).map(|p| p.encoding);
            return Err(NoCodec {
                offered: listed(offered.filter(|it| !is_auxiliary(it))),
                taken: listed(self.videos()),
            });
        }
        let mut text = String::new();
        for (_, line) in offer.numbered_session_lines() {
            text.push_str(&format!("{line}\r\n"));
        }
        for (media, chosen) in offer.media().zip(&chosen) {
            for (_, line) in media.lines() {
                if let Some(line) = narrowed(line, chosen) {
                    text.push_str(&format!("{line}\r\n"));
                }
            }
        }
        Ok(text)
    }

    fn videos(&self) -> impl Iterator<Item = &'static str> {
        let videos = self.0.iter().filter(|kind| kind.media == Media::Video);
        videos.map(|kind| kind.encoding)
    }

    /// The numbers to keep of a section; none if there is nothing for us.
    fn chosen(&self, section: &Section<'_>) -> Vec<String> {
        let payloads = section.payloads();
        let is_taken = |encoding: &str| {
            let mut kinds = self.0.iter();
            kinds.any(|kind| kind.encoding.eq_ignore_ascii_case(encoding))
        };
        let first = payloads.iter().find(|payload| is_taken(payload.encoding));
        let numbers = first.map(|payload| [Some(payload.number), payload.rtx]);
        let numbers = numbers.into_iter().flatten().flatten();
        numbers.map(|number| number.to_string()).collect()
    }
}

/// A line of a section of which only these payload types are wanted, if it is about them.
fn narrowed(line: &str, chosen: &[String]) -> Option<String> {
    if chosen.is_empty() {
        return Some(line.to_owned());
    }
    if line.starts_with("m=") {
        let head: Vec<&str> = line.split_whitespace().take(3).collect();
        return Some(format!("{} {}", head.join(" "), chosen.join(" ")));
    }
    let about = ["a=rtpmap:", "a=fmtp:", "a=rtcp-fb:"];
    let number = about.iter().find_map(|name| line.strip_prefix(name));
    let number = number.and_then(|value| value.split_whitespace().next());
    let is_other = number.is_some_and(|it| it != "*" && !chosen.iter().any(|one| one == it));
    (!is_other).then(|| line.to_owned())
}

/// Repairs others, and is no picture itself.
fn is_auxiliary(encoding: &str) -> bool {
    let names = ["red", "ulpfec", "flexfec-03", "rtx"];
    names.iter().any(|name| encoding.eq_ignore_ascii_case(name))
}

fn listed<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let mut all: Vec<&str> = Vec::new();
    for name in names {
        if !all.contains(&name) {
            all.push(name);
        }
    }
    match all.is_empty() {
        true => "none".to_owned(),
        false => all.join(", "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OFFER: &str = "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\n\
        m=video 9 UDP/TLS/RTP/SAVPF 96 97 98 99\r\na=sendonly\r\na=rtcp-fb:* nack\r\n\
        a=rtpmap:96 VP8/90000\r\na=rtpmap:97 rtx/90000\r\na=fmtp:97 apt=96\r\n\
        a=rtpmap:98 H264/90000\r\na=rtcp-fb:98 nack pli\r\na=rtpmap:99 rtx/90000\r\n\
        a=fmtp:99 apt=98\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=rtpmap:111 opus/48000/2\r\n";

    fn offer() -> Sdp {
        Sdp::parse(OFFER).unwrap()
    }

    #[test]
    fn of_what_is_offered_one_codec_is_left_that_can_be_taken() {
        gst::init().unwrap();
        let codecs = Codecs::that(|kind| kind.encoding != "VP8");
        let chosen = codecs.choose(&offer()).unwrap();
        let expected = "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\n\
            m=video 9 UDP/TLS/RTP/SAVPF 98 99\r\na=sendonly\r\na=rtcp-fb:* nack\r\n\
            a=rtpmap:98 H264/90000\r\na=rtcp-fb:98 nack pli\r\na=rtpmap:99 rtx/90000\r\n\
            a=fmtp:99 apt=98\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=rtpmap:111 opus/48000/2\r\n";
        assert_eq!(chosen, expected);
    }

    #[test]
    fn who_can_take_nothing_says_what_is_offered() {
        gst::init().unwrap();
        let codecs = Codecs::that(|kind| matches!(kind.encoding, "AV1" | "OPUS"));
        let why = codecs.choose(&offer()).unwrap_err().to_string();
        let said = "the camera sends VP8, H264; what can be taken here is AV1";
        assert_eq!(why, said);
    }

    #[test]
    fn what_we_offer_is_read_by_gstreamer() {
        gst::init().unwrap();
        let all = Codecs::that(|_| true);
        assert_eq!(all.rtp_caps(Media::Video).unwrap().size(), 5);
        assert_eq!(all.rtp_caps(Media::Audio).unwrap().size(), 1);
        assert!(Codecs::that(|_| false).rtp_caps(Media::Audio).is_none());
    }
}
