// @ts-check
/** The `Link` header (RFC 8288), as WHIP and WHEP use it for ICE servers and extensions. */

/** The extension that an events stream is announced by (WHEP draft section 4.5). */
export const SERVER_SENT_EVENTS = 'urn:ietf:params:whep:ext:core:server-sent-events';
/** Events of Sightline's own, on the same streams: `join`, `leave`, `candidates`, `problem`. */
export const OWN_EVENTS = 'urn:sightline:ext:events';

/** The extension that chooses among video layers (WHEP core extensions section 5). */
const LAYER = 'urn:ietf:params:whep:ext:core:layer';

/**
 * One link: its target as written, and its parameters, names in lower case.
 *
 * @typedef {{ target: string, params: Map<string, string> }} Link
 */

const TOKEN = "[!#$%&'*+.^_`|~0-9A-Za-z-]+";
const TARGET = /\s*<([^>]*)>/y;
// The WHEP draft's own example lacks a semicolon between two parameters: a space will do.
const PARAM = new RegExp(
  `(?:\\s*;\\s*|\\s+)(${TOKEN}\\*?)(?:\\s*=\\s*(?:"((?:[^"\\\\]|\\\\.)*)"|([^\\s;,"]+)))?`,
  'y',
);
const SEPARATOR = /\s*;?\s*(?:,[\s,]*|$)/y;

/**
 * Parses a `Link` header. `fetch` joins repeated headers with commas, and commas also occur
 * inside `<…>` and quotes, hence the scanner. What follows the first
 * malformed parameter is dropped.
 *
 * @param {string | null} header
 * @returns {Link[]}
 */
export function parseLinks(header) {
  /** @type {Link[]} */
  const links = [];
  const text = header ?? '';
  let at = /^[\s,]*/.exec(text)?.[0].length ?? 0;

  /** @param {RegExp} pattern */
  const take = (pattern) => {
    pattern.lastIndex = at;
    const match = pattern.exec(text);
    if (match) at = pattern.lastIndex;
    return match;
  };

  while (at < text.length) {
    const target = take(TARGET);
    if (!target) break;
    /** @type {Map<string, string>} */
    const params = new Map();
    for (let param = take(PARAM); param; param = take(PARAM)) {
      const [, name, quoted, bare] = param;
      const value = quoted === undefined ? (bare ?? '') : quoted.replace(/\\(.)/g, '$1');
      // RFC 8288 section 3: of repeated parameters the first one counts.
      if (!params.has(name.toLowerCase())) params.set(name.toLowerCase(), value);
    }
    links.push({ target: target[1].trim(), params });
    if (!take(SEPARATOR)) break;
  }
  return links;
}

/**
 * Whether the link has this relation type; `rel` may hold several, separated by spaces.
 *
 * @param {Link} link
 * @param {string} rel
 */
export function hasRel(link, rel) {
  const rels = (link.params.get('rel') ?? '').split(/\s+/);
  return rels.some((each) => each.toLowerCase() === rel.toLowerCase());
}

/**
 * The ICE servers among the links (RFC 9725 section 4.6). One without a known scheme, or a TURN
 * server without credentials, would make the RTCPeerConnection constructor throw: left out.
 *
 * @param {Link[]} links
 * @returns {RTCIceServer[]}
 */
export function iceServers(links) {
  return links.filter((link) => hasRel(link, 'ice-server')).flatMap(iceServer);
}

/**
 * @param {Link} link
 * @returns {RTCIceServer[]} one server, or none
 */
function iceServer({ target, params }) {
  const username = params.get('username');
  const credential = params.get('credential');
  // RFC 7064 and 7065 know no `//`, but servers write it.
  const urls = target.replace(/^(stuns?|turns?):\/\//i, '$1:');
  if (/^stuns?:/i.test(urls)) return [{ urls }];
  if (!/^turns?:/i.test(urls) || username === undefined || credential === undefined) return [];
  return [{ urls, username, credential }];
}

/**
 * Where to choose a video layer, if the server lets viewers do so.
 *
 * @param {Link[]} links
 * @returns {string | null}
 */
export const layerLink = (links) => links.find((each) => hasRel(each, LAYER))?.target ?? null;

/**
 * Where to ask for server-sent events, if the server offers them.
 *
 * @param {Link[]} links
 * @returns {{ target: string, events: string[], shared: string | null } | null} `shared` is where one
 *   stream carries those of several sessions, where the server has that
 */
export function eventsLink(links) {
  const offered = links.filter((each) => hasRel(each, SERVER_SENT_EVENTS) || hasRel(each, OWN_EVENTS));
  if (offered.length === 0) return null;
  const { target } = offered[0];
  const same = offered.filter((link) => link.target === target);
  // Commas in the draft's example; spaces here, since many clients split at every comma.
  const lists = same.map((link) => (link.params.get('events') ?? '').split(/[\s,]+/).filter(Boolean));
  const shared = same.map((link) => link.params.get('shared')).find((each) => each !== undefined) ?? null;
  return { target, events: lists.some((list) => list.length === 0) ? [] : lists.flat(), shared };
}
