// @ts-check
/** The watch page: finds its room, shows the picture and what happens around it. */

import { secretText } from '../trust/fragment.js';
import { fragment, named, opening } from './head-start.js';
// This server has more than plain WHEP, and most rooms are keys: fewer requests, here and on the way to the picture.
import '../element/figures.js';
import '../session/doctor.js';
import '../session/extensions.js';
import '../trust/signatures.js';
import { WhepPlayer } from '../element/whep-player.js';
import { complain, wireLinkField } from '../page/link-field.js';
import { wireShare } from '../page/share.js';
import { log, showDiagnosis, showVitals, togglePanel, wirePanel } from './panel.js';
import { showKeys, showTrust, wireSheets } from './sheets.js';
import { speak } from '../words/language.js';
import { PAGE, SAID } from '../words/watch-words.js';
import { TRUST } from '../words/trust-words.js';
import { WORDS } from '../words/words.js';

/** @typedef {import('../words/words.js').State} State */

/** @param {string} id */
const element = (id) => /** @type {HTMLElement} */ (document.getElementById(id));

const player = /** @type {WhepPlayer} */ (element('player'));

// Another link to the same room, put into the address bar: browsers do not reload for that.
addEventListener('hashchange', () => location.reload());

if (named.kind === 'room' && !fragment.damaged) void watch(named.room);
else void choose(named.kind === 'room' ? location.href : named.kind === 'invalid' ? named.text : '');

/** @param {string} room */
async function watch(room) {
  // The POST is on its way all the same.
  await speak(PAGE);
  wirePlayer();
  const { token, secret } = fragment;
  player.watch(room, { token, secret: secret && secretText(secret) }, opening);
  element('watching').hidden = false;
  document.body.classList.add('watches');
  if (named.kind === 'room' && named.fromQuery) {
    history.replaceState(null, '', `/watch/${room}${location.hash}`);
  }
  call(shortened(room));
  element('name').title = room;
  player.addEventListener('trustchange', () => player.trust && call(player.cameraName ?? shortened(room)));
  wireShare(element('share'), () => location.href);
  void comesLater(room);
}

/**
 * What is fetched once there is a picture, or after a while without one: none of it is on the way to it.
 *
 * @param {string} room
 */
async function comesLater(room) {
  await new Promise((resolve) => {
    // Not in the moment in which everything else happens.
    player.addEventListener('statechange', () => player.state === 'live' && setTimeout(resolve, 1000));
    setTimeout(resolve, 5000);
  });
  const { keepWatched } = await import('../seen/watched.js');
  keepWatched(player, () => ({ room, name: element('name').textContent || room, hash: location.hash }));
  const { beAnApp } = await import('../app/app.js');
  await beAnApp();
}

/**
 * Says what is watched, in the page and in its tab: as text, since others have chosen it.
 *
 * @param {string} name
 */
function call(name) {
  document.title = `${name} · Sightline`;
  element('name').textContent = name;
}

/** @param {string} invalid what the address named instead of a room */
async function choose(invalid) {
  await speak(PAGE);
  const input = /** @type {HTMLInputElement} */ (element('room'));
  element('home').hidden = false;
  wireLinkField(/** @type {HTMLFormElement} */ (element('choose')), input);
  if (invalid) {
    Object.assign(element('wrong'), { textContent: WORDS.wrong.short, hidden: false });
    input.value = invalid;
    complain(input, named.kind === 'room'
      ? SAID.damaged : SAID.noRoom(invalid.slice(0, 80)));
  }
  input.focus();
}

function wirePlayer() {
  wireSheets(() => player.trust);
  wireKeys();
  wirePanel(player);
  wireTouch();
  wireLinkField(/** @type {HTMLFormElement} */ (element('relink')),
    /** @type {HTMLInputElement} */ (element('newlink')));
  player.addEventListener('statechange', (event) => {
    const { state, title, detail } = /** @type {CustomEvent} */ (event).detail;
    pill(state);
    // What somebody is typing into does not go away.
    const { value } = /** @type {HTMLInputElement} */ (element('newlink'));
    element('relink').hidden = !WORDS[/** @type {State} */ (state)].link && value === '';
    element('facts').classList.toggle('stale', state !== 'live');
    element('despite').hidden = state !== 'live';
    if (player.trust === null) element('viewers').textContent = '–';
    log(state === 'live' ? SAID.live : title, WORDS[/** @type {State} */ (state)].mood, detail);
  });
  for (const name of ['join', 'leave']) {
    player.addEventListener(name, (event) => {
      const { who, count } = /** @type {CustomEvent} */ (event).detail;
      if (who !== 'viewer') return;
      const first = element('viewers').textContent === '–';
      element('viewers').textContent = String(count);
      log((first ? SAID.youJoined : name === 'join' ? SAID.joined : SAID.left)(count), 'quiet');
    });
  }
  player.addEventListener('trustchange', () => {
    const { trust } = player;
    showTrust(trust);
    if (trust) log(TRUST[trust].title, TRUST[trust].mood);
  });
  player.addEventListener('advicechange', (event) => {
    const { advice, title } = /** @type {CustomEvent} */ (event).detail;
    if (advice) log(title, 'bad');
  });
  player.addEventListener('diagnosis', (event) => {
    const found = /** @type {CustomEvent} */ (event).detail;
    if (found.cause) log(found.title, 'bad');
    void showDiagnosis(found);
  });
  player.addEventListener('vitals', (event) => showVitals(/** @type {CustomEvent} */ (event).detail));
}

/** A touch that only showed what lies over the picture works nothing of it. */
function wireTouch() {
  let wasCalm = false;
  const watching = element('watching');
  watching.addEventListener('pointermove', () => player.wake());
  watching.addEventListener('pointerdown', () => (wasCalm = player.hasAttribute('calm')), { capture: true });
  watching.addEventListener('click', (event) => {
    const isOver = event.target instanceof Element && event.target.closest('.over') !== null;
    if (!wasCalm || !isOver || event.detail === 0) return;
    event.preventDefault();
    event.stopPropagation();
  }, { capture: true });
}

/** Keys that work wherever somebody is in the page. */
function wireKeys() {
  document.addEventListener('keydown', (event) => {
    const [at] = event.composedPath();
    const isTyping = at instanceof HTMLElement && at.matches('input[type="text"]');
    if (event.defaultPrevented || isTyping || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === '?') showKeys();
    else if (event.key === 'i') togglePanel();
    else player.press(event);
  });
}

/** @param {State} state */
function pill(state) {
  const { short, mood } = WORDS[state];
  Object.assign(element('state'), { textContent: short, hidden: false });
  element('state').dataset.mood = mood;
}

/** @param {string} room a key is too long to be read */
function shortened(room) {
  return room.length > 24 ? `${room.slice(0, 10)}…${room.slice(-6)}` : room;
}
