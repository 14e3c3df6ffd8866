// @ts-check
/** Our own candidates on their way to the other side, and theirs on the way to us. */

import { buildFrag, candidatesIn, candidatesOf, mediaSections } from './sdpfrag.js';

/** @typedef {import('./environment.js').Environment} Environment */
/** @typedef {import('./resource.js').SessionResource} SessionResource */

/** How long candidates gather before they go out in one PATCH, in milliseconds. */
const AGGREGATE = 20;

/** Most candidates of either side that wait; a peer connection has a dozen or two. */
const BOUND = 200;

/** Queues local candidates until the session's URL is known, then PATCHes them in batches. */
export class LocalCandidates {
  #env;
  #pc;
  /** @type {{ candidate: string, sdpMid: string | null }[]} */
  #queue = [];
  #complete = false;
  /** @type {SessionResource | null} */
  #resource = null;
  #scheduled = false;

  /**
   * @param {RTCPeerConnection} pc
   * @param {Environment} env
   */
  constructor(pc, env) {
    this.#env = env;
    this.#pc = pc;
    pc.addEventListener('icecandidate', ({ candidate }) => {
      // Null is the end; an empty string is the end of one generation, which says the same.
      if (!candidate?.candidate) this.#complete = true;
      else if (this.#queue.length < BOUND) this.#queue.push(candidate);
      this.#schedule();
    });
  }

  /**
   * From now on candidates have somewhere to go.
   *
   * @param {SessionResource} resource
   * @param {string} sent the description that the other side has: what it carries is not repeated
   */
  start(resource, sent) {
    const known = candidatesIn(sent);
    this.#queue = this.#queue.filter(({ candidate }) => !known.has(candidate.replace(/^a=/, '')));
    this.#resource = resource;
    if (this.#queue.length > 0) this.#schedule();
  }

  /** ICE starts again: what was found is of no use, and what is found next has to wait. */
  hold() {
    this.#resource = null;
    this.#queue = [];
    this.#complete = false;
  }

  #schedule() {
    if (!this.#resource || this.#scheduled) return;
    this.#scheduled = true;
    this.#env.setTimeout(() => this.#flush(), AGGREGATE);
  }

  async #flush() {
    const sdp = this.#pc.localDescription?.sdp;
    const batch = this.#resource ? this.#queue.splice(0) : [];
    const complete = this.#complete;
    if (this.#resource && sdp && (batch.length > 0 || complete)) {
      const frag = buildFrag(mediaSections(sdp), batch, complete);
      const goOn = await this.#resource.trickle(frag).catch(() => false);
      // Servers without trickle say 405 or 501; a restarted one says 404. Media may still flow.
      if (!goOn) this.#resource = null;
    }
    this.#scheduled = false;
    if (this.#queue.length > 0 || this.#complete !== complete) this.#schedule();
  }
}

/** Holds the other side's candidates back until there is a remote description for them. */
export class RemoteCandidates {
  #pc;
  /** @type {RTCIceCandidateInit[] | null} */
  #early = [];

  /** @param {RTCPeerConnection} pc */
  constructor(pc) {
    this.#pc = pc;
  }

  /** @param {unknown} frag the `candidates` member of the event */
  receive(frag) {
    if (typeof frag !== 'string') return;
    for (const candidate of candidatesOf(frag).slice(0, BOUND)) {
      if (!this.#early) this.#add(candidate);
      else if (this.#early.length < BOUND) this.#early.push(candidate);
    }
  }

  /** The remote description is set. */
  start() {
    const early = this.#early ?? [];
    this.#early = null;
    early.forEach((candidate) => this.#add(candidate));
  }

  /** @param {RTCIceCandidateInit} candidate */
  #add(candidate) {
    // One that this browser cannot use (another generation, an odd transport) harms nothing.
    this.#pc.addIceCandidate(candidate).catch(() => {});
  }
}

/**
 * Resolves when gathering is complete or `ms` have passed, whichever comes first: an answer with
 * candidates in it also serves publishers that never listen for trickled ones.
 *
 * @param {RTCPeerConnection} pc
 * @param {number} ms
 * @param {Environment} env
 * @returns {Promise<void>}
 */
export function gathered(pc, ms, env) {
  return new Promise((resolve) => {
    const check = () => {
      if (pc.iceGatheringState === 'complete') done();
    };
    const done = () => {
      env.clearTimeout(timer);
      pc.removeEventListener('icegatheringstatechange', check);
      resolve();
    };
    const timer = env.setTimeout(done, ms);
    pc.addEventListener('icegatheringstatechange', check);
    check();
  });
}
