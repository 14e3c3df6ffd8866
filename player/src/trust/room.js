// @ts-check
/** Room ids: what a link may name (design section 6). */

import { parseUrl } from './url.js';

const ROOM_ID = /^[A-Za-z0-9_-]{1,64}$/;
const ROOM_KEY = /^[0-9a-f]{64}$/;

/**
 * Whether `text` is a room id: 1 to 64 characters of `A-Z a-z 0-9 _ -`. A key in upper case is
 * none: it would be a second name for one camera.
 *
 * @param {string} text
 */
export const isRoomId = (text) =>
  ROOM_ID.test(text) && (isRoomKey(text) || !isRoomKey(text.toLowerCase()));

/**
 * Whether a room id is a public key, so that only the holder of the private key may publish there.
 *
 * @param {string} room
 */
export const isRoomKey = (room) => ROOM_KEY.test(room);

/**
 * What a person typed or pasted into the room field: a bare room id, or a whole watch link, with
 * what it carries behind its `#`.
 *
 * @param {string} text
 * @returns {{ room: string, hash: string, link: URL | null } | null} `link` where it was a whole one;
 *   null when there is no room in it
 */
export function linkFromInput(text) {
  const typed = isRoomKey(text.trim().toLowerCase()) ? text.trim().toLowerCase() : text.trim();
  if (isRoomId(typed)) return { room: typed, hash: '', link: null };
  const link = /^https?:\/\//i.test(typed) ? parseUrl(typed) : null;
  if (!link) return null;
  const named = roomFromLocation(link, 'watch');
  return named.kind === 'room' ? { room: named.room, hash: link.hash, link } : null;
}

/**
 * The room a page's address names.
 *
 * @typedef {{ kind: 'room', room: string, fromQuery: boolean }
 *   | { kind: 'none' }
 *   | { kind: 'invalid', text: string }} NamedRoom
 *
 * @param {Pick<URL, 'pathname' | 'search'>} location
 * @param {'watch' | 'publish' | 'embed'} page the page's first path segment
 * @returns {NamedRoom}
 */
export function roomFromLocation(location, page) {
  const inPath = location.pathname.match(new RegExp(`^/${page}/([^/]+)/?$`))?.[1];
  const inQuery = new URLSearchParams(location.search).get('room');
  const text = inPath === undefined ? inQuery?.trim() : decoded(inPath);
  if (!text) return { kind: 'none' };
  if (!isRoomId(text)) return { kind: 'invalid', text };
  return { kind: 'room', room: text, fromQuery: inPath === undefined };
}

/** @param {string} segment */
function decoded(segment) {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}
