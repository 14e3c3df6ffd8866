// @ts-check
/** The pages as an app: it can be installed, says when there is no connection, and is never an old one. */

import assert from 'node:assert/strict';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import test from 'node:test';
import { fileURLToPath } from 'node:url';
import { accessible } from '../stage/axe.js';
import { openInFirefox } from '../stage/firefox.js';
import { Stage, becomes, eventually, shot } from '../stage/stage.js';

/** @typedef {import('playwright-core').Page} Page */

const LONG = { timeout: 180_000 };
const PLAYER = fileURLToPath(new URL('../../player/src/', import.meta.url));

/** @param {Page} page waits until its service worker is at work, and the page for no connection is kept */
const isAnApp = (page) => eventually('the service worker is at work', () => page.evaluate(async () => {
  const registration = await navigator.serviceWorker.getRegistration();
  return { state: registration?.active?.state, kept: (await caches.keys()).length };
}), ({ state, kept }) => state === 'activated' && kept === 1);

/** @param {Page} page */
const heading = (page) => page.evaluate(() => document.querySelector('h1')?.textContent);

for (const where of ['/', '/wall', '/publish', '/watch/garage']) {
  test(`Chromium would install it from ${where}`, LONG, async (t) => {
    const stage = new Stage(t);
    await stage.startGateway();
    const page = await stage.open(where);
    await isAnApp(page);
    const session = await page.context().newCDPSession(page);
    const { errors, data, url } = /** @type {any} */ (await session.send('Page.getAppManifest'));
    assert.deepEqual(errors, []);
    assert.equal(url, `${stage.origin}/player/app/sightline.webmanifest`);
    const { installabilityErrors } = await session.send('Page.getInstallabilityErrors');
    // A context of a test is an incognito one, from which nothing is installed.
    assert.deepEqual(installabilityErrors.map(({ errorId }) => errorId).filter((id) => id !== 'in-incognito'), []);
    const { icons, shortcuts, start_url: start } = JSON.parse(data);
    for (const { src, type, sizes } of icons) {
      const response = await page.request.get(stage.origin + src);
      assert.equal(response.headers()['content-type'], type, src);
      if (type !== 'image/png') continue;
      const body = await response.body();
      // The size is in the PNG's first chunk.
      assert.equal(`${body.readUInt32BE(16)}x${body.readUInt32BE(20)}`, sizes, src);
    }
    for (const { url: to } of [...shortcuts, { url: start }]) {
      assert.equal((await page.request.get(stage.origin + to)).status(), 200, to);
    }
  });
}

test('without a server the pages say that there is no connection, and open by themselves when there is', LONG, async (t) => {
  const stage = new Stage(t);
  await stage.startGateway();
  const page = await stage.open('/');
  await isAnApp(page);
  await stage.stopGateway();
  await page.goto(`${stage.origin}/publish/garage`);
  await page.getByRole('heading', { name: 'No connection' }).waitFor();
  await page.getByText('The server of this page does not answer.').waitFor();
  for (const [width, height, device] of /** @type {const} */ ([[1280, 900, 'desktop'], [390, 844, 'phone']])) {
    await page.setViewportSize({ width, height });
    await shot(page, `offline-${device}`);
    await accessible(page, 'no connection');
  }
  await page.keyboard.press('Tab');
  assert.equal(await page.evaluate(() => document.activeElement?.textContent), 'Try again');
  await page.context().setOffline(true);
  await page.getByText('This device has no network just now.').waitFor();
  await page.context().setOffline(false);
  await stage.startGateway();
  await page.getByRole('heading', { name: 'Be the camera' }).waitFor();
  assert.equal(new URL(page.url()).pathname, '/publish/garage');
});

test('what the server has newer is seen at once, and nothing of the old is kept', LONG, async (t) => {
  const folder = mkdtempSync(path.join(tmpdir(), 'sightline-e2e-'));
  t.after(() => rmSync(folder, { recursive: true }));
  cpSync(PLAYER, folder, { recursive: true });
  const edit = (/** @type {string} */ file, /** @type {string} */ from, /** @type {string} */ to) => {
    const name = path.join(folder, file);
    const text = readFileSync(name, 'utf8');
    assert.ok(text.includes(from), `${file} has ${from}`);
    writeFileSync(name, text.replace(from, to));
  };
  const stage = new Stage(t, { gateway: ['--player-dir', folder] });
  await stage.startGateway();
  const page = await stage.open('/');
  await isAnApp(page);
  await page.reload();
  assert.equal(await page.evaluate(() => navigator.serviceWorker.controller !== null), true, 'the worker has this page');
  edit('landing/landing.html', '<h2 data-say="watch"></h2>', '<h2>Watch it anew</h2>');
  edit('words/app-words.js', "title: 'No connection'", "title: 'No connection, anew'");
  edit('app/service-worker.js', '// @ts-check', '// @ts-check\n// anew');
  await page.reload();
  await page.getByRole('heading', { name: 'Watch it anew' }).waitFor();
  await eventually('the page for no connection is the new one', () => page.evaluate(async () => {
    const kept = await caches.match('/', { cacheName: 'sightline-shell' });
    return (await kept?.text())?.includes('No connection, anew');
  }), (isNew) => isNew === true);
  const keys = await page.evaluate(async () => (await Promise.all((await caches.keys()).map(async (name) =>
    (await (await caches.open(name)).keys()).map(({ url }) => new URL(url).pathname)))).flat());
  assert.deepEqual(keys, ['/'], 'nothing else is kept');
});

test('the worker has no part in watching a camera, neither in its page nor in its requests', LONG, async (t) => {
  const stage = new Stage(t);
  await stage.startGateway();
  stage.startCamera('past', ['--size', '640x360']);
  const page = await (await stage.newContext()).newPage();
  await page.goto(stage.origin);
  await isAnApp(page);
  await page.goto(`${stage.origin}/watch/past`);
  await becomes(page, 'live');
  const seen = await page.evaluate(() => ({
    controlled: navigator.serviceWorker.controller !== null,
    // Its rules send everything else to the network, without a word to it.
    worked: [...performance.getEntriesByType('navigation'), ...performance.getEntriesByType('resource')]
      .map((entry) => /** @type {any} */ (entry))
      .filter(({ workerStart, workerFinalSourceType }) => workerStart > 0 && workerFinalSourceType !== 'network')
      .map(({ name }) => new URL(name).pathname),
    whep: performance.getEntriesByType('resource').filter(({ name }) => name.includes('/whep/')).length,
  }));
  assert.equal(seen.controlled, true);
  assert.ok(seen.whep > 0);
  assert.deepEqual(seen.worked, []);
});

test('Firefox: no connection is told, and the page comes back', LONG, async (t) => {
  const stage = new Stage(t);
  await stage.startGateway();
  const page = await openInFirefox(t, stage.origin);
  await isAnApp(page);
  await stage.stopGateway();
  await page.goto(`${stage.origin}/wall`);
  await eventually('there is no connection', () => heading(page), (title) => title === 'No connection');
  await accessible(page, 'no connection in Firefox');
  await shot(page, 'offline-firefox');
  await stage.startGateway();
  await eventually('the page is back', () => heading(page), (title) => title === 'Wall');
});
