// @ts-check
/** The watch page: finds its room, shows the picture and what happens around it. */

import { named, opening } from './head-start.js';
import { roomFromInput } from './room.js';
import { WhepPlayer } from './whep-player.js';
import { WORDS } from './words.js';

/** @typedef {import('./words.js').State} State */

/** Lines the log keeps. */
const LOG_LINES = 60;

/** The ways that media takes, in a word and in a sentence. */
const PATHS = Object.freeze({
  direct: ['Direct', 'Straight from the camera to this browser'],
  turn: ['Direct, by TURN', 'From the camera to this browser, over a TURN server that cannot see it'],
  relay: ['Via the gateway', 'Passed on by the gateway'],
});

/** @param {string} id */
const element = (id) => /** @type {HTMLElement} */ (document.getElementById(id));

const player = /** @type {WhepPlayer} */ (element('player'));

if (named.kind === 'room') watch(named.room);
else choose(named.kind === 'invalid' ? named.text : '');

/** @param {string} room */
function watch(room) {
  wirePlayer();
  player.watch(room, opening);
  element('watching').hidden = false;
  if (named.kind === 'room' && named.fromQuery) {
    history.replaceState(null, '', `/watch/${room}${location.hash}`);
  }
  document.title = `${shortened(room)} · Sightline`;
  element('name').textContent = shortened(room);
  element('name').title = room;
  // One module less on the way to the picture.
  setTimeout(async () => {
    const { wireShare } = await import('./share.js');
    wireShare(element('share'), () => location.href);
  }, 500);
}

/** @param {string} invalid what the address named instead of a room */
function choose(invalid) {
  const form = /** @type {HTMLFormElement} */ (element('choose'));
  const input = /** @type {HTMLInputElement} */ (element('room'));
  element('home').hidden = false;
  if (invalid) {
    pill('wrong');
    input.value = invalid;
    complain(input, `Link wrong: “${invalid.slice(0, 80)}” is no room id.`);
  }
  input.addEventListener('input', () => complain(input, ''));
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    const room = roomFromInput(input.value);
    if (room) location.assign(`/watch/${room}`);
    else complain(input, 'A room id has 1 to 64 letters, digits, “-” or “_”.');
  });
  input.focus();
}

/**
 * @param {HTMLInputElement} input
 * @param {string} words
 */
function complain(input, words) {
  element('room-error').textContent = words;
  input.setAttribute('aria-invalid', String(words !== ''));
}

function wirePlayer() {
  player.addEventListener('statechange', (event) => {
    const { state, title, detail } = /** @type {CustomEvent} */ (event).detail;
    pill(state);
    element('facts').classList.toggle('stale', state !== 'live');
    if (state !== 'live') element('viewers').textContent = '–';
    const words = state === 'live' ? 'Picture live' : title;
    log(detail ? `${words}: ${detail}` : words, WORDS[/** @type {State} */ (state)].mood);
  });
  for (const name of ['join', 'leave']) {
    player.addEventListener(name, (event) => {
      const { who, count } = /** @type {CustomEvent} */ (event).detail;
      if (who !== 'viewer') return;
      const first = element('viewers').textContent === '–';
      element('viewers').textContent = String(count);
      const verb = name === 'join' ? 'joined' : 'left';
      log(`${first ? 'You' : 'A viewer'} ${verb} (${count} watching)`, 'quiet');
    });
  }
  player.addEventListener('vitals', (event) => showVitals(/** @type {CustomEvent} */ (event).detail));
}

/** @param {import('./media-watch.js').Vitals & { path: import('./whep-session.js').Path }} vitals */
function showVitals({ width, height, fps, kbps, buffer, jitter, codec, path, turn }) {
  const [words, more] = PATHS[path === 'direct' && turn ? 'turn' : path];
  Object.assign(element('path'), { textContent: words, title: more });
  element('picture').textContent = `${width}×${height} · ${fps} fps${codec ? ` · ${codec}` : ''}`;
  element('rate').textContent = kbps >= 1000 ? `${(kbps / 1000).toFixed(1)} Mbit/s` : `${kbps} kbit/s`;
  element('buffer').textContent = `${buffer} ms · jitter ${jitter} ms`;
}

/** @param {State} state */
function pill(state) {
  const { short, mood } = WORDS[state];
  Object.assign(element('state'), { textContent: short, hidden: false });
  element('state').dataset.mood = mood;
}

/**
 * @param {string} words
 * @param {string} mood
 */
function log(words, mood) {
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

/** @param {string} room a key is too long to be read */
function shortened(room) {
  return room.length > 24 ? `${room.slice(0, 10)}…${room.slice(-6)}` : room;
}
