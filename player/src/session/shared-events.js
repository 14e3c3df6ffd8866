// @ts-check
/**
 * The events of all sessions that a browser has at one server, by one stream: by HTTP/1.1 each stream
 * takes one of six connections. One page of an origin, which holds a lock for it, reads the stream
 * for all, and tells the others by a channel.
 */

import { EventStreams } from './event-streams.js';

/** @typedef {import('./environment.js').Environment} Environment */
/** @typedef {import('./event-streams.js').Told} Told */

/**
 * What pages tell each other: there is a new reader; read this stream, from an event on; do not;
 * and what came of it.
 *
 * @typedef {{ kind: 'reader' } | { kind: 'remove', path: string }
 *   | { kind: 'add', page: string, path: string, names: string[], seen: number }
 *   | { kind: 'told' } & Told} Message
 */

/**
 * A stream that somebody on this page follows, and how far.
 *
 * @typedef {{ names: string[], seen: number, receive: (name: string, data: any) => void, over: () => void }} Followed
 */

/** @type {WeakMap<Environment, Map<string, SharedEvents>>} */
const known = new WeakMap();

export class SharedEvents {
  #url;
  #env;
  /** @type {Map<string, Followed>} by path */
  #followed = new Map();
  /** @type {BroadcastChannel | null} */
  #channel = null;
  /** @type {EventStreams | null} while this page reads for all */
  #streams = null;
  /** The name of this page's lock, by which the reader learns that it is gone. */
  #page = '';
  /** @type {Promise<void>} */
  #ready = Promise.resolve();
  /** @type {Set<string>} pages whose locks the reader waits for */
  #watched = new Set();
  /** @type {Map<string, string>} for the reader: whose streams they are */
  #owners = new Map();
  /** @type {() => void} */
  #leave = () => {};

  /**
   * @param {string} url of shared streams, absolute
   * @param {Environment} env
   */
  static at(url, env) {
    const all = known.get(env) ?? new Map();
    known.set(env, all);
    if (!all.has(url)) all.set(url, new SharedEvents(url, env));
    return /** @type {SharedEvents} */ (all.get(url));
  }

  /**
   * @param {string} url
   * @param {Environment} env
   */
  constructor(url, env) {
    this.#url = url;
    this.#env = env;
  }

  /**
   * Follows one stream until it is over.
   *
   * @param {string} path of the stream
   * @param {string[]} names of events
   * @param {(name: string, data: any) => void} receive
   * @param {AbortSignal} signal ends it
   * @returns {Promise<void>}
   */
  follow(path, names, receive, signal) {
    if (signal.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const over = () => {
        signal.removeEventListener('abort', over);
        this.#remove(path);
        resolve();
      };
      signal.addEventListener('abort', over);
      this.#followed.set(path, { names, seen: 0, receive, over });
      if (this.#followed.size === 1) this.#ready = this.#enter();
      void this.#ready.then(() => this.#announce(path));
    });
  }

  /** This page has something to follow: it may be the one that reads. */
  async #enter() {
    const { locks, BroadcastChannel } = this.#env;
    if (!locks || !BroadcastChannel) {
      this.#read();
      return;
    }
    const left = new AbortController();
    this.#page = `sightline-page ${crypto.randomUUID()}`;
    this.#channel = new BroadcastChannel(`sightline-events ${this.#url}`);
    this.#channel.onmessage = ({ data }) => this.#hear(data);
    /** @type {Promise<void>} */
    const gone = new Promise((resolve) => {
      this.#leave = () => {
        left.abort();
        resolve();
      };
    });
    await new Promise((resolve) => {
      locks.request(this.#page, () => {
        resolve(undefined);
        return gone;
      }).catch(() => resolve(undefined));
    });
    locks.request(`sightline-events ${this.#url}`, { signal: left.signal }, () => {
      if (left.signal.aborted) return undefined;
      this.#read();
      return gone;
    }).catch(() => {});
  }

  /** From now on this page reads for all. */
  #read() {
    this.#streams = new EventStreams(this.#url, this.#env, (told) => this.#tell(told));
    this.#say({ kind: 'reader' });
    for (const path of this.#followed.keys()) this.#announce(path);
  }

  /** @param {string} path */
  #announce(path) {
    const followed = this.#followed.get(path);
    if (!followed) return;
    const { names, seen } = followed;
    if (this.#streams) this.#streams.add(path, names, seen);
    else this.#say({ kind: 'add', page: this.#page, path, names, seen });
  }

  /** @param {string} path */
  #remove(path) {
    if (!this.#followed.delete(path)) return;
    this.#streams?.remove(path);
    this.#say({ kind: 'remove', path });
    if (this.#followed.size > 0) return;
    this.#streams?.close();
    this.#streams = null;
    this.#owners.clear();
    this.#watched.clear();
    this.#channel?.close();
    this.#channel = null;
    this.#leave();
  }

  /** @param {Message} message */
  #hear(message) {
    if (message.kind === 'told') this.#deliver(message);
    if (message.kind === 'reader') for (const path of this.#followed.keys()) this.#announce(path);
    if (!this.#streams) return;
    if (message.kind === 'remove') this.#streams.remove(message.path);
    if (message.kind === 'add') {
      this.#owners.set(message.path, message.page);
      this.#streams.add(message.path, message.names, message.seen);
      this.#watch(message.page);
    }
  }

  /**
   * A page that vanishes says nothing, but gives its lock back.
   *
   * @param {string} page
   */
  #watch(page) {
    if (this.#watched.has(page)) return;
    this.#watched.add(page);
    const streams = this.#streams;
    void this.#env.locks?.request(page, { mode: 'shared' }, () => {
      if (this.#streams !== streams) return;
      this.#watched.delete(page);
      for (const [path, owner] of this.#owners) {
        if (owner !== page) continue;
        this.#owners.delete(path);
        streams?.remove(path);
      }
    }).catch(() => {});
  }

  /** @param {Told} told */
  #tell(told) {
    if (this.#followed.has(told.path)) this.#deliver(told);
    else this.#say({ kind: 'told', ...told });
  }

  /** @param {Told} told */
  #deliver({ path, name, data, seen }) {
    const followed = this.#followed.get(path);
    // Two readers, one after the other, may have read the same.
    if (!followed || (name !== null && seen <= followed.seen)) return;
    followed.seen = seen;
    if (name === null) followed.over();
    else if (followed.names.includes(name)) followed.receive(name, data);
  }

  /** @param {Message} message */
  #say(message) {
    this.#channel?.postMessage(message);
  }
}
