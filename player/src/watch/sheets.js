// @ts-check
/** What the watch page shows over the picture when somebody asks: who can see what, and the keys. */

import { KEYS, SEES } from '../words/watch-words.js';
import { TRUST } from '../words/trust-words.js';

/** @typedef {import('../trust/trust.js').Trust} Trust */

/**
 * @template {HTMLElement} [T=HTMLElement]
 * @param {string} id
 * @returns {T}
 */
const element = (id) => /** @type {T} */ (document.getElementById(id));

/** @param {() => Trust | null} trust of the picture */
export function wireSheets(trust) {
  element('trust').addEventListener('click', () => {
    const holds = trust();
    if (holds) showSheet(holds);
  });
  element('help').addEventListener('click', () => showKeys());
  for (const id of ['sheet', 'keys']) {
    const dialog = /** @type {HTMLDialogElement} */ (element(id));
    // Its padding is its own; a click on itself is one beside it.
    dialog.addEventListener('click', (event) => event.target === dialog && isBeside(dialog, event) && dialog.close());
  }
}

/** @param {Trust | null} trust null when there is no picture any more */
export function showTrust(trust) {
  const shield = element('trust');
  shield.hidden = trust === null;
  if (trust === null) return;
  const { title, mood } = TRUST[trust];
  shield.dataset.mood = mood;
  /** @type {HTMLElement} */ (shield.querySelector('b')).textContent = title;
  if (/** @type {HTMLDialogElement} */ (element('sheet')).open) fillSheet(trust);
}

/** Lists the keys. */
export function showKeys() {
  const rows = KEYS.flatMap(([key, words]) => {
    const [term, what] = [document.createElement('dt'), document.createElement('dd')];
    term.append(Object.assign(document.createElement('kbd'), { textContent: key }));
    what.textContent = words;
    return [term, what];
  });
  element('key-list').replaceChildren(...rows);
  const dialog = /** @type {HTMLDialogElement} */ (element('keys'));
  if (dialog.open) dialog.close();
  else dialog.showModal();
}

/** @param {Trust} trust */
function showSheet(trust) {
  fillSheet(trust);
  /** @type {HTMLDialogElement} */ (element('sheet')).showModal();
}

/** @param {Trust} trust */
function fillSheet(trust) {
  const { title, hint, mood } = TRUST[trust];
  const sheet = element('sheet');
  sheet.dataset.mood = mood;
  sheet.dataset.path = trust === 'relayed' ? 'relay' : 'direct';
  element('sheet-title').textContent = title;
  element('sheet-hint').textContent = hint;
  for (const who of /** @type {const} */ (['camera', 'server', 'you'])) {
    element(`sees-${who}`).textContent = SEES[trust][who];
  }
}

/**
 * @param {HTMLElement} dialog
 * @param {MouseEvent} event
 */
function isBeside(dialog, { clientX, clientY }) {
  const { left, right, top, bottom } = dialog.getBoundingClientRect();
  return clientX < left || clientX > right || clientY < top || clientY > bottom;
}
