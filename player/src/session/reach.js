// @ts-check
/**
 * Requests on a line that may be dead. TCP says nothing of that for a long time: it sends again after
 * ever longer pauses, and when the network is back the next try may be half a minute away. So a
 * request that decides whether there is a network is given up early, and made anew.
 */

/** @typedef {import('./environment.js').Environment} Environment */

/**
 * How long an answer may take, in milliseconds, one attempt after the other and round again: short,
 * so that a network is found soon after it is back; and now and then as long as a slow one needs.
 */
const PATIENCE = [1500, 1500, 4000];

/** @param {number} attempt from 0 */
export const patience = (attempt) => PATIENCE[attempt % PATIENCE.length];

/**
 * Makes a request that is given up when it takes too long.
 *
 * @template T
 * @param {number} ms
 * @param {Environment} env
 * @param {AbortSignal} signal ends it as well
 * @param {(signal: AbortSignal) => Promise<T>} ask
 * @returns {Promise<T>} rejects with a `TypeError`, as `fetch` does, when nobody was reached in time
 */
export async function within(ms, env, signal, ask) {
  const attempt = new AbortController();
  const abort = () => attempt.abort();
  const timer = env.setTimeout(abort, ms);
  signal.addEventListener('abort', abort);
  try {
    return await ask(attempt.signal);
  } catch (error) {
    throw attempt.signal.aborted && !signal.aborted ? new TypeError('no answer in time') : error;
  } finally {
    env.clearTimeout(timer);
    signal.removeEventListener('abort', abort);
  }
}

/**
 * Whether there is anybody at an address, whatever the answer. The connection that it came by is the
 * one that a browser takes next.
 *
 * @param {string} url
 * @param {number} ms
 * @param {Environment} env
 * @param {AbortSignal} signal
 */
export function answers(url, ms, env, signal) {
  const ask = (/** @type {AbortSignal} */ given) => env.fetch(url, { method: 'HEAD', signal: given });
  return within(ms, env, signal, ask).then(() => true, () => false);
}
