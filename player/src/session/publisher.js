// @ts-check
/** A camera in a browser: one offer always waits while there is room for more viewers. No DOM. */

import { OpenAccess } from '../trust/access.js';
import { Backoff } from './backoff.js';
import { browser } from './environment.js';
import { WhipSession } from './whip-session.js';

/** @typedef {import('./environment.js').Environment} Environment */
/** @typedef {import('./whip-session.js').WhipEnding} WhipEnding */

/**
 * @typedef {'starting' | 'on-air' | 'unreachable' | 'taken' | 'denied' | 'wrong' | 'unsupported'
 *   | 'stopped'} PublisherState
 */

/**
 * @typedef {object} PublisherListener
 * @property {(state: PublisherState, detail: string) => void} [state]
 * @property {(count: number) => void} [viewers]
 * @property {() => void} [uninvited] somebody without a link that holds was turned away
 */

/** Viewers served directly. Each costs this device one more encoder and its uplink. */
const LIMIT = 4;

/** Seconds we are willing to have an offer held. */
const WAIT = 55;

/** An offer held this long, in milliseconds, was no failure. */
const STEADY = 5000;

/** A waiting offer that has not been refused by then is taken for accepted; milliseconds. */
const ACCEPTED = 800;

/**
 * What an unsuccessful offer leads to: `wait` is a floor in seconds.
 *
 * @param {WhipEnding} ending
 * @returns {{ state: PublisherState, wait: number | 'never' }}
 */
export function nextOffer(ending) {
  if (ending.why === 'closed') return { state: 'stopped', wait: 'never' };
  if (ending.why === 'no-webrtc') return { state: 'unsupported', wait: 'never' };
  if (ending.why === 'unreachable') return { state: 'unreachable', wait: 0 };
  if (ending.why !== 'refused') return { state: 'on-air', wait: 0 };
  const { status, slug, retryAfter } = ending.refusal;
  const wait = retryAfter ?? 0;
  // Nobody came, or somebody took the offer and never answered: neither is a failure.
  if (status === 503 && wait === 0) return { state: 'on-air', wait: 0 };
  if (status === 408 || status === 429 || status >= 500) return { state: 'unreachable', wait };
  // The other publisher may leave; a restarted page with a new certificate is one, for a while.
  if (status === 409) return { state: 'taken', wait: Math.max(wait, 2) };
  if (status === 401 || status === 403) return { state: 'denied', wait: 'never' };
  return { state: slug === 'bad-room' || status === 404 ? 'wrong' : 'unsupported', wait: 'never' };
}

export class Publisher {
  #endpoint;
  #stream;
  #certificate;
  #access;
  #listener;
  #env;
  #backoff;
  /** @type {WhipSession | null} */
  #waiting = null;
  /** @type {Set<WhipSession>} */
  #serving = new Set();
  /** @type {unknown} */
  #pause;
  #closed = false;
  /** @type {PublisherState} */
  #state = 'starting';

  /**
   * @param {object} options
   * @param {string} options.endpoint absolute URL of `/whip/{room}`
   * @param {MediaStream} options.stream
   * @param {RTCCertificate} options.certificate
   * @param {OpenAccess} [options.access] who may watch
   * @param {PublisherListener} [options.listener]
   * @param {Environment} [options.env]
   */
  constructor({ endpoint, stream, certificate, access = new OpenAccess(), listener = {}, env = browser() }) {
    this.#endpoint = endpoint;
    this.#stream = stream;
    this.#certificate = certificate;
    this.#access = access;
    this.#listener = listener;
    this.#env = env;
    this.#backoff = new Backoff({ random: env.random });
  }

  start() {
    void this.#offer();
  }

  /** Ends all sessions and tells the gateway. */
  close() {
    this.#closed = true;
    this.#env.clearTimeout(this.#pause);
    this.#waiting?.close();
    for (const session of this.#serving) session.close();
    this.#enter('stopped', '');
  }

  /** The network is back: ends a pause, leaves sessions alone. */
  retryNow() {
    this.#env.clearTimeout(this.#pause);
    void this.#offer();
  }

  /**
   * Sends something else, to those who watch and those who will.
   *
   * @param {MediaStream} stream
   */
  use(stream) {
    this.#stream = stream;
    for (const session of [this.#waiting, ...this.#serving]) void session?.use(stream);
  }

  /** @returns {Promise<void>} */
  async #offer() {
    if (this.#closed || this.#waiting || this.#serving.size >= LIMIT) return;
    let served = false;
    const session = new WhipSession({
      endpoint: this.#endpoint,
      stream: this.#stream,
      certificate: this.#certificate,
      prefer: `direct=${LIMIT}, wait=${WAIT}${this.#access.isPrivate ? ', handling=strict' : ''}`,
      access: this.#access,
      paired: () => {
        served = true;
        this.#waiting = null;
        this.#serving.add(session);
        this.#backoff.reset();
        this.#enter('on-air', '');
        this.#listener.viewers?.(this.#serving.size);
        void this.#offer();
      },
      env: this.#env,
    });
    this.#waiting = session;
    const accepted = this.#env.setTimeout(() => this.#enter('on-air', ''), ACCEPTED);
    const ending = await session.run();
    this.#env.clearTimeout(accepted);
    if (served) {
      this.#serving.delete(session);
      this.#listener.viewers?.(this.#serving.size);
      return this.#offer();
    }
    this.#waiting = null;
    this.#afterFailure(ending);
  }

  /** @param {WhipEnding} ending */
  #afterFailure(ending) {
    if (this.#closed) return;
    // Whoever knocks without being invited is not to keep others waiting.
    if (ending.heldFor >= STEADY || ending.why === 'uninvited') this.#backoff.reset();
    if (ending.why === 'uninvited') this.#listener.uninvited?.();
    const { state, wait } = nextOffer(ending);
    this.#enter(state, ending.why === 'refused' && state !== 'on-air' ? ending.refusal.message : '');
    if (wait === 'never') return;
    const ms = Math.max(wait * 1000, ending.heldFor >= STEADY ? 0 : this.#backoff.next());
    this.#pause = this.#env.setTimeout(() => void this.#offer(), ms);
  }

  /**
   * @param {PublisherState} state
   * @param {string} detail
   */
  #enter(state, detail) {
    if (state === this.#state || (this.#closed && state !== 'stopped')) return;
    this.#state = state;
    this.#listener.state?.(state, detail);
  }
}
