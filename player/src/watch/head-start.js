// @ts-check
/** The watch page's first script: has the POST on its way before the rest of the page is there. */

import { isExpired, parseFragment } from '../trust/fragment.js';
import { Opening } from '../session/opening.js';
import { roomFromLocation } from '../trust/room.js';

/** The room that the page's address names. */
export const named = roomFromLocation(location, 'watch');

/** What the link carries besides. */
export const fragment = parseFragment(location.hash);

/** The opening of the first session, if there is a room and this browser can. */
export const opening = named.kind === 'room' && maySay(fragment) && 'RTCPeerConnection' in globalThis
  ? new Opening({
    endpoint: new URL(`/whep/${named.room}`, import.meta.url).href,
    strict: fragment.secret !== null,
    authorization: fragment.token ? { Authorization: `Bearer ${fragment.token}` } : {},
  })
  : null;

/** @param {import('../trust/fragment.js').Fragment} fragment of which an offer may be made */
function maySay({ secret, damaged }) {
  return !damaged && !(secret && isExpired(secret, Date.now()));
}
