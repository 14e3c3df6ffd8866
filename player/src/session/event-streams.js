// @ts-check
/** Several event streams of one server in one: `GET /events?streams=…`, an extension of ours. */

/** @typedef {import('./environment.js').Environment} Environment */

/**
 * An event of one of them, and its id there; without a name when there will be no more.
 *
 * @typedef {{ path: string, name: string | null, data: any, seen: number }} Told
 */

/** How many streams one can be of. */
const MOST = 32;

/** How long changes gather before a stream is opened anew, in milliseconds. */
const SETTLE = 10;

/** The event that says that one of the streams is over. */
const END = 'end';

/** `EventSource.CLOSED`, which fakes do not have. */
const CLOSED = 2;

export class EventStreams {
  #url;
  #env;
  #tell;
  /** @type {Map<string, { names: string[], seen: number }>} */
  #wanted = new Map();
  /** @type {{ key: string, source: EventSource }[]} */
  #open = [];
  /** @type {unknown} */
  #settling = null;

  /**
   * @param {string} url
   * @param {Environment} env
   * @param {(told: Told) => void} tell
   */
  constructor(url, env, tell) {
    this.#url = url;
    this.#env = env;
    this.#tell = tell;
  }

  /**
   * @param {string} path of an event stream
   * @param {string[]} names of events
   * @param {number} seen id of the last event of it that was read; 0 for none
   */
  add(path, names, seen) {
    if (this.#wanted.has(path)) return;
    this.#wanted.set(path, { names, seen });
    this.#change();
  }

  /** @param {string} path */
  remove(path) {
    if (this.#wanted.delete(path)) this.#change();
  }

  close() {
    this.#env.clearTimeout(this.#settling);
    for (const { source } of this.#open) source.close();
    this.#open = [];
    this.#wanted.clear();
  }

  #change() {
    this.#settling ??= this.#env.setTimeout(() => {
      this.#settling = null;
      this.#renew();
    }, SETTLE);
  }

  /** Opens what has changed. Whoever closes a stream has a while to open it again. */
  #renew() {
    const paths = [...this.#wanted.keys()];
    /** @type {string[][]} */
    const parts = [];
    for (let at = 0; at < paths.length; at += MOST) parts.push(paths.slice(at, at + MOST));
    const isOpen = (/** @type {number} */ index) => this.#open[index]?.key === parts[index]?.join();
    this.#open.forEach(({ source }, index) => !isOpen(index) && source.close());
    this.#open = parts.map((part, index) =>
      (isOpen(index) ? this.#open[index] : { key: part.join(), source: this.#read(part) }));
  }

  /**
   * @param {string[]} paths
   * @returns {EventSource}
   */
  #read(paths) {
    const EventSource = /** @type {typeof globalThis.EventSource} */ (this.#env.EventSource);
    const after = paths.map((path) => this.#wanted.get(path)?.seen ?? 0);
    const source = new EventSource(`${this.#url}?streams=${paths.join()}&after=${after.join('.')}`);
    const names = new Set([END, ...paths.flatMap((path) => this.#wanted.get(path)?.names ?? [])]);
    for (const name of names) {
      source.addEventListener(name, (event) => this.#receive(paths, name, /** @type {MessageEvent} */ (event)));
    }
    source.addEventListener('error', () => {
      // All of them are over, or the server does not give them out: each session finds out why.
      if (source.readyState === CLOSED) for (const path of paths) this.#end(path);
    });
    return source;
  }

  /**
   * @param {string[]} paths
   * @param {string} name
   * @param {MessageEvent} event
   */
  #receive(paths, name, event) {
    const { stream, data } = parsed(event.data);
    const path = paths[stream];
    const wanted = this.#wanted.get(path);
    if (!wanted) return;
    if (name === END) return this.#end(path);
    const seen = Number(event.lastEventId.split('.')[stream]);
    if (!Number.isSafeInteger(seen)) return;
    wanted.seen = seen;
    this.#tell({ path, name, data: data ?? {}, seen });
  }

  /** @param {string} path */
  #end(path) {
    const wanted = this.#wanted.get(path);
    if (!wanted) return;
    // It stays in the URL until another change: nothing comes of it.
    this.#wanted.delete(path);
    this.#tell({ path, name: null, data: {}, seen: wanted.seen });
  }
}

/**
 * @param {unknown} text
 * @returns {{ stream: number, data?: any }}
 */
function parsed(text) {
  try {
    const { stream, data } = JSON.parse(String(text));
    return { stream: Number(stream), data };
  } catch {
    return { stream: -1 };
  }
}
