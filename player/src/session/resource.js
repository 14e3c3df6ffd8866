// @ts-check
/** The HTTP resource that a 201 or a 406 created: what a session can be told, and tells. */

import { Backoff, pause } from './backoff.js';
import { eventsLink, iceServers, layerLink, parseLinks } from './link.js';
import { Refusal, refusal } from './problem.js';
import { SDPFRAG_TYPE } from './sdpfrag.js';

/** @typedef {import('./environment.js').Environment} Environment */

/** `EventSource.CLOSED`, which fakes do not have. */
const CLOSED = 2;

export class SessionResource {
  #env;
  #url;
  #etag;
  #links;
  #authorization;
  #signal;
  #deleted = false;

  /**
   * @param {Response} response the 201 or 406, with `Location`
   * @param {object} context
   * @param {Environment} context.env
   * @param {string} context.endpoint what was POSTed to: `Location` may be relative to it
   * @param {AbortSignal} context.signal ends everything but the DELETE
   * @param {Record<string, string>} [context.authorization] header for every request
   */
  constructor(response, { env, endpoint, signal, authorization = {} }) {
    const location = response.headers.get('location');
    // RFC 9725 section 4.2: "the Location header field … pointing to the … session".
    if (!location) throw new Refusal(502, { detail: 'the answer names no session' });
    this.#env = env;
    this.#url = new URL(location, response.url || endpoint).href;
    this.#etag = response.headers.get('etag');
    this.#links = parseLinks(response.headers.get('link'));
    this.#authorization = authorization;
    this.#signal = signal;
  }

  /** Absolute URL of the session. */
  get url() {
    return this.#url;
  }

  /** ICE servers that came with the session (RFC 9725 section 4.6). */
  get iceServers() {
    return iceServers(this.#links);
  }

  /**
   * Sends the answer to a counter-offer.
   *
   * @param {string} sdp
   * @throws {Refusal} when it came too late, twice, or the other side is gone
   */
  async answer(sdp) {
    const response = await this.#send('PATCH', { 'Content-Type': 'application/sdp' }, sdp);
    if (!response.ok) throw await refusal(response, this.#env.now());
    this.#etag = response.headers.get('etag') ?? this.#etag;
  }

  /**
   * Sends candidates.
   *
   * @param {string} frag
   * @returns {Promise<boolean>} whether it makes sense to send more
   */
  async trickle(frag) {
    // RFC 9725 section 4.3.1: the ETag says which ICE generation the candidates belong to.
    /** @type {Record<string, string>} */
    const headers = { 'Content-Type': SDPFRAG_TYPE };
    if (this.#etag !== null) headers['If-Match'] = this.#etag;
    const response = await this.#send('PATCH', headers, frag);
    return response.ok;
  }

  /**
   * Asks for new ICE credentials of the server, by telling ours.
   *
   * @param {string} frag
   * @param {AbortSignal} signal
   * @returns {Promise<string>} the server's, as a fragment
   * @throws {Refusal} when it has none to give
   */
  async restart(frag, signal) {
    // RFC 9725 section 4.3.3: a restart "MUST contain an If-Match header field with […] "*"".
    const headers = { 'Content-Type': SDPFRAG_TYPE, 'If-Match': '*' };
    const response = await this.#send('PATCH', headers, frag, signal);
    if (response.status !== 200) throw await refusal(response, this.#env.now());
    this.#etag = response.headers.get('etag') ?? this.#etag;
    return response.text();
  }

  /** Whether the viewer may choose among video layers. */
  get hasChoice() {
    return layerLink(this.#links) !== null;
  }

  /**
   * Chooses a video layer.
   *
   * @param {import('./layers.js').Selection} selection
   * @returns {Promise<boolean>} whether the server agreed
   */
  async select(selection) {
    const url = new URL(layerLink(this.#links) ?? '', this.#url).href;
    const headers = { ...this.#authorization, 'Content-Type': 'application/json' };
    const request = { method: 'POST', headers, body: JSON.stringify(selection), signal: this.#signal };
    return (await this.#env.fetch(url, request)).ok;
  }

  /**
   * Opens the event stream and keeps it open. One that cannot be had is no failure: media needs
   * none. A session the server does not know any more (it ended it, or restarted) ends the
   * attempts, and so does 204 (HTML section 9.2.1: "a client can be told to stop reconnecting").
   *
   * @param {string[]} wanted event names
   * @param {(name: string, data: any) => void} receive
   * @returns {Promise<boolean>} whether there was a stream, and the server knows it no more
   */
  async listen(wanted, receive) {
    const link = eventsLink(this.#links);
    if (!link || !this.#env.EventSource) return false;
    const names = wanted.filter((name) => link.events.length === 0 || link.events.includes(name));
    const backoff = new Backoff({ base: 200, cap: 5000, random: this.#env.random });
    const url = new URL(link.target, this.#url).href;
    const shared = link.shared === null ? null : await this.#sharing(new URL(link.shared, this.#url).href);
    let listened = false;
    while (!this.#signal.aborted) {
      const stream = await this.#requestStream(url, names);
      if (stream === 'never') return listened;
      if (stream !== 'later') {
        listened = true;
        const isOver = shared === null ? await this.#isOverAfter(stream, names, receive, () => backoff.reset())
          : await this.#isOverAmong(shared, stream, names, receive, () => backoff.reset());
        if (isOver) {
          const status = await this.#statusOf(this.#url);
          if (status === 404 || status === 410) return true;
          // Among others a stream may be over for what has nothing to do with it.
          if (shared === null) return false;
        }
      }
      await pause(backoff.next(), this.#env, this.#signal);
    }
    return false;
  }

  /** Ends the session. Only the first call sends anything; it outlives the page (`keepalive`). */
  delete() {
    if (this.#deleted) return;
    this.#deleted = true;
    const init = { method: 'DELETE', headers: this.#authorization, keepalive: true };
    this.#env.fetch(this.#url, init).catch(() => {});
  }

  /**
   * @param {string} url
   * @param {string[]} names
   * @returns {Promise<string | 'later' | 'never'>} the stream's URL, or when to try again
   */
  async #requestStream(url, names) {
    try {
      const headers = { ...this.#authorization, 'Content-Type': 'application/json' };
      const body = JSON.stringify(names);
      const request = { method: 'POST', headers, body, signal: this.#signal };
      const response = await this.#env.fetch(url, request);
      const location = response.headers.get('location');
      if (response.ok && location) return new URL(location, url).href;
      return response.status >= 500 || response.status === 429 ? 'later' : 'never';
    } catch {
      return 'later';
    }
  }

  /**
   * Without what is fetched for it, each stream takes a connection of its own.
   *
   * @param {string} url
   */
  #sharing(url) {
    return import('./extensions.js').then(({ SharedEvents }) => SharedEvents.at(url, this.#env), () => null);
  }

  /**
   * Follows a stream among others.
   *
   * @param {import('./shared-events.js').SharedEvents} shared
   * @param {string} url
   * @param {string[]} names
   * @param {(name: string, data: any) => void} receive
   * @param {() => void} opened
   * @returns {Promise<boolean>} whether it has come to its end
   */
  async #isOverAmong(shared, url, names, receive, opened) {
    const told = (/** @type {string} */ name, /** @type {any} */ data) => {
      opened();
      receive(name, data);
    };
    await shared.follow(new URL(url).pathname, names, told, this.#signal);
    return true;
  }

  /**
   * @param {string} url
   * @param {string[]} names
   * @param {(name: string, data: any) => void} receive
   * @param {() => void} opened
   * @returns {Promise<boolean>} whether it has come to its end
   */
  async #isOverAfter(url, names, receive, opened) {
    await this.#follow(url, names, receive, opened);
    return (await this.#statusOf(url)) === 204;
  }

  /**
   * Resolves when the stream has closed for good (an EventSource reopens by itself after a mere
   * break).
   *
   * @param {string} url
   * @param {string[]} names
   * @param {(name: string, data: any) => void} receive
   * @param {() => void} opened
   * @returns {Promise<void>}
   */
  #follow(url, names, receive, opened) {
    const EventSource = this.#env.EventSource;
    if (!EventSource || this.#signal.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const source = new EventSource(url);
      const close = () => {
        this.#signal.removeEventListener('abort', close);
        source.close();
        resolve();
      };
      this.#signal.addEventListener('abort', close);
      source.addEventListener('open', opened);
      source.addEventListener('error', () => source.readyState === CLOSED && close());
      for (const name of names) {
        source.addEventListener(name, (event) => {
          receive(name, eventData(/** @type {MessageEvent} */ (event).data));
        });
      }
    });
  }

  /**
   * What GET says of it, of which EventSource does not tell.
   *
   * @param {string} url
   * @returns {Promise<number>} 0 where nobody answers
   */
  async #statusOf(url) {
    if (this.#signal.aborted) return 0;
    try {
      const response = await this.#env.fetch(url, { headers: this.#authorization, signal: this.#signal });
      // It may be an event stream, which goes on.
      void response.body?.cancel().catch(() => {});
      return response.status;
    } catch {
      return 0;
    }
  }

  /**
   * @param {string} method
   * @param {Record<string, string>} headers
   * @param {string} body
   * @param {AbortSignal} [signal]
   */
  #send(method, headers, body, signal = this.#signal) {
    const request = { method, headers: { ...this.#authorization, ...headers }, body };
    return this.#env.fetch(this.#url, { ...request, signal });
  }
}

/**
 * @param {unknown} text
 * @returns {Record<string, unknown>}
 */
function eventData(text) {
  try {
    const value = JSON.parse(String(text));
    return typeof value === 'object' && value !== null ? value : {};
  } catch {
    return {};
  }
}
