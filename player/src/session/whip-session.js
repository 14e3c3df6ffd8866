// @ts-check
/** One WHIP exchange and its lifetime: one offer, one POST, one viewer (or the relay). No DOM. */

import { browser } from './environment.js';
import { iceServers, parseLinks } from './link.js';
import { Refusal, refusal } from './problem.js';
import { SessionResource } from './resource.js';
import { LocalCandidates, RemoteCandidates, gathered } from './trickle.js';

/** @typedef {import('./environment.js').Environment} Environment */

/**
 * Why a session ended.
 *
 * @typedef {{ heldFor: number } & (
 *   | { why: 'closed' | 'unreachable' | 'viewer-gone' | 'uninvited' | 'no-path' | 'no-webrtc' }
 *   | { why: 'refused', refusal: Refusal })} WhipEnding
 */

/** Names of the events that a camera understands. */
const EVENTS = ['join', 'leave', 'candidates'];

/** What a camera may send. */
const KINDS = ['video', 'audio'];

/** Longest time an offer waits for its candidates, and a connection to stand; milliseconds. */
const GATHER = 400;
const CONNECT = 15_000;

/** What `setTimeout` can count, in milliseconds: 24 days. Nobody keeps a page on air for longer. */
const LONGEST_TIMER = 2 ** 31 - 1;

export class WhipSession {
  #endpoint;
  #stream;
  #certificate;
  #prefer;
  #access;
  #paired;
  #env;
  #abort = new AbortController();
  /** @type {RTCPeerConnection | null} */
  #pc = null;
  /** @type {SessionResource | null} */
  #resource = null;
  /** @type {unknown} */
  #deadline;
  /** @type {unknown} the end of the viewer's link */
  #farewell;
  #heldFor = 0;
  #over = false;
  /** @type {(ending: WhipEnding) => void} */
  #ended = () => {};

  /**
   * @param {object} options
   * @param {string} options.endpoint absolute URL of `/whip/{room}`
   * @param {MediaStream} options.stream what to send
   * @param {RTCCertificate} options.certificate the same for all sessions: it tells the gateway
   *   that they come from one camera
   * @param {string} options.prefer value of the `Prefer` header
   * @param {import('../trust/access.js').OpenAccess} options.access who may watch
   * @param {() => void} options.paired a viewer took the offer
   * @param {Environment} [options.env]
   */
  constructor({ endpoint, stream, certificate, prefer, access, paired, env = browser() }) {
    this.#endpoint = endpoint;
    this.#stream = stream;
    this.#certificate = certificate;
    this.#prefer = prefer;
    this.#access = access;
    this.#paired = paired;
    this.#env = env;
  }

  /**
   * Runs the session to its end, whatever that is: it never rejects. To be called once.
   *
   * @returns {Promise<WhipEnding>}
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

  /**
   * Sends other tracks from now on, without a new negotiation.
   *
   * @param {MediaStream} stream
   */
  async use(stream) {
    this.#stream = stream;
    for (const transceiver of this.#pc?.getTransceivers() ?? []) {
      const kind = transceiver.receiver.track.kind;
      const track = stream.getTracks().find((each) => each.kind === kind) ?? null;
      await transceiver.sender.replaceTrack(track).catch(() => {});
    }
  }

  async #exchange() {
    if (!this.#env.RTCPeerConnection) return this.#finish('no-webrtc');
    const pc = new this.#env.RTCPeerConnection({
      certificates: [this.#certificate],
      iceServers: await this.#iceServers(),
      bundlePolicy: 'max-bundle',
    });
    if (this.#over) return pc.close();
    this.#pc = pc;
    const local = new LocalCandidates(pc, this.#env);
    const remote = new RemoteCandidates(pc);
    // Both, for what is not there yet may be chosen later.
    for (const kind of KINDS) {
      const track = this.#stream.getTracks().find((each) => each.kind === kind);
      pc.addTransceiver(track ?? kind, { direction: 'sendonly', streams: [this.#stream] });
    }
    await pc.setLocalDescription(await pc.createOffer());
    // There is no session to trickle to until a viewer has come: what is found goes along.
    await gathered(pc, GATHER, this.#env);
    const sent = await this.#access.prove(pc.localDescription?.sdp ?? '');
    const response = await this.#post(sent);
    this.#resource = new SessionResource(response, {
      env: this.#env,
      endpoint: this.#endpoint,
      signal: this.#abort.signal,
    });
    const sdp = await response.text();
    // Before anything is sent: the gateway may be the one who answers.
    const welcome = await this.#access.admits(sdp);
    if (this.#over) return;
    if (welcome <= 0) return this.#finish('uninvited');
    if (welcome <= LONGEST_TIMER) {
      this.#farewell = this.#env.setTimeout(() => this.#finish('viewer-gone'), welcome);
    }
    this.#paired();
    this.#watch(pc);
    void this.#resource.listen(EVENTS, (name, data) => {
      if (name === 'candidates') remote.receive(data.candidates);
      else if (name === 'leave') this.#finish('viewer-gone');
    });
    await pc.setRemoteDescription({ type: 'answer', sdp });
    remote.start();
    local.start(this.#resource, sent);
  }

  /** ICE servers are on OPTIONS (RFC 9725 section 4.6); without an answer there are none. */
  async #iceServers() {
    const request = { method: 'OPTIONS', signal: this.#abort.signal };
    const response = await this.#env.fetch(this.#endpoint, request).catch(() => null);
    return iceServers(parseLinks(response?.headers.get('link') ?? null));
  }

  /**
   * @param {string} sdp
   * @returns {Promise<Response>} the 201, after whatever time it took for a viewer to come
   */
  async #post(sdp) {
    const headers = {
      ...(await this.#access.authorization()),
      'Content-Type': 'application/sdp',
      Prefer: this.#prefer,
    };
    const request = { method: 'POST', headers, body: sdp, signal: this.#abort.signal };
    const askedAt = this.#env.now();
    try {
      const response = await this.#env.fetch(this.#endpoint, request);
      if (response.status === 201) return response;
      throw await refusal(response, this.#env.now());
    } finally {
      this.#heldFor = this.#env.now() - askedAt;
    }
  }

  /** @param {RTCPeerConnection} pc */
  #watch(pc) {
    this.#deadline = this.#env.setTimeout(() => this.#finish('no-path'), CONNECT);
    pc.addEventListener('connectionstatechange', () => {
      if (pc.connectionState === 'connected') this.#env.clearTimeout(this.#deadline);
      else if (pc.connectionState === 'failed') this.#finish('viewer-gone');
    });
  }

  /** @param {unknown} error */
  #fail(error) {
    if (error instanceof Refusal) return this.#finish('refused', error);
    if (error instanceof TypeError) return this.#finish('unreachable');
    this.#finish(this.#resource ? 'no-path' : 'no-webrtc');
  }

  /**
   * @param {WhipEnding['why']} why
   * @param {Refusal} [refused]
   */
  #finish(why, refused) {
    if (this.#over) return;
    this.#over = true;
    this.#env.clearTimeout(this.#deadline);
    this.#env.clearTimeout(this.#farewell);
    this.#resource?.delete();
    this.#abort.abort();
    this.#pc?.close();
    const ending = { why, heldFor: this.#heldFor, refusal: refused };
    this.#ended(/** @type {WhipEnding} */ (ending));
  }
}
