// @ts-check
/**
 * What a link carries behind its `#`: a ticket, or the secret of a private link. Browsers keep
 * that to themselves, and so do we: it goes into an Authorization header, or into a proof.
 */

/**
 * A private link's secret (design section 6).
 *
 * @typedef {object} Secret
 * @property {number} expiry in seconds since 1970; 0 for a link that does not expire
 * @property {string} mac 32 bytes in base64url
 */

/**
 * `damaged` when there is something that is neither: half a link must not be taken for a link
 * that asks for less.
 *
 * @typedef {{ token: string | null, secret: Secret | null, damaged: boolean }} Fragment
 */

/** The `b64token` of RFC 6750 section 2.1. */
const BEARER = /^[A-Za-z0-9._~+/-]+=*$/;

const SECRET = /^(0|[1-9]\d{0,15})\.([A-Za-z0-9_-]{43})$/;

/**
 * @param {string} hash with or without its `#`
 * @returns {Fragment}
 */
export function parseFragment(hash) {
  /** @type {Fragment} */
  const fragment = { token: null, secret: null, damaged: false };
  for (const part of hash.replace(/^#/, '').split('&')) {
    if (part === '') continue;
    const [, name, value] = /^(?:([a-z]+)=)?(.*)$/s.exec(part) ?? [];
    const isKnown = name === undefined || name === 'token' || name === 'secret';
    if (name === 'token' && fragment.token === null && BEARER.test(value)) fragment.token = value;
    else if (name !== 'token' && isKnown && fragment.secret === null) {
      fragment.secret = parseSecret(value);
      fragment.damaged ||= fragment.secret === null;
    } else fragment.damaged = true;
  }
  return fragment;
}

/**
 * @param {string} text `<expiry>.<mac>`
 * @returns {Secret | null}
 */
export function parseSecret(text) {
  const match = SECRET.exec(text);
  if (!match || !Number.isSafeInteger(Number(match[1]))) return null;
  return { expiry: Number(match[1]), mac: match[2] };
}

/**
 * @param {Secret} secret
 * @param {number} now milliseconds since the epoch
 */
export const isExpired = ({ expiry }, now) => expiry !== 0 && expiry <= now / 1000;

/**
 * @param {Secret} secret
 * @returns {string} as in a link
 */
export const secretText = ({ expiry, mac }) => `${expiry}.${mac}`;
