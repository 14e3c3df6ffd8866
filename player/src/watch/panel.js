// @ts-check
/** The watch page's panel: figures of the picture, why there is none, and what has happened. */

import { spoken } from '../words/language.js';
import { FIGURES, PAGE, PATHS } from '../words/watch-words.js';

/** @typedef {import('./charts.js').Second} Second */
/** @typedef {import('../session/doctor.js').Cause} Cause */
/** @typedef {import('../session/ice-evidence.js').Evidence} Evidence */

/** Lines the log keeps, and seconds that are drawn. */
const LOG_LINES = 60;
const SECONDS = 60;

/** @param {string} id */
const element = (id) => /** @type {HTMLElement} */ (document.getElementById(id));

/** @type {Second[]} oldest first */
const seconds = [];
/** @type {object | null} */
let vitals = null;
/** @type {{ cause: Cause | null, evidence: Evidence | null }} */
let diagnosis = { cause: null, evidence: null };
/** Those who only look at the picture load no charts. @type {typeof import('./charts.js') | null} */
let charts = null;

/** @param {import('../element/whep-player.js').WhepPlayer} player whose panel it is */
export function wirePanel(player) {
  element('details').addEventListener('click', togglePanel);
  element('panel-close').addEventListener('click', () => {
    togglePanel();
    element('details').focus();
  });
  element('report').addEventListener('click', () => void copyReport(player));
}

/** Shows the panel, or hides it. */
export function togglePanel() {
  const panel = element('panel');
  panel.hidden = !panel.hidden;
  element('details').setAttribute('aria-expanded', String(!panel.hidden));
  if (panel.hidden) return;
  element('log').querySelectorAll('time').forEach(writeClock);
  void draw();
}

/**
 * @param {import('../session/vitals.js').Vitals
 *   & { path: import('../session/terms.js').Path, delay: number | null }} told
 */
export function showVitals(told) {
  const { kbps, fps, delay, rtt, loss, path, turn } = told;
  vitals = told;
  const now = Date.now();
  seconds.push({ at: now, rate: kbps, fps, delay, rtt, loss });
  if (seconds.length > SECONDS) seconds.shift();
  const [words, more] = PATHS[path === 'direct' && turn ? 'turn' : path];
  Object.assign(element('path'), { textContent: words, title: more });
  element('picture').textContent = FIGURES.picture(told);
  element('buffer').textContent = FIGURES.buffer(told);
  void draw();
}

/** What somebody sees who looks. */
async function draw() {
  if (element('panel').hidden) return;
  charts ??= await import('./charts.js');
  const now = Date.now();
  charts.drawCharts(element('charts'), seconds.filter(({ at }) => now - at < (charts?.SPAN ?? 0)), now);
}

/**
 * Shows why no way for media was found.
 *
 * @param {{ cause: Cause | null, evidence: Evidence | null, title: string, hint: string }} found null when there is a way
 */
export async function showDiagnosis({ cause, evidence, title, hint }) {
  diagnosis = { cause, evidence };
  element('doctor').hidden = cause === null;
  if (cause === null) return;
  element('cause').textContent = title;
  element('remedy').textContent = hint;
  const { TRIED } = await import('../words/doctor-words.js');
  await spoken();
  element('despite').textContent = TRIED.despite;
  element('tried').textContent = evidence ? TRIED.sum(evidence) : '';
}

/**
 * @param {string} words
 * @param {string} mood
 * @param {string} [detail] the server's own words, which are English
 */
export function log(words, mood, detail = '') {
  const line = document.createElement('li');
  const time = document.createElement('time');
  time.dateTime = new Date().toISOString();
  // The first time that `Intl` is asked costs more than all else until the POST is answered.
  if (!element('panel').hidden) writeClock(time);
  line.dataset.mood = mood;
  line.append(time, detail ? withDetail(words, detail) : words);
  const list = element('log');
  list.prepend(line);
  while (list.childElementCount > LOG_LINES) list.lastElementChild?.remove();
}

/**
 * @param {string} words
 * @param {string} detail
 */
function withDetail(words, detail) {
  const told = Object.assign(document.createElement('span'), { textContent: `${words}: ` });
  told.append(Object.assign(document.createElement('span'), { lang: 'en', textContent: detail }));
  return told;
}

/** @param {HTMLTimeElement} time */
function writeClock(time) {
  time.textContent = FIGURES.clock(new Date(time.dateTime));
}

/** @param {import('../element/whep-player.js').WhepPlayer} player */
async function copyReport(player) {
  const [{ report }, { copy }] = await Promise.all([import('./report.js'), import('../page/share.js')]);
  const text = report({
    at: new Date(),
    origin: location.origin,
    room: player.room,
    player: await version(),
    browser: navigator,
    state: player.state,
    trust: player.trust,
    ...diagnosis,
    vitals,
    seconds,
    activity: [...element('log').children].map(({ childNodes: [time, words] }) => ({
      at: new Date(/** @type {HTMLTimeElement} */ (time).dateTime),
      words: words.textContent ?? '',
    })),
  });
  const copied = await copy(text);
  element('report').textContent = copied ? PAGE.copied : PAGE.notCopied;
  setTimeout(() => (element('report').textContent = PAGE.report), 2000);
}

/** What this server tells of its player, which changes with each of its versions. */
async function version() {
  const response = await fetch(new URL('../whep-player.js', import.meta.url), { method: 'HEAD' }).catch(() => null);
  return response?.headers.get('etag') ?? '';
}
