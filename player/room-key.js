// @ts-check
/** A room that is a key (design section 6): made once, kept by this browser, never readable. */

const DATABASE = 'sightline';
const STORE = 'keys';
const ENTRY = 'room';

/** Seconds a publish token is valid: one is minted for each request. */
const TOKEN_LIFETIME = 60;

/** @param {Uint8Array} bytes */
export const hex = (bytes) => [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('');

/** @param {Uint8Array} bytes */
export const base64url = (bytes) =>
  btoa(String.fromCharCode(...bytes)).replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '');

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
    const pair = await crypto.subtle.generateKey({ name: 'Ed25519' }, false, ['sign', 'verify']);
    return RoomKey.#from(/** @type {CryptoKeyPair} */ (pair));
  }

  /** This browser's key: the stored one, or a fresh one that is stored. */
  static async ofThisBrowser() {
    const database = await open();
    try {
      const stored = await settled(database.transaction(STORE).objectStore(STORE).get(ENTRY));
      if (stored) return await RoomKey.#from(stored);
      const key = await RoomKey.generate();
      const store = database.transaction(STORE, 'readwrite').objectStore(STORE);
      await settled(store.put(key.#pair, ENTRY));
      return key;
    } finally {
      database.close();
    }
  }

  /**
   * A token that permits one publish request: a JWT of RFC 8037.
   *
   * @param {string} audience host and port of the gateway as it is addressed, lower case
   * @param {number} now milliseconds since the epoch
   */
  async token(audience, now) {
    const iat = Math.floor(now / 1000);
    const claims = { sub: this.room, scope: 'publish', aud: audience, iat, exp: iat + TOKEN_LIFETIME };
    const encode = (/** @type {object} */ part) =>
      base64url(new TextEncoder().encode(JSON.stringify(part)));
    const signed = `${encode({ alg: 'EdDSA', typ: 'JWT' })}.${encode(claims)}`;
    const bytes = new TextEncoder().encode(signed);
    const signature = await crypto.subtle.sign('Ed25519', this.#pair.privateKey, bytes);
    return `${signed}.${base64url(new Uint8Array(signature))}`;
  }

  /** @param {CryptoKeyPair} pair */
  static async #from(pair) {
    const raw = await crypto.subtle.exportKey('raw', pair.publicKey);
    return new RoomKey(pair, hex(new Uint8Array(raw)));
  }
}

/** @returns {Promise<IDBDatabase>} */
function open() {
  const request = indexedDB.open(DATABASE, 1);
  request.onupgradeneeded = () => request.result.createObjectStore(STORE);
  return settled(request);
}

/**
 * @template T
 * @param {IDBRequest<T>} request
 * @returns {Promise<T>}
 */
function settled(request) {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}
