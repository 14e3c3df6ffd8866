// @ts-check
/** The publish page: turns this phone or laptop into a camera. */

import { KeyAccess, OpenAccess } from '../trust/access.js';
import { ANY, NONE, SCREEN, canCapture, canShareScreen, capture, captureTrouble, devices } from './capture.js';
import { PrivateLinks } from '../trust/private-links.js';
import { parseFragment } from '../trust/fragment.js';
import { Publisher } from '../session/publisher.js';
import { RoomKey } from '../trust/room-key.js';
import { isRoomId, isRoomKey, roomFromLocation } from '../trust/room.js';
import { ViewerLink } from './viewer-link.js';

/** @typedef {import('../session/publisher.js').PublisherState} PublisherState */

/** @type {Record<PublisherState, { short: string, mood: string, trouble: string }>} */
const WORDS = {
  starting: { short: 'Starting', mood: 'busy', trouble: '' },
  'on-air': { short: 'On air', mood: 'good', trouble: '' },
  unreachable: {
    short: 'Gateway unreachable', mood: 'bad', trouble: 'The gateway cannot be reached. Trying again.',
  },
  taken: {
    short: 'Room taken', mood: 'bad', trouble: 'Another camera publishes in this room. Waiting for it to leave.',
  },
  denied: { short: 'Not allowed', mood: 'bad', trouble: 'The gateway does not let this page publish in this room.' },
  wrong: { short: 'Room wrong', mood: 'bad', trouble: 'The gateway does not accept this room name.' },
  unsupported: { short: 'Cannot publish', mood: 'bad', trouble: 'This browser and this gateway do not understand each other.' },
  stopped: { short: 'Off air', mood: 'quiet', trouble: '' },
};

/**
 * @template {HTMLElement} [T=HTMLElement]
 * @param {string} id
 * @returns {T}
 */
const element = (id) => /** @type {T} */ (document.getElementById(id));

const form = /** @type {HTMLFormElement} */ (element('setup'));
const roomInput = /** @type {HTMLInputElement} */ (element('room'));
const preview = /** @type {HTMLVideoElement} */ (element('preview'));
const videoChoice = /** @type {HTMLSelectElement} */ (element('video'));
const audioChoice = /** @type {HTMLSelectElement} */ (element('audio'));

/** @type {MediaStream | null} */
let stream = null;
/** @type {Publisher | null} */
let publisher = null;
/** @type {WakeLockSentinel | null} */
let awake = null;
let turnedAway = 0;
const viewerLink = new ViewerLink();

prepare();

function prepare() {
  const named = roomFromLocation(location, 'publish');
  if (named.kind === 'room') roomInput.value = named.room;
  fill(videoChoice, [], [[ANY, 'Camera'], ...(canShareScreen() ? [[SCREEN, 'Screen or window']] : [])]);
  fill(audioChoice, [], [[NONE, 'No sound'], [ANY, 'Microphone']]);
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    void goOnAir();
  });
  for (const choice of [videoChoice, audioChoice]) {
    choice.addEventListener('change', () => stream && void changeSource());
  }
  for (const radio of form.querySelectorAll('input[name="kind"]')) {
    radio.addEventListener('change', () => {
      element('name-field').hidden = chosen('kind') === 'key';
      element('who').hidden = chosen('kind') !== 'key';
    });
  }
  element('stop').addEventListener('click', goOffAir);
  addEventListener('pagehide', goOffAir);
  addEventListener('online', () => publisher?.retryNow());
  if (!canCapture()) refuse('Browsers give a page the camera only over https, or on this very machine.');
  void offerKey();
}

/** A key needs a secure context and a browser that knows Ed25519: say so where one is missing. */
async function offerKey() {
  const radio = /** @type {HTMLInputElement} */ (form.querySelector('input[value="key"]'));
  const trouble = !isSecureContext
    ? 'Needs https: browsers keep no keys for insecure pages.'
    : await RoomKey.generate().then(() => '', () => 'This browser cannot make such keys (Ed25519) yet.');
  if (!trouble) return;
  radio.disabled = true;
  element('key-hint').textContent = trouble;
}

async function goOnAir() {
  complain('');
  const start = /** @type {HTMLButtonElement} */ (element('start'));
  const wantsKey = chosen('kind') === 'key';
  const key = wantsKey ? await RoomKey.ofThisBrowser().catch(() => null) : null;
  const room = key?.room ?? roomInput.value.trim();
  if (wantsKey && !key) return complain('The key could not be kept. Is this a private window?');
  if (!isRoomId(room)) return complain('A room name has 1 to 64 letters, digits, “-” or “_”.');
  if (!key && isRoomKey(room)) return complain('That is a key, not a name: only the holder of its private half can publish there.');
  start.disabled = true;
  try {
    stream ??= await show();
    await publish(room, key ? await keyAccess(key) : new OpenAccess(parseFragment(location.hash).token));
  } catch (error) {
    complain(captureTrouble(error));
  } finally {
    start.disabled = false;
  }
}

/**
 * @param {string} room
 * @param {OpenAccess} access
 */
async function publish(room, access) {
  if (!stream) return;
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256' };
  const certificate = await RTCPeerConnection.generateCertificate(algorithm);
  publisher = new Publisher({
    endpoint: new URL(`/whip/${room}`, location.href).href,
    stream,
    certificate,
    access,
    listener: { state: showState, viewers: showViewers, uninvited: () => showTurnedAway(turnedAway + 1) },
  });
  await viewerLink.show(new URL(`/watch/${room}`, location.href).href, access);
  showTurnedAway(0);
  form.hidden = true;
  element('air').hidden = false;
  showViewers(0);
  showState('starting', '');
  publisher.start();
  awake = await navigator.wakeLock?.request('screen').catch(() => null) ?? null;
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
  publisher?.close();
  publisher = null;
  stream?.getTracks().forEach((track) => track.stop());
  stream = null;
  preview.srcObject = null;
  preview.classList.remove('running');
  void awake?.release();
  awake = null;
  form.hidden = false;
  element('air').hidden = true;
}

/** Starts the chosen source and shows it. */
async function show() {
  const started = await capture(videoChoice.value, audioChoice.value);
  // The browser's own "stop sharing" button, or an unplugged camera.
  started.getVideoTracks()[0]?.addEventListener('ended', () => started === stream && goOffAir());
  preview.srcObject = started;
  preview.classList.add('running');
  preview.play().catch(() => {});
  fill(videoChoice, await devices('videoinput'), canShareScreen() ? [[SCREEN, 'Screen or window']] : []);
  fill(audioChoice, await devices('audioinput'), [[NONE, 'No sound']]);
  return started;
}

async function changeSource() {
  // Phones have their cameras open one at a time.
  stream?.getTracks().forEach((track) => track.stop());
  try {
    stream = await show();
    publisher?.use(stream);
  } catch (error) {
    complain(captureTrouble(error));
  }
}

/**
 * Refills a choice and keeps what was chosen.
 *
 * @param {HTMLSelectElement} choice
 * @param {{ value: string, label: string }[]} found
 * @param {string[][]} fixed value and label
 */
function fill(choice, found, fixed) {
  const chosen = choice.value;
  const options = [...found, ...fixed.map(([value, label]) => ({ value, label }))];
  choice.replaceChildren(...options.map(({ value, label }) => new Option(label, value)));
  const running = stream?.getTracks().map((track) => track.getSettings().deviceId) ?? [];
  const keep = options.find(({ value }) => value === chosen || running.includes(value));
  if (keep) choice.value = keep.value;
}

/** @param {string} name of a choice in the form */
const chosen = (name) => new FormData(form).get(name);

/**
 * @param {PublisherState} state
 * @param {string} detail
 */
function showState(state, detail) {
  const { short, mood, trouble } = WORDS[state];
  element('state').textContent = short;
  element('state').dataset.mood = mood;
  element('headline').textContent = short;
  element('trouble').textContent = trouble && detail ? `${trouble} (${detail})` : trouble;
}

/** @param {number} count */
function showViewers(count) {
  const words = count === 1 ? 'One viewer is watching.' : `${count} viewers are watching.`;
  element('viewers').textContent = count === 0 ? 'Nobody is watching yet.' : words;
}

/** @param {number} count of viewers, this time on air */
function showTurnedAway(count) {
  turnedAway = count;
  element('uninvited').textContent = count === 0 ? ''
    : `Turned away without a link that holds: ${count === 1 ? 'one viewer' : `${count} viewers`}.`;
}

/** @param {string} words */
function complain(words) {
  element('error').textContent = words;
}

/** @param {string} words */
function refuse(words) {
  complain(words);
  /** @type {HTMLButtonElement} */ (element('start')).disabled = true;
}
