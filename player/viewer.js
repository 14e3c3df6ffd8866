// @ts-check
/** Keeps one room's picture alive: session after session, until told to stop. No DOM. */

import { Backoff } from './backoff.js';
import { browser } from './environment.js';
import { WhepSession } from './whep-session.js';

/** @typedef {import('./environment.js').Environment} Environment */
/** @typedef {import('./media-watch.js').Vitals} Vitals */
/** @typedef {import('./whep-session.js').Ending} Ending */
/** @typedef {import('./words.js').State} State */

/**
 * @typedef {object} ViewerListener
 * @property {(state: State, detail: string) => void} [state]
 * @property {(tracks: MediaStreamTrack[]) => void} [tracks] all of the current session so far
 * @property {(vitals: Vitals, path: 'direct' | 'relay') => void} [vitals]
 * @property {(count: number) => void} [viewers]
 */

/** Until the gateway has held the POST this long, nobody needs to read that we are waiting. */
const PATIENCE = 600;

/** A session or a held request that lasted this long was no failure: the backoff starts anew. */
const STEADY = 5000;

/**
 * What follows an ending. `wait` is a floor in seconds, or `never` when only a person can help.
 *
 * @typedef {{ state: State, wait: number | 'never', direct: boolean }} Step
 */

/**
 * @param {Ending} ending
 * @param {object} situation
 * @param {boolean} situation.wasLive a picture has been seen in this room
 * @param {boolean} situation.direct what the ended session had asked for
 * @returns {Step}
 */
export function nextStep(ending, { wasLive, direct }) {
  const absent = wasLive ? 'gone' : 'waiting';
  switch (ending.why) {
    case 'closed':
      return { state: 'closed', wait: 'never', direct: true };
    case 'no-webrtc':
    case 'no-codec':
      return { state: 'unsupported', wait: 'never', direct: true };
    case 'unreachable':
      return { state: 'unreachable', wait: 0, direct: true };
    case 'camera-gone':
      return { state: 'gone', wait: 0, direct: true };
    case 'offer-spent':
      return { state: absent, wait: 0, direct: true };
    case 'told-to-reconnect':
    case 'media-lost':
      return { state: 'reconnecting', wait: 0, direct: true };
    case 'no-path':
      // Design section 2, "Fallback": without `Prefer: direct` the relay answers. A gateway
      // without one offers the straight line again, so the next failure asks for direct again.
      return { state: wasLive ? 'reconnecting' : 'connecting', wait: 0, direct: !direct };
    case 'refused':
      return { ...refusedStep(ending.refusal.status, absent), direct: true, ...waitOf(ending) };
  }
}

/**
 * @param {number} status
 * @param {State} absent the word for a camera that is not there
 * @returns {{ state: State, wait: number | 'never' }}
 */
function refusedStep(status, absent) {
  if (status === 409) return { state: absent, wait: 0 };
  if (status === 429) return { state: 'busy', wait: 1 };
  if (status === 401 || status === 403) return { state: 'denied', wait: 'never' };
  // Some WHEP servers say 404 until somebody publishes, so it is worth asking again.
  if (status === 404) return { state: 'wrong', wait: 4 };
  if (status === 400) return { state: 'wrong', wait: 'never' };
  if (status === 408 || status >= 500) return { state: 'unreachable', wait: 0 };
  return { state: 'failed', wait: 'never' };
}

/**
 * `Retry-After` is honoured wherever a retry makes sense.
 *
 * @param {Ending & { why: 'refused' }} ending
 * @returns {{ wait?: number }}
 */
function waitOf({ refusal }) {
  const retriable = [404, 408, 409, 429].includes(refusal.status) || refusal.status >= 500;
  return retriable && refusal.retryAfter !== null ? { wait: refusal.retryAfter } : {};
}

export class Viewer {
  #endpoint;
  #token;
  /** @type {import('./opening.js').Opening | null} what the first session begins with */
  #opening;
  #listener;
  #env;
  #backoff;
  /** @type {WhepSession | null} */
  #session = null;
  #closed = false;
  #wasLive = false;
  /** @type {State} */
  #state = 'idle';
  /** @type {() => void} ends the current pause */
  #wake = () => {};

  /**
   * @param {object} options
   * @param {string} options.endpoint absolute URL of `/whep/{room}`
   * @param {string} [options.token]
   * @param {import('./opening.js').Opening | null} [options.opening] one that has begun already
   * @param {ViewerListener} [options.listener]
   * @param {Environment} [options.env]
   */
  constructor({ endpoint, token, opening = null, listener = {}, env = browser() }) {
    this.#endpoint = endpoint;
    this.#token = token;
    this.#opening = opening;
    this.#listener = listener;
    this.#env = env;
    this.#backoff = new Backoff({ random: env.random });
  }

  /** Runs until `close()`. To be called once. */
  async run() {
    let direct = true;
    while (!this.#closed) {
      const { ending, lasted } = await this.#attempt(direct);
      if (this.#closed) break;
      if (ending.heldFor >= STEADY || (ending.live && lasted >= STEADY)) this.#backoff.reset();
      const step = nextStep(ending, { wasLive: this.#wasLive, direct });
      direct = step.direct;
      this.#enter(step.state, ending.why === 'refused' ? ending.refusal.message : '');
      await this.#pause(step.wait, ending);
    }
    this.#enter('closed');
  }

  /** Ends the session, tells the gateway, and stays away. */
  close() {
    this.#closed = true;
    this.#session?.close();
    this.#wake();
  }

  /** The network is back, or a person is impatient: ends a pause, leaves a session alone. */
  retryNow() {
    this.#wake();
  }

  /** @param {boolean} direct */
  async #attempt(direct) {
    const startedAt = this.#env.now();
    let path = /** @type {'direct' | 'relay'} */ ('direct');
    if (this.#state === 'idle' || this.#state === 'denied') this.#enter('connecting', '');
    const patience = this.#env.setTimeout(() => this.#enter(this.#wasLive ? 'gone' : 'waiting', ''), PATIENCE);
    const session = new WhepSession({
      endpoint: this.#endpoint,
      direct,
      token: this.#token,
      opening: this.#opening,
      env: this.#env,
      listener: {
        phase: (phase, by) => {
          path = by;
          this.#env.clearTimeout(patience);
          if (phase === 'live') this.#wasLive = true;
          if (phase === 'live') this.#enter('live');
          else if (this.#state !== 'reconnecting') this.#enter('connecting');
        },
        tracks: (tracks) => this.#listener.tracks?.(tracks),
        vitals: (vitals) => this.#listener.vitals?.(vitals, path),
        viewers: (count) => this.#listener.viewers?.(count),
      },
    });
    this.#session = session;
    this.#opening = null;
    const ending = await session.run();
    this.#env.clearTimeout(patience);
    this.#session = null;
    return { ending, lasted: this.#env.now() - startedAt };
  }

  /**
   * @param {number | 'never'} floor seconds
   * @param {Ending} ending
   * @returns {Promise<void>}
   */
  #pause(floor, ending) {
    // A camera that was there a moment ago may be back at once; only repetition slows us down.
    const eager = this.#backoff.failures === 0 && ending.why !== 'unreachable';
    const backoff = this.#backoff.next();
    if (floor === 0 && eager && ending.why !== 'refused') return Promise.resolve();
    return new Promise((resolve) => {
      const ms = floor === 'never' ? null : Math.max(floor * 1000, backoff);
      const timer = ms === null ? null : this.#env.setTimeout(() => this.#wake(), ms);
      this.#wake = () => {
        this.#env.clearTimeout(timer);
        this.#wake = () => {};
        resolve();
      };
    });
  }

  /**
   * @param {State} state
   * @param {string} [detail] the gateway's own words
   */
  #enter(state, detail = '') {
    if (state === this.#state && !detail) return;
    this.#state = state;
    this.#listener.state?.(state, detail);
  }
}
