// @ts-check
/** What browsers are served: how much of it, for how long, and who may show it. */

import assert from 'node:assert/strict';
import test from 'node:test';
import { elsewhere } from '../stage/elsewhere.js';
import { Stage, becomes, eventually, moves, shot } from '../stage/stage.js';
import { Tap } from '../stage/tap.js';

/** Until the picture of a camera that waits is live, whatever it takes: page, protocol, icon. */
const REQUESTS = 10;

/** The room of a camera that is its key: the page needs all it has. @param {Stage} stage */
async function keyRoom(stage) {
  return (await stage.startKeyCamera().share([])).pathname;
}

test('the watch page is live with ten requests, and asks for no bundle twice', { timeout: 180_000 }, async (t) => {
  const stage = new Stage(t);
  await stage.startGateway();
  const path = await keyRoom(stage);
  const tap = await Tap.open(stage.origin);
  t.after(() => tap.close('bundles'));
  const page = await stage.openUrl(tap.origin + path);
  await becomes(page, 'live');
  assert.ok(tap.exchanges.length <= REQUESTS, `${tap.exchanges.length} requests:\n${tap.summary}`);
  assert.equal(await page.evaluate(() => /** @type {any} */ (document.querySelector('whep-player')).trust), 'verified');
  const hashed = tap.exchanges.filter((each) => each.path.includes('/assets/'));
  assert.ok(hashed.length >= 3, tap.summary);
  for (const { answerHeaders, path: name } of hashed) {
    assert.equal(answerHeaders['cache-control'], 'public, max-age=31536000, immutable', name);
  }

  // What keeps the room for the landing page, and makes an app of the pages, comes after the picture.
  const isThere = () => tap.exchanges.some((each) => each.path === '/service-worker.js');
  await eventually('all that comes later', isThere, (is) => is);
  const before = tap.exchanges.length;
  await (await page.context().newPage()).goto(tap.origin + path);
  await becomes(page.context().pages()[1], 'live');
  const again = tap.exchanges.slice(before).map((each) => each.path);
  assert.deepEqual(again.filter((name) => name.includes('/assets/')), [], 'they are kept');
  assert.ok(again.length <= REQUESTS - hashed.length, again.join('\n'));
});

test('a page of the gateway may not be framed, but for the one that is made for it', { timeout: 180_000 }, async (t) => {
  const stage = new Stage(t);
  await stage.startGateway();
  stage.startCamera('framed', ['--size', '640x360']);
  const frame = (/** @type {string} */ path) =>
    `<iframe src="${stage.origin}${path}" width="640" height="360" allow="autoplay; fullscreen"></iframe>`;
  const page = await (await stage.newContext()).newPage();
  await page.goto(await elsewhere(t, frame('/embed/framed')));
  const state = () => page.frames()[1]?.evaluate(() => /** @type {any} */ (document.querySelector('whep-player'))?.state)
    .catch((error) => error.message);
  await eventually('the picture in the frame', state, (seen) => seen === 'live');
  await shot(page, 'embedded');
  await page.goto(await elsewhere(t, frame('/watch/framed')));
  // The browser shows a page of its own for what it does not show.
  await eventually('no page in the frame', async () => page.frames()[1]?.url(), (url) => /^chrome-error:/.test(url ?? ''));
});

test('half a link in a frame asks for nothing', { timeout: 180_000 }, async (t) => {
  const stage = new Stage(t);
  await stage.startGateway();
  await becomes(await stage.open('/embed/framed#secret=0.half'), 'wrong');
  await becomes(await stage.open('/embed/no%20room'), 'wrong');
});

test('signatures are fetched for a room that is a key, and for no other', { timeout: 180_000 }, async (t) => {
  const stage = new Stage(t);
  await stage.startGateway();
  const key = (await keyRoom(stage)).replace('/watch/', '/whep/');
  stage.startCamera('plain', ['--size', '640x360']);
  for (const [endpoint, trust, wanted] of [['/whep/plain', 'unverified', []], [key, 'verified', ['signatures']]]) {
    /** @type {string[]} */
    const asked = [];
    const origin = await elsewhere(t, `<script type="module" src="/player/whep-player.js"></script>
      <whep-player src="${stage.origin}${endpoint}"></whep-player>`, { asked: (path) => asked.push(path) });
    const page = await stage.openUrl(origin);
    await becomes(page, 'live');
    await moves(page);
    assert.equal(await page.evaluate(() => /** @type {any} */ (document.querySelector('whep-player')).trust), trust);
    const names = asked.flatMap((path) => /assets\/([a-z]+)-/.exec(path)?.[1] ?? []);
    assert.deepEqual(names.filter((name) => name === 'signatures'), wanted, asked.join('\n'));
  }
});

test('where signatures cannot be fetched, nothing is played that should be looked at', { timeout: 180_000 }, async (t) => {
  const stage = new Stage(t);
  await stage.startGateway();
  const key = (await keyRoom(stage)).replace('/watch/', '/whep/');
  const page = await (await stage.newContext()).newPage();
  await page.addInitScript(() => {
    const states = /** @type {string[]} */ ([]);
    Object.assign(window, { states });
    addEventListener('statechange', (event) => states.push(/** @type {CustomEvent} */ (event).detail.state));
  });
  let lost = true;
  await page.route('**/assets/signatures-*', (route) => (lost ? route.abort() : route.continue()));
  await page.goto(await elsewhere(t, `<script type="module" src="/player/whep-player.js"></script>
    <whep-player src="${stage.origin}${key}"></whep-player>`));
  const states = () => page.evaluate(() => /** @type {any} */ (window).states);
  await eventually('it is tried again', states, (seen) => seen.filter((/** @type {string} */ each) => each === 'unreachable').length > 0);
  assert.ok(!(await states()).includes('live'), String(await states()));
  lost = false;
  await becomes(page, 'live');
});

test('other sites have the element by an address that stays, and by the one that it had before', { timeout: 180_000 }, async (t) => {
  const stage = new Stage(t);
  await stage.startGateway();
  stage.startCamera('addressed', ['--size', '640x360']);
  for (const address of ['/player/1/whep-player.js', '/player/whep-player.js']) {
    // By its own address the element knows which server `room` is of.
    const origin = await elsewhere(t, `<script type="module" src="${stage.origin}${address}"></script>
      <whep-player room="addressed"></whep-player>`, { connect: stage.origin, script: stage.origin });
    await becomes(await stage.openUrl(origin), 'live');
  }
});
