// @ts-check
/** Keeps an eye on one peer connection: does it come up, does the picture move, is it lost? */

import { Pulse, sample } from './vitals.js';

/** @typedef {import('./environment.js').Environment} Environment */
/** @typedef {import('./vitals.js').Vitals} Vitals */

/**
 * @typedef {object} MediaListener
 * @property {() => void} live the first frame was decoded
 * @property {(vitals: Vitals) => void} vitals once a second while live
 * @property {(why: 'no-path' | 'media-lost') => void} lost told once; nothing follows it
 */

/** All in milliseconds. */
const CONNECT = 5000;
const FIRST_FRAME = 5000;
const STALLED = 3000;
const LOOK_EARLY = 100;
const LOOK = 1000;

export class MediaWatch {
  #pc;
  #env;
  #listener;
  #pulse = new Pulse();
  /** @type {'connecting' | 'connected' | 'live' | 'over'} */
  #stage = 'connecting';
  /** @type {unknown} what has to happen until when */
  #deadline;
  /** @type {unknown} the next look */
  #next;

  /**
   * @param {RTCPeerConnection} pc
   * @param {Environment} env
   * @param {MediaListener} listener
   */
  constructor(pc, env, listener) {
    this.#pc = pc;
    this.#env = env;
    this.#listener = listener;
    this.#deadline = env.setTimeout(() => this.#lose(), CONNECT);
    pc.addEventListener('connectionstatechange', this.#check);
  }

  close() {
    this.#stage = 'over';
    this.#env.clearTimeout(this.#deadline);
    this.#env.clearTimeout(this.#next);
    this.#pc.removeEventListener('connectionstatechange', this.#check);
  }

  #check = () => {
    if (this.#pc.connectionState === 'failed') this.#lose();
    if (this.#pc.connectionState !== 'connected' || this.#stage !== 'connecting') return;
    this.#stage = 'connected';
    this.#env.clearTimeout(this.#deadline);
    this.#deadline = this.#env.setTimeout(() => this.#lose(), FIRST_FRAME);
    void this.#look();
  };

  /** Looks at the statistics, again and again: nothing else says that the picture moves. */
  async #look() {
    const report = await this.#pc.getStats().catch(() => null);
    if (this.#stage === 'over' || !report) return;
    const { moved, vitals, still } = this.#pulse.add(sample(report, this.#env.now()));
    if (moved && this.#stage === 'connected') {
      this.#stage = 'live';
      this.#env.clearTimeout(this.#deadline);
      this.#listener.live();
    }
    if (this.#stage === 'live') {
      if (vitals) this.#listener.vitals(vitals);
      // ICE `disconnected` may pass, and a lost gateway carries no media: only this ends a picture.
      if (still >= STALLED) return this.#lose();
    }
    const pause = this.#stage === 'live' ? LOOK : LOOK_EARLY;
    this.#next = this.#env.setTimeout(() => void this.#look(), pause);
  }

  /** A connection that never stood has no path; one that did has lost its media. */
  #lose() {
    if (this.#stage === 'over') return;
    const why = this.#stage === 'connecting' ? 'no-path' : 'media-lost';
    this.close();
    this.#listener.lost(why);
  }
}
