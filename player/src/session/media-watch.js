// @ts-check
/** Keeps an eye on one peer connection: does it come up, does the picture move, is it lost? */

/** @typedef {import('./environment.js').Environment} Environment */

/**
 * @typedef {object} MediaListener
 * @property {() => void} live frames are decoded, for the first time or again
 * @property {() => void} still the last one was a second ago
 * @property {(vitals: Vitals) => void} vitals once a second while live
 * @property {() => void} shaky the line is bad, and may be mended before the media is lost
 * @property {(why: 'no-path' | 'media-lost') => void} lost told once; nothing follows it
 */

/** All in milliseconds. */
const CONNECT = 5000;
const FIRST_FRAME = 5000;
const STILL = 1000;
const STALLED = 3000;
const LOOK_EARLY = 100;
const LOOK = 250;
const VITALS = 1000;

/** For how long nothing may move where a bad line can be mended. */
const MENDING = 8000;

export class MediaWatch {
  #pc;
  #env;
  #listener;
  #mendable;
  /** When the line was last said to be mended. */
  #mendedAt = -Infinity;
  #shaky = false;
  /** There is nothing to be received for now. */
  #away = false;
  #wary;
  #pulse = new Pulse();
  /** @type {'connecting' | 'connected' | 'live' | 'still' | 'paused' | 'over'} */
  #stage = 'connecting';
  /** @type {unknown} what has to happen until when */
  #deadline;
  /** @type {unknown} the next look */
  #next;

  /**
   * @param {RTCPeerConnection} pc
   * @param {Environment} env
   * @param {MediaListener} listener
   * @param {object} setting
   * @param {boolean} setting.mendable whether the listener can do something about a shaky line
   * @param {boolean} setting.wary whether a burst of frames is not yet a picture that moves
   */
  constructor(pc, env, listener, { mendable, wary }) {
    this.#pc = pc;
    this.#env = env;
    this.#listener = listener;
    this.#mendable = mendable;
    this.#wary = wary;
    this.#deadline = env.setTimeout(() => this.#lose(), CONNECT);
    pc.addEventListener('connectionstatechange', this.#check);
  }

  close() {
    this.#stage = 'over';
    this.#env.clearTimeout(this.#deadline);
    this.#env.clearTimeout(this.#next);
    this.#pc.removeEventListener('connectionstatechange', this.#check);
  }

  /** No picture is to be expected for a while. If one goes on moving, it is live all the same. */
  pause() {
    this.#away = true;
    if (!['live', 'still', 'connected'].includes(this.#stage)) return;
    this.#stage = 'paused';
    this.#env.clearTimeout(this.#deadline);
  }

  /** From now on a picture is expected again. */
  resume() {
    this.#away = false;
    if (this.#stage === 'paused') this.#expect();
  }

  /** The other end has agreed to another line. It has as long to come up as a new one would. */
  mended() {
    this.#mendedAt = this.#env.now();
  }

  /** A shaky line stays as it is. */
  giveUpMending() {
    this.#mendable = false;
  }

  #check = () => {
    const { connectionState } = this.#pc;
    if (connectionState === 'failed') this.#lose();
    if (connectionState === 'disconnected' && this.#stage !== 'connecting') this.#shake();
    if (connectionState !== 'connected' || this.#stage !== 'connecting') return;
    this.#expect();
    if (this.#away) this.pause();
    void this.#look();
  };

  #expect() {
    this.#stage = 'connected';
    this.#env.clearTimeout(this.#deadline);
    this.#deadline = this.#env.setTimeout(() => this.#lose(), FIRST_FRAME);
  }

  /** Looks at the statistics, again and again: nothing else says that the picture moves. */
  async #look() {
    const report = await this.#pc.getStats().catch(() => null);
    if (this.#stage === 'over' || !report) return;
    const { moved, vitals, still, steady } = this.#pulse.add(sample(report, this.#env.now()));
    if (moved) this.#shaky = false;
    // A relay begins with what it has kept of the last seconds, whether or not more will come.
    const isLive = moved && (steady >= STILL || !(this.#away || this.#wary));
    if (isLive && this.#stage !== 'live') {
      this.#stage = 'live';
      this.#wary = false;
      this.#env.clearTimeout(this.#deadline);
      this.#listener.live();
    }
    if (this.#stage === 'live' && still >= STILL) {
      this.#stage = this.#away ? 'paused' : 'still';
      this.#listener.still();
    }
    if (this.#stage === 'live' || this.#stage === 'still') {
      if (vitals) this.#listener.vitals(vitals);
      // ICE `disconnected` may pass, and a lost gateway carries no media: only this ends a picture.
      const isNew = this.#env.now() - this.#mendedAt < CONNECT;
      if (still >= (this.#mendable ? MENDING : STALLED) && !isNew) return this.#lose();
      if (still >= STALLED) this.#shake();
    }
    const pause = this.#stage === 'live' ? LOOK : LOOK_EARLY;
    this.#next = this.#env.setTimeout(() => void this.#look(), pause);
  }

  /** Told once, until the picture has moved again. */
  #shake() {
    if (this.#shaky || !this.#mendable) return;
    this.#shaky = true;
    this.#listener.shaky();
  }

  /** A connection that never stood has no path; one that did has lost its media. */
  #lose() {
    if (this.#stage === 'over') return;
    const why = this.#stage === 'connecting' ? 'no-path' : 'media-lost';
    this.close();
    this.#listener.lost(why);
  }
}

/**
 * One look at `RTCPeerConnection.getStats`, times in milliseconds.
 *
 * @typedef {object} Sample
 * @property {number} at
 * @property {number} frames decoded since the start
 * @property {number} bytes received since the start, audio and video
 * @property {number} packets received since the start
 * @property {number} width
 * @property {number} height
 * @property {number} buffered seconds that all frames together spent in the jitter buffer
 * @property {number} emitted frames that left the jitter buffer
 * @property {number} jitter
 * @property {number} lost packets
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
 * @property {number} fps
 * @property {number} kbps
 * @property {number} buffer milliseconds in the jitter buffer
 * @property {number} jitter milliseconds
 * @property {number} lost packets
 * @property {string} codec
 * @property {boolean} turn whether it comes over a TURN server
 */

/**
 * @param {RTCStatsReport} report
 * @param {number} at
 * @returns {Sample}
 */
export function sample(report, at) {
  /** @type {Sample} */
  const sum = {
    at, frames: 0, bytes: 0, packets: 0, width: 0, height: 0,
    buffered: 0, emitted: 0, jitter: 0, lost: 0, video: false, codec: '',
    turn: false,
  };
  report.forEach((stats) => {
    if (stats.type === 'transport') sum.turn = usesTurn(report, stats.selectedCandidatePairId);
    if (stats.type !== 'inbound-rtp') return;
    sum.bytes += stats.bytesReceived ?? 0;
    sum.packets += stats.packetsReceived ?? 0;
    if (stats.kind !== 'video') return;
    sum.video = true;
    sum.frames += stats.framesDecoded ?? 0;
    sum.width = stats.frameWidth ?? 0;
    sum.height = stats.frameHeight ?? 0;
    sum.buffered = stats.jitterBufferDelay ?? 0;
    sum.emitted = stats.jitterBufferEmittedCount ?? 0;
    sum.jitter = (stats.jitter ?? 0) * 1000;
    sum.lost = stats.packetsLost ?? 0;
    sum.codec = report.get(stats.codecId)?.mimeType?.split('/')[1] ?? '';
  });
  return sum;
}

/**
 * @param {RTCStatsReport} report
 * @param {string} pairId the candidate pair in use
 */
function usesTurn(report, pairId) {
  const { localCandidateId, remoteCandidateId } = report.get(pairId) ?? {};
  return [localCandidateId, remoteCandidateId].some((id) => report.get(id)?.candidateType === 'relay');
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
    return base && compare(base, next);
  }
}

/**
 * @param {Sample} before
 * @param {Sample} now
 * @returns {Vitals}
 */
function compare(before, now) {
  const seconds = Math.max(0.001, (now.at - before.at) / 1000);
  const emitted = now.emitted - before.emitted;
  return {
    width: now.width,
    height: now.height,
    fps: Math.max(0, Math.round((now.frames - before.frames) / seconds)),
    kbps: Math.max(0, Math.round(((now.bytes - before.bytes) * 8) / 1000 / seconds)),
    buffer: emitted > 0 ? Math.round(((now.buffered - before.buffered) / emitted) * 1000) : 0,
    jitter: Math.round(now.jitter),
    lost: now.lost,
    codec: now.codec,
    turn: now.turn,
  };
}
