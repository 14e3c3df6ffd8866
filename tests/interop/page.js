// @ts-check
/** A client that is a page in Chromium. */

import { once } from 'node:events';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { PATIENCE } from '../stage/eventually.js';

/** @typedef {import('../stage/stage.js').Stage} Stage */
/** @typedef {Awaited<ReturnType<Stage['openUrl']>>} Page */

const HERE = fileURLToPath(new URL('.', import.meta.url));

/** The import map gives the npm package the name that it has in Node. */
const CONTENT = `<!doctype html>
<script type="importmap">{ "imports": { "whip-whep/": "/interop/whip-whep/" } }</script>
<video autoplay playsinline></video>`;

/** Samples of one Opus packet of 20 ms. */
const SAMPLES = 960;

/**
 * Opens an empty page that can import our scripts, on the origin that the client talks to.
 *
 * @param {Stage} stage
 * @param {string} origin
 */
export async function emptyPage(stage, origin) {
  // Any address of the gateway gives the origin; what is on the page is thrown away.
  const page = await stage.openUrl(`${origin}/interop/`);
  const folders = { 'whip-whep': '../node_modules/whip-whep', pages: 'pages' };
  for (const [name, folder] of Object.entries(folders)) {
    await page.route(`**/interop/${name}/*`, (route) => {
      const file = path.basename(new URL(route.request().url()).pathname);
      return route.fulfill({ path: path.join(HERE, folder, file) });
    });
  }
  await page.setContent(CONTENT);
  return page;
}

/**
 * Resolves when the page's video, which may be in our player, shows its first picture.
 *
 * @param {Page} page
 */
export async function firstPicture(page) {
  const shown = page.evaluate(() => new Promise((/** @type {(none: void) => void} */ resolve) => {
    const player = /** @type {any} */ (document.querySelector('whep-player'));
    const video = /** @type {HTMLVideoElement} */ (player?.video ?? document.querySelector('video'));
    video.requestVideoFrameCallback(() => resolve());
  }));
  const timeout = AbortSignal.timeout(PATIENCE);
  await Promise.race([shown, once(timeout, 'abort').then(() => { throw new Error(`no picture within ${PATIENCE} ms`); })]);
}

/**
 * What has been decoded so far: pictures, and sound in packets' worth, without what was made up
 * for lost packets.
 *
 * @param {Page} page
 * @returns {Promise<{ video: number, audio: number }>}
 */
export function decodedSoFar(page) {
  return page.evaluate(async (/** @type {number} */ samples) => {
    const sum = { video: 0, audio: 0 };
    for (const peer of /** @type {{ peers: RTCPeerConnection[] }} */ (/** @type {any} */ (window)).peers) {
      if (peer.connectionState === 'closed') continue;
      for (const stats of (await peer.getStats()).values()) {
        if (stats.type !== 'inbound-rtp') continue;
        if (stats.kind === 'video') sum.video += stats.framesDecoded ?? 0;
        else sum.audio += ((stats.totalSamplesReceived ?? 0) - (stats.concealedSamples ?? 0)) / samples;
      }
    }
    return { video: sum.video, audio: Math.round(sum.audio) };
  }, SAMPLES);
}
