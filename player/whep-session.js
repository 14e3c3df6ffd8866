// @ts-check
/** One WHEP exchange and its lifetime, from the POST to the DELETE. No DOM. */

import { browser } from './environment.js';
import { MediaWatch } from './media-watch.js';
import { Opening } from './opening.js';
import { Refusal, refusal } from './problem.js';
import { SessionResource } from './resource.js';
import { videoRejected } from './sdpfrag.js';
import { LocalCandidates, RemoteCandidates, gathered } from './trickle.js';

/** @typedef {import('./environment.js').Environment} Environment */
/** @typedef {import('./media-watch.js').Vitals} Vitals */

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
  /** @type {Record<string, string>} */
  #authorization;
  #env;
  #listener;
  /** @type {Opening | null} */
  #opening;
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
   * @param {string} [options.token] bearer token, for rooms that want one of viewers
   * @param {Opening | null} [options.opening] one that has begun already
   * @param {SessionListener} [options.listener]
   * @param {Environment} [options.env]
   */
  constructor({ endpoint, direct = true, token, opening = null, listener = {}, env = browser() }) {
    this.#endpoint = endpoint;
    this.#direct = direct;
    this.#authorization = token ? { Authorization: `Bearer ${token}` } : {};
    this.#opening = opening;
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
    const opening = this.#begin();
    if (!opening) return this.#finish('no-webrtc');
    const { response, offer, heldFor } = await opening.opened;
    this.#heldFor = heldFor;
    const resource = await this.#resourceOf(response, opening.signal);
    const sdp = await response.text();
    if (this.#ending) return;
    this.#path = response.status === 406 ? 'direct' : 'relay';
    this.#enter('connecting');
    const { pc } = opening;
    const { iceServers } = resource;
    // All the rest must stay as it is, bundlePolicy for one, or this throws.
    if (iceServers.length > 0) pc.setConfiguration({ ...pc.getConfiguration(), iceServers });
    if (this.#path === 'direct') await this.#acceptCounterOffer(pc, sdp, resource);
    else await this.#applyAnswer(pc, offer, sdp, resource);
  }

  /** @returns {Opening | null} null where there is no WebRTC */
  #begin() {
    if (!this.#env.RTCPeerConnection) return null;
    this.#opening ??= new Opening({
      endpoint: this.#endpoint,
      direct: this.#direct,
      authorization: this.#authorization,
      env: this.#env,
    });
    /** @type {MediaStreamTrack[]} */
    const tracks = [];
    this.#opening.pc.addEventListener('track', ({ track }) => {
      tracks.push(track);
      this.#listener.tracks?.([...tracks]);
    });
    return this.#opening;
  }

  /**
   * The session that a 201 with an answer or a 406 with a counter-offer made (WHEP draft section
   * 4.2.2, "Server Sends Counter-Offer").
   *
   * @param {Response} response
   * @param {AbortSignal} signal
   * @throws {Refusal} when it is neither
   */
  async #resourceOf(response, signal) {
    const withSdp = /^application\/sdp\b/i.test(response.headers.get('content-type') ?? '');
    if (!withSdp || (response.status !== 201 && response.status !== 406)) {
      throw await refusal(response, this.#env.now());
    }
    const context = { env: this.#env, endpoint: this.#endpoint, signal };
    const authorization = this.#authorization;
    this.#resource = new SessionResource(response, { ...context, authorization });
    return this.#resource;
  }

  /**
   * The camera's own offer came back: our answer to it makes a direct connection. Ours was never
   * set as a local description, so the same connection can take it, certificate and all.
   *
   * @param {RTCPeerConnection} pc
   * @param {string} sdp
   * @param {SessionResource} resource
   */
  async #acceptCounterOffer(pc, sdp, resource) {
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
    this.#opening?.close();
    this.#ended(this.#ending);
  }
}
