// @ts-check
/** A room that is a key (design section 6): made once, kept by this browser, never readable. */

import { kept } from './browser-store.js';
import { sign } from './jwt.js';
import { proveCamera } from './proof.js';

/** Seconds a publish token is valid: one is minted for each request. */
const TOKEN_LIFETIME = 60;

/** @param {Uint8Array} bytes */
export const hex = (bytes) => [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('');

/** Ed25519 key pair whose public half names a room. */
export class RoomKey {
  #pair;
  /** The room id: the public key in lower-case hex. */
  room;

  /**
   * @param {CryptoKeyPair} pair
   * @param {string} room
   */
  constructor(pair, room) {
    this.#pair = pair;
    this.room = room;
  }

  /** A fresh key. The private half cannot be exported, not even by this page. */
  static async generate() {
    return RoomKey.#from(await pair());
  }

  /** This browser's key: the stored one, or a fresh one that is stored. */
  static async ofThisBrowser() {
    return RoomKey.#from(await kept('room', pair));
  }

  /**
   * A token that permits one publish request: a JWT of RFC 8037.
   *
   * @param {string} audience host and port of the gateway as it is addressed, lower case
   * @param {number} now milliseconds since the epoch
   * @param {{ tickets?: boolean }} [more] whether the room admits only viewers with a ticket
   */
  token(audience, now, { tickets = false } = {}) {
    const view = tickets ? { view: 'ticket' } : {};
    return this.#permit({ scope: 'publish', aud: audience, ...view }, now, TOKEN_LIFETIME);
  }

  /**
   * A ticket: it lets its bearer watch.
   *
   * @param {string} audience as of `token`
   * @param {number} now milliseconds since the epoch
   * @param {number} lifetime in seconds
   */
  ticket(audience, now, lifetime) {
    return this.#permit({ scope: 'view', aud: audience }, now, lifetime);
  }

  /**
   * An offer with the proof that it is this room's camera's.
   *
   * @param {string} sdp
   * @param {number} now milliseconds since the epoch
   */
  prove(sdp, now) {
    return proveCamera(sdp, this.room, this.#pair.privateKey, now);
  }

  /**
   * @param {object} claims what is permitted, and where
   * @param {number} now
   * @param {number} lifetime
   */
  #permit(claims, now, lifetime) {
    const iat = Math.floor(now / 1000);
    return sign('EdDSA', { sub: this.room, ...claims, iat, exp: iat + lifetime }, this.#pair.privateKey);
  }

  /** @param {CryptoKeyPair} pair */
  static async #from(pair) {
    const raw = await crypto.subtle.exportKey('raw', pair.publicKey);
    return new RoomKey(pair, hex(new Uint8Array(raw)));
  }
}

/** @returns {Promise<CryptoKeyPair>} */
async function pair() {
  const made = await crypto.subtle.generateKey({ name: 'Ed25519' }, false, ['sign', 'verify']);
  return /** @type {CryptoKeyPair} */ (made);
}
