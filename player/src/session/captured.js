// @ts-check
/**
 * When a picture was captured, by the clock of this machine.
 *
 * Senders say with their packets when that was by their own clock (abs-capture-time), and with their
 * reports what it shows (RFC 3550 section 6.4.1). Chromium puts both together by itself where the sender
 * also answers how long a round trip takes (RFC 3611 section 4.5), which not everyone does.
 */

/** From 1900, where NTP's time begins, to 1970, in milliseconds. */
const UNIX_IN_NTP = 2_208_988_800_000;

/**
 * @typedef {object} Captured
 * @property {number} rtpTimestamp of one picture
 * @property {number} at when it was captured, in milliseconds since 1970
 */

/**
 * @param {RTCPeerConnection} pc
 * @param {RTCStatsReport} report its statistics
 * @returns {Captured | null} null where it is not known
 */
export function captured(pc, report) {
  const ahead = lead(report);
  if (ahead === null) return null;
  for (const receiver of pc.getReceivers?.() ?? []) {
    if (receiver.track.kind !== 'video') continue;
    for (const source of /** @type {any[]} */ (receiver.getSynchronizationSources?.() ?? [])) {
      const { rtpTimestamp, captureTimestamp } = source;
      if (captureTimestamp > 0) return { rtpTimestamp, at: captureTimestamp - UNIX_IN_NTP + ahead };
    }
  }
  return null;
}

/**
 * How far this machine's clock is ahead of the sender's, in milliseconds. A report is on its way for half
 * of the time that a round trip takes.
 *
 * @param {RTCStatsReport} report
 */
function lead(report) {
  let arrived = NaN;
  let roundTrip = 0;
  report.forEach((stats) => {
    if (stats.type === 'remote-outbound-rtp' && stats.kind === 'video') arrived = stats.timestamp - stats.remoteTimestamp;
    if (stats.type !== 'transport') return;
    roundTrip = report.get(stats.selectedCandidatePairId)?.currentRoundTripTime ?? 0;
  });
  return Number.isFinite(arrived) ? arrived - 500 * roundTrip : null;
}
