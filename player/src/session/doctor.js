// @ts-check
/** Why no way for media was found, by what ICE had to work with and what came of it. */

export { takeEvidence } from './ice-evidence.js';

/** @typedef {import('./ice-evidence.js').Evidence} Evidence */
/** @typedef {import('./ice-evidence.js').Address} Address */

/**
 * - `hidden`: this browser gives no address of its own out
 * - `empty`: the other side named none
 * - `handshake`: a way was found, and the encrypted connection did not come up on it
 * - `loopback`: the other side can only be reached by its own machine
 * - `no-udp`: no UDP leaves this network
 * - `port-closed`: nothing comes back from the server's port for media
 * - `names`: the other side's addresses are names that only its own network resolves
 * - `turn-refused`, `turn-silent`: the TURN server that should help does not
 * - `elsewhere`: the other side's addresses belong to a network that is not ours
 * - `symmetric`: both sides are behind address translation that gives each conversation another port
 * - `unanswered`: all were tried, and a firewall is in between
 *
 * @typedef {'hidden' | 'empty' | 'handshake' | 'loopback' | 'no-udp' | 'port-closed' | 'names' | 'turn-refused'
 *   | 'turn-silent' | 'elsewhere' | 'symmetric' | 'unanswered'} Cause
 */

/** What a STUN or TURN server says against us (RFC 8489 section 14.8); that none answered is 701. */
const REFUSED = [400, 700];

/**
 * The most telling cause, first those that would be in the way of everything else.
 *
 * @param {Evidence} evidence of a session in which no way was found
 * @returns {Cause}
 */
export function diagnose({ path, ours, theirs, stun, turn, errors, pairs }) {
  if (ours.length === 0) return 'hidden';
  if (theirs.length === 0) return 'empty';
  if (pairs.answered > 0) return 'handshake';
  if (theirs.every(({ reach }) => reach === 'loopback')) return 'loopback';
  if (!ours.some(isUdp)) return 'no-udp';
  const isRefused = errors.some((code) => code >= REFUSED[0] && code < REFUSED[1]);
  if (path === 'direct' && turn && !ours.some(isRelayed)) return isRefused ? 'turn-refused' : 'turn-silent';
  // Whoever is not translated learns nothing new of such a server.
  if (stun && !isRefused && !ours.some((each) => isMapped(each) || each.reach === 'public')) return 'no-udp';
  if (path === 'relay') return 'port-closed';
  if (theirs.every(({ reach }) => reach === 'name')) return 'names';
  if (theirs.every(({ reach }) => reach !== 'public')) return 'elsewhere';
  return !turn && ours.some(isMapped) && theirs.some(isMapped) ? 'symmetric' : 'unanswered';
}

/** @param {Address} address */
const isUdp = ({ protocol }) => protocol === 'udp';

/** @param {Address} address one that a server has told us: as it is seen from outside, or its own */
const isMapped = ({ type }) => type === 'srflx' || type === 'relay';

/** @param {Address} address */
const isRelayed = ({ type }) => type === 'relay';
