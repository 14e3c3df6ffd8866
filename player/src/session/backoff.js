// @ts-check
/** Exponential backoff with jitter, and the `Retry-After` header that overrules it. */

/** Longest pause, in seconds, that a server can talk us into. */
const LONGEST_RETRY_AFTER = 300;

/**
 * Pauses that double up to a cap. The jitter (half to all of the nominal pause) keeps a thousand
 * viewers from coming back in the same millisecond after a gateway restart; the cap keeps the
 * wait short enough to heal within ten seconds.
 */
export class Backoff {
  #base;
  #cap;
  #random;
  #failures = 0;

  /** @param {{ base?: number, cap?: number, random?: () => number }} [options] milliseconds */
  constructor({ base = 250, cap = 4000, random = Math.random } = {}) {
    this.#base = base;
    this.#cap = cap;
    this.#random = random;
  }

  /** The next pause in milliseconds; each call counts as one more failure. */
  next() {
    const nominal = Math.min(this.#cap, this.#base * 2 ** this.#failures);
    this.#failures = Math.min(this.#failures + 1, 30);
    return Math.round(nominal * (0.5 + 0.5 * this.#random()));
  }

  /** Something worked: the next failure starts small again. */
  reset() {
    this.#failures = 0;
  }

  /** How many failures there were since the last success. */
  get failures() {
    return this.#failures;
  }
}

/**
 * Lets some time pass.
 *
 * @param {number} ms
 * @param {import('./environment.js').Environment} env
 * @param {AbortSignal} signal ends it early
 * @returns {Promise<void>}
 */
export function pause(ms, env, signal) {
  return new Promise((resolve) => {
    const done = () => {
      env.clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = env.setTimeout(done, ms);
    signal.addEventListener('abort', done);
  });
}

/**
 * Parses `Retry-After`: delay-seconds or an HTTP-date (RFC 9110 section 10.2.3).
 *
 * @param {string | null} value
 * @param {number} now milliseconds since the epoch
 * @returns {number | null} seconds to wait, 0 or more; null when absent or malformed
 */
export function retryAfter(value, now) {
  if (value === null) return null;
  const text = value.trim();
  if (/^\d+$/.test(text)) return Math.min(Number(text), LONGEST_RETRY_AFTER);
  const date = /^[A-Za-z]{3}/.test(text) ? Date.parse(text) : NaN;
  if (Number.isNaN(date)) return null;
  return Math.min(Math.max(0, (date - now) / 1000), LONGEST_RETRY_AFTER);
}
