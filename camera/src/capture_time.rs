//! Says with each picture when it was captured, so that viewers can tell how old it is.
//!
//! <http://www.webrtc.org/experiments/rtp-hdrext/abs-capture-time>

use std::time::{Duration, SystemTime};

use gst::prelude::*;
use gst_rtp::{RTPBuffer, rtp_buffer::Writable};

const URI: &str = "http://www.webrtc.org/experiments/rtp-hdrext/abs-capture-time";

/// By which offers name it; webrtcbin has none of its own (RFC 8285 section 5).
const ID: u8 = 1;

/// From 1900, where NTP's time begins, to 1970 (RFC 868).
const UNIX_IN_NTP: Duration = Duration::from_secs(2_208_988_800);

/// Has the first packet of each picture say so, of those that leave by this pad of the pipeline.
pub(crate) fn say_in(packets: &gst::Pad, pipeline: &gst::Pipeline) {
    let pipeline = pipeline.downgrade();
    let kinds = gst::PadProbeType::BUFFER | gst::PadProbeType::BUFFER_LIST;
    packets.add_probe(kinds, move |_, info| {
        if let Some(base) = pipeline.upgrade().and_then(|pipeline| pipeline.base_time()) {
            match &mut info.data {
                Some(gst::PadProbeData::Buffer(packet)) => stamp(packet.make_mut(), base),
                Some(gst::PadProbeData::BufferList(list)) => {
                    if let Some(first) = list.make_mut().get_mut(0) {
                        stamp(first, base);
                    }
                }
                _ => {}
            }
        }
        gst::PadProbeReturn::Ok
    });
}

fn stamp(packet: &mut gst::BufferRef, base: gst::ClockTime) {
    let now = gst::SystemClock::obtain().time();
    let Some(age) = packet.pts().and_then(|pts| now.checked_sub(base + pts)) else {
        return;
    };
    let Some(captured) = SystemTime::now().checked_sub(age.into()) else {
        return;
    };
    if let Ok(mut packet) = RTPBuffer::<Writable>::from_buffer_writable(packet) {
        // Without it the age is not known, and all else is as it should be.
        let _ = packet.add_extension_onebyte_header(ID, &ntp(captured).to_be_bytes());
    }
}

/// Seconds in the upper half (RFC 5905 section 6).
fn ntp(time: SystemTime) -> u64 {
    let since = time.duration_since(SystemTime::UNIX_EPOCH);
    let since = since.unwrap_or_default() + UNIX_IN_NTP;
    let fraction = (u64::from(since.subsec_nanos()) << 32) / 1_000_000_000;
    // It begins anew in 2036.
    since.as_secs() << 32 | fraction
}

/// The offer, in which pictures have it.
pub(crate) fn announce_in(sdp: &str) -> String {
    let mut with_it = String::with_capacity(sdp.len() + 96);
    let mut is_video = false;
    for line in sdp.split_inclusive('\n') {
        with_it.push_str(line);
        if line.starts_with("m=") {
            is_video = line.starts_with("m=video ");
        } else if is_video && line.starts_with("a=mid:") {
            with_it.push_str(&format!("a=extmap:{ID} {URI}\r\n"));
        }
    }
    with_it
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ntp_counts_from_1900_in_parts_of_a_second() {
        let time = SystemTime::UNIX_EPOCH + Duration::from_millis(1_750);
        assert_eq!(ntp(time), (2_208_988_801 << 32) + 0xc000_0000);
    }

    #[test]
    fn offers_speak_of_it_where_the_pictures_are() {
        let offer = "v=0\r\nm=video 9 X 96\r\na=mid:video0\r\nm=audio 9 X 111\r\na=mid:audio1\r\n";
        let with_it = announce_in(offer);
        let line = format!("a=mid:video0\r\na=extmap:1 {URI}\r\nm=audio");
        assert!(
            with_it.contains(&line) && with_it.matches("extmap").count() == 1,
            "{with_it}"
        );
    }
}
