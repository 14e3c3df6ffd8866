// @ts-check
/** The publish page: turns this phone or laptop into a camera. */

import { beAnApp } from '../app/app.js';
import { KeyAccess, OpenAccess } from '../trust/access.js';
import { canCapture } from './capture.js';
import { policyOf } from './policy.js';
import { PrivateLinks } from '../trust/private-links.js';
import { parseFragment } from '../trust/fragment.js';
// It is of this server: a request less.
import '../session/extensions.js';
import { Publisher } from '../session/publisher.js';
import { RoomKey } from '../trust/room-key.js';
import { isRoomId, isRoomKey, roomFromLocation } from '../trust/room.js';
import { Source } from './source.js';
import { ViewerLink } from './viewer-link.js';
import { WakeLock } from '../page/wake-lock.js';
import { speak } from '../words/language.js';
import { LINK, PAGE, PUBLISHING, ROOM, SOURCE } from '../words/publish-words.js';

/** @typedef {import('../session/publisher.js').PublisherState} PublisherState */

/** How long somebody who types a name is left alone, in milliseconds. */
const TYPING = 250;

/** Endings that only a person can do something about. @type {PublisherState[]} */
const FINAL = ['denied', 'wrong', 'unsupported'];

/**
 * @template {HTMLElement} [T=HTMLElement]
 * @param {string} id
 * @returns {T}
 */
const element = (id) => /** @type {T} */ (document.getElementById(id));

const form = /** @type {HTMLFormElement} */ (element('setup'));
const start = /** @type {HTMLButtonElement} */ (element('start'));
const roomInput = /** @type {HTMLInputElement} */ (element('room'));
const { token } = parseFragment(location.hash);

// All that follows has words in it.
await speak(PAGE);
document.title = PAGE.documentTitle;
element('publishing').hidden = false;

/** @type {Publisher | null} */
let publisher = null;
let uninvited = 0;
/** @type {ReturnType<typeof setTimeout> | undefined} */
let typing;
const viewerLink = new ViewerLink();
const wakeLock = new WakeLock();
const source = new Source({
  changed: (stream) => publisher?.use(stream),
  trouble: (words) => (publisher ? showTrouble(words) : complain(words)),
  stopped: () => {
    goOffAir();
    complain(SOURCE.shared);
  },
});

prepare();

function prepare() {
  const named = roomFromLocation(location, 'publish');
  if (named.kind === 'room') {
    roomInput.value = named.room;
    choose('named');
  }
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    void goOnAir();
  });
  for (const radio of form.querySelectorAll('input[name="kind"]')) {
    radio.addEventListener('change', () => showKind());
  }
  roomInput.addEventListener('input', () => {
    clearTimeout(typing);
    complain('');
    typing = setTimeout(() => void check(), TYPING);
  });
  element('stop').addEventListener('click', goOffAir);
  addEventListener('pagehide', goOffAir);
  addEventListener('beforeunload', (event) => publisher && event.preventDefault());
  addEventListener('online', () => publisher?.retryNow());
  showKind();
  if (!canCapture()) complain(SOURCE.insecure);
  void offerKey();
  void beAnApp();
}

/** @param {'named' | 'key'} kind */
function choose(kind) {
  const radio = /** @type {HTMLInputElement} */ (form.querySelector(`input[value="${kind}"]`));
  radio.checked = true;
  showKind();
}

function showKind() {
  const isNamed = chosen('kind') === 'named';
  element('name-field').hidden = !isNamed;
  element('who').hidden = isNamed;
  complain('');
  void check();
}

/** A key needs a secure context and a browser that knows Ed25519: say so where one is missing. */
async function offerKey() {
  const radio = /** @type {HTMLInputElement} */ (form.querySelector('input[value="key"]'));
  const trouble = !isSecureContext ? ROOM.insecure : await RoomKey.generate().then(() => '', () => ROOM.old);
  if (!trouble) return;
  radio.disabled = true;
  element('key-hint').textContent = trouble;
  if (radio.checked) choose('named');
}

/**
 * Says what is in the way of this name before anybody is asked for a camera.
 *
 * @returns {Promise<boolean>} whether anything is
 */
async function check() {
  start.disabled = !canCapture();
  const room = roomInput.value.trim();
  if (chosen('kind') !== 'named' || !isRoomId(room) || isRoomKey(room)) return false;
  const policy = await policyOf(new URL(`/whip/${room}`, location.href).href);
  const words = policy === 'closed' ? ROOM.closed(room) : policy === 'token' && token === null ? ROOM.token(room) : '';
  if (chosen('kind') !== 'named' || room !== roomInput.value.trim() || !words) return false;
  complain(words);
  start.disabled = true;
  return true;
}

async function goOnAir() {
  complain('');
  const wantsKey = chosen('kind') === 'key';
  const key = wantsKey ? await RoomKey.ofThisBrowser().catch(() => null) : null;
  const room = key?.room ?? roomInput.value.trim();
  if (wantsKey && !key) return complain(ROOM.noKey);
  if (!isRoomId(room)) return complain(ROOM.badName);
  if (!key && isRoomKey(room)) return complain(ROOM.isKey);
  if (await check()) return;
  start.disabled = true;
  try {
    await publish(room, await source.start(), key ? await keyAccess(key) : new OpenAccess(token));
  } catch (error) {
    complain(error instanceof Error ? error.message : String(error));
  } finally {
    start.disabled = false;
  }
}

/**
 * @param {string} room
 * @param {MediaStream} stream
 * @param {OpenAccess} access
 */
async function publish(room, stream, access) {
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256' };
  const certificate = await RTCPeerConnection.generateCertificate(algorithm);
  await viewerLink.show(new URL(`/watch/${room}`, location.href).href, access);
  publisher = new Publisher({
    endpoint: new URL(`/whip/${room}`, location.href).href,
    stream,
    certificate,
    access,
    listener: { state: showState, viewers: showViewers, uninvited: () => showTurnedAway(uninvited + 1) },
  });
  showTurnedAway(0);
  showViewers(0);
  showState('starting', '');
  showAir(true);
  publisher.start();
  wakeLock.hold();
}

/**
 * @param {RoomKey} key
 * @returns {Promise<OpenAccess>} as the form says
 */
async function keyAccess(key) {
  return new KeyAccess(key, {
    audience: /** @type {import('../trust/access.js').Audience} */ (chosen('audience')),
    gateway: location.host.toLowerCase(),
    links: await PrivateLinks.ofThisBrowser(),
  });
}

function goOffAir() {
  leave();
  source.stop();
}

/** Off air, with the preview as it is. */
function leave() {
  const left = publisher;
  publisher = null;
  left?.close();
  wakeLock.release();
  showAir(false);
}

/** @param {boolean} isOnAir */
function showAir(isOnAir) {
  form.hidden = isOnAir;
  element('air').hidden = !isOnAir;
}

/** @param {string} name of a choice in the form */
function chosen(name) {
  return new FormData(form).get(name);
}

/**
 * @param {PublisherState} state
 * @param {string} detail
 */
function showState(state, detail) {
  const { short, mood, trouble, handsOut } = PUBLISHING[state];
  const words = trouble && detail ? `${trouble} (${detail})` : trouble;
  element('state').textContent = short;
  element('state').dataset.mood = mood;
  element('headline').textContent = short;
  element('frame').classList.toggle('on-air', state === 'on-air');
  if (handsOut !== null) {
    for (const id of ['handout', 'viewers']) element(id).hidden = !handsOut;
  }
  showTrouble(words);
  if (!FINAL.includes(state)) return;
  leave();
  complain(words);
}

/** @param {number} count */
function showViewers(count) {
  element('viewers').textContent = LINK.viewers(count);
}

/** @param {number} count of viewers, this time on air */
function showTurnedAway(count) {
  uninvited = count;
  element('uninvited').textContent = count === 0 ? '' : LINK.turnedAway(count);
}

/** @param {string} words */
function showTrouble(words) {
  element('trouble').textContent = words;
}

/** @param {string} words */
function complain(words) {
  element('error').textContent = words;
}
