// @ts-check
/**
 * Page opened to first picture: the camera waits, gateway, camera and browser on one machine,
 * direct path. From the start of the navigation to the first frame of the camera on the screen.
 *
 *     node bench/browser/first-picture.mjs [--relay | --sound] [--runs N] [--json]
 *
 * With --relay by the relay: of a publisher that has a keyframe in two seconds and answers no
 * request for one, as OBS. With --sound of a camera that gives sound too, and of one that gives none,
 * in turns.
 */

import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { Stage, becomes } from '../../tests/stage/stage.js';
import { median } from './process.mjs';

const { values } = parseArgs({
  options: {
    relay: { type: 'boolean', default: false },
    sound: { type: 'boolean', default: false },
    runs: { type: 'string', default: '10' },
    json: { type: 'boolean', default: false },
  },
});
const OBS = fileURLToPath(new URL('../../tests/interop/obs.js', import.meta.url));

/** Milliseconds between two visits. */
const REST = 1000;

const runs = Math.max(1, Number(values.runs));

/** @type {(() => Promise<void>)[]} */
const endings = [];
const stage = new Stage(/** @type {any} */ ({ after: (/** @type {any} */ end) => endings.push(end) }));
try {
  await stage.startGateway();
  if (values.relay) {
    const publisher = stage.startBesideCamera(process.execPath, [OBS, `${stage.origin}/whip/bench`]);
    await publisher.says(/"connected"/);
  } else stage.startCamera('bench');
  if (values.sound) stage.startCamera('heard', ['--audio', 'test']);
  /** @type {Record<string, number[]>} milliseconds, by room */
  const times = { bench: [], ...(values.sound && { heard: [] }) };
  for (const room of Object.keys(times)) {
    // One visit nobody counts: until the camera is up and its encoder warm.
    const warm = await stage.watch(room);
    await becomes(warm, 'live');
    await warm.context().close();
  }
  for (let run = 0; run < runs; run += 1) {
    for (const [room, all] of Object.entries(times)) {
      all.push(await visit(room));
      if (!values.json) console.log(`${String(run + 1).padStart(3)}: ${all[run]} ms${room === 'heard' ? ', with sound' : ''}`);
    }
  }
  const { bench, heard } = times;
  const figures = {
    name: 'first picture',
    unit: 'ms',
    times: bench,
    median: median(bench),
    ...(heard && { heard: { times: heard, median: median(heard) }, sound_adds: median(heard) - median(bench) }),
  };
  if (values.json) console.log(JSON.stringify(figures));
  else console.log(`median: ${figures.median} ms${heard ? `; with sound ${figures.heard?.median} ms` : ''}`);
} finally {
  for (const end of endings) await end();
}

/** One person who has never been here opens the page: milliseconds to the first picture. */
async function visit(/** @type {string} */ room) {
  const context = await stage.newContext();
  const page = await context.newPage();
  await page.addInitScript(watchForPicture);
  // The browser is open and at rest, as when a person clicks a link; the last visit is cleaned up.
  await new Promise((resolve) => setTimeout(resolve, REST));
  await page.goto(`${stage.origin}/watch/${room}`, { waitUntil: 'commit' });
  const seen = await page.waitForFunction(
    () => /** @type {any} */ (window).firstPicture, null, { timeout: 15_000, polling: 200 });
  const ms = Math.round(await seen.jsonValue());
  await context.close();
  return ms;
}

/** Runs in the page before its own scripts. */
function watchForPicture() {
  const play = HTMLMediaElement.prototype.play;
  HTMLMediaElement.prototype.play = function () {
    const video = /** @type {HTMLVideoElement} */ (/** @type {unknown} */ (this));
    /** @type {VideoFrameRequestCallback} */
    const look = (now, { width }) => {
      // Chromium shows a black frame of two by two before there is a picture.
      if (width <= 16) video.requestVideoFrameCallback(look);
      else Object.assign(window, { firstPicture: /** @type {any} */ (window).firstPicture ?? now });
    };
    video.requestVideoFrameCallback(look);
    return play.call(this);
  };
}
