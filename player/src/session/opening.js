// @ts-check
/**
 * How a WHEP session begins: a connection, an offer, and the POST that carries it. It needs next
 * to nothing, so that a page can have its POST on the way while the rest still loads.
 */

import { browser } from './environment.js';
import { place } from './held.js';

/** @typedef {import('./environment.js').Environment} Environment */

/** How much longer than it may be held a POST may take, in seconds. */
const TRANSPORT = 10;

/**
 * What the server said, and to what; for how many milliseconds it had that, and whether it was allowed
 * to wait for a camera.
 *
 * @typedef {{ response: Response, offer: RTCSessionDescriptionInit, heldFor: number, mayHold: boolean }} Opened
 */

/**
 * A description that takes Opus in stereo: without a word from us browsers but Firefox play the sum
 * of both sides on each (RFC 7587 section 7.1).
 *
 * @param {string} sdp our own
 */
export function inStereo(sdp) {
  const types = [...sdp.matchAll(/^a=rtpmap:(\d+) opus\/48000\/2/gim)].map(([, type]) => type);
  return types.reduce((text, type) =>
    text.replace(new RegExp(`^(a=fmtp:${type} )(?!(?:.*;)?\\s*stereo=)`, 'm'), '$1stereo=1;'), sdp);
}

export class Opening {
  #endpoint;
  #headers;
  #prefer;
  #env;
  #abort = new AbortController();
  /** @type {RTCPeerConnection} */
  pc;
  /** Rejects when the server cannot be reached, or on `close()`. @type {Promise<Opened>} */
  opened;

  /**
   * @param {object} options
   * @param {string} options.endpoint absolute URL of `/whep/{room}`
   * @param {boolean} [options.direct] ask for media straight from the camera
   * @param {boolean} [options.strict] and for nothing else
   * @param {import('./held.js').Known} [options.known] of the camera
   * @param {Record<string, string>} [options.authorization]
   * @param {Environment} [options.env]
   * @throws {TypeError} where there is no WebRTC
   */
  constructor({ endpoint, direct = true, strict = false, known = 'nothing', authorization = {}, env = browser() }) {
    if (!env.RTCPeerConnection) throw new TypeError('this browser has no WebRTC');
    this.#endpoint = endpoint;
    this.#env = env;
    this.#headers = { ...authorization, 'Content-Type': 'application/sdp' };
    this.#prefer = (/** @type {number} */ wait) => `${direct ? 'direct, ' : ''}wait=${wait}${strict ? ', handling=strict' : ''}`;
    this.pc = new env.RTCPeerConnection({ bundlePolicy: 'max-bundle' });
    this.opened = this.#open(known);
    // It may fail before anybody looks.
    this.opened.catch(() => {});
  }

  /** Ends with the session: whatever belongs to it hangs on this. */
  get signal() {
    return this.#abort.signal;
  }

  /** Withdraws the POST, and closes the connection. */
  close() {
    this.#abort.abort();
    this.pc.close();
  }

  /**
   * @param {import('./held.js').Known} known of the camera
   * @returns {Promise<Opened>}
   */
  async #open(known) {
    for (const kind of ['video', 'audio']) this.pc.addTransceiver(kind, { direction: 'recvonly' });
    askForCaptureTime(this.pc);
    // No setLocalDescription yet: it would gather without the ICE servers that the answer brings,
    // and a counter-offer could not be applied to the same connection.
    const free = place(this.#endpoint, known, this.#env);
    const [{ type, sdp }, { wait, leave }] = await Promise.all([this.pc.createOffer(), free]);
    const offer = { type, sdp: inStereo(sdp ?? '') };
    const request = { method: 'POST', headers: { ...this.#headers, Prefer: this.#prefer(wait) }, body: offer.sdp };
    const askedAt = this.#env.now();
    let isOverdue = false;
    const overdue = this.#env.setTimeout(() => {
      isOverdue = true;
      this.#abort.abort();
    }, (wait + TRANSPORT) * 1000);
    try {
      const response = await this.#env.fetch(this.#endpoint, { ...request, signal: this.signal });
      return { response, offer, heldFor: this.#env.now() - askedAt, mayHold: wait > 0 };
    } catch (error) {
      // The line is dead.
      throw isOverdue ? new TypeError('no answer in time') : error;
    } finally {
      leave();
      this.#env.clearTimeout(overdue);
    }
  }
}

/**
 * Without it nobody knows how old a picture is. Chromium does not ask for it by itself, others cannot.
 *
 * @param {RTCPeerConnection} pc
 */
function askForCaptureTime(pc) {
  for (const transceiver of /** @type {any[]} */ (pc.getTransceivers?.() ?? [])) {
    const extensions = transceiver.getHeaderExtensionsToNegotiate?.() ?? [];
    for (const each of extensions) if (each.uri.endsWith('/abs-capture-time')) each.direction = 'sendrecv';
    if (extensions.length > 0) transceiver.setHeaderExtensionsToNegotiate(extensions);
  }
}
