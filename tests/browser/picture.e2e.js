// @ts-check
/** What is seen: the rate, the movement and the colours of the picture. */

import assert from 'node:assert/strict';
import test from 'node:test';
import { FILM, filmFrames, haveFilm } from '../stage/film.js';
import { Stage, becomes, decoded, difference, picture, shot } from '../stage/stage.js';

test('1280x720 at 28 fps or more, for ten seconds', { timeout: 120_000 }, async (t) => {
  const stage = new Stage(t);
  await stage.startGateway();
  stage.startCamera('rate');
  const page = await stage.watch('rate');
  await becomes(page, 'live', 20_000);
  // The first second belongs to the start: encoder and jitter buffer settle.
  await page.waitForFunction(() => document.querySelector('#picture')?.textContent?.includes('fps'));
  const before = await decoded(page);
  await page.waitForFunction((since) => performance.now() - since >= 10_000, before.at, { polling: 20 });
  const after = await decoded(page);
  const fps = (after.frames - before.frames) / ((after.at - before.at) / 1000);
  t.diagnostic(`${fps.toFixed(2)} fps decoded, ${after.freezes - before.freezes} freezes`);
  assert.deepEqual([after.width, after.height], [1280, 720]);
  assert.ok(fps >= 28, `${fps} fps`);
  await shot(page, 'live');
});

test('the picture changes and is not black', { timeout: 60_000 }, async (t) => {
  const stage = new Stage(t);
  await stage.startGateway();
  stage.startCamera('seen');
  const page = await stage.watch('seen');
  await becomes(page, 'live', 20_000);
  const first = await picture(page);
  const mean = first.reduce((sum, value) => sum + value, 0) / first.length;
  const spread = Math.max(...first) - Math.min(...first);
  assert.ok(mean > 20, `mean brightness ${mean}`);
  assert.ok(spread > 60, `one flat colour: spread ${spread}`);
  const until = Date.now() + 5000;
  let changed = 0;
  while (changed < 0.2 && Date.now() < until) changed = difference(first, await picture(page));
  assert.ok(changed >= 0.2, `the picture stands still: ${changed}`);
});

test("the colours are the film's", { timeout: 120_000 }, async (t) => {
  if (!haveFilm()) {
    process.stderr.write('SKIPPED, LOUDLY: no ../shared/media/bigbuckbunny.mp4, so nobody compared colours\n');
    return t.skip('the film is not there');
  }
  const stage = new Stage(t);
  await stage.startGateway();
  stage.startCamera('film', ['--source', FILM]);
  const page = await stage.watch('film');
  const frames = await filmFrames(page.context());
  await becomes(page, 'live', 20_000);
  // One round of the film, so that every scene of it is compared.
  const seen = [];
  const until = Date.now() + 6000;
  while (Date.now() < until) {
    seen.push(await picture(page));
    await page.evaluate(() => new Promise((resolve) => setTimeout(resolve, 150)));
  }
  const matches = seen.map((one) => {
    const distances = frames.map((frame) => difference(one, frame));
    const best = Math.min(...distances);
    return { best, at: distances.indexOf(best) };
  });
  const bests = matches.map(({ best }) => best).sort((a, b) => a - b);
  const median = bests[bests.length >> 1];
  const places = new Set(matches.map(({ at }) => at)).size;
  t.diagnostic(`${seen.length} pictures: median difference ${median.toFixed(2)} of 255, `
    + `worst ${bests[bests.length - 1].toFixed(2)}, ${places} places of the film`);
  await shot(page, 'film');
  assert.ok(median < 6, `median difference from the film ${median}`);
  assert.ok(bests[Math.floor(bests.length * 0.9)] < 12, `nine in ten within 12: ${bests}`);
  assert.ok(places >= 8, `only ${places} places of the film were seen`);
});
