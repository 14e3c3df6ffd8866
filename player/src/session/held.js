// @ts-check
/**
 * Which requests the server may hold. By HTTP/1.1 a browser has six connections to a server, for all
 * of its tabs, and a request that is held takes one for as long as it is.
 */

/** @typedef {import('./environment.js').Environment} Environment */

/**
 * The places of a browser, and for how long, in seconds, a request that has one may be held: one as
 * long as it takes, and one for everybody in turn, since there are answers that take a moment (a
 * relay has to get the picture first).
 */
const LONG = 50;
const TURN = 1;

/** Whether the one of this page is taken, where browsers have no locks (an insecure context). */
let taken = false;

/**
 * What the last request has told of the camera: it is not there, or it is and was serving somebody
 * else.
 *
 * @typedef {'nothing' | 'absent' | 'present'} Known
 */

/**
 * A place for a request, if one is free. Who has not asked yet may be answered at once; who waits for a
 * camera that is there has its turn soon.
 *
 * @param {string} url that is asked
 * @param {Known} known
 * @param {Environment} env
 * @returns {Promise<{ wait: number, leave: () => void }>} `wait` in seconds: 0 where there is none
 */
export async function place(url, known, env) {
  if (!env.locks) return placeOfPage(known);
  const { origin } = new URL(url);
  const long = await lock(env.locks, `sightline-held-long ${origin}`, true);
  if (long) return { wait: LONG, leave: long };
  const turn = known !== 'nothing' && await lock(env.locks, `sightline-held-turn ${origin}`, known === 'absent');
  return turn ? { wait: TURN, leave: turn } : { wait: 0, leave: () => {} };
}

/**
 * @param {LockManager} locks
 * @param {string} name
 * @param {boolean} ifAvailable
 * @returns {Promise<(() => void) | null>} what gives it back, or null when somebody has it
 */
function lock(locks, name, ifAvailable) {
  return new Promise((resolve) => {
    const request = locks.request(name, { ifAvailable }, (held) => {
      if (!held) return resolve(null);
      return new Promise((leave) => resolve(() => leave(undefined)));
    });
    // Pages that may keep nothing (an opaque origin) have no locks.
    request.catch(() => resolve(null));
  });
}

/** @param {Known} known */
function placeOfPage(known) {
  if (taken) return { wait: known === 'present' ? TURN : 0, leave: () => {} };
  taken = true;
  return { wait: TURN, leave: () => (taken = false) };
}
