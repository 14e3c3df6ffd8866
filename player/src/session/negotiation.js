// @ts-check
/** Descriptions between a peer connection and a session: counter-offer, answer, ICE restart. */

import { Backoff, pause } from './backoff.js';
import { inStereo } from './opening.js';
import { Refusal } from './problem.js';
import { patience, within } from './reach.js';
import { buildFrag, hasSoundOnly, mediaSections, restarted, videoRejected } from './sdpfrag.js';
import { gathered } from './trickle.js';

/** @typedef {import('./environment.js').Environment} Environment */
/** @typedef {import('./opening.js').Opening} Opening */
/** @typedef {import('./resource.js').SessionResource} SessionResource */
/** @typedef {import('./trickle.js').LocalCandidates} LocalCandidates */
/** @typedef {import('./trickle.js').RemoteCandidates} RemoteCandidates */

/** How long an answer waits for candidates to travel with it, in milliseconds. */
const GATHER = 60;

/** This browser and the other side have no video codec in common. */
export class NoCodec extends Error {}

export class Negotiation {
  #pc;
  #signal;
  #resource;
  #local;
  #remote;
  #env;

  /**
   * @param {Opening} opening
   * @param {SessionResource} resource
   * @param {{ local: LocalCandidates, remote: RemoteCandidates }} candidates
   * @param {Environment} env
   */
  constructor({ pc, signal }, resource, { local, remote }, env) {
    this.#pc = pc;
    this.#signal = signal;
    this.#resource = resource;
    this.#local = local;
    this.#remote = remote;
    this.#env = env;
  }

  /**
   * The camera's own offer came back: our answer to it makes a direct connection. Ours was never
   * set as a local description, so the same connection can take it, certificate and all.
   *
   * @param {string} sdp
   * @param {(answer: string) => Promise<string>} sign makes of our answer what is sent
   * @throws {NoCodec}
   * @throws {Refusal} when the answer came too late, or twice
   */
  async acceptCounterOffer(sdp, sign) {
    const pc = this.#pc;
    await pc.setRemoteDescription({ type: 'offer', sdp });
    this.#remote.start();
    const answer = await pc.createAnswer();
    if (videoRejected(answer.sdp ?? '')) throw new NoCodec();
    await pc.setLocalDescription({ type: answer.type, sdp: inStereo(answer.sdp ?? '') });
    await gathered(pc, GATHER, this.#env);
    if (this.#signal.aborted) return;
    const sent = pc.localDescription?.sdp ?? '';
    await this.#resource.answer(await sign(sent));
    this.#local.start(this.#resource, sent);
  }

  /**
   * The server answered: it is a relay, or a standard WHEP server. Sound alone is worth having.
   *
   * @param {RTCSessionDescriptionInit} offer
   * @param {string} sdp
   * @throws {NoCodec}
   */
  async applyAnswer(offer, sdp) {
    if (videoRejected(sdp) && !hasSoundOnly(sdp)) throw new NoCodec();
    await this.#pc.setLocalDescription(offer);
    await this.#pc.setRemoteDescription({ type: 'answer', sdp });
    this.#remote.start();
    this.#local.start(this.#resource, offer.sdp ?? '');
  }

  /**
   * Finds a new way for the same media (RFC 9725 section 4.3.3): tracks, keys and the session's
   * URL stay. Asks until the server is reached: a network that changed may not be there yet.
   *
   * @throws {Refusal} when the server cannot or will not
   */
  async restartIce() {
    this.#local.hold();
    const offer = await this.#pc.createOffer({ iceRestart: true });
    await this.#pc.setLocalDescription(offer);
    const ours = buildFrag(mediaSections(offer.sdp ?? ''), []);
    try {
      const theirs = await this.#persistently((signal) => this.#resource.restart(ours, signal));
      const sdp = restarted(this.#pc.remoteDescription?.sdp ?? '', theirs);
      if (sdp === null) throw new Refusal(502, { detail: 'the server sent no new credentials' });
      await this.#pc.setRemoteDescription({ type: 'answer', sdp });
      this.#remote.receive(theirs);
      this.#local.start(this.#resource, ours);
    } catch (error) {
      // "keep the existing ICE session": the line may have been better than it seemed.
      if (!this.#signal.aborted) await this.#pc.setLocalDescription({ type: 'rollback' });
      throw error;
    }
  }

  /**
   * @template T
   * @param {(signal: AbortSignal) => Promise<T>} ask
   * @returns {Promise<T>}
   */
  async #persistently(ask) {
    const backoff = new Backoff({ cap: 1000, random: this.#env.random });
    for (let attempt = 0; ; attempt += 1) {
      try {
        return await within(patience(attempt), this.#env, this.#signal, ask);
      } catch (error) {
        if (!(error instanceof TypeError) || this.#signal.aborted) throw error;
      }
      await pause(backoff.next(), this.#env, this.#signal);
    }
  }
}
