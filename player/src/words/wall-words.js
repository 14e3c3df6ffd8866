// @ts-check
/** What the wall says. */

export const WALL = Object.freeze({
  live: 'Live',
  connecting: 'Connecting',
  count: (/** @type {number} */ live, /** @type {number} */ all) => `${live} of ${all} live`,
});
