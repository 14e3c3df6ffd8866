// @ts-check
/** What is seen: the rate, the movement and the colours of the picture. */

import assert from 'node:assert/strict';
import test from 'node:test';
import { FILM, filmFrames, haveFilm } from '../stage/film.js';
import { Stage, becomes, changes, decoded, difference, eventually, picture, shot } from '../stage/stage.js';

/** Ticks of the RTP clock from one picture to the next, at 30 fps. */
const FRAME = 90_000 / 30;

/** Runs in a page: notes the RTP timestamp of each picture that is shown. */
function noteTimestamps() {
  const { video } = /** @type {any} */ (document.querySelector('whep-player'));
  /** @type {number[]} */
  const timestamps = [];
  Object.assign(window, { timestamps });
  const note = (/** @type {number} */ _, /** @type {{ rtpTimestamp: number }} */ { rtpTimestamp }) => {
    timestamps.push(rtpTimestamp);
    video.requestVideoFrameCallback(note);
  };
  video.requestVideoFrameCallback(note);
}

// How many a machine manages is a figure of the benchmarks; these are the times that the stream itself tells.
test('1280x720 at 30 fps', { timeout: 180_000 }, async (t) => {
  const stage = new Stage(t);
  await stage.startGateway();
  stage.startCamera('rate');
  const page = await stage.watch('rate');
  await becomes(page, 'live');
  await page.evaluate(noteTimestamps);
  const isNext = (/** @type {number} */ step) => Math.abs(step - FRAME) < FRAME / 10;
  const steps = await eventually('of 200 pictures, 50 are a thirtieth of a second after another', async () => {
    const timestamps = /** @type {number[]} */ (await page.evaluate(() => /** @type {any} */ (window).timestamps));
    return timestamps.slice(1).map((timestamp, index) => timestamp - timestamps[index]);
  }, (seen) => seen.length >= 200 && seen.filter(isNext).length >= 50);
  t.diagnostic(`${steps.filter(isNext).length} of ${steps.length} pictures came without a gap`);
  const { width, height } = await decoded(page);
  assert.deepEqual([width, height], [1280, 720]);
  await shot(page, 'live');
});

test('the picture changes and is not black', { timeout: 180_000 }, async (t) => {
  const stage = new Stage(t);
  await stage.startGateway();
  stage.startCamera('seen');
  const page = await stage.watch('seen');
  await becomes(page, 'live');
  // Live is what is decoded; it is shown a moment later.
  await eventually('a bright picture of several colours', async () => {
    const seen = await picture(page);
    const mean = seen.reduce((sum, value) => sum + value, 0) / seen.length;
    return { mean, spread: Math.max(...seen) - Math.min(...seen) };
  }, ({ mean, spread }) => mean > 20 && spread > 60);
  await changes(page);
});

test("the colours are the film's", { timeout: 180_000 }, async (t) => {
  if (!haveFilm()) {
    process.stderr.write('SKIPPED, LOUDLY: no ../shared/media/bigbuckbunny.mp4, so nobody compared colours\n');
    return t.skip('the film is not there');
  }
  const stage = new Stage(t);
  await stage.startGateway();
  stage.startCamera('film', ['--source', FILM]);
  const page = await stage.watch('film');
  const frames = await filmFrames(page.context());
  await becomes(page, 'live');
  /** @type {{ best: number, at: number }[]} */
  const matches = [];
  await eventually('forty pictures, of eight places of the film', async () => {
    const seen = await picture(page);
    const distances = frames.map((frame) => difference(seen, frame));
    const best = Math.min(...distances);
    matches.push({ best, at: distances.indexOf(best) });
    return { pictures: matches.length, places: new Set(matches.map(({ at }) => at)).size };
  }, ({ pictures, places }) => pictures >= 40 && places >= 8);
  const bests = matches.map(({ best }) => best).sort((a, b) => a - b);
  const median = bests[bests.length >> 1];
  t.diagnostic(`${bests.length} pictures: median difference ${median.toFixed(2)} of 255, `
    + `worst ${bests[bests.length - 1].toFixed(2)}`);
  await shot(page, 'film');
  assert.ok(median < 6, `median difference from the film ${median}`);
  assert.ok(bests[Math.floor(bests.length * 0.9)] < 12, `nine in ten within 12: ${bests}`);
});
