//! Sender reports tell what was sent, and what time it is in the stream (RFC 3550 section
//! 6.4.1).

use std::time::UNIX_EPOCH;

use rtcp_types::{Compound, Packet as Rtcp};
use str0m::rtp::AbsCaptureTime;

use super::*;
use crate::publisher::capture_clock::SenderReport;
use crate::subscriber::sender_report::ReferenceTime;

pub(super) const WALL: Duration = Duration::from_secs(1_000);

pub(super) fn reports(stage: &Stage, viewer: Key, is_over: bool) -> Vec<Report> {
    let clocks = (stage.now, UNIX_EPOCH + WALL);
    stage.router.reports(viewer, clocks, is_over)
}

#[test]
fn the_time_of_day_stands_beside_the_time_of_the_stream() {
    let mut stage = Stage::new();
    let viewer = stage.viewer();
    (0..7 * 30).for_each(|number| drop(stage.picture(number == 0)));
    let sent = stage.sent(viewer);
    stage.wait(Duration::from_secs(1) - FRAME);
    let reports = reports(&stage, viewer, false);
    assert_eq!(reports.len(), 1);
    assert_eq!(reports[0].source, sent[0].source);
    let mut packets = Compound::parse(&reports[0].packet).unwrap();
    let Some(Ok(Rtcp::Sr(report))) = packets.next() else {
        panic!("no sender report");
    };
    // A second after the last picture.
    let last = sent.last().unwrap().time;
    assert_eq!(report.rtp_timestamp(), last + 90_000);
    assert_eq!(report.ntp_timestamp(), (1_000 + 2_208_988_800) << 32);
    assert_eq!(report.packet_count() as usize, sent.len());
    let octets: usize = sent.iter().map(|sent| sent.payload.len()).sum();
    assert_eq!(report.octet_count() as usize, octets);
    assert!(matches!(packets.next(), Some(Ok(Rtcp::Sdes(_)))));
    assert!(packets.next().is_none());
}

#[test]
fn the_last_report_says_goodbye() {
    let mut stage = Stage::new();
    let viewer = stage.viewer();
    stage.picture(true);
    let reports = reports(&stage, viewer, true);
    let packets = Compound::parse(&reports[0].packet).unwrap();
    assert!(matches!(packets.last(), Some(Ok(Rtcp::Bye(_)))));
}

#[test]
fn of_what_was_not_sent_there_is_no_report() {
    let mut stage = Stage::new();
    let viewer = stage.viewer();
    assert_eq!(reports(&stage, viewer, false), []);
    let nobody = stage.keys.insert(());
    assert_eq!(reports(&stage, nobody, false), []);
}

/// RFC 3611 section 4.5: what it takes from its own clock, less the delay and the time that it
/// told, is a round trip.
#[test]
fn a_viewer_that_tells_its_time_learns_how_long_a_round_trip_takes() {
    let mut stage = Stage::new();
    let viewer = stage.viewer();
    (0..7 * 30).for_each(|number| drop(stage.picture(number == 0)));
    for (receiver, seconds) in [(1, 100), (1, 200), (9, 300)] {
        let time = ReferenceTime {
            receiver: Ssrc::from(receiver),
            time: seconds << 16,
            arrived: stage.now,
        };
        stage.router.reference_time(viewer, time);
        stage.wait(Duration::from_millis(250));
    }
    let reports = reports(&stage, viewer, false);
    let mut packets = Compound::parse(&reports[0].packet).unwrap();
    assert!(matches!(packets.nth(2), Some(Ok(Rtcp::Xr(_)))));
    // What it said, in units of 1/65536 seconds, and how long ago in the same units.
    let answers = [1, 200 << 16, 0x8000, 9, 300 << 16, 0x4000];
    let answers: Vec<u8> = answers.into_iter().flat_map(u32::to_be_bytes).collect();
    let block = [&[5, 0, 0, 6][..], &answers].concat();
    assert!(reports[0].packet.ends_with(&block));
}

/// What a viewer is told of a stream: its time, and the time of day.
fn told(stage: &Stage, viewer: Key, number: usize) -> Option<(u32, u64)> {
    let reports = reports(stage, viewer, false);
    let mut packets = Compound::parse(&reports.get(number)?.packet).unwrap();
    match packets.next() {
        Some(Ok(Rtcp::Sr(report))) => Some((report.rtp_timestamp(), report.ntp_timestamp())),
        other => panic!("{other:?}"),
    }
}

const ENCODING: Duration = Duration::from_millis(500);

/// How a publisher says when something was captured.
#[derive(Clone, Copy, PartialEq)]
enum Says {
    Nothing,
    /// Once a second.
    ByReports,
    /// In each packet, while its reports are about when it was encoded.
    ByPackets,
}

/// A publisher whose pictures take half a second to encode, and sound nothing; both are
/// captured at the same time. It says so as `says`.
struct Slow {
    stage: Stage,
    viewer: Key,
    began: Instant,
    /// Where both tracks' times begin.
    base: [u32; 2],
}

impl Slow {
    fn new() -> Self {
        let mut stage = Stage::empty();
        stage.publish(&[VIDEO, SOUND], false);
        let viewer = stage.viewer_of(&[VIDEO, SOUND]);
        stage.connect(viewer);
        let began = stage.now;
        let base = [u32::MAX - 1_000_000, 7];
        Self {
            stage,
            viewer,
            began,
            base,
        }
    }

    fn time(&self, track: usize, captured: Instant) -> u64 {
        let rate = [90_000, 48_000][track];
        let since = captured - self.began;
        let ticks = since.as_micros() * rate / 1_000_000;
        u64::from(self.base[track]) + ticks as u64
    }

    /// What was captured 40 ms after the last is sent, of each track what is ready by now.
    fn step(&mut self, number: u64, says: Says) {
        let now = self.stage.now;
        for track in [0, 1] {
            let Some(captured) = now.checked_sub([ENCODING, Duration::ZERO][track]) else {
                continue;
            };
            if captured < self.began {
                continue;
            }
            let mut packet = self.stage.next_packet(["v", "a"][track], vec![0x65; 100]);
            packet.position.time = self.time(track, captured);
            // Its clock is far behind ours.
            let wall = |at: Instant| UNIX_EPOCH + (at - self.began);
            if says == Says::ByPackets {
                packet.extensions.abs_capture_time = Some(AbsCaptureTime {
                    capture_time: wall(captured),
                    clock_offset: None,
                });
            }
            let (rid, source) = (None, Ssrc::from(track as u32));
            self.stage.router.receive((track, rid), source, packet, now);
            if says != Says::Nothing && number.is_multiple_of(25) {
                let reported = match says {
                    Says::ByPackets => captured,
                    Says::ByReports | Says::Nothing => now,
                };
                let report = SenderReport {
                    source,
                    wall: wall(now),
                    time: self.time(track, reported) as u32,
                };
                let publisher = self.stage.publisher.unwrap();
                self.stage.router.sender_report(publisher, report, now);
            }
        }
        self.stage.flush();
        self.stage.wait(Duration::from_millis(40));
    }

    /// How much later the picture is than the sound, in milliseconds, that the viewer would
    /// show together.
    fn apart(&mut self) -> Option<f64> {
        let sent = self.stage.sent(self.viewer);
        let times = [0, 1].map(|track| told(&self.stage, self.viewer, track));
        let captured = [0, 1].map(|track| {
            let reports = reports(&self.stage, self.viewer, false);
            let source = reports.get(track)?.source;
            let last = sent.iter().rev().find(|sent| sent.source == source)?;
            let (time, _) = times[track]?;
            let ahead = f64::from(last.time.wrapping_sub(time).cast_signed());
            Some(ahead / [90.0, 48.0][track])
        });
        let [video, sound] = captured;
        // By what it is told, when the last of each was captured; the picture's was 500 ms
        // before the sound's.
        Some((video? + ENCODING.as_millis() as f64 - sound?).abs())
    }
}

#[test]
fn sound_and_picture_are_together_by_what_the_publisher_says() {
    let mut slow = Slow::new();
    (0..250).for_each(|number| slow.step(number, Says::ByReports));
    let apart = slow.apart().expect("both are reported");
    assert!(apart < 5.0, "{apart} ms");
}

/// Its reports put the picture half a second late.
#[test]
fn what_the_packets_say_counts_for_more_than_reports() {
    let mut slow = Slow::new();
    (0..250).for_each(|number| slow.step(number, Says::ByPackets));
    let apart = slow.apart().expect("both are reported");
    assert!(apart < 5.0, "{apart} ms");
}

#[test]
fn of_who_says_nothing_it_is_taken_to_be_captured_when_it_arrives() {
    let mut slow = Slow::new();
    (0..100).for_each(|number| slow.step(number, Says::Nothing));
    assert!(slow.apart().is_none(), "it may still say so");
    (0..150).for_each(|number| slow.step(number, Says::Nothing));
    let apart = slow.apart().expect("both are reported");
    assert!((495.0..505.0).contains(&apart), "{apart} ms");
}
