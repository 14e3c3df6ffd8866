// @ts-check
/** Keeps one room's picture alive: session after session, until told to stop. No DOM. */

import { Backoff, pause } from './backoff.js';
import { browser } from './environment.js';
import { nextStep } from './next-step.js';
import { answers, patience } from './reach.js';
import { isRoomKey } from '../trust/room.js';
import { TokenSource } from './token-source.js';
import { Demands, roomOf } from '../trust/trust.js';
import { WhepSession } from './whep-session.js';

/** @typedef {import('./environment.js').Environment} Environment */
/** @typedef {import('./vitals.js').Vitals} Vitals */
/** @typedef {import('./layers.js').Choice} Choice */
/** @typedef {import('./terms.js').Ending} Ending */
/** @typedef {import('./terms.js').Path} Path */
/** @typedef {import('./next-step.js').State} State */
/** @typedef {import('./doctor.js').Cause} Cause */

/**
 * @typedef {object} ViewerListener
 * @property {(state: State, detail: string) => void} [state]
 * @property {(trust: import('../trust/trust.js').Trust, name: string | null) => void} [trust] of the
 *   current session, and what its camera is called
 * @property {(tracks: MediaStreamTrack[]) => void} [tracks] all of the current session so far
 * @property {(vitals: Vitals, path: Path) => void} [vitals]
 * @property {(count: number) => void} [viewers]
 * @property {(cause: Cause | null, evidence: import('./ice-evidence.js').Evidence | null) => void} [diagnosis] why no way
 *   for media was found; null when one is, straight to the camera
 * @property {(choices: Choice[], chosen: string | null) => void} [layers] the id of the one that
 *   was chosen; null for the server's own choice
 */

/** Until the gateway has held the POST this long, nobody needs to read that we are waiting. */
const PATIENCE = 600;

/** A session or a held request that lasted this long was no failure: the backoff starts anew. */
const STEADY = 5000;

/** A picture that moved for no longer than that, in milliseconds, may have been what a relay had kept. */
const BURST = 3000;

/** The longest pause between attempts to reach the server, in milliseconds. */
const UNREACHABLE = 1000;

/**
 * Of a camera that is not there, and with no request that the server may hold until it is, we ask
 * every second, and all players of a page together no more often than a server takes it from
 * everybody (600 in a minute); milliseconds.
 */
const POLL = 1000;
const POLL_OF_ALL = 150;

/** Players of this page that ask so. @type {Set<object>} */
const polling = new Set();

/** What a person goes on reading while the next session connects. @type {State[]} */
const CALM = ['reconnecting', 'barred', 'loopback', 'plugin'];

/** Endings after which there may be no network. */
const IN_DOUBT = ['unreachable', 'media-lost', 'no-path'];

export class Viewer {
  #endpoint;
  #tokens;
  #demands;
  /** @type {import('./opening.js').Opening | null} what the first session begins with */
  #opening;
  #listener;
  #env;
  #backoff;
  /** @type {WhepSession | null} */
  #session = null;
  #closed = false;
  #wasLive = false;
  /** When the picture began to move. */
  #liveSince = 0;
  /** The last session's picture was over as soon as it had begun. */
  #wary = false;
  /** @type {import('./held.js').Known} of the camera */
  #known = 'nothing';
  /** Sessions in a row that found no way for media. */
  #pathless = 0;
  /** Nothing but a person ends the current pause. */
  #isFinal = false;
  /** What the camera sends now cannot be shown well. */
  #isJerky = false;
  /** The current session has no picture that could be shown. */
  #isSoundOnly = false;
  #direct = true;
  /** @type {Choice[]} */
  #choices = [];
  /** @type {string | null} id of the choice that a person made */
  #wanted = null;
  /** @type {State} */
  #state = 'idle';
  /** @type {() => void} ends the current pause */
  #wake = () => {};

  /**
   * @param {object} options
   * @param {string} options.endpoint absolute URL of `/whep/{room}`
   * @param {string} [options.token]
   * @param {import('./token-source.js').TokenProvider | null} [options.tokenProvider] asked for a token before each
   *   session, and once more when that is refused
   * @param {import('../trust/fragment.js').Secret | null} [options.secret] of a private link
   * @param {import('./opening.js').Opening | null} [options.opening] one that has begun already
   * @param {ViewerListener} [options.listener]
   * @param {Environment} [options.env]
   */
  constructor({ endpoint, token, tokenProvider = null, secret = null, opening = null, listener = {}, env = browser() }) {
    this.#endpoint = endpoint;
    this.#tokens = new TokenSource(token, tokenProvider);
    // The link's room, also when a server sends us to another endpoint.
    this.#demands = new Demands({ room: roomOf(endpoint), secret }, env.now);
    this.#opening = opening;
    this.#listener = listener;
    this.#env = env;
    this.#backoff = new Backoff({ random: env.random });
  }

  /** Runs until `close()`. To be called once. */
  async run() {
    let endpoint = this.#endpoint;
    this.#enter('connecting');
    while (!this.#closed) {
      const token = await this.#token(endpoint);
      if (this.#closed) break;
      const { ending, lasted } = await this.#attempt(endpoint, token);
      if (this.#closed) break;
      if (this.#tokens.renews(ending)) continue;
      if (ending.heldFor >= STEADY || (ending.live && lasted >= STEADY)) this.#backoff.reset();
      this.#pathless = ending.why === 'no-path' ? this.#pathless + 1 : 0;
      if (ending.why === 'no-path' && ending.cause) this.#listener.diagnosis?.(ending.cause, ending.evidence ?? null);
      const step = nextStep(ending, {
        wasLive: this.#wasLive,
        direct: this.#direct,
        isPrivate: this.#demands.isPrivate,
        pathless: this.#pathless,
        lacksH264: this.#env.lacksH264(),
        isKey: isRoomKey(roomOf(this.#endpoint)),
        ticket: await this.#tokens.fault(ending, roomOf(this.#endpoint), this.#env.now()),
      });
      this.#direct = step.direct;
      endpoint = (ending.why === 'told-to-reconnect' && ending.endpoint) || this.#endpoint;
      this.#enter(step.state, ending.why === 'refused' ? ending.refusal.message : '');
      this.#isFinal = step.wait === 'never';
      await this.#pause(step.wait, ending);
      this.#isFinal = false;
      if (IN_DOUBT.includes(ending.why)) await this.#reach(endpoint);
      if (step.wait === 'never' && !this.#closed) this.#enter('connecting');
    }
    polling.delete(this);
    this.#enter('closed');
  }

  /** Ends the session, tells the gateway, and stays away. */
  close() {
    this.#closed = true;
    this.#opening?.close();
    this.#session?.close();
    this.#wake();
  }

  /** A person is impatient: ends a pause, leaves a session alone. */
  retryNow() {
    this.#wake();
  }

  /** Somebody looks again: ends a pause that would end by itself. */
  seen() {
    if (!this.#isFinal) this.#wake();
  }

  /** Another network may know other ways: what could not be reached directly, perhaps can now. */
  networkChanged() {
    this.#direct = true;
    this.#backoff.reset();
    this.#session?.networkChanged();
    this.#wake();
  }

  /**
   * Chooses a quality.
   *
   * @param {string | null} id of one that was offered; null leaves it to the server
   */
  choose(id) {
    this.#wanted = id;
    void this.#select();
  }

  async #select() {
    const [first] = this.#choices;
    if (!first) return;
    const wanted = this.#choices.find(({ id }) => id === this.#wanted);
    const { mediaId } = first.selection;
    const agreed = await this.#session?.select(wanted?.selection ?? { mediaId });
    if (!agreed) this.#wanted = null;
    this.#listener.layers?.(this.#choices, this.#wanted);
  }

  /** @param {Choice[]} choices that the current session has now */
  #offer(choices) {
    const isNew = this.#choices.length === 0;
    this.#choices = choices;
    this.#listener.layers?.(choices, this.#wanted);
    // A new session begins with the server's choice.
    if (isNew && this.#wanted !== null) void this.#select();
  }

  /** @param {string | null} problem of what the camera sends */
  #take(problem) {
    this.#isJerky = problem === 'b-frames';
    if (this.#state === 'live' && this.#isJerky) this.#enter('jerky');
    else if (this.#state === 'jerky' && !this.#isJerky) this.#enter('live');
  }

  /**
   * The picture moves.
   *
   * @param {Path} path
   */
  #begin(path) {
    // By the relay, what keeps us from the camera is still so.
    if (path === 'direct') this.#listener.diagnosis?.(null, null);
    this.#wasLive = true;
    this.#wary = false;
    polling.delete(this);
    this.#liveSince = this.#env.now();
    this.#enter(this.#isSoundOnly ? 'soundonly' : this.#isJerky ? 'jerky' : 'live');
  }

  /** It does not any more. */
  #halt() {
    this.#wary = this.#env.now() - this.#liveSince < BURST;
    this.#enter('stopped');
  }

  /** @param {string} endpoint */
  async #token(endpoint) {
    // What opens this server is no business of another that it sends us to.
    const own = new URL(endpoint).origin === new URL(this.#endpoint).origin;
    return own ? this.#tokens.next(this.#endpoint) : undefined;
  }

  /**
   * @param {string} endpoint
   * @param {string | undefined} token
   */
  async #attempt(endpoint, token) {
    const startedAt = this.#env.now();
    let path = /** @type {Path} */ ('direct');
    const patience = this.#env.setTimeout(() => this.#enter(this.#wasLive ? 'gone' : 'waiting', ''), PATIENCE);
    const session = new WhepSession({
      endpoint,
      direct: this.#direct,
      token,
      demands: this.#demands,
      opening: this.#opening,
      known: this.#known,
      wary: this.#wary,
      env: this.#env,
      listener: {
        phase: (phase, by) => {
          path = by;
          this.#env.clearTimeout(patience);
          if (phase === 'live') this.#begin(by);
          else if (phase === 'still') this.#halt();
          else if (phase === 'away') this.#enter('gone');
          else if (!CALM.includes(this.#state)) this.#enter('connecting');
        },
        trust: (trust, name) => this.#listener.trust?.(trust, name),
        tracks: (tracks) => this.#listener.tracks?.(tracks),
        vitals: (vitals) => this.#listener.vitals?.(vitals, path),
        viewers: (count) => this.#listener.viewers?.(count),
        layers: (choices) => this.#offer(choices),
        problem: (problem) => this.#take(problem),
        soundOnly: () => (this.#isSoundOnly = true),
      },
    });
    this.#session = session;
    this.#isJerky = false;
    this.#isSoundOnly = false;
    this.#opening = null;
    const ending = await session.run();
    this.#env.clearTimeout(patience);
    this.#session = null;
    if (this.#choices.length > 0) this.#offer([]);
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
    const slug = ending.why === 'refused' && !ending.mayHold ? ending.refusal.slug : '';
    const polls = slug === 'no-camera';
    this.#known = polls ? 'absent' : slug === 'camera-busy' ? 'present' : 'nothing';
    if (this.#known === 'present') return Promise.resolve();
    if (polls) polling.add(this);
    else polling.delete(this);
    const backoff = polls ? Math.max(POLL, POLL_OF_ALL * polling.size) : this.#backoff.next();
    if (floor === 0 && eager && ending.why !== 'refused') return Promise.resolve();
    return new Promise((resolve) => {
      const ms = floor === 'never' ? null : polls ? backoff : Math.max(floor * 1000, backoff);
      const timer = ms === null ? null : this.#env.setTimeout(() => this.#wake(), ms);
      this.#wake = () => {
        this.#env.clearTimeout(timer);
        this.#wake = () => {};
        resolve();
      };
    });
  }

  /**
   * Waits until the server is reached: a POST that is held cannot tell that nobody holds it.
   *
   * @param {string} endpoint
   */
  async #reach(endpoint) {
    const backoff = new Backoff({ cap: UNREACHABLE, random: this.#env.random });
    for (let failures = 0; !this.#closed; failures += 1) {
      const woken = new AbortController();
      this.#wake = () => woken.abort();
      if (await answers(endpoint, patience(failures), this.#env, woken.signal)) {
        // Whatever failed before, failed for want of a network.
        if (failures > 0) this.#backoff.reset();
        break;
      }
      if (this.#closed) break;
      this.#enter('unreachable');
      if (woken.signal.aborted) backoff.reset();
      else await pause(backoff.next(), this.#env, woken.signal);
    }
    this.#wake = () => {};
  }

  /**
   * @param {State} state
   * @param {string} [detail] the gateway's own words
   */
  #enter(state, detail = '') {
    if (state === 'unreachable' && this.#env.isForbidden(this.#endpoint)) state = 'forbidden';
    if (state === this.#state && !detail) return;
    this.#state = state;
    this.#listener.state?.(state, detail);
  }
}
