// @ts-check
/** One WHEP exchange and its lifetime, from the POST to the DELETE. No DOM. */

import { browser } from './environment.js';
import { MediaWatch } from './media-watch.js';
import { Refusal, refusal } from './problem.js';
import { SessionResource } from './resource.js';
import { videoRejected } from './sdp.js';
import { LocalCandidates, RemoteCandidates, gathered } from './trickle.js';

/** @typedef {import('./environment.js').Environment} Environment */
/** @typedef {import('./vitals.js').Vitals} Vitals */

/**
 * How far a session has come: the POST is out, media is being connected, the picture moves.
 *
 * @typedef {'asking' | 'connecting' | 'live'} Phase
 */

/**
 * Why a session ended, and whether its picture had ever moved.
 *
 * @typedef {{ live: boolean, heldFor: number } & (
 *   | { why: 'closed' | 'unreachable' | 'camera-gone' | 'told-to-reconnect' | 'offer-spent'
 *     | 'no-path' | 'media-lost' | 'no-webrtc' | 'no-codec' }
 *   | { why: 'refused', refusal: Refusal })} Ending
 */

/**
 * What a session tells while it lasts.
 *
 * @typedef {object} SessionListener
 * @property {(phase: Phase, path: 'direct' | 'relay') => void} [phase]
 * @property {(tracks: MediaStreamTrack[]) => void} [tracks] all that came so far
 * @property {(vitals: Vitals) => void} [vitals]
 * @property {(count: number) => void} [viewers]
 */

/** Names of the events that a viewer understands (WHEP draft section 4.5, and ours). */
const EVENTS = ['active', 'inactive', 'viewercount', 'reconnect', 'candidates'];

/** How long an answer waits for candidates to travel with it, in milliseconds. */
const GATHER = 60;

export class WhepSession {
  #endpoint;
  #direct;
  #wait;
  /** @type {Record<string, string>} */
  #authorization;
  #env;
  #listener;
  #abort = new AbortController();
  /** @type {RTCPeerConnection | null} */
  #pc = null;
  /** @type {SessionResource | null} */
  #resource = null;
  /** @type {RemoteCandidates | null} */
  #remote = null;
  /** @type {Phase} */
  #phase = 'asking';
  /** @type {'direct' | 'relay'} */
  #path = 'direct';
  /** @type {MediaWatch | null} */
  #media = null;
  #heldFor = 0;
  /** @type {Ending | null} */
  #ending = null;
  /** @type {(ending: Ending) => void} */
  #ended = () => {};

  /**
   * @param {object} options
   * @param {string} options.endpoint absolute URL of `/whep/{room}`
   * @param {boolean} [options.direct] ask for media straight from the camera
   * @param {number} [options.wait] seconds we are willing to have the POST held
   * @param {string} [options.token] bearer token, for rooms that want one of viewers
   * @param {SessionListener} [options.listener]
   * @param {Environment} [options.env]
   */
  constructor({ endpoint, direct = true, wait = 50, token, listener = {}, env = browser() }) {
    this.#endpoint = endpoint;
    this.#direct = direct;
    this.#wait = wait;
    this.#authorization = token ? { Authorization: `Bearer ${token}` } : {};
    this.#listener = listener;
    this.#env = env;
  }

  /**
   * Runs the session to its end, whatever that is: it never rejects. To be called once.
   *
   * @returns {Promise<Ending>}
   */
  run() {
    return new Promise((resolve) => {
      this.#ended = resolve;
      this.#exchange().catch((error) => this.#fail(error));
    });
  }

  /** Ends the session and tells the server, also while the page is going away. */
  close() {
    this.#finish('closed');
  }

  async #exchange() {
    if (!this.#env.RTCPeerConnection) return this.#finish('no-webrtc');
    const pc = this.#connection([]);
    for (const kind of ['video', 'audio']) pc.addTransceiver(kind, { direction: 'recvonly' });
    // No setLocalDescription yet: it would gather without the ICE servers that the answer brings,
    // and for nothing when a counter-offer comes back.
    const offer = await pc.createOffer();
    const response = await this.#post(offer.sdp ?? '');
    const resource = new SessionResource(response, {
      env: this.#env,
      endpoint: this.#endpoint,
      signal: this.#abort.signal,
      authorization: this.#authorization,
    });
    this.#resource = resource;
    const sdp = await response.text();
    if (this.#ending) return;
    this.#path = response.status === 406 ? 'direct' : 'relay';
    this.#enter('connecting');
    if (this.#path === 'direct') await this.#acceptCounterOffer(sdp, resource);
    else await this.#applyAnswer(pc, offer, sdp, resource);
  }

  /**
   * @param {string} sdp our offer
   * @returns {Promise<Response>} a 201 with an answer or a 406 with a counter-offer
   */
  async #post(sdp) {
    const prefer = this.#direct ? `direct, wait=${this.#wait}` : `wait=${this.#wait}`;
    const type = 'application/sdp';
    const headers = { ...this.#authorization, 'Content-Type': type, Prefer: prefer };
    const request = { method: 'POST', headers, body: sdp, signal: this.#abort.signal };
    const askedAt = this.#env.now();
    try {
      const response = await this.#env.fetch(this.#endpoint, request);
      const withSdp = /^application\/sdp\b/i.test(response.headers.get('content-type') ?? '');
      if (response.status === 201 && withSdp) return response;
      // WHEP draft section 4.2.2, "Server Sends Counter-Offer".
      if (response.status === 406 && withSdp) return response;
      throw await refusal(response, this.#env.now());
    } finally {
      this.#heldFor = this.#env.now() - askedAt;
    }
  }

  /**
   * The camera's own offer came back: our answer to it makes a direct connection.
   *
   * @param {string} sdp
   * @param {SessionResource} resource
   */
  async #acceptCounterOffer(sdp, resource) {
    this.#pc?.close();
    const pc = this.#connection(resource.iceServers);
    const local = this.#open(pc, resource);
    await pc.setRemoteDescription({ type: 'offer', sdp });
    this.#remote?.start();
    const answer = await pc.createAnswer();
    if (videoRejected(answer.sdp ?? '')) return this.#finish('no-codec');
    await pc.setLocalDescription(answer);
    await gathered(pc, GATHER, this.#env);
    if (this.#ending) return;
    const sent = pc.localDescription?.sdp ?? '';
    await resource.answer(sent);
    local.start(resource, sent);
  }

  /**
   * The server answered: it is a relay, or a standard WHEP server.
   *
   * @param {RTCPeerConnection} pc
   * @param {RTCSessionDescriptionInit} offer
   * @param {string} sdp
   * @param {SessionResource} resource
   */
  async #applyAnswer(pc, offer, sdp, resource) {
    if (videoRejected(sdp)) return this.#finish('no-codec');
    if (resource.iceServers.length > 0) pc.setConfiguration({ iceServers: resource.iceServers });
    const local = this.#open(pc, resource);
    await pc.setLocalDescription(offer);
    await pc.setRemoteDescription({ type: 'answer', sdp });
    this.#remote?.start();
    local.start(resource, offer.sdp ?? '');
  }

  /**
   * From here on both sides' candidates find their way, and media is expected.
   *
   * @param {RTCPeerConnection} pc
   * @param {SessionResource} resource
   */
  #open(pc, resource) {
    this.#remote = new RemoteCandidates(pc);
    const local = new LocalCandidates(pc, this.#env);
    this.#media = new MediaWatch(pc, this.#env, {
      live: () => this.#enter('live'),
      vitals: (vitals) => this.#listener.vitals?.(vitals),
      lost: (why) => this.#finish(why),
    });
    void resource.listen(EVENTS, (name, data) => this.#receive(name, data));
    return local;
  }

  /** @param {RTCIceServer[]} iceServers */
  #connection(iceServers) {
    const RTCPeerConnection = /** @type {typeof globalThis.RTCPeerConnection} */ (
      this.#env.RTCPeerConnection);
    const pc = new RTCPeerConnection({ iceServers, bundlePolicy: 'max-bundle' });
    this.#pc = pc;
    /** @type {MediaStreamTrack[]} */
    const tracks = [];
    pc.addEventListener('track', ({ track }) => {
      tracks.push(track);
      this.#listener.tracks?.([...tracks]);
    });
    return pc;
  }

  /**
   * @param {string} name
   * @param {any} data
   */
  #receive(name, data) {
    if (this.#ending) return;
    if (name === 'candidates') this.#remote?.receive(data.candidates);
    else if (name === 'inactive') this.#finish('camera-gone');
    else if (name === 'reconnect') this.#finish('told-to-reconnect');
    else if (name === 'viewercount' && Number.isSafeInteger(data.viewercount)) {
      this.#listener.viewers?.(data.viewercount);
    }
  }

  /** @param {unknown} error */
  #fail(error) {
    if (this.#ending) return;
    if (error instanceof TypeError) return this.#finish('unreachable');
    if (error instanceof Refusal && !this.#resource) return this.#finish('refused', error);
    // After the 406 a refusal means that the offer is worth nothing any more: ask for another.
    if (error instanceof Refusal) return this.#finish('offer-spent');
    this.#finish(this.#resource ? 'no-path' : 'no-webrtc');
  }

  /** @param {Phase} phase */
  #enter(phase) {
    if (this.#ending) return;
    this.#phase = phase;
    this.#listener.phase?.(phase, this.#path);
  }

  /**
   * @param {Ending['why']} why
   * @param {Refusal} [refused]
   */
  #finish(why, refused) {
    if (this.#ending) return;
    const ending = { why, live: this.#phase === 'live', heldFor: this.#heldFor, refusal: refused };
    this.#ending = /** @type {Ending} */ (ending);
    this.#media?.close();
    this.#resource?.delete();
    this.#abort.abort();
    this.#pc?.close();
    this.#ended(this.#ending);
  }
}
