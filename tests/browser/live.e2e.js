// @ts-check
/** “Live” is said while pictures come, and not over a still one. */

import assert from 'node:assert/strict';
import test from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Stage, becomes, eventually, moves, shot } from '../stage/stage.js';

const OBS = fileURLToPath(new URL('../interop/obs.js', import.meta.url));

/** Milliseconds without a picture after which nobody may say “Live”: three times what a calm machine takes. */
const STILL = 3750;

/** For how long the page is looked at after the last picture: longer than a dead publisher is kept. */
const WATCHED = 14_000;

/** Runs in a page: notes for how long at most a picture was still that was called live, and what was said. */
function noteClaims() {
  const player = /** @type {any} */ (document.querySelector('whep-player'));
  const claims = { worst: 0, total: 0, said: /** @type {string[]} */ ([]) };
  let [last, looked] = [performance.now(), performance.now()];
  const picture = () => {
    last = performance.now();
    player.video.requestVideoFrameCallback(picture);
  };
  player.video.requestVideoFrameCallback(picture);
  setInterval(() => {
    const now = performance.now();
    if (claims.said.at(-1) !== player.state) claims.said.push(player.state);
    if (player.state === 'live') {
      claims.worst = Math.max(claims.worst, now - last);
      if (now - last > 1000) claims.total += now - looked;
    }
    looked = now;
  }, 50);
  Object.assign(window, { claims });
}

/** @param {import('playwright-core').Page} page */
const claims = (page) => page.evaluate(() => /** @type {any} */ (window).claims);

test('a publisher that ends its stream cleanly', { timeout: 180_000 }, async (t) => {
  const stage = new Stage(t);
  await stage.startGateway();
  const publisher = stage.startBesideCamera(process.execPath, [OBS, `${stage.origin}/whip/ends`]);
  await publisher.says(/"connected"/);
  const page = await stage.watch('ends');
  await becomes(page, 'live');
  await page.evaluate(noteClaims);
  await moves(page, 30);
  await publisher.end('SIGTERM');
  const late = await stage.watch('ends');
  await late.evaluate(noteClaims);
  await pause(WATCHED);
  await shot(page, 'ended');
  for (const each of [page, late]) {
    const { worst, total } = await claims(each);
    t.diagnostic(`live was said ${Math.round(worst)} ms after a picture, in all for ${Math.round(total)} ms`);
    assert.ok(worst <= STILL, `live was said ${worst} ms after the last picture`);
    assert.notEqual(await each.evaluate(() => /** @type {any} */ (document.querySelector('whep-player')).state), 'live');
  }
});

test('whoever comes when a publisher has just died', { timeout: 180_000 }, async (t) => {
  const stage = new Stage(t);
  await stage.startGateway();
  const publisher = stage.startBesideCamera(process.execPath, [OBS, `${stage.origin}/whip/dies`]);
  await publisher.says(/"connected"/);
  const warm = await stage.watch('dies');
  await becomes(warm, 'live');
  await warm.evaluate(noteClaims);
  await moves(warm, 30);
  await publisher.end('SIGKILL');
  const late = await stage.watch('dies');
  await late.evaluate(noteClaims);
  await eventually('what is left of the picture is no live one', () => claims(warm), ({ said }) => said.includes('stopped'));
  await shot(warm, 'stopped');
  await pause(WATCHED);
  t.diagnostic(await late.locator('#log').innerText());
  for (const page of [warm, late]) {
    const { worst, total } = await claims(page);
    t.diagnostic(`live was said ${Math.round(worst)} ms after a picture, in all for ${Math.round(total)} ms`);
    assert.ok(worst <= STILL, `live was said ${worst} ms after the last picture`);
    assert.ok(total <= STILL, `live was said over a still picture for ${total} ms`);
  }
});
