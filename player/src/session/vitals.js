// @ts-check
/** What the statistics of a peer connection say of a picture: whether it moves, how fast, how well. */

/** How long there is no new frame before a picture is still, in milliseconds. */
export const STILL = 1000;

/** How often rates are told, in milliseconds. */
const VITALS = 1000;

/**
 * One look at `RTCPeerConnection.getStats`, times in milliseconds.
 *
 * @typedef {object} Sample
 * @property {number} at
 * @property {number} frames decoded since the start
 * @property {number} bytes received since the start, audio and video
 * @property {number} packets received since the start
 * @property {number} arrived frames received since the start, decoded or not
 * @property {number} keyframes decoded since the start
 * @property {number} width
 * @property {number} height
 * @property {number} buffered seconds that all frames together spent in the jitter buffer
 * @property {number} emitted frames that left the jitter buffer
 * @property {number} jitter
 * @property {number} lost packets, audio and video
 * @property {number | null} rtt of the way in use; null where the browser does not know it
 * @property {boolean} video whether there is any video to wait for
 * @property {string} codec such as `H264`
 * @property {boolean} turn whether it comes over a TURN server
 */

/**
 * What is shown to people.
 *
 * @typedef {object} Vitals
 * @property {number} width
 * @property {number} height
 * @property {number} fps decoded
 * @property {number} arriving frames that come in a second, decoded or not
 * @property {number} keyframes so far
 * @property {number} keyframeGap milliseconds between the last two of them; 0 until there were
 * @property {number} kbps
 * @property {number} buffer milliseconds in the jitter buffer
 * @property {number} jitter milliseconds
 * @property {number} lost packets, audio and video, so far
 * @property {number} loss of a hundred packets that were sent in the last second
 * @property {number | null} rtt milliseconds there and back; null where the browser does not know it
 * @property {string} codec
 * @property {boolean} turn whether it comes over a TURN server
 * @property {[RTCPeerConnection, RTCStatsReport]} [raw] what these are of, for whoever wants to know more
 */

/**
 * @param {RTCStatsReport} report
 * @param {number} at
 * @returns {Sample}
 */
export function sample(report, at) {
  /** @type {Sample} */
  const sum = {
    at, frames: 0, arrived: 0, keyframes: 0, bytes: 0, packets: 0, width: 0, height: 0,
    buffered: 0, emitted: 0, jitter: 0, lost: 0, video: false, codec: '',
    turn: false, rtt: null,
  };
  report.forEach((stats) => {
    if (stats.type === 'transport') noteWay(sum, report, stats.selectedCandidatePairId);
    if (stats.type !== 'inbound-rtp') return;
    sum.bytes += stats.bytesReceived ?? 0;
    sum.packets += stats.packetsReceived ?? 0;
    sum.lost += Math.max(0, stats.packetsLost ?? 0);
    if (stats.kind !== 'video') return;
    sum.video = true;
    sum.frames += stats.framesDecoded ?? 0;
    sum.arrived += stats.framesReceived ?? stats.framesDecoded ?? 0;
    sum.keyframes += stats.keyFramesDecoded ?? 0;
    sum.width = stats.frameWidth ?? 0;
    sum.height = stats.frameHeight ?? 0;
    sum.buffered = stats.jitterBufferDelay ?? 0;
    sum.emitted = stats.jitterBufferEmittedCount ?? 0;
    sum.jitter = (stats.jitter ?? 0) * 1000;
    sum.codec = report.get(stats.codecId)?.mimeType?.split('/')[1] ?? '';
  });
  return sum;
}

/**
 * @param {Sample} sum
 * @param {RTCStatsReport} report
 * @param {string} pairId the candidate pair in use
 */
function noteWay(sum, report, pairId) {
  const { localCandidateId, remoteCandidateId, currentRoundTripTime } = report.get(pairId) ?? {};
  sum.turn = [localCandidateId, remoteCandidateId].some((id) => report.get(id)?.candidateType === 'relay');
  if (currentRoundTripTime !== undefined) sum.rtt = currentRoundTripTime * 1000;
}

/** Compares samples: rates, and how long nothing has moved, or something has. */
export class Pulse {
  /** @type {Sample | null} what the next rates are counted from */
  #base = null;
  #lookedAt = -Infinity;
  #movedAt = -Infinity;
  /** Since when it moves without a pause. */
  #movingSince = 0;
  #progress = 0;
  #keyframes = 0;
  #keyframeAt = 0;
  #keyframeGap = 0;

  /**
   * Whether the last sample brought a new frame (a new packet, where there is no video), since when
   * there is none, and for how long (`steady`) they have come without a pause. Rates once a second.
   *
   * @param {Sample} next
   */
  add(next) {
    const progress = next.video ? next.frames : next.packets;
    const moved = progress > 0 && progress !== this.#progress;
    // Before there was any, or after a pause.
    if (moved && (this.#progress === 0 || next.at - this.#movedAt >= STILL)) this.#movingSince = next.at;
    // A sleeping laptop or a throttled tab is no frozen picture: nobody was looking meanwhile.
    if (moved || next.at - this.#lookedAt > 2500) this.#movedAt = next.at;
    this.#progress = progress;
    if (next.keyframes > this.#keyframes) {
      this.#keyframeGap = this.#keyframes > 0 ? next.at - this.#keyframeAt : 0;
      this.#keyframeAt = next.at;
    }
    this.#keyframes = next.keyframes;
    this.#lookedAt = next.at;
    const steady = moved ? next.at - this.#movingSince : 0;
    return { moved, vitals: this.#rates(next), still: next.at - this.#movedAt, steady };
  }

  /**
   * @param {Sample} next
   * @returns {Vitals | null}
   */
  #rates(next) {
    const base = this.#base;
    if (base && next.at - base.at < VITALS) return null;
    this.#base = next;
    return base && { ...compare(base, next), keyframeGap: this.#keyframeGap };
  }
}

/**
 * @param {Sample} before
 * @param {Sample} now
 * @returns {Omit<Vitals, 'keyframeGap'>}
 */
function compare(before, now) {
  const seconds = Math.max(0.001, (now.at - before.at) / 1000);
  const emitted = now.emitted - before.emitted;
  const lost = Math.max(0, now.lost - before.lost);
  const sent = lost + Math.max(0, now.packets - before.packets);
  return {
    width: now.width,
    height: now.height,
    fps: Math.max(0, Math.round((now.frames - before.frames) / seconds)),
    arriving: Math.max(0, (now.arrived - before.arrived) / seconds),
    keyframes: now.keyframes,
    kbps: Math.max(0, Math.round(((now.bytes - before.bytes) * 8) / 1000 / seconds)),
    buffer: emitted > 0 ? Math.round(((now.buffered - before.buffered) / emitted) * 1000) : 0,
    jitter: Math.round(now.jitter),
    lost: now.lost,
    loss: sent > 0 ? Math.round((lost / sent) * 1000) / 10 : 0,
    rtt: now.rtt === null ? null : Math.round(now.rtt),
    codec: now.codec,
    turn: now.turn,
  };
}
