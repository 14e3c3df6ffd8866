// @ts-check
/** The watch page's first script: has the POST on its way before the rest of the page is there. */

import { Opening } from './opening.js';
import { roomFromLocation } from './room.js';

/** The room that the page's address names. */
export const named = roomFromLocation(location, 'watch');

/** The opening of the first session, if there is a room and this browser can. */
export const opening = named.kind === 'room' && 'RTCPeerConnection' in globalThis
  ? new Opening({ endpoint: new URL(`/whep/${named.room}`, import.meta.url).href })
  : null;
