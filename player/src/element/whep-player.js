// @ts-check
/**
 * `<whep-player>`: a live picture on any page.
 *
 *     <script type="module" src="https://gateway.example/player/1/whep-player.js"></script>
 *     <whep-player src="https://gateway.example/whep/garage"></whep-player>
 *
 * What pages may count on is in `whep-player.d.ts` beside this file, and in docs/player.md.
 */

import { parseSecret } from '../trust/fragment.js';
import { Notices } from './notices.js';
import { Picture } from './picture.js';
import { Controls } from './player-controls.js';
import { dress } from './player-looks.js';
import { playerTree } from './player-tree.js';
import { parseUrl } from '../trust/url.js';
import { Viewer } from '../session/viewer.js';

/** @typedef {import('../trust/trust.js').Trust} Trust */
/** @typedef {import('../words/words.js').State} State */
/** @typedef {import('./player-events.js').PlayerEvents} PlayerEvents */

/** States in which the picture is shown as it is; for a moment it may stand still. @type {State[]} */
const SEEN = ['live', 'stopped', 'paused'];

/**
 * A live picture by WHEP: of a Sightline server, directly from the camera or by its relay, or of any
 * other WHEP server.
 *
 * @tagname whep-player
 *
 * @attr {string} src - WHEP endpoint, absolute or relative to the page.
 * @attr {string} room - Instead of `src`: a room of the server that this script came from.
 * @attr {string} token - Bearer token of the requests, a ticket for one.
 * @attr {string} secret - That of a private link, `<expiry>.<mac>`.
 * @attr {'private' | 'verified' | 'unverified' | 'unchecked' | 'stale' | 'relayed'} trust - Set by the element:
 *   what holds for the picture that is seen.
 * @attr {boolean} calm - Set by the element while nothing lies over the picture.
 *
 * @fires {CustomEvent<{ state: string, title: string, hint: string, detail: string }>} statechange - Another state,
 *   in words for people; `detail` is the server's own.
 * @fires {CustomEvent<{ trust: string | null, title: string, hint: string, name: string | null }>} trustchange - What
 *   holds for the picture, null when there is none any more; and what the camera is called by its owner.
 * @fires {CustomEvent<{ cause: string | null, title: string, hint: string }>} diagnosis - Why no way for media was
 *   found; null when there is one again.
 * @fires {CustomEvent<{ advice: string | null, title: string, hint: string }>} advicechange - What the sender
 *   could set better.
 * @fires {CustomEvent<Vitals>} vitals - Figures of the picture, once a second while it is live.
 * @fires {CustomEvent<{ who: 'camera' | 'viewer', count?: number }>} join - A camera or a viewer has come.
 * @fires {CustomEvent<{ who: 'camera' | 'viewer', count?: number }>} leave - A camera or a viewer has gone.
 *
 * @csspart video - The picture.
 * @csspart overlay - What is said where there is no picture.
 * @csspart retry - The button in it.
 * @csspart badge - The live badge.
 * @csspart trust - What holds for the picture, in words.
 * @csspart advice - What the sender could set better.
 * @csspart controls - The bar of buttons.
 * @csspart delay - How old the picture is.
 *
 * @cssprop [--accent=#ffb454] - What is busy, and the focus.
 * @cssprop [--good=#4ade80] - What is well.
 * @cssprop [--bad=#ff7b72] - What is not.
 * @cssprop [--live=#e5383b] - The live badge.
 */
export class WhepPlayer extends HTMLElement {
  static observedAttributes = ['src', 'room', 'token', 'secret'];

  #root = this.attachShadow({ mode: 'open' });
  #video;
  #picture;
  #controls;
  /** @type {import('./delay.js').Delay | null} */
  #delay = null;
  #notices;
  /** @type {Viewer | null} */
  #viewer = null;
  /** @type {string | null} the endpoint that the picture is of */
  #watched = null;
  /** @type {AbortController | null} listeners outside the element, while it is in a page */
  #connected = null;
  #startQueued = false;
  /** @type {import('../session/token-source.js').TokenProvider | null} */
  #tokenProvider = null;
  /** @type {import('../session/opening.js').Opening | null} */
  #opening = null;
  /** @type {State} of the viewer, whether or not the picture is paused here */
  #phase = 'idle';
  /** @type {State} what is shown */
  #state = 'idle';
  /** @type {Trust | null} of the current session, whose picture may be still to come */
  #promised = null;
  /** @type {string | null} what its camera is called */
  #calledSo = null;
  /** @type {Trust | null} */
  #trust = null;
  #viewers = 0;
  /** @type {import('../session/advice.js').Advisor | null} */
  #advisor = null;
  /** @type {import('../session/advice.js').Advice | null} */
  #advice = null;
  /** @type {import('../session/doctor.js').Cause | null} */
  #cause = null;

  constructor() {
    super();
    dress(this.#root);
    this.#root.append(playerTree());
    this.#video = /** @type {HTMLVideoElement} */ (this.#find('video'));
    // Only the property counts for elements that a script made, and browsers let muted ones play.
    this.#video.muted = true;
    this.#picture = new Picture(this.#video, /** @type {HTMLCanvasElement} */ (this.#find('.last')), {
      sound: (sound) => this.#stage.classList.toggle('sound', sound),
      paused: () => this.#show(this.#phase),
    });
    this.#notices = new Notices(this.#root);
    this.#controls = new Controls(this, this.#root, this.#video, {
      retry: () => this.retry(),
      playback: () => this.#picture.toggle(),
      snapshot: () => this.#picture.save(),
      choose: (id) => this.#viewer?.choose(id),
    });
  }

  /** What the viewer sees right now. */
  get state() {
    return this.#state;
  }

  /** What holds for the picture; null while there is none. */
  get trust() {
    return this.#trust;
  }

  /** What the camera is called by its owner, while its picture is seen; null where nobody says. */
  get cameraName() {
    return this.#trust && this.#calledSo;
  }

  /** Viewers in the room, as the gateway counts them; 0 until it says. */
  get viewers() {
    return this.#viewers;
  }

  /** The `<video>` inside, for those who want to draw or record it. */
  get video() {
    return this.#video;
  }

  /**
   * A room of the server that this module came from; the attribute `room`.
   *
   * @type {string}
   */
  get room() {
    return this.getAttribute('room') ?? '';
  }

  set room(room) {
    this.setAttribute('room', room);
  }

  /**
   * The WHEP endpoint; the attribute `src`.
   *
   * @type {string}
   */
  get src() {
    return this.getAttribute('src') ?? '';
  }

  set src(src) {
    this.setAttribute('src', src);
  }

  /**
   * Gives the bearer token for the next session, instead of the `token` attribute: called before each, and
   * once more at once when the server has refused it.
   */
  get tokenProvider() {
    return this.#tokenProvider;
  }

  set tokenProvider(provider) {
    this.#tokenProvider = provider;
    if (this.isConnected) this.#queueStart();
  }

  connectedCallback() {
    for (const name of /** @type {const} */ (['src', 'room', 'tokenProvider'])) this.#adopt(name);
    if (!this.hasAttribute('tabindex')) this.tabIndex = 0;
    this.#connected = new AbortController();
    const { signal } = this.#connected;
    addEventListener('pagehide', () => this.#stop(), { signal });
    addEventListener('pageshow', (event) => event.persisted && this.#start(), { signal });
    addEventListener('online', () => this.#viewer?.networkChanged(), { signal });
    document.addEventListener('visibilitychange', () => {
      if (document.visibilityState !== 'visible') return;
      this.#viewer?.seen();
      this.#picture.resume();
    }, { signal });
    this.#queueStart();
  }

  disconnectedCallback() {
    this.#connected?.abort();
    this.#connected = null;
    this.#stop();
  }

  attributeChangedCallback() {
    if (this.isConnected) this.#queueStart();
  }

  /**
   * Watches a room of this module's gateway, where the first session has begun already.
   *
   * @ignore for our own pages
   * @param {string} room
   * @param {{ token?: string | null, secret?: string | null }} permits what the link carries
   * @param {import('../session/opening.js').Opening | null} opening
   */
  watch(room, { token, secret }, opening) {
    this.#opening = opening;
    if (token) this.setAttribute('token', token);
    if (secret) this.setAttribute('secret', secret);
    this.room = room;
  }

  /** Tries again at once. */
  retry() {
    if (this.#viewer) this.#viewer.retryNow();
    else this.#start();
  }

  /**
   * Has a key that was pressed elsewhere in the page do what it does here.
   *
   * @param {KeyboardEvent} event
   */
  press(event) {
    this.#controls.press(event);
  }

  /** Shows the controls for a while, as a pointer that moves does. */
  wake() {
    this.#controls.stir();
  }

  /** Ends the session; `retry()` starts a new one. */
  close() {
    this.#stop();
  }

  /**
   * What a page has set before this class was loaded stands in the way of the property.
   *
   * @param {'src' | 'room' | 'tokenProvider'} name
   */
  #adopt(name) {
    if (!Object.hasOwn(this, name)) return;
    const value = /** @type {any} */ (this[name]);
    delete (/** @type {any} */ (this))[name];
    Object.assign(this, { [name]: value });
  }

  /** Several attributes may change in one go: start once, after all of them. */
  #queueStart() {
    if (this.#startQueued) return;
    this.#startQueued = true;
    queueMicrotask(() => {
      this.#startQueued = false;
      if (this.isConnected) this.#start();
    });
  }

  #start() {
    this.#stop();
    const endpoint = this.#endpoint();
    if (endpoint !== this.#watched) {
      this.#picture.forget();
      this.#controls.whole();
    }
    this.#cause = null;
    void this.#notices.diagnosis(null);
    this.#watched = endpoint;
    const text = this.getAttribute('secret');
    const secret = text === null ? null : parseSecret(text);
    if (!endpoint) return this.#show(this.src ? 'wrong' : 'idle');
    // Half a secret must not become a link that asks for less.
    if (text !== null && !secret) return this.#show('wrong');
    /** @type {Viewer} */
    const viewer = new Viewer({
      endpoint,
      token: this.getAttribute('token') ?? undefined,
      tokenProvider: this.#tokenProvider,
      secret,
      opening: this.#opening,
      listener: {
        state: (state, detail) => viewer === this.#viewer && this.#show(state, detail),
        trust: (trust, name) => {
          if (viewer === this.#viewer) [this.#promised, this.#calledSo] = [trust, name];
        },
        tracks: (tracks) => {
          this.#advisor = null;
          if (viewer === this.#viewer) this.#picture.play(tracks);
        },
        vitals: (vitals, path) => void this.#figure(viewer, vitals, path),
        viewers: (count) => this.#count(count),
        diagnosis: (cause, evidence) => viewer === this.#viewer && void this.#diagnose(viewer, cause, evidence),
        layers: (choices, chosen) => viewer === this.#viewer && this.#controls.offer(choices, chosen),
      },
    });
    this.#viewer = viewer;
    this.#opening = null;
    void viewer.run();
  }

  #stop() {
    if (!this.#viewer) return;
    const viewer = this.#viewer;
    this.#viewer = null;
    viewer.close();
    this.#controls.offer([], null);
    this.#show('closed');
  }

  /** @returns {string | null} absolute URL */
  #endpoint() {
    if (this.src) return parseUrl(this.src, document.baseURI)?.href ?? null;
    if (!this.room) return null;
    return new URL(`/whep/${encodeURIComponent(this.room)}`, import.meta.url).href;
  }

  /**
   * @param {State} phase
   * @param {string} [detail] the server's own words
   */
  #show(phase, detail = '') {
    const before = this.#state;
    this.#phase = phase;
    const state = SEEN.includes(phase) && this.#picture.isPaused ? 'paused' : phase;
    this.#controls.showPaused(this.#picture.isPaused);
    this.#state = state;
    const isSeen = SEEN.includes(state);
    this.#stage.classList.toggle('picture', isSeen);
    if (!isSeen && SEEN.includes(before)) this.#picture.keep();
    if (isSeen !== SEEN.includes(before)) this.#controls.stir();
    if (!isSeen) {
      this.#viewers = 0;
      this.#advise(null);
    }
    void this.#hold(isSeen ? this.#promised : null);
    const { title, hint } = this.#notices.state(state, isSeen ? null : this.#picture.lastSeen);
    if (isSeen && !SEEN.includes(before)) this.#tell('join', { who: 'camera' });
    if (!isSeen && SEEN.includes(before)) this.#tell('leave', { who: 'camera' });
    if (state !== before || detail) this.#tell('statechange', { state, title, hint, detail });
  }

  /**
   * @param {Viewer} viewer
   * @param {import('../session/vitals.js').Vitals} vitals
   * @param {import('../session/terms.js').Path} path
   */
  async #figure(viewer, { raw, ...vitals }, path) {
    const figures = await import('./figures.js').catch(() => null);
    if (viewer !== this.#viewer) return;
    if (figures) {
      this.#delay ??= new figures.Delay(this.#video);
      this.#advisor ??= new figures.Advisor();
      this.#delay.note(raw ? figures.captured(...raw) : null);
      void this.#advise(this.#advisor.note(vitals));
    }
    const delay = this.#delay?.seconds ?? null;
    this.#controls.showDelay(delay);
    this.#tell('vitals', { ...vitals, path, delay });
  }

  /** @param {import('../session/advice.js').Advice | null} advice what the sender could set better */
  async #advise(advice) {
    if (advice === this.#advice) return;
    this.#advice = advice;
    this.#tell('advicechange', { advice, ...await this.#notices.advice(advice) });
  }

  /**
   * @param {Viewer} viewer
   * @param {import('../session/doctor.js').Cause | null} cause why no way for media was found
   * @param {import('../session/ice-evidence.js').Evidence | null} evidence
   */
  async #diagnose(viewer, cause, evidence) {
    if (cause === this.#cause) return;
    this.#cause = cause;
    const words = await this.#notices.diagnosis(cause);
    if (viewer === this.#viewer) this.#tell('diagnosis', { cause, evidence, ...words });
  }

  /** @param {Trust | null} trust what holds for the picture that is seen now */
  async #hold(trust) {
    if (trust === this.#trust) return;
    this.#trust = trust;
    if (trust) this.setAttribute('trust', trust);
    else this.removeAttribute('trust');
    const { title, hint } = await this.#notices.trust(trust);
    // Another may hold by now.
    if (trust === this.#trust) this.#tell('trustchange', { trust, title, hint, name: this.cameraName });
  }

  /** @param {number} count */
  #count(count) {
    const before = this.#viewers;
    this.#viewers = count;
    if (count !== before) this.#tell(count > before ? 'join' : 'leave', { who: 'viewer', count });
  }

  get #stage() {
    return /** @type {HTMLElement} */ (this.#find('.stage'));
  }

  /** @param {string} selector */
  #find(selector) {
    return /** @type {HTMLElement} */ (this.#root.querySelector(selector));
  }

  /**
   * @template {keyof PlayerEvents} Name
   * @param {Name} name
   * @param {PlayerEvents[Name]} detail
   */
  #tell(name, detail) {
    this.dispatchEvent(new CustomEvent(name, { detail, bubbles: true, composed: true }));
  }
}

if (!customElements.get('whep-player')) customElements.define('whep-player', WhepPlayer);
