// @ts-check
/** Who may watch the camera that this browser is, and how it proves what it is. */

import { secretText } from './fragment.js';
import { judgeViewer } from './proof.js';

/**
 * In a room that is a key: whoever has the link, who has a ticket besides, or who has a private
 * link, which is checked here and not by the gateway.
 *
 * @typedef {'link' | 'ticket' | 'private'} Audience
 */

/** A room with a name: everybody may, and nothing can be proved. */
export class OpenAccess {
  #token;
  /** Whether the relay is to get the picture under no circumstances. */
  isPrivate = false;

  /** @param {string | null} [token] that the gateway wants of who publishes in this room */
  constructor(token = null) {
    this.#token = token;
  }

  /** Whether links can expire. */
  get expires() {
    return false;
  }

  /** @returns {Promise<Record<string, string>>} headers for one request to publish */
  async authorization() {
    return this.#token === null ? {} : { Authorization: `Bearer ${this.#token}` };
  }

  /**
   * @param {string} offer
   * @returns {Promise<string>} the offer as it is sent
   */
  async prove(offer) {
    return offer;
  }

  /**
   * @param {string} _answer
   * @returns {Promise<number>} for how long that viewer may watch, in milliseconds: 0 for not at
   *   all, `Infinity` where nothing ends it
   */
  async admits(_answer) {
    return Infinity;
  }

  /**
   * What a link for viewers carries behind its `#`.
   *
   * @param {number} _lifetime in seconds; 0 for ever
   * @returns {Promise<string>} with its `#`, or empty
   */
  async fragment(_lifetime) {
    return '';
  }
}

/** A room that is a key of this browser. */
export class KeyAccess extends OpenAccess {
  #key;
  #audience;
  #gateway;
  #links;
  #now;

  /**
   * @param {import('./room-key.js').RoomKey} key
   * @param {object} terms
   * @param {Audience} terms.audience
   * @param {string} terms.gateway host and port as it is addressed, lower case
   * @param {import('./private-links.js').PrivateLinks} terms.links
   * @param {() => number} [now] milliseconds since the epoch
   */
  constructor(key, { audience, gateway, links }, now = Date.now) {
    super();
    this.#key = key;
    this.#audience = audience;
    this.#gateway = gateway;
    this.#links = links;
    this.#now = now;
    this.isPrivate = audience === 'private';
  }

  /** @override */
  get expires() {
    return this.#audience !== 'link';
  }

  /** @override */
  async authorization() {
    const tickets = this.#audience === 'ticket';
    const token = await this.#key.token(this.#gateway, this.#now(), { tickets });
    return { Authorization: `Bearer ${token}` };
  }

  /**
   * @override
   * @param {string} offer
   */
  async prove(offer) {
    return this.#key.prove(offer, this.#now());
  }

  /**
   * @override
   * @param {string} answer
   */
  async admits(answer) {
    if (!this.isPrivate) return Infinity;
    const macOf = (/** @type {number} */ expiry) => this.#links.mac(expiry);
    const { verdict, ends } = await judgeViewer(answer, this.#key.room, macOf, this.#now());
    return verdict === 'good' ? ends * 1000 - this.#now() : 0;
  }

  /**
   * @override
   * @param {number} lifetime
   */
  async fragment(lifetime) {
    if (this.#audience === 'link') return '';
    if (this.#audience === 'ticket') {
      return `#token=${await this.#key.ticket(this.#gateway, this.#now(), lifetime)}`;
    }
    const expiry = lifetime === 0 ? 0 : Math.floor(this.#now() / 1000) + lifetime;
    return `#${secretText(await this.#links.secret(expiry))}`;
  }
}
