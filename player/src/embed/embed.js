// @ts-check
/** The page that other sites may frame: one room's picture, and nothing else. */

import { parseFragment, secretText } from '../trust/fragment.js';
import { roomFromLocation } from '../trust/room.js';
// It is of this server, and most rooms are keys: two requests less on the way to the picture.
import '../session/extensions.js';
import '../trust/signatures.js';
import { WhepPlayer } from '../element/whep-player.js';

const player = /** @type {WhepPlayer} */ (document.getElementById('player'));
const named = roomFromLocation(location, 'embed');
const { token, secret, damaged } = parseFragment(location.hash);

// Another link to the same room: browsers do not reload for that.
addEventListener('hashchange', () => location.reload());

if (named.kind === 'room' && !damaged) {
  player.watch(named.room, { token, secret: secret && secretText(secret) }, null);
} else {
  // Half a link must not become one that asks for less: an empty secret is a wrong one.
  player.setAttribute('secret', '');
  player.room = 'none';
}
