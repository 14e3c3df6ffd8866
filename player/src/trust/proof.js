// @ts-check
/**
 * `a=sightline-proof`: an SDP that says, signed, whose DTLS certificate it names (design section
 * 6). The room's key signs a camera's offer, a private link's secret a viewer's answer.
 */

import { fromBase64url, isSignedBy, readJwt, sign } from './jwt.js';
import { cleanName } from './name.js';
import { isRoomKey } from './room.js';

/**
 * What a proof was found to be: good, not there, not good, out of time, or not to be judged here,
 * since browsers give insecure pages no cryptography, and old ones know no Ed25519.
 *
 * @typedef {'good' | 'missing' | 'bad' | 'stale' | 'insecure' | 'unsupported'} Verdict
 */

/** How old a camera's proof may be and how far in the future, in seconds. The certificate is what
 * binds it; beyond this a clock is wrong. */
const OLDEST = 24 * 60 * 60;
const NEWEST = 10 * 60;

const LINE = 'a=sightline-proof:';

/** RFC 8122 section 5, of the hashes that browsers take. */
const FINGERPRINT = /^a=fingerprint:(sha-\d{1,3}) ([0-9a-f]{2}(?::[0-9a-f]{2}){19,63}) ?$/i;

/**
 * The one certificate that an SDP names, as claims name it.
 *
 * @param {string} sdp
 * @returns {string | null} null where there is none, where there are several, or where a browser
 *   might read something else than we do
 */
export function fingerprintOf(sdp) {
  const lines = sdp.split('\n').map((line) => line.replace(/\r$/, ''));
  if (lines.some((line) => /[\r\0\u2028\u2029]/.test(line))) return null;
  const prints = lines.filter((line) => /fingerprint/i.test(line)).map((line) => {
    const [, hash, digest] = FINGERPRINT.exec(line) ?? [];
    return hash === undefined ? null : `${hash.toLowerCase()} ${digest.toUpperCase()}`;
  });
  return prints.every((print) => print === prints[0]) ? prints[0] ?? null : null;
}

/**
 * An SDP with a proof, at session level.
 *
 * @param {string} sdp
 * @param {string} jwt
 */
export const withProof = (sdp, jwt) => sdp.replace(/^(?=m=)/m, `${LINE}${jwt}\r\n`);

/**
 * @param {string} sdp
 * @returns {import('./jwt.js').Jwt | 'missing' | 'bad'}
 */
function proofIn(sdp) {
  const [session] = `\n${sdp.replaceAll('\r', '')}`.split('\nm=');
  const lines = session.split('\n').filter((line) => line.startsWith(LINE));
  if (lines.length === 0) return 'missing';
  return (lines.length === 1 && readJwt(lines[0].slice(LINE.length).trim())) || 'bad';
}

/**
 * Whether a camera's offer is that of the camera whose key the room is.
 *
 * @param {string} sdp
 * @param {string} room
 * @param {number} now milliseconds since the epoch
 * @returns {Promise<Verdict>}
 */
export async function judgeCamera(sdp, room, now) {
  const jwt = isRoomKey(room) ? proofIn(sdp) : 'missing';
  if (typeof jwt === 'string') return jwt;
  const { iat } = jwt.claims;
  if (!isAbout(jwt, sdp, room) || typeof iat !== 'number') return 'bad';
  if (!globalThis.crypto?.subtle) return 'insecure';
  const raw = Uint8Array.from(room.match(/../g) ?? [], (byte) => Number.parseInt(byte, 16));
  const key = await crypto.subtle.importKey('raw', raw, 'Ed25519', false, ['verify']).catch(() => null);
  if (!key) return 'unsupported';
  if (!(await isSignedBy(jwt, 'EdDSA', key))) return 'bad';
  const age = now / 1000 - iat;
  return age > OLDEST || age < -NEWEST ? 'stale' : 'good';
}

/**
 * What the camera's owner calls it, of an offer whose proof is good: the same signature covers it.
 *
 * @param {string} sdp
 * @returns {string | null}
 */
export function signedName(sdp) {
  const jwt = proofIn(sdp);
  return typeof jwt === 'string' ? null : cleanName(jwt.claims.name);
}

/**
 * A camera's offer with its proof.
 *
 * @param {string} sdp
 * @param {string} room
 * @param {CryptoKey} key the room's private one
 * @param {number} now milliseconds since the epoch
 * @throws {Error} when it names no certificate, or several
 */
export const proveCamera = async (sdp, room, key, now) =>
  withProof(sdp, await sign('EdDSA', claimsFor(sdp, room, now), key));

/**
 * A viewer's answer with the proof that it comes from one who has the private link.
 *
 * @param {string} sdp
 * @param {string} room
 * @param {import('./fragment.js').Secret} secret
 * @param {number} now milliseconds since the epoch
 * @throws {Error} when it names no certificate, or several
 */
export async function proveViewer(sdp, room, { expiry, mac }, now) {
  const expires = expiry === 0 ? {} : { exp: expiry };
  const claims = { ...claimsFor(sdp, room, now), ...expires };
  return withProof(sdp, await sign('HS256', claims, await hmacKey(fromBase64url(mac))));
}

/**
 * Whether a viewer's answer comes from one who has a private link of this room that holds.
 *
 * @param {string} sdp
 * @param {string} room
 * @param {(expiry: number) => Promise<Uint8Array<ArrayBuffer>>} macOf what the secret of a link
 *   with that expiry is
 * @param {number} now milliseconds since the epoch
 * @returns {Promise<{ verdict: Verdict, ends: number }>} `stale` when the link has expired; when it
 *   does, in seconds since 1970, or infinitely late
 */
export async function judgeViewer(sdp, room, macOf, now) {
  const judged = (/** @type {Verdict} */ verdict, ends = 0) => ({ verdict, ends });
  const jwt = proofIn(sdp);
  if (typeof jwt === 'string') return judged(jwt);
  const { exp } = jwt.claims;
  const expiry = exp === undefined ? 0 : exp;
  if (!isAbout(jwt, sdp, room) || !Number.isSafeInteger(expiry)) return judged('bad');
  const key = await hmacKey(await macOf(Number(expiry)));
  if (!(await isSignedBy(jwt, 'HS256', key))) return judged('bad');
  const ends = exp === undefined ? Infinity : Number(expiry);
  return judged(ends <= now / 1000 ? 'stale' : 'good', ends);
}

/**
 * Whether a proof is about this room and this SDP's certificate.
 *
 * @param {import('./jwt.js').Jwt} jwt
 * @param {string} sdp
 * @param {string} room
 */
const isAbout = ({ claims: { sub, fp } }, sdp, room) =>
  sub === room && typeof fp === 'string' && fp === fingerprintOf(sdp);

/**
 * @param {string} sdp
 * @param {string} room
 * @param {number} now
 */
function claimsFor(sdp, room, now) {
  const fp = fingerprintOf(sdp);
  if (fp === null) throw new Error('the description does not name one certificate');
  return { sub: room, fp, iat: Math.floor(now / 1000) };
}

/** @param {Uint8Array<ArrayBuffer>} bytes */
const hmacKey = (bytes) =>
  crypto.subtle.importKey('raw', bytes, { name: 'HMAC', hash: 'SHA-256' }, false, ['sign', 'verify']);
