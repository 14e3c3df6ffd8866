// @ts-check
/** A bearer token as its bearer may look at it: what could be wrong with it. */

import { readJwt } from './jwt.js';

/**
 * There is none; its time is over; it names another room; or what is wrong only the gateway can
 * tell.
 *
 * @typedef {'none' | 'expired' | 'elsewhere' | 'unknown'} TicketFault
 */

/**
 * What a refused token suffers from, as far as it can be read: a configured one says nothing.
 *
 * @param {string | undefined} token
 * @param {string} room
 * @param {number} now milliseconds since the epoch
 * @returns {TicketFault}
 */
export function ticketFault(token, room, now) {
  if (token === undefined) return 'none';
  const { sub, exp } = readJwt(token)?.claims ?? {};
  // Other issuers name rooms in their own way; our tickets name the one.
  if (typeof sub === 'string' && /^[0-9a-f]{64}$/.test(sub) && sub !== room) return 'elsewhere';
  return typeof exp === 'number' && exp <= now / 1000 ? 'expired' : 'unknown';
}
