// @ts-check
/** What is said of the cameras that were seen on this device. */

import { lately, translate } from './language.js';

/**
 * The camera is there or not; the server does not tell this link; it does not answer; the link's time is
 * over.
 *
 * @typedef {'on' | 'off' | 'unknown' | 'unreachable' | 'expired'} Presence
 */

/** @type {Record<Presence, string>} */
export const PRESENCE = {
  on: 'Online',
  off: 'Off',
  unknown: 'Asks for a ticket',
  unreachable: 'Server unreachable',
  expired: 'Link expired',
};

export const SEEN = {
  /** When a camera was seen last, in milliseconds since 1970. */
  at: (/** @type {number} */ at, /** @type {number} */ now) => `seen ${lately(at, now)}`,
  forget: (/** @type {string} */ name) => `Forget ${name}`,
  forgotten: (/** @type {string} */ name) => `${name} is forgotten.`,
  allForgotten: 'All are forgotten.',
  none: 'Cameras that you have watched will be here, with their last picture.',
  off: 'Nothing is kept on this device.',
};

translate({ PRESENCE, SEEN }, { de: () => import('./de/seen-words.js') });
