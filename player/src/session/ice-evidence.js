// @ts-check
/** What ICE had to work with in one session and what came of it, without a single address. */

import { candidatesIn, parseCandidate } from './sdpfrag.js';

/**
 * From where an address can be reached: by its own machine, by the machines of its network (a
 * `name` of mDNS stands for such a one, RFC 8828), or from everywhere.
 *
 * @typedef {'loopback' | 'name' | 'private' | 'public'} Reach
 */

/** @typedef {{ type: string, protocol: string, reach: Reach }} Address a candidate, RFC 8839 section 5.1 */

/**
 * @typedef {object} Evidence
 * @property {'direct' | 'relay'} path
 * @property {Address[]} ours
 * @property {Address[]} theirs
 * @property {boolean} stun a STUN server was there to be asked for our address as others see it
 * @property {boolean} turn a TURN server was there to pass media on
 * @property {number[]} errors that STUN and TURN servers gave, or 701 for no answer
 * @property {{ tried: number, answered: number, heard: number }} pairs of addresses: on how many we have asked,
 *   were answered, and were asked by the other side
 */

/**
 * What a connection tells, as it tells it.
 *
 * @typedef {object} Raw
 * @property {'direct' | 'relay'} path
 * @property {string} local description
 * @property {string} remote description
 * @property {RTCIceServer[]} servers
 * @property {number[]} errors
 * @property {Iterable<any>} stats entries of `getStats`
 */

/**
 * To be taken while the connection is still open.
 *
 * @param {RTCPeerConnection} pc
 * @param {Evidence['path']} path
 * @param {number[]} errors that came from its STUN and TURN servers
 * @returns {Promise<Evidence>}
 */
export async function takeEvidence(pc, path, errors) {
  const report = await pc.getStats();
  return examine({
    path,
    local: pc.localDescription?.sdp ?? '',
    remote: pc.remoteDescription?.sdp ?? '',
    servers: pc.getConfiguration().iceServers ?? [],
    errors,
    stats: report.values(),
  });
}

/**
 * @param {Raw} raw
 * @returns {Evidence}
 */
export function examine({ path, local, remote, servers, errors, stats }) {
  const urls = servers.flatMap((server) => server.urls);
  const pairs = { tried: 0, answered: 0, heard: 0 };
  for (const each of stats) {
    if (each.type !== 'candidate-pair') continue;
    // Firefox does not count what it asked, but its states tell.
    if (each.requestsSent > 0 || !['frozen', 'waiting'].includes(each.state)) pairs.tried += 1;
    if (each.responsesReceived > 0 || each.state === 'succeeded') pairs.answered += 1;
    if (each.requestsReceived > 0) pairs.heard += 1;
  }
  return {
    path,
    ours: addresses(local),
    theirs: addresses(remote),
    // A TURN server tells our address as well (RFC 8656 section 7.3).
    stun: urls.length > 0,
    turn: urls.some((url) => /^turns?:/i.test(url)),
    errors: [...errors],
    pairs,
  };
}

/**
 * @param {string} sdp
 * @returns {Address[]}
 */
function addresses(sdp) {
  return [...candidatesIn(sdp)].flatMap((text) => {
    const [, , protocol, , address, , , type] = parseCandidate(text)?.split(' ') ?? [];
    return type ? [{ type, protocol: protocol.toLowerCase(), reach: reach(address) }] : [];
  });
}

/** Of one machine; and of one network: RFC 1918, 3927, 4193, 4291 section 2.4, and 6598. */
const LOOPBACK = /^(127\.|::1$)/;
const PRIVATE = /^(10\.|192\.168\.|172\.(1[6-9]|2\d|3[01])\.|169\.254\.|100\.(6[4-9]|[7-9]\d|1[01]\d|12[0-7])\.|f[cd][\da-f]{2}:|fe[89ab][\da-f]:)/i;

/**
 * @param {string} address
 * @returns {Reach}
 */
function reach(address) {
  if (/\.local$/i.test(address)) return 'name';
  if (LOOPBACK.test(address)) return 'loopback';
  return PRIVATE.test(address) ? 'private' : 'public';
}
