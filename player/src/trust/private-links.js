// @ts-check
/**
 * The secrets of private links (design section 6), each derived from one of the camera's and the
 * link's expiry, so that the camera knows a link of its own without having written it down.
 */

import { kept } from './browser-store.js';
import { base64url } from './jwt.js';

export class PrivateLinks {
  #key;

  /** @param {CryptoKey} key for HKDF */
  constructor(key) {
    this.#key = key;
  }

  /**
   * @param {Uint8Array<ArrayBuffer>} seed of the camera
   */
  static async of(seed) {
    return new PrivateLinks(await hkdfKey(seed));
  }

  /**
   * Those of this browser's camera. Browsers do not tell the seed of an Ed25519 key that they
   * keep, so that these come from a secret of their own, as well kept: only the camera that
   * checks them has to know it.
   */
  static async ofThisBrowser() {
    const fresh = () => hkdfKey(crypto.getRandomValues(new Uint8Array(32)));
    return new PrivateLinks(await kept('private-links', fresh));
  }

  /**
   * @param {number} expiry in seconds since 1970; 0 for never
   * @returns {Promise<Uint8Array<ArrayBuffer>>} 32 bytes
   */
  async mac(expiry) {
    const info = Uint8Array.from(new TextEncoder().encode(`sightline private link:${expiry}`));
    const how = { name: 'HKDF', hash: 'SHA-256', salt: new Uint8Array(), info };
    return new Uint8Array(await crypto.subtle.deriveBits(how, this.#key, 256));
  }

  /**
   * @param {number} expiry as of `mac`
   * @returns {Promise<import('./fragment.js').Secret>}
   */
  async secret(expiry) {
    return { expiry, mac: base64url(await this.mac(expiry)) };
  }
}

/** @param {Uint8Array<ArrayBuffer>} seed */
const hkdfKey = (seed) => crypto.subtle.importKey('raw', seed, 'HKDF', false, ['deriveBits']);
