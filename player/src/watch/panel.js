// @ts-check
/** The watch page's panel: figures of the picture, and what has happened. */

import { PATHS } from '../words/watch-words.js';

/** Lines the log keeps. */
const LOG_LINES = 60;

/** @param {string} id */
const element = (id) => /** @type {HTMLElement} */ (document.getElementById(id));

/** Shows the panel, or hides it. */
export function togglePanel() {
  const panel = element('panel');
  panel.hidden = !panel.hidden;
  element('details').setAttribute('aria-expanded', String(!panel.hidden));
}

/**
 * @param {import('../session/vitals.js').Vitals
 *   & { path: import('../session/terms.js').Path, delay: number | null }} vitals
 */
export function showVitals({ width, height, fps, kbps, buffer, jitter, codec, path, turn, delay }) {
  const [words, more] = PATHS[path === 'direct' && turn ? 'turn' : path];
  Object.assign(element('path'), { textContent: words, title: more });
  element('picture').textContent = `${width}×${height} · ${fps} fps${codec ? ` · ${codec}` : ''}`;
  element('rate').textContent = kbps >= 1000 ? `${(kbps / 1000).toFixed(1)} Mbit/s` : `${kbps} kbit/s`;
  element('delay').textContent = delay === null ? '–' : `${delay.toFixed(2)} s`;
  element('buffer').textContent = `${buffer} ms · jitter ${jitter} ms`;
}

/**
 * @param {string} words
 * @param {string} mood
 */
export function log(words, mood) {
  const now = new Date();
  const line = document.createElement('li');
  const time = document.createElement('time');
  time.dateTime = now.toISOString();
  time.textContent = clock(now);
  line.dataset.mood = mood;
  line.append(time, words);
  const list = element('log');
  list.prepend(line);
  while (list.childElementCount > LOG_LINES) list.lastElementChild?.remove();
}

/**
 * Not `toLocaleTimeString`: its first call costs more than all else until the POST is answered.
 *
 * @param {Date} time
 */
const clock = (time) => [time.getHours(), time.getMinutes(), time.getSeconds()]
  .map((part) => String(part).padStart(2, '0')).join(':');
