// @ts-check
/** The wall: all cameras that were seen on this device, live. */

import '../element/whep-player.js';
import { beAnApp } from '../app/app.js';
import { WakeLock } from '../page/wake-lock.js';
import { watchPresence } from '../seen/presence.js';
import { seenCameras } from '../seen/seen-cameras.js';
import { speak } from '../words/language.js';
import { PAGE, WALL } from '../words/wall-words.js';
import { GAP, pictureSize } from './grid.js';
import { Tile } from './tile.js';

/** @param {string} id */
const element = (id) => /** @type {HTMLElement} */ (document.getElementById(id));

const list = element('tiles');
const wakeLock = new WakeLock();
const fill = element('fill');

/** @type {Map<string, Tile>} by room */
const tiles = new Map();

void show();

async function show() {
  await speak(PAGE);
  document.title = `${PAGE.title} · Sightline`;
  const all = await seenCameras();
  for (const seen of all) tiles.set(seen.room, new Tile(seen, showCount));
  list.replaceChildren(...[...tiles.values()].map(({ item }) => item));
  list.hidden = all.length === 0;
  element('none').hidden = all.length > 0;
  fill.hidden = all.length === 0 || !document.fullscreenEnabled;
  fill.addEventListener('click', () => element('wall').requestFullscreen());
  new ResizeObserver(arrange).observe(element('wall'));
  arrange();
  showCount();
  watchPresence(all, ({ room }, presence) => tiles.get(room)?.show(presence), new AbortController().signal);
  await beAnApp();
}

function arrange() {
  const { clientWidth, clientHeight } = element('wall');
  if (tiles.size === 0) return;
  const { width, height } = pictureSize(tiles.size, clientWidth, clientHeight);
  for (const [name, pixels] of Object.entries({ '--gap': GAP, '--width': width, '--height': height })) {
    list.style.setProperty(name, `${pixels}px`);
  }
}

function showCount() {
  const live = [...tiles.values()].filter(({ isLive }) => isLive).length;
  const count = element('count');
  Object.assign(count, { textContent: WALL.count(live, tiles.size), hidden: tiles.size === 0 });
  count.dataset.mood = live > 0 ? 'good' : 'quiet';
  if (live > 0) wakeLock.hold();
  else wakeLock.release();
}
