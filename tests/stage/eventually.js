// @ts-check
/** Waits for what does not announce itself. */

import { setTimeout as pause } from 'node:timers/promises';
import { inspect } from 'node:util';

/**
 * Milliseconds that a wait may take. It ends as soon as what it waits for is there; only a machine
 * that is busy with other things takes more than a few seconds. How long things take is what the
 * benchmarks measure.
 */
export const PATIENCE = 30_000;

/** Milliseconds from one look to the next. */
const LOOK = 100;

/**
 * Looks again and again, until what is seen is as it should be.
 *
 * @template T
 * @param {string} what should be, for the message of a failed test
 * @param {() => T | Promise<T>} look
 * @param {(seen: T) => boolean} isSo
 * @param {() => Promise<string>} [more] for that message
 * @returns {Promise<T>} what was seen then
 */
export async function eventually(what, look, isSo, more = async () => '') {
  const until = performance.now() + PATIENCE;
  for (;;) {
    /** @type {unknown} */
    let last;
    try {
      const seen = await look();
      if (isSo(seen)) return seen;
      last = seen;
    } catch (error) {
      // A page that is just being left cannot be looked at.
      last = error;
    }
    if (performance.now() > until) {
      throw new Error(`not so within ${PATIENCE} ms: ${what}; last seen: ${inspect(last)}${await more()}`);
    }
    await pause(LOOK);
  }
}
