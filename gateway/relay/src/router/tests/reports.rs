//! Sender reports tell what was sent, and what time it is in the stream (RFC 3550 section
//! 6.4.1).

use std::time::UNIX_EPOCH;

use rtcp_types::{Compound, Packet as Rtcp};

use super::*;

const WALL: Duration = Duration::from_secs(1_000);

fn reports(stage: &Stage, viewer: Key, is_over: bool) -> Vec<Report> {
    let clocks = (stage.now, UNIX_EPOCH + WALL);
    stage.router.reports(viewer, clocks, is_over)
}

#[test]
fn the_time_of_day_stands_beside_the_time_of_the_stream() {
    let mut stage = Stage::new();
    let viewer = stage.viewer();
    stage.picture(true);
    stage.picture(false);
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
