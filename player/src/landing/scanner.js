// @ts-check
/** Reads a link off a QR code with this device's camera. It is loaded when somebody scans. */

import { linkFromInput } from '../trust/room.js';
import { SCANNER } from '../words/landing-words.js';

/** What this takes of a `BarcodeDetector`. @typedef {{ detect: (image: CanvasImageSource) => Promise<{ rawValue: string }[]> }} Reader */

/**
 * For browsers without one of their own: from npm, and into the page with its bundle. A page that is served
 * module by module has none.
 */
const readerFromNpm = async () => (await import('qr/decode.js')).BarcodeDetector;

/** Pause between two looks, in milliseconds. */
const LOOK = 120;

/** Pixels on the longer side of what is looked at: a code that fills the frame has enough of them. */
const SIDE = 720;

/**
 * @template {HTMLElement} [T=HTMLElement]
 * @param {string} id
 * @returns {T}
 */
const element = (id) => /** @type {T} */ (document.getElementById(id));

/** Opens the scanner, and the link that it reads; until somebody closes it. */
export async function scan() {
  const dialog = /** @type {HTMLDialogElement} */ (element('scanner'));
  const closed = new AbortController();
  dialog.addEventListener('close', () => closed.abort(), { once: true });
  element('finder-frame').hidden = false;
  say(SCANNER.starting);
  dialog.showModal();
  if (!navigator.mediaDevices) return giveUp(SCANNER.insecure);
  const reader = reading();
  reader.catch(() => {});
  const video = /** @type {HTMLVideoElement} */ (element('finder'));
  try {
    const stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: 'environment' } });
    const stop = () => stream.getTracks().forEach((track) => track.stop());
    closed.signal.addEventListener('abort', stop);
    // It may have been closed while the browser asked.
    if (closed.signal.aborted) return stop();
    video.srcObject = stream;
    await video.play();
  } catch (error) {
    const denied = error instanceof DOMException && error.name === 'NotAllowedError';
    return giveUp(denied ? SCANNER.denied : SCANNER.noCamera);
  }
  const link = await firstLink(video, await reader.catch(() => null), closed.signal);
  if (!link) return;
  dialog.close();
  const form = /** @type {HTMLFormElement} */ (element('choose'));
  /** @type {HTMLInputElement} */ (element('room')).value = link;
  // As if it had been pasted: what is of another server is told there.
  form.requestSubmit();
}

/**
 * @param {HTMLVideoElement} video
 * @param {Reader | null} reader
 * @param {AbortSignal} signal ends it
 * @returns {Promise<string | null>}
 */
async function firstLink(video, reader, signal) {
  if (!reader) return giveUp(SCANNER.noReader);
  say(SCANNER.looking);
  while (!signal.aborted) {
    const [code] = await reader.detect(frameOf(video)).catch(() => []);
    if (code && linkFromInput(code.rawValue)) return code.rawValue;
    if (code) say(SCANNER.noLink);
    await new Promise((resolve) => setTimeout(resolve, LOOK));
  }
  return null;
}

/** @returns {Promise<Reader>} the browser's own, where it knows QR codes */
async function reading() {
  const { BarcodeDetector } = /** @type {any} */ (globalThis);
  const formats = await BarcodeDetector?.getSupportedFormats().catch(() => []);
  const Detector = formats?.includes('qr_code') ? BarcodeDetector : await readerFromNpm();
  return new Detector({ formats: ['qr_code'] });
}

/** @param {HTMLVideoElement} video */
function frameOf(video) {
  const { videoWidth, videoHeight } = video;
  const scale = Math.min(1, SIDE / Math.max(videoWidth, videoHeight, 1));
  const canvas = document.createElement('canvas');
  Object.assign(canvas, { width: videoWidth * scale, height: videoHeight * scale });
  canvas.getContext('2d', { willReadFrequently: true })?.drawImage(video, 0, 0, canvas.width, canvas.height);
  return canvas;
}

/**
 * @param {string} words why there is nothing to be seen
 * @returns {null}
 */
function giveUp(words) {
  element('finder-frame').hidden = true;
  say(words);
  return null;
}

/** @param {string} words */
function say(words) {
  if (element('scanned').textContent !== words) element('scanned').textContent = words;
}
