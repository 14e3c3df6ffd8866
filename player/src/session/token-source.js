// @ts-check
/** The bearer token of a viewer's requests: one that was given, or whatever a page's own function says. */

import { signatures } from '../trust/trust.js';

/** @typedef {import('./terms.js').Ending} Ending */
/** @typedef {import('../trust/ticket.js').TicketFault} TicketFault */

/**
 * Gives the token for the next session; `refused` when the server has just refused the last one.
 * Null for none.
 *
 * @typedef {(request: { endpoint: string, refused: boolean }) =>
 *   string | null | undefined | Promise<string | null | undefined>} TokenProvider
 */

export class TokenSource {
  /** @type {string | undefined} */
  #token;
  #provider;
  #refused = false;

  /**
   * @param {string | undefined} token
   * @param {TokenProvider | null} provider
   */
  constructor(token, provider) {
    this.#token = token;
    this.#provider = provider;
  }

  /**
   * The token for the next session.
   *
   * @param {string} endpoint
   */
  async next(endpoint) {
    if (!this.#provider) return this.#token;
    try {
      this.#token = (await this.#provider({ endpoint, refused: this.#refused })) ?? undefined;
    } catch (error) {
      // The page's own fault is the page's to see; whether it takes a token the server says.
      this.#token = undefined;
      console.error(error);
    }
    return this.#token;
  }

  /**
   * Whether it is worth asking for another token and trying again at once: one refusal may be one of
   * a token that has expired, the second is final.
   *
   * @param {Ending} ending of the last session
   */
  renews(ending) {
    if (!this.#provider) return false;
    const before = this.#refused;
    this.#refused = isUnpermitted(ending);
    return this.#refused && !before;
  }

  /**
   * What a refused token suffers from.
   *
   * @param {Ending} ending of the last session
   * @param {string} room
   * @param {number} now milliseconds since the epoch
   * @returns {Promise<TicketFault>}
   */
  async fault(ending, room, now) {
    if (this.#token === undefined || !isUnpermitted(ending)) return 'none';
    // Without it we know less, and that is all.
    const read = await signatures().catch(() => null);
    return read ? read.ticketFault(this.#token, room, now) : 'unknown';
  }
}

/** @param {Ending} ending */
const isUnpermitted = (ending) =>
  ending.why === 'refused' && [401, 403].includes(ending.refusal.status);
