// @ts-check
/** The cameras that were seen on this device, each with its last picture, and whether it is there now. */

import { watchPresence } from '../seen/presence.js';
import { forgetAll, forgetCamera, isKeeping, seenCameras, setKeeping } from '../seen/seen-cameras.js';
import { thumbnail } from '../seen/thumbnail.js';
import { PRESENCE, SEEN } from '../words/seen-words.js';

/** @typedef {import('../seen/seen-cameras.js').Seen} Seen */

/** @param {string} id */
const element = (id) => /** @type {HTMLElement} */ (document.getElementById(id));

/** Ends what is looked after for the list that is shown. */
let shown = new AbortController();

/** What holds for all of them. */
export function wireCameras() {
  const keeping = /** @type {HTMLInputElement} */ (element('keeping'));
  keeping.checked = isKeeping();
  keeping.addEventListener('change', async () => {
    await setKeeping(keeping.checked).catch(() => (keeping.checked = isKeeping()));
    await showCameras();
  });
  element('forget-all').addEventListener('click', async () => {
    await forgetAll();
    await showCameras();
    element('said').textContent = SEEN.allForgotten;
    keeping.focus();
  });
}

export async function showCameras() {
  const all = await seenCameras();
  shown.abort();
  shown = new AbortController();
  const cards = new Map(all.map((seen) => [seen.room, card(seen)]));
  element('cameras').replaceChildren(...cards.values());
  for (const id of ['wall', 'forget-all']) element(id).hidden = all.length === 0;
  Object.assign(element('none'), { hidden: all.length > 0, textContent: isKeeping() ? SEEN.none : SEEN.off });
  watchPresence(all, ({ room, at }, presence) => {
    const item = cards.get(room);
    if (!item) return;
    item.dataset.presence = presence;
    const says = presence === 'on' ? PRESENCE.on : `${PRESENCE[presence]} · ${SEEN.at(at, Date.now())}`;
    /** @type {HTMLElement} */ (item.querySelector('.says')).textContent = says;
  }, shown.signal);
}

/**
 * @param {Seen} seen
 * @returns {HTMLElement}
 */
function card({ room, name, hash, at, picture }) {
  const [item, link, title, says] = ['li', 'a', 'b', 'span'].map((tag) => document.createElement(tag));
  Object.assign(link, { href: `/watch/${room}${hash}`, className: 'camera' });
  title.textContent = name;
  Object.assign(says, { className: 'says', textContent: SEEN.at(at, Date.now()) });
  link.append(thumbnail(picture), title, says);
  const forget = document.createElement('button');
  Object.assign(forget, { type: 'button', className: 'forget', textContent: '×', title: SEEN.forget(name) });
  forget.setAttribute('aria-label', SEEN.forget(name));
  forget.addEventListener('click', () => void drop(item, room, name));
  item.append(link, forget);
  return item;
}

/**
 * @param {HTMLElement} item
 * @param {string} room
 * @param {string} name
 */
async function drop(item, room, name) {
  const index = [...element('cameras').children].indexOf(item);
  await forgetCamera(room);
  await showCameras();
  element('said').textContent = SEEN.forgotten(name);
  // Who is here by keyboard goes on where he was.
  const buttons = element('cameras').querySelectorAll('button');
  (buttons[Math.min(index, buttons.length - 1)] ?? element('keeping')).focus();
}
