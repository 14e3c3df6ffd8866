// @ts-check
/** Keeps what a player shows among the cameras that were seen on this device. */

import { LARGEST, isKeeping, keepCamera } from './seen-cameras.js';

/** How long a picture is live before it is kept, and how often it is renewed then; milliseconds. */
const SETTLED = 2000;
const RENEWED = 60_000;

/** The longer side of what is kept, in pixels, and how well it is kept: the next one where it is too large. */
const SIDE = 480;
const QUALITIES = [0.75, 0.5, 0.25];

/**
 * @typedef {object} Player what is needed of a `<whep-player>`
 * @property {string} state
 * @property {HTMLVideoElement} video
 */

/**
 * @param {Player & EventTarget} player
 * @param {() => { room: string, name: string, hash: string }} about what it shows
 * @param {AbortSignal} [signal] ends it
 */
export function keepWatched(player, about, signal) {
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  const keep = async () => {
    clearTimeout(timer);
    if (signal?.aborted || player.state !== 'live') return;
    timer = setTimeout(keep, RENEWED);
    // A page in a sandbox may keep nothing.
    if (isKeeping()) await keepPicture(player.video, about()).catch(() => {});
  };
  const wait = () => {
    clearTimeout(timer);
    if (player.state === 'live') timer = setTimeout(keep, SETTLED);
  };
  player.addEventListener('statechange', wait, { signal });
  document.addEventListener('visibilitychange', () => {
    if (document.visibilityState === 'hidden') void keep();
  }, { signal });
  signal?.addEventListener('abort', () => clearTimeout(timer));
  wait();
}

/**
 * @param {HTMLVideoElement} video
 * @param {{ room: string, name: string, hash: string }} about
 */
async function keepPicture(video, about) {
  const { videoWidth, videoHeight } = video;
  const scale = Math.min(1, SIDE / Math.max(videoWidth, videoHeight));
  const canvas = document.createElement('canvas');
  Object.assign(canvas, { width: Math.round(videoWidth * scale), height: Math.round(videoHeight * scale) });
  canvas.getContext('2d')?.drawImage(video, 0, 0, canvas.width, canvas.height);
  const at = Date.now();
  for (const quality of QUALITIES) {
    const picture = await jpeg(canvas, quality);
    if (picture && picture.size <= LARGEST) return keepCamera({ ...about, at, picture });
  }
}

/**
 * @param {HTMLCanvasElement} canvas
 * @param {number} quality
 * @returns {Promise<Blob | null>}
 */
const jpeg = (canvas, quality) => new Promise((resolve) => canvas.toBlob(resolve, 'image/jpeg', quality));
