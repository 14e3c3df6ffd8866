// @ts-check
/** Who may be at the other end, by the link: nothing is played that it does not allow. */

import { isExpired } from './fragment.js';
import { isRoomKey } from './room.js';

/** @typedef {typeof import('./signatures.js')} Signatures */

/**
 * What holds for a picture: it comes from the camera whose key the room is, seen by nobody in
 * between (in private mode the camera knows as much of us); or straight from whoever answered;
 * or from that camera for all we can tell here (`unchecked`), which a wrong clock also makes of
 * it (`stale`); or by way of the gateway.
 *
 * @typedef {'private' | 'verified' | 'unverified' | 'unchecked' | 'stale' | 'relayed'} Trust
 */

/**
 * Why there is no picture: somebody else answered; and in private mode also, nobody said who
 * they are, it cannot be told here, or the gateway offered to be in between.
 *
 * @typedef {'impostor' | 'unproven' | 'insecure' | 'unsupported' | 'clock' | 'exposed' | 'expired'}
 *   Distrust
 */

/** The other end is not who it has to be. */
export class Distrusted extends Error {
  /** @type {Distrust} */
  distrust;

  /** @param {Distrust} distrust */
  constructor(distrust) {
    super(distrust);
    this.name = 'Distrusted';
    this.distrust = distrust;
  }
}

/** What a camera's proof makes of its picture in a private link, where it has to be good. */
const PRIVATELY = /** @type {const} */ ({
  bad: 'impostor', missing: 'unproven', stale: 'clock', insecure: 'insecure', unsupported: 'unsupported',
});

/** What it makes of one elsewhere. */
const OPENLY = /** @type {const} */ ({
  good: 'verified', missing: 'unverified', stale: 'stale', insecure: 'unchecked', unsupported: 'unchecked',
});

/** What is signed is a module of its own: most pages that embed the element have no use for it. */
export const signatures = () => import('./signatures.js');

/** What a link demands. */
export class Demands {
  #room;
  #secret;
  #now;
  /** @type {Promise<Signatures> | null} on its way since the link was known to need it */
  #signatures = null;

  /**
   * @param {object} link
   * @param {string} link.room the room of the link, wherever servers may send us
   * @param {import('./fragment.js').Secret | null} [link.secret] of a private one
   * @param {() => number} now milliseconds since the epoch
   */
  constructor({ room, secret = null }, now) {
    this.#room = room;
    this.#secret = secret;
    this.#now = now;
    if (secret || isRoomKey(room)) this.#load().catch(() => {});
  }

  /** @throws {TypeError} where it cannot be fetched: nothing is played that nobody has looked at */
  #load() {
    this.#signatures ??= signatures().catch((error) => {
      // The next session asks again.
      this.#signatures = null;
      throw error;
    });
    return this.#signatures;
  }

  /** Only the camera may know that we watch, and what. */
  get isPrivate() {
    return this.#secret !== null;
  }

  /**
   * Before anything is asked for.
   *
   * @throws {Distrusted}
   */
  begin() {
    if (this.#secret && isExpired(this.#secret, this.#now())) throw new Distrusted('expired');
  }

  /**
   * A camera's offer, before it is used.
   *
   * @param {string} sdp
   * @returns {Promise<Trust>}
   * @throws {Distrusted}
   * @throws {TypeError} where what judges it cannot be fetched
   */
  async judge(sdp) {
    const verdict = await this.#verdict(sdp);
    if (verdict === 'bad') throw new Distrusted('impostor');
    if (!this.isPrivate) return OPENLY[verdict];
    if (verdict !== 'good') throw new Distrusted(PRIVATELY[verdict]);
    return 'private';
  }

  /**
   * What the camera's owner calls it. In a room that is a key only what that key has signed counts;
   * any other takes the word of whoever publishes there.
   *
   * @param {string} sdp the camera's offer
   * @param {Trust} trust what `judge` made of it
   * @returns {Promise<string | null>}
   */
  async nameIn(sdp, trust) {
    if (trust === 'verified' || trust === 'private') return (await this.#load()).signedName(sdp);
    if (isRoomKey(this.#room) || trust === 'relayed') return null;
    // RFC 8866 section 5.3: no name is a dash. Most have none.
    if (/^s=[- ]?\r?$/m.test(sdp)) return null;
    const named = await import('./name.js').catch(() => null);
    return named && named.sessionName(sdp);
  }

  /**
   * @param {string} sdp
   * @returns {Promise<import('./proof.js').Verdict>}
   */
  async #verdict(sdp) {
    // A name proves nothing.
    if (!isRoomKey(this.#room)) return 'missing';
    const { judgeCamera } = await this.#load();
    return judgeCamera(sdp, this.#room, this.#now());
  }

  /**
   * The server wants to be the other end.
   *
   * @returns {Trust}
   * @throws {Distrusted}
   */
  relayed() {
    if (this.isPrivate) throw new Distrusted('exposed');
    return 'relayed';
  }

  /**
   * Our answer to a camera, as the link has it.
   *
   * @param {string} sdp
   * @returns {Promise<string>}
   */
  async answer(sdp) {
    if (!this.#secret) return sdp;
    const { proveViewer } = await this.#load();
    return proveViewer(sdp, this.#room, this.#secret, this.#now());
  }
}

/**
 * The room that an endpoint is of.
 *
 * @param {string} endpoint absolute URL of `/whep/{room}`
 */
export const roomOf = (endpoint) => new URL(endpoint).pathname.split('/').at(-1) ?? '';
