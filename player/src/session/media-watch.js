// @ts-check
/** Keeps an eye on one peer connection: does it come up, does the picture move, is it lost? */

import { Pulse, STILL, sample } from './vitals.js';

/** @typedef {import('./environment.js').Environment} Environment */
/** @typedef {import('./vitals.js').Vitals} Vitals */

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
const STALLED = 3000;
const LOOK_EARLY = 100;
const LOOK = 250;

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
      if (vitals) this.#listener.vitals({ ...vitals, raw: [this.#pc, report] });
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
