// @ts-check
/** A viewer's link becomes slow and fast again, and the layers follow, as the viewer sees them. */

import assert from 'node:assert/strict';
import { fileURLToPath } from 'node:url';
import test from 'node:test';
import { limitViewer, star, whyNoNetwork } from './network.js';
import { Stage, becomes, eventually, moves } from '../stage/stage.js';

/** @typedef {import('node:test').TestContext} TestContext */
/** @typedef {import('playwright-core').Page} Page */

const OBS = fileURLToPath(new URL('../interop/obs.js', import.meta.url));

/** What the link carries: all layers, or only the two lower ones of 300 and 120 kbit/s. */
const FAST = '3mbit';
const SLOW = '500kbit';

/** Height of the best layer's pictures. */
const BEST = 360;

/** Pictures at 30 in a second, while which a link stays as it is: 20 seconds. */
const STEADY = 600;

/** Milliseconds until the layer is another at the latest: it takes one to three seconds. */
const LATEST = 10_000;

/** More changes than this in that time are restless: it is to be two in a minute at most. */
const CHANGES = 1;

const missing = whyNoNetwork();
if (missing) process.stderr.write(`SKIPPED, LOUDLY: ${missing}, so nobody tested links that change\n`);

test('three layers on a link that is cut to a sixth and comes back', {
  timeout: 240_000, skip: missing ?? false,
}, async (t) => {
  const network = await star(t, { forwards: false });
  limitViewer(network, FAST);
  const stage = new Stage(t, { network });
  await stage.startGateway();
  const publisher = stage.startBesideCamera(process.execPath, [OBS, `${stage.origin}/whip/layers`, '3', '1']);
  await publisher.says(/"connected"/);
  const page = await stage.watch('layers');
  await becomes(page, 'live');
  await notesSizes(page);
  await shows(page, 'the best layer', (height) => height === BEST);
  await isSteady(t, page, 'fast');

  limitViewer(network, SLOW);
  const down = await shows(page, 'a lower layer', (height) => height < BEST);
  t.diagnostic(`a lower layer ${down} ms after the link was cut`);
  await isSteady(t, page, 'slow');

  limitViewer(network, FAST);
  const up = await shows(page, 'the best layer again', (height) => height === BEST);
  t.diagnostic(`the best layer ${up} ms after the link came back`);
  await isSteady(t, page, 'fast again');
});

/**
 * Has the page write down each change of the size of the pictures that it shows.
 *
 * @param {Page} page
 */
const notesSizes = (page) => page.evaluate(() => {
  /** @type {{ at: number, height: number }[]} */
  const sizes = [];
  Object.assign(window, { sizes });
  const video = /** @type {HTMLVideoElement} */ (/** @type {any} */ (document.querySelector('whep-player')).video);
  const note = (/** @type {number} */ at, /** @type {{ height: number }} */ { height }) => {
    if (sizes.at(-1)?.height !== height) sizes.push({ at, height });
    video.requestVideoFrameCallback(note);
  };
  video.requestVideoFrameCallback(note);
});

/**
 * @param {Page} page
 * @returns {Promise<{ at: number, height: number }[]>}
 */
const sizes = (page) => page.evaluate(() => /** @type {any} */ (window).sizes);

/**
 * Waits for pictures of a size.
 *
 * @param {Page} page
 * @param {string} what
 * @param {(height: number) => boolean} isSo
 * @returns {Promise<number>} milliseconds from now until the first of them was shown
 */
async function shows(page, what, isSo) {
  const began = await page.evaluate(() => performance.now());
  const seen = await eventually(what, () => sizes(page), (all) => isSo(all.at(-1)?.height ?? NaN));
  const took = Math.round((seen.at(-1)?.at ?? NaN) - began);
  assert.ok(took < LATEST, `${what} after ${took} ms`);
  return took;
}

/**
 * While the link stays as it is, so does the layer, but for one change.
 *
 * @param {TestContext} t
 * @param {Page} page
 * @param {string} link
 */
async function isSteady(t, page, link) {
  const { length: before } = await sizes(page);
  for (let left = STEADY; left > 0; left -= 100) await moves(page, 100);
  const changes = (await sizes(page)).slice(before);
  t.diagnostic(`link ${link}: ${changes.length} changes ${JSON.stringify(changes.map(({ height }) => height))}`);
  assert.ok(changes.length <= CHANGES, `on a steady link the pictures' heights became ${JSON.stringify(changes)}`);
}
