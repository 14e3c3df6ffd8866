// @ts-check
/** A world for the sessions to live in: a clock that only moves when told, and fakes of the rest. */

// Loaded beforehand: what a session waits for must not take real time here.
// Browsers fetch it when it is needed; here it is there already, so that time need not pass for that.
import '../src/session/doctor.js';
import '../src/session/extensions.js';
import '../src/trust/signatures.js';

/** A counter-offer of a camera, as short as it gets. */
export const OFFER = sdp('sendonly', 'OFFE', '9');
export const ANSWER = sdp('recvonly', 'ANSW', '9');

/**
 * @param {string} direction
 * @param {string} ufrag
 * @param {string} port
 */
export function sdp(direction, ufrag, port) {
  return `v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\nm=video ${port} UDP/TLS/RTP/SAVPF 96\r\n`
    + `a=mid:video0\r\na=ice-ufrag:${ufrag}\r\na=ice-pwd:P2uYro0UCOQ4zxjKXaWCBui1\r\na=${direction}\r\n`;
}

/**
 * A description that names a certificate, at session level.
 *
 * @param {string} description
 * @param {string} fingerprint
 */
export const certified = (description, fingerprint) =>
  description.replace('m=', `a=fingerprint:${fingerprint}\r\nm=`);

/** @param {number} n */
export const candidate = (n) => `candidate:${n} 1 udp 2122260223 192.0.2.1 ${5000 + n} typ host`;

/**
 * @typedef {object} Request
 * @property {string} method
 * @property {string} url
 * @property {Headers} headers
 * @property {string} body
 * @property {boolean} keepalive
 * @property {boolean} aborted
 */

export class World {
  /** @type {Request[]} everything that was fetched */
  requests = [];
  /** @type {FakePeer[]} */
  peers = [];
  /** @type {FakeEventSource[]} */
  streams = [];
  /** What the peers answer. */
  answer = ANSWER;
  #now = 1_000_000;
  /** @type {{ at: number, callback: () => void, id: number }[]} */
  #timers = [];
  #ids = 0;
  #reply;

  /** @param {(request: Request, world: World) => Promise<Response> | Response} reply */
  constructor(reply) {
    this.#reply = reply;
  }

  /** @returns {any} an Environment */
  get env() {
    const world = this;
    return {
      fetch: (/** @type {string} */ url, /** @type {RequestInit} */ init) => world.#fetch(url, init),
      RTCPeerConnection: class extends FakePeer {
        /** @param {any} configuration */
        constructor(configuration) {
          super(world, configuration);
        }
      },
      EventSource: class extends FakeEventSource {
        /** @param {string} url */
        constructor(url) {
          super(url);
          world.streams.push(this);
        }
      },
      isForbidden: () => false,
      lacksH264: () => false,
      // Nobody else is there.
      locks: {
        request: async (/** @type {string} */ _, /** @type {any} */ options, callback = options) => callback({}),
      },
      setTimeout: (/** @type {() => void} */ callback, /** @type {number} */ ms) => {
        world.#ids += 1;
        world.#timers.push({ at: world.#now + ms, callback, id: world.#ids });
        return world.#ids;
      },
      clearTimeout: (/** @type {number} */ id) => {
        world.#timers = world.#timers.filter((timer) => timer.id !== id);
      },
      now: () => world.#now,
      random: () => 1,
    };
  }

  get now() {
    return this.#now;
  }

  /** Timers that are still armed: none may be left when a session is over. */
  get armed() {
    return this.#timers.length;
  }

  /** The peer connection that is in use. */
  get peer() {
    return this.peers[this.peers.length - 1];
  }

  /** @param {string} method */
  sent(method) {
    return this.requests.filter((request) => request.method === method);
  }

  /**
   * Lets time pass, and everything happen that is due.
   *
   * @param {number} ms
   */
  async pass(ms) {
    const until = this.#now + ms;
    await settle();
    for (;;) {
      const due = this.#timers.filter(({ at }) => at <= until).sort((a, b) => a.at - b.at)[0];
      if (!due) break;
      this.#timers = this.#timers.filter((timer) => timer !== due);
      this.#now = Math.max(this.#now, due.at);
      due.callback();
      await settle();
    }
    this.#now = until;
  }

  /**
   * @param {string} url
   * @param {RequestInit} init
   * @returns {Promise<Response>}
   */
  #fetch(url, init) {
    const request = {
      method: init.method ?? 'GET',
      url,
      headers: new Headers(init.headers),
      body: String(init.body ?? ''),
      keepalive: init.keepalive === true,
      aborted: false,
    };
    this.requests.push(request);
    return new Promise((resolve, reject) => {
      const abort = () => {
        request.aborted = true;
        reject(new DOMException('aborted', 'AbortError'));
      };
      if (init.signal?.aborted) return abort();
      init.signal?.addEventListener('abort', abort);
      Promise.resolve(this.#reply(request, this)).then(resolve, reject);
    });
  }
}

/** Lets every promise that can settle do so. */
export async function settle() {
  for (let idle = 0; idle < 10; idle += 1) {
    await new Promise((resolve) => setImmediate(resolve));
    if (underway > 0) idle = 0;
  }
}

/** Operations of cryptography that are under way: in threads of their own, in real time. */
let underway = 0;
const subtle = /** @type {any} */ (SubtleCrypto.prototype);
for (const name of ['sign', 'verify', 'importKey', 'exportKey', 'generateKey', 'deriveBits']) {
  const operation = subtle[name];
  subtle[name] = function count(/** @type {any[]} */ ...args) {
    underway += 1;
    return operation.apply(this, args).finally(() => (underway -= 1));
  };
}

export class FakePeer extends EventTarget {
  connectionState = 'new';
  iceGatheringState = 'new';
  /** @type {any} */
  localDescription = null;
  /** @type {any} */
  remoteDescription = null;
  /** @type {any[]} */
  remoteCandidates = [];
  /** @type {any[]} */
  transceivers = [];
  closed = false;
  frames = 0;
  bytes = 0;
  #world;
  /** @type {any} what a rollback leads back to */
  #stable = null;

  /**
   * @param {World} world
   * @param {any} configuration
   */
  constructor(world, configuration) {
    super();
    this.#world = world;
    this.configuration = configuration;
    world.peers.push(this);
  }

  getConfiguration() {
    return this.configuration;
  }

  /** @param {any} configuration */
  setConfiguration(configuration) {
    // WebRTC section 4.4.1.6: what cannot be changed any more is an error to leave out, too.
    if (configuration.bundlePolicy !== this.configuration.bundlePolicy) {
      throw new DOMException('bundlePolicy', 'InvalidModificationError');
    }
    this.configuration = configuration;
  }

  /**
   * @param {any} kind
   * @param {any} init
   */
  addTransceiver(kind, init) {
    this.transceivers.push({ kind, ...init });
  }

  /** @param {{ iceRestart?: boolean }} [options] */
  async createOffer({ iceRestart = false } = {}) {
    return { type: 'offer', sdp: sdp('recvonly', iceRestart ? 'AGAIN' : 'MINE', '9') };
  }

  async createAnswer() {
    return { type: 'answer', sdp: this.#world.answer };
  }

  /** @param {any} description */
  async setLocalDescription(description) {
    if (this.closed) throw new DOMException('closed', 'InvalidStateError');
    if (description.type === 'rollback') {
      this.localDescription = this.#stable;
      return;
    }
    this.#stable = this.localDescription;
    this.localDescription = description;
    this.iceGatheringState = 'gathering';
  }

  /** @param {any} description */
  async setRemoteDescription(description) {
    if (this.closed) throw new DOMException('closed', 'InvalidStateError');
    this.remoteDescription = description;
  }

  /** @param {any} init */
  async addIceCandidate(init) {
    if (!this.remoteDescription) throw new DOMException('too early', 'InvalidStateError');
    this.remoteCandidates.push(init);
  }

  async getStats() {
    const video = {
      type: 'inbound-rtp', kind: 'video', framesDecoded: this.frames, bytesReceived: this.bytes,
      packetsReceived: this.frames, frameWidth: 1280, frameHeight: 720,
    };
    return new Map([['video', video]]);
  }

  close() {
    this.closed = true;
    this.connectionState = 'closed';
  }

  /**
   * The browser found a candidate, or (null) all of them.
   *
   * @param {string | null} line
   */
  gather(line) {
    if (line === null) {
      this.iceGatheringState = 'complete';
      this.dispatchEvent(new Event('icegatheringstatechange'));
    }
    const found = line === null ? null : { candidate: line, sdpMid: 'video0' };
    if (found) this.localDescription.sdp += `a=${line}\r\n`;
    this.dispatchEvent(Object.assign(new Event('icecandidate'), { candidate: found }));
  }

  /** @param {string} state */
  become(state) {
    this.connectionState = state;
    this.dispatchEvent(new Event('connectionstatechange'));
  }
}

export class FakeEventSource extends EventTarget {
  readyState = 1;

  /** @param {string} url */
  constructor(url) {
    super();
    this.url = url;
  }

  close() {
    this.readyState = 2;
  }

  /**
   * @param {string} name
   * @param {object} data
   */
  send(name, data = {}) {
    if (this.readyState === 2) return;
    this.dispatchEvent(new MessageEvent(name, { data: JSON.stringify(data) }));
  }

  /** The server said 404, or something else that EventSource does not retry. */
  fail() {
    this.readyState = 2;
    this.dispatchEvent(new Event('error'));
  }
}

const EVENTS_LINK = '</whep/garage/1/events>; '
  + 'rel="urn:ietf:params:whep:ext:core:server-sent-events"; '
  + 'events="active inactive viewercount reconnect", '
  + '</whep/garage/1/events>; rel="urn:sightline:ext:events"; events="candidates"';

const LAYER_LINK = '</whep/garage/1/layer>; rel="urn:ietf:params:whep:ext:core:layer"';

/**
 * A relay's answer.
 *
 * @param {Record<string, string>} [more]
 */
export const relayed = (more = {}) => created(201, ANSWER, {
  Link: `${EVENTS_LINK.replace('reconnect', 'reconnect,layers').replace('candidates', 'candidates problem')}, ${LAYER_LINK}`,
  ...more,
});

/**
 * A response that creates a session.
 *
 * @param {number} status
 * @param {string} body
 * @param {Record<string, string>} [more]
 */
export function created(status, body, more = {}) {
  const headers = {
    'Content-Type': 'application/sdp',
    Location: '/whep/garage/1',
    ETag: '"e1"',
    Link: EVENTS_LINK,
    ...more,
  };
  return new Response(body, { status, headers });
}

/**
 * @param {number} status
 * @param {string} slug
 * @param {Record<string, string>} [headers]
 */
export function problem(status, slug, headers = {}) {
  const body = { type: `/problems/${slug}`, title: slug, status, detail: `It is ${slug}.` };
  const type = { 'Content-Type': 'application/problem+json' };
  return new Response(JSON.stringify(body), { status, headers: { ...type, ...headers } });
}

/**
 * A gateway that says 204, 200 and 201 where all is well.
 *
 * @param {(request: Request, world: World) => Promise<Response> | Response | undefined} special
 * @returns {(request: Request, world: World) => Promise<Response> | Response}
 */
export function gateway(special) {
  return (request, world) => {
    const reply = special(request, world);
    if (reply) return reply;
    if (request.method === 'PATCH') return new Response(null, { status: 204 });
    if (request.url.endsWith('/events')) {
      return new Response(null, { status: 201, headers: { Location: '/whep/garage/1/events/7' } });
    }
    if (request.method === 'POST' && !request.url.endsWith('/layer')) return created(406, OFFER);
    return new Response(null, { status: 200 });
  };
}

/** An answer that never comes. */
export const held = () => /** @type {Promise<Response>} */ (new Promise(() => {}));
