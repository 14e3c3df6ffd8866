// @ts-check
/** One WHEP exchange and its lifetime, from the POST to the DELETE. No DOM. */

import { browser } from './environment.js';
import { MediaWatch } from './media-watch.js';
import { Negotiation, NoCodec } from './negotiation.js';
import { Opening } from './opening.js';
import { Refusal, refusal } from './problem.js';
import { SessionResource } from './resource.js';
import { hasSoundOnly } from './sdpfrag.js';
import { Demands, Distrusted, roomOf } from '../trust/trust.js';
import { parseUrl } from '../trust/url.js';
import { LocalCandidates, RemoteCandidates } from './trickle.js';

/** @typedef {import('./environment.js').Environment} Environment */
/** @typedef {import('./vitals.js').Vitals} Vitals */
/** @typedef {import('./terms.js').Phase} Phase */
/** @typedef {import('./terms.js').Path} Path */
/** @typedef {import('./terms.js').Ending} Ending */
/** @typedef {import('./terms.js').SessionListener} SessionListener */

/** How long the reason for an ending may take, in milliseconds: what finds it is fetched then. */
const DIAGNOSIS = 1000;

/** Names of the events that a viewer understands (WHEP draft section 4.5, and ours). */
const EVENTS = ['active', 'inactive', 'viewercount', 'reconnect', 'candidates', 'layers', 'problem'];

export class WhepSession {
  #endpoint;
  #direct;
  /** @type {Record<string, string>} */
  #authorization;
  #env;
  #listener;
  /** @type {Opening | null} */
  #opening;
  /** @type {Demands} */
  #demands;
  /** @type {SessionResource | null} */
  #resource = null;
  /** @type {RemoteCandidates | null} */
  #remote = null;
  /** @type {Negotiation | null} */
  #negotiation = null;
  /** @type {RTCPeerConnection | null} */
  #pc = null;
  /** What STUN and TURN servers had against us. @type {number[]} */
  #iceErrors = [];
  /** @type {Phase} */
  #phase = 'asking';
  /** @type {Path} */
  #path = 'direct';
  /** @type {MediaWatch | null} */
  #media = null;
  #wasLive = false;
  #isAway = false;
  /** @type {import('./held.js').Known} */
  #known;
  #wary;
  #mending = false;
  #heldFor = 0;
  #mayHold = true;
  /** @type {Ending | null} */
  #ending = null;
  /** @type {(ending: Ending) => void} */
  #ended = () => {};

  /**
   * @param {object} options
   * @param {string} options.endpoint absolute URL of `/whep/{room}`
   * @param {boolean} [options.direct] ask for media straight from the camera
   * @param {string} [options.token] bearer token, for rooms that want one of viewers
   * @param {Demands} [options.demands] of the link, on who may be at the other end
   * @param {Opening | null} [options.opening] one that has begun already
   * @param {import('./held.js').Known} [options.known] of the camera
   * @param {boolean} [options.wary] the last session had a burst of frames and no more: for this
   *   one to be live they have to go on
   * @param {SessionListener} [options.listener]
   * @param {Environment} [options.env]
   */
  constructor({
    endpoint, direct = true, token, demands, opening = null, known = 'nothing', wary = false, listener = {}, env = browser(),
  }) {
    this.#known = known;
    this.#wary = wary;
    this.#endpoint = endpoint;
    this.#direct = direct;
    this.#authorization = token ? { Authorization: `Bearer ${token}` } : {};
    this.#opening = opening;
    this.#listener = listener;
    this.#env = env;
    this.#demands = demands ?? new Demands({ room: roomOf(endpoint) }, env.now);
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

  /** What was on its way by the last network never arrives, and a relay may be reached by another. */
  networkChanged() {
    if (!this.#resource) this.#finish('unreachable');
    else if (this.#path === 'relay') void this.#mend();
  }

  /**
   * Chooses a video layer.
   *
   * @param {import('./layers.js').Selection} selection
   * @returns {Promise<boolean>} whether the server agreed
   */
  async select(selection) {
    if (!this.#resource?.hasChoice) return false;
    return this.#resource.select(selection).catch(() => false);
  }

  async #exchange() {
    this.#demands.begin();
    const opening = this.#begin();
    if (!opening) return this.#finish('no-webrtc');
    const { response, offer, heldFor, mayHold } = await opening.opened;
    this.#heldFor = heldFor;
    this.#mayHold = mayHold;
    const resource = await this.#resourceOf(response, opening.signal);
    const sdp = await response.text();
    if (this.#ending) return;
    this.#path = response.status === 406 ? 'direct' : 'relay';
    const trust = this.#path === 'direct' ? await this.#demands.judge(sdp) : this.#demands.relayed();
    const name = await this.#demands.nameIn(sdp, trust);
    if (this.#ending) return;
    this.#listener.trust?.(trust, name);
    this.#enter('connecting');
    const { pc } = opening;
    this.#pc = pc;
    pc.addEventListener('icecandidateerror', ({ errorCode }) => {
      if (this.#iceErrors.length < 20) this.#iceErrors.push(errorCode);
    });
    const { iceServers } = resource;
    // All the rest must stay as it is, bundlePolicy for one, or this throws.
    if (iceServers.length > 0) pc.setConfiguration({ ...pc.getConfiguration(), iceServers });
    const negotiation = this.#open(opening, resource);
    const sign = (/** @type {string} */ answer) => this.#demands.answer(answer);
    if (this.#path === 'direct') await negotiation.acceptCounterOffer(sdp, sign);
    else {
      if (hasSoundOnly(sdp)) this.#listener.soundOnly?.();
      await negotiation.applyAnswer(offer, sdp);
    }
  }

  /** @returns {Opening | null} null where there is no WebRTC */
  #begin() {
    if (!this.#env.RTCPeerConnection) return null;
    this.#opening ??= new Opening({
      endpoint: this.#endpoint,
      direct: this.#direct || this.#demands.isPrivate,
      strict: this.#demands.isPrivate,
      known: this.#known,
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
   * From here on both sides' candidates find their way, and media is expected.
   *
   * @param {Opening} opening
   * @param {SessionResource} resource
   */
  #open(opening, resource) {
    const { pc } = opening;
    const local = new LocalCandidates(pc, this.#env);
    const remote = new RemoteCandidates(pc);
    this.#remote = remote;
    this.#negotiation = new Negotiation(opening, resource, { local, remote }, this.#env);
    const listener = {
      live: () => this.#enter('live'),
      still: () => this.#enter(this.#isAway ? 'away' : 'still'),
      vitals: (/** @type {Vitals} */ vitals) => this.#listener.vitals?.(vitals),
      shaky: () => void this.#mend(),
      lost: (/** @type {'no-path' | 'media-lost'} */ why) => (why === 'no-path' ? void this.#giveUp() : this.#finish(why)),
    };
    // A session on the direct path has no ICE at the gateway that could start again.
    this.#media = new MediaWatch(pc, this.#env, listener, { mendable: this.#path === 'relay', wary: this.#wary });
    void resource.listen(EVENTS, (name, data) => this.#receive(name, data)).then((forgotten) => {
      // A camera goes on without the gateway.
      if (forgotten && this.#path === 'relay') this.#lose();
    });
    return this.#negotiation;
  }

  /**
   * @param {string} name
   * @param {any} data
   */
  #receive(name, data) {
    if (this.#ending) return;
    switch (name) {
      case 'candidates':
        return this.#remote?.receive(data.candidates);
      case 'inactive':
        return this.#lackCamera();
      case 'active':
        this.#isAway = false;
        return this.#media?.resume();
      case 'reconnect':
        return this.#finish('told-to-reconnect', { endpoint: this.#elsewhere(data.url) });
      case 'layers':
        return void this.#offerLayers(data);
      case 'problem':
        return this.#listener.problem?.(typeof data.problem === 'string' ? data.problem : null);
      case 'viewercount':
        if (Number.isSafeInteger(data.viewercount)) this.#listener.viewers?.(data.viewercount);
    }
  }

  /** @param {any} data */
  async #offerLayers(data) {
    const extensions = await import('./extensions.js').catch(() => null);
    if (extensions && !this.#ending && this.#resource?.hasChoice) this.#listener.layers?.(extensions.choices(data));
  }

  /** On the direct path the camera was the other end. A relay goes on when it is back. */
  #lackCamera() {
    if (this.#path === 'direct') return this.#finish('camera-gone');
    this.#isAway = true;
    this.#media?.pause();
    this.#enter('away');
  }

  /**
   * Where a `reconnect` event sends us.
   *
   * @param {unknown} url
   * @returns {string | undefined} undefined for the same endpoint as before
   */
  #elsewhere(url) {
    const target = typeof url === 'string' ? parseUrl(url, this.#endpoint) : null;
    return target && /^https?:$/.test(target.protocol) ? target.href : undefined;
  }

  /** Tries to keep a session whose line is bad. Where that fails it may still recover by itself. */
  async #mend() {
    if (this.#mending) return;
    this.#mending = true;
    await this.#negotiation?.restartIce().then(() => this.#media?.mended(), (error) => {
      if (error instanceof Refusal && [404, 410].includes(error.status)) this.#lose();
      else this.#media?.giveUpMending();
    });
    this.#mending = false;
  }

  /** No way was found: why, the connection tells only while it is open. */
  async #giveUp() {
    const late = new Promise((/** @type {(nothing: {}) => void} */ resolve) => {
      this.#env.setTimeout(() => resolve({}), DIAGNOSIS);
    });
    this.#finish('no-path', await Promise.race([this.#diagnose().catch(() => ({})), late]));
  }

  async #diagnose() {
    const { diagnose, takeEvidence } = await import('./doctor.js');
    if (!this.#pc) return {};
    const evidence = await takeEvidence(this.#pc, this.#path, this.#iceErrors);
    return { cause: diagnose(evidence), evidence };
  }

  /** The relay has ended the session, and its media with it. */
  #lose() {
    this.#finish(this.#phase === 'away' ? 'camera-gone' : 'media-lost');
  }

  /** @param {unknown} error */
  #fail(error) {
    if (this.#ending) return;
    if (error instanceof NoCodec) return this.#finish('no-codec');
    if (error instanceof Distrusted) return this.#finish('distrusted', { distrust: error.distrust });
    if (error instanceof TypeError) return this.#finish('unreachable');
    if (error instanceof Refusal && !this.#resource) return this.#finish('refused', { refusal: error });
    // After the 406 a refusal means that the offer is worth nothing any more: ask for another.
    if (error instanceof Refusal) return this.#finish('offer-spent');
    this.#finish(this.#resource ? 'no-path' : 'no-webrtc');
  }

  /** @param {Phase} phase */
  #enter(phase) {
    if (this.#ending) return;
    this.#phase = phase;
    this.#wasLive ||= phase === 'live';
    this.#listener.phase?.(phase, this.#path);
  }

  /**
   * @param {Ending['why']} why
   * @param {Partial<Record<'refusal' | 'endpoint' | 'distrust' | 'cause' | 'evidence', unknown>>} [more] what belongs to that reason
   */
  #finish(why, more = {}) {
    if (this.#ending) return;
    const ending = { why, path: this.#path, live: this.#wasLive, heldFor: this.#heldFor, mayHold: this.#mayHold, ...more };
    this.#ending = /** @type {Ending} */ (ending);
    this.#media?.close();
    this.#resource?.delete();
    this.#opening?.close();
    this.#ended(this.#ending);
  }
}
