// @ts-check
/** JSON Web Tokens (RFC 7519) in their compact form, as far as tokens and proofs need them. */

/**
 * A token that has been read but not verified.
 *
 * @typedef {object} Jwt
 * @property {string} alg
 * @property {Record<string, unknown>} claims
 * @property {Uint8Array<ArrayBuffer>} signed what the signature is over
 * @property {Uint8Array<ArrayBuffer>} signature
 */

/** Longest token that is looked at. */
const LONGEST = 4096;

/** @param {Uint8Array} bytes */
export const base64url = (bytes) =>
  btoa(String.fromCharCode(...bytes)).replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '');

/**
 * @param {string} text
 * @returns {Uint8Array<ArrayBuffer>}
 * @throws {Error} when it is not base64url without padding
 */
export function fromBase64url(text) {
  if (!/^[A-Za-z0-9_-]*$/.test(text)) throw new Error('not base64url');
  const binary = atob(text.replaceAll('-', '+').replaceAll('_', '/'));
  return Uint8Array.from(binary, (char) => char.charCodeAt(0));
}

/**
 * @param {string} text
 * @returns {Uint8Array<ArrayBuffer>}
 */
const utf8 = (text) => Uint8Array.from(new TextEncoder().encode(text));

/** @param {object} part */
const encode = (part) => base64url(utf8(JSON.stringify(part)));

/**
 * @param {'EdDSA' | 'HS256'} alg what `key` is for
 * @param {object} claims
 * @param {CryptoKey} key
 * @returns {Promise<string>}
 */
export async function sign(alg, claims, key) {
  const signed = `${encode({ alg, typ: 'JWT' })}.${encode(claims)}`;
  const signature = await crypto.subtle.sign(key.algorithm.name, key, utf8(signed));
  return `${signed}.${base64url(new Uint8Array(signature))}`;
}

/**
 * Whether `key` signed this. The key says by which algorithm, never the token.
 *
 * @param {Jwt} jwt
 * @param {'EdDSA' | 'HS256'} alg what `key` is for
 * @param {CryptoKey} key
 */
export const isSignedBy = async ({ alg: claimed, signed, signature }, alg, key) =>
  claimed === alg && crypto.subtle.verify(key.algorithm.name, key, signature, signed);

/**
 * @param {string} text
 * @returns {Jwt | null} null when it is none, or needs what we do not know (`crit`)
 */
export function readJwt(text) {
  const parts = text.split('.');
  if (parts.length !== 3 || text.length > LONGEST) return null;
  try {
    const [{ alg, crit }, claims] = parts.slice(0, 2).map(decoded);
    if (typeof alg !== 'string' || crit !== undefined) return null;
    const signature = fromBase64url(parts[2]);
    return { alg, claims, signed: utf8(`${parts[0]}.${parts[1]}`), signature };
  } catch {
    return null;
  }
}

/**
 * @param {string} part
 * @returns {Record<string, unknown>}
 */
function decoded(part) {
  const text = new TextDecoder('utf-8', { fatal: true }).decode(fromBase64url(part));
  const value = JSON.parse(text);
  if (typeof value !== 'object' || value === null) throw new Error('not an object');
  return value;
}
