// @ts-check
/** One camera on the wall: its live picture while it is there, else the last one that was seen here. */

import { parseFragment, secretText } from '../trust/fragment.js';
import { keepWatched } from '../seen/watched.js';
import { thumbnail } from '../seen/thumbnail.js';
import { PRESENCE, SEEN } from '../words/seen-words.js';
import { WALL } from '../words/wall-words.js';
import { WORDS } from '../words/words.js';

/** @typedef {import('../element/whep-player.js').WhepPlayer} WhepPlayer */
/** @typedef {import('../seen/seen-cameras.js').Seen} Seen */
/** @typedef {import('../words/seen-words.js').Presence} Presence */

/** States of a player that has, or may soon have, a picture. @type {WhepPlayer['state'][]} */
const LIVELY = ['idle', 'connecting', 'live', 'paused', 'stopped', 'reconnecting', 'jerky', 'soundonly'];

export class Tile {
  #seen;
  #changed;
  /** @type {WhepPlayer | null} while the camera is there */
  #player = null;
  /** Ends with the player. */
  #played = new AbortController();
  #still;
  #link = document.createElement('a');
  #says = document.createElement('span');
  item = document.createElement('li');

  /**
   * @param {Seen} seen
   * @param {() => void} changed told when it is live, or is not any more
   */
  constructor(seen, changed) {
    this.#seen = seen;
    this.#changed = changed;
    this.#still = thumbnail(seen.picture);
    const name = document.createElement('b');
    name.textContent = seen.name;
    this.#link.href = `/watch/${seen.room}${seen.hash}`;
    this.#says.className = 'says';
    this.#link.append(name, this.#says);
    this.item.append(this.#still, this.#link);
    this.#say(SEEN.at(seen.at, Date.now()));
  }

  get isLive() {
    return this.#player?.state === 'live';
  }

  /** @param {Presence} presence */
  show(presence) {
    // Where the server does not tell, only a try can.
    const mayBeThere = presence === 'on' || presence === 'unknown';
    if (mayBeThere && !this.#player) this.#play();
    // A player knows more than an answer that was on its way.
    if (!mayBeThere && this.#player && !LIVELY.includes(this.#player.state)) this.#stop();
    if (!this.#player) this.#say(`${PRESENCE[presence]} · ${SEEN.at(this.#seen.at, Date.now())}`);
  }

  #play() {
    const { room, name, hash } = this.#seen;
    const { token, secret } = parseFragment(hash);
    const player = /** @type {WhepPlayer} */ (document.createElement('whep-player'));
    // The link over it is what can be reached here.
    player.inert = true;
    if (token) player.setAttribute('token', token);
    if (secret) player.setAttribute('secret', secretText(secret));
    player.room = room;
    this.#player = player;
    this.#played = new AbortController();
    player.addEventListener('statechange', () => this.#follow(player));
    keepWatched(player, () => ({ room, name, hash }), this.#played.signal);
    this.#say(WALL.connecting);
    this.item.insertBefore(player, this.#link);
  }

  /** @param {WhepPlayer} player */
  #follow(player) {
    if (player !== this.#player) return;
    if (player.state === 'live') {
      this.#seen.at = Date.now();
      // Its own last frame is newer.
      this.#still.hidden = true;
    }
    this.item.toggleAttribute('data-live', this.isLive);
    this.#say(this.isLive ? WALL.live : WORDS[player.state].short);
    this.#changed();
  }

  #stop() {
    this.#played.abort();
    this.#player?.remove();
    this.#player = null;
    this.#still.hidden = false;
    this.item.removeAttribute('data-live');
    this.#changed();
  }

  /** @param {string} words */
  #say(words) {
    this.#says.textContent = words;
  }
}
