//! What a publisher sends is what its viewers get, in their own numbers.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use reqwest::StatusCode;
use str0m::rtp::{AbsCaptureTime, Extension, ExtensionMap, ExtensionValues, VideoOrientation};

use crate::peer::film::Shape;
use crate::peer::{Http, Seen, Setup};
use crate::support::Gateway;

#[tokio::test]
async fn a_viewer_gets_pictures_and_sound() {
    let gateway = Gateway::start(["--relay", "on"]);
    let http = Http::new(&gateway);
    let publisher = Setup::publisher().with_sound().open(&http, "garage").await;
    let viewer = Setup::viewer().open(&http, "garage").await;
    publisher.connected().await;
    let has_both =
        |seen: &Seen| (seen.video().count() > 60 && seen.sound().count() > 10).then_some(());
    viewer.until("pictures and sound", has_both).await;
    viewer.seen(|seen| {
        let (first, label) = seen.in_order()[0];
        assert!(label.is_key && label.part == 0, "{label:?}");
        assert_eq!(first.payload_type, 102);
        assert!(seen.sound().all(|packet| packet.payload_type == 111));
    });
}

/// Receivers align sound and picture by sender reports (RFC 3550 section 6.4.1).
#[tokio::test]
async fn a_viewer_is_told_what_time_it_is_and_when_it_is_over() {
    let gateway = Gateway::start(["--relay", "on"]);
    let http = Http::new(&gateway);
    let publisher = Setup::publisher().with_sound().open(&http, "garage").await;
    let viewer = Setup::viewer().open(&http, "garage").await;
    publisher.connected().await;
    let last_of = |seen: &Seen, source: u32| {
        let mut reports = seen.reports.iter().rev();
        reports.find(|report| *report.ssrc == source).cloned()
    };
    let reported = |seen: &Seen| {
        let picture = seen.video().last()?.0.clone();
        let sound = seen.sound().last()?.clone();
        let reports = (last_of(seen, picture.source)?, last_of(seen, sound.source)?);
        let counts = (seen.video().count(), seen.sound().count());
        Some((picture, sound, reports, counts))
    };
    let (picture, sound, reports, counts) = viewer.until("both reports", reported).await;
    // What was measured at different moments of a busy machine is not equal.
    let near = |a: f64, b: f64| (a - b).abs() < 1.5;
    let seconds = |time: u64, rate: f64| time as f64 / rate;
    assert!(near(
        seconds(reports.0.rtp_time.numer(), 90e3),
        seconds(picture.time, 90e3)
    ));
    assert!(near(
        seconds(reports.1.rtp_time.numer(), 48e3),
        seconds(sound.time, 48e3)
    ));
    let apart = reports.0.ntp_time.duration_since(reports.1.ntp_time);
    assert!(apart.unwrap_or_else(|e| e.duration()).as_millis() < 1500);
    assert!((1..=counts.0).contains(&(reports.0.sender_packet_count as usize)));
    assert!((1..=counts.1).contains(&(reports.1.sender_packet_count as usize)));

    viewer.session.delete().await;
    let both_over = |seen: &Seen| {
        let sources = [picture.source, sound.source];
        let is_over = |source| seen.goodbyes.contains(source);
        sources.iter().all(is_over).then_some(())
    };
    viewer.until("goodbyes", both_over).await;
}

/// When the last picture and sound arrived, and were captured by what the viewer is told.
fn captured(seen: &Seen) -> Option<[(Instant, SystemTime); 2]> {
    let packets = [seen.video().last()?.0, seen.sound().last()?];
    let captured = packets.map(|packet| {
        let mut reports = seen.reports.iter().rev();
        let report = reports.find(|report| *report.ssrc == packet.source)?;
        let rate = if packet.is_video() { 90e3 } else { 48e3 };
        let since = (packet.time as u32).wrapping_sub(report.rtp_time.numer() as u32);
        let since = f64::from(since.cast_signed()) / rate;
        let time = match since < 0.0 {
            true => report.ntp_time - Duration::from_secs_f64(-since),
            false => report.ntp_time + Duration::from_secs_f64(since),
        };
        Some((packet.at, time))
    });
    let [picture, sound] = captured;
    Some([picture?, sound?])
}

/// A picture that takes half a second to encode is half a second older than the sound that comes
/// with it.
#[tokio::test]
async fn when_something_was_captured_is_as_the_publisher_reports() {
    let gateway = Gateway::start(["--relay", "on"]);
    let http = Http::new(&gateway);
    let mut setup = Setup::publisher().with_sound();
    setup.reels[0].encoding = Duration::from_millis(500);
    let _publisher = setup.open(&http, "garage").await;
    let viewer = Setup::viewer().open(&http, "garage").await;
    let [picture, sound] = viewer.until("both reports", captured).await;
    // How much later each arrived than the other, and was captured.
    let seconds = |ahead: Duration, back: Duration| ahead.as_secs_f64() - back.as_secs_f64();
    let arrived = seconds(
        picture.0.saturating_duration_since(sound.0),
        sound.0.saturating_duration_since(picture.0),
    );
    let since = |a: SystemTime, b: SystemTime| a.duration_since(b).unwrap_or_default();
    let captured = seconds(since(picture.1, sound.1), since(sound.1, picture.1));
    let apart = arrived - captured;
    assert!((0.4..0.6).contains(&apart), "{apart} s");
}

/// Each to its own viewer, which takes it by another number than the publisher's and
/// prefers other encodings.
#[tokio::test]
async fn every_encoding_goes_through_untouched() {
    let gateway = Gateway::start(["--relay", "on"]);
    let http = Http::new(&gateway);
    let shapes = [
        (Shape::H264, 110),
        (Shape::H265, 112),
        (Shape::Vp8, 114),
        (Shape::Vp9, 116),
        (Shape::Av1, 118),
    ];
    for (shape, number) in shapes {
        let mut setup = Setup::publisher();
        setup.formats = vec![(shape, 96, Some(97))];
        let room = format!("{shape:?}");
        let publisher = setup.open(&http, &room).await;
        let mut setup = Setup::viewer();
        let others = shapes.into_iter().filter(|(other, _)| *other != shape);
        let formats = others.chain([(shape, number)]);
        setup.formats = formats.map(|(s, n)| (s, n, Some(n + 1))).collect();
        let viewer = setup.open(&http, &room).await;
        let size = publisher.act(|connection| connection.reels[0].size).await;
        viewer.more_video(20).await;
        viewer.seen(|seen| {
            for (packet, label) in seen.video() {
                let sent = shape.picture(label, size).swap_remove(label.part.into());
                assert_eq!(*packet.payload, *sent, "{label:?}");
                assert_eq!(packet.payload_type, number);
                assert_eq!(packet.marker, label.part + 1 == label.parts, "{label:?}");
            }
            let (_, first) = seen.in_order()[0];
            assert!(first.is_key && first.part == 0, "{shape:?}: {first:?}");
        });
    }
}

#[tokio::test]
async fn extensions_are_mapped_and_those_of_one_hop_are_left_out() {
    let gateway = Gateway::start(["--relay", "on"]);
    let http = Http::new(&gateway);
    let mut setup = Setup::publisher().with_sound();
    setup.extensions.set(5, Extension::AbsoluteCaptureTime);
    let captured = AbsCaptureTime {
        capture_time: UNIX_EPOCH + Duration::from_millis(1_000_500),
        clock_offset: Some(-7),
    };
    for reel in &mut setup.reels {
        reel.extensions = ExtensionValues {
            abs_capture_time: Some(captured),
            audio_level: Some(-42).filter(|_| reel.is_sound),
            voice_activity: Some(true).filter(|_| reel.is_sound),
            video_orientation: Some(VideoOrientation::Deg90).filter(|_| !reel.is_sound),
            ..ExtensionValues::default()
        };
    }
    let _publisher = setup.open(&http, "garage").await;
    let mut setup = Setup::viewer();
    setup.extensions = ExtensionMap::empty();
    let ids = [
        (4, Extension::VideoOrientation),
        (13, Extension::AudioLevel),
        (1, Extension::RtpMid),
        (2, Extension::TransportSequenceNumber),
        (7, Extension::AbsoluteCaptureTime),
    ];
    for (id, extension) in ids {
        setup.extensions.set(id, extension);
    }
    let viewer = setup.open(&http, "garage").await;
    let has_both = |seen: &Seen| {
        let sound = seen.sound().next()?.extensions.clone();
        Some((seen.video().next()?.0.extensions.clone(), sound))
    };
    let (video, sound) = viewer.until("pictures and sound", has_both).await;
    assert_eq!(video.video_orientation, Some(VideoOrientation::Deg90));
    assert_eq!(
        (sound.audio_level, sound.voice_activity),
        (Some(-42), Some(true))
    );
    assert_eq!(video.abs_capture_time, Some(captured));
    assert_eq!(sound.abs_capture_time, Some(captured));
    // The relay's own section and number, not the publisher's.
    assert!(
        viewer
            .session
            .answer
            .contains(&format!("a=mid:{}", video.mid.unwrap()))
    );
    // The publisher's count of packets means nothing here.
    assert_eq!(video.transport_cc, None);
}

#[tokio::test]
async fn a_viewer_that_cannot_decode_it_is_told_so() {
    let gateway = Gateway::start(["--relay", "on"]);
    let http = Http::new(&gateway);
    let mut setup = Setup::publisher();
    setup.formats = vec![(Shape::H265, 96, Some(97))];
    let _publisher = setup.open(&http, "garage").await;
    let refused = Setup::viewer().try_open(&http, "garage").await;
    let refusal = refused.err().expect("H.265 for one that has H.264 only");
    assert_eq!(refusal.status, StatusCode::UNPROCESSABLE_ENTITY);
    let kind = refusal.problem["type"].as_str().unwrap();
    assert!(kind.ends_with("codec-mismatch"), "{}", refusal.problem);
    assert!(
        refusal.problem.to_string().contains("H265"),
        "{}",
        refusal.problem
    );
}

#[tokio::test]
async fn a_slow_viewer_slows_nobody() {
    let gateway = Gateway::start(["--relay", "on"]);
    let http = Http::new(&gateway);
    let publisher = Setup::publisher().open(&http, "garage").await;
    let slow = Setup::viewer().open(&http, "garage").await;
    let mut setup = Setup::viewer();
    setup.by_tcp = true;
    let slow_by_tcp = setup.open(&http, "garage").await;
    let viewer = Setup::viewer().open(&http, "garage").await;
    for peer in [&slow, &slow_by_tcp, &viewer] {
        peer.more_video(10).await;
    }
    for peer in [&slow, &slow_by_tcp] {
        peer.act(|connection| connection.is_reading = false).await;
    }
    // More than all socket buffers on the way to a peer hold.
    let pictures = 1500;
    let last = publisher.act(move |connection| {
        let reel = &mut connection.reels[0];
        reel.in_a_hurry = pictures;
        reel.parts = 6;
        reel.picture + pictures
    });
    let last = last.await;
    viewer.until_picture(last).await;
    let all = |seen: &Seen| (missing(seen) == 0).then_some(());
    viewer.until("every packet", all).await;
}

/// Packets that are missing between the first and the last.
pub(crate) fn missing(seen: &Seen) -> u64 {
    let video = seen.in_order();
    let (Some((first, _)), Some((last, _))) = (video.first(), video.last()) else {
        return 0;
    };
    last.sequence - first.sequence + 1 - video.len() as u64
}
