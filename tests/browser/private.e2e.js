// @ts-check
/** Private links and tickets: who may watch, and what the gateway never gets to know. */

import assert from 'node:assert/strict';
import test from 'node:test';
import { browserCamera, linkOf, secretOf, ticketOf } from './browser-camera.js';
import { scanned } from './qr-scan.js';
import { Stage, becomes, moves, shot } from '../stage/stage.js';
import { villain } from './villain.js';

/** @typedef {import('playwright-core').Page} Page */

const HOUR = 3600;
const seconds = () => Math.floor(Date.now() / 1000);

/** @param {Page} camera which has turned somebody away */
const turnsAway = (camera) => camera.getByText(/^Turned away without a link that holds/).waitFor();

test('a private link: nobody in between learns more than that somebody watches', { timeout: 180_000 }, async (t) => {
  const stage = new Stage(t);
  await stage.startGateway();
  const { page: camera, link } = await browserCamera(stage, 'Private');
  assert.match(link.hash, /^#\d+\.[A-Za-z0-9_-]{43}$/);
  assert.equal(await scanned(camera.locator('#qr')), link.href);
  await camera.setViewportSize({ width: 1280, height: 1100 });
  await shot(camera, 'publish-private');
  await camera.setViewportSize({ width: 390, height: 1200 });
  await shot(camera, 'publish-private-phone');

  const { origin, seen } = await villain(t, stage.origin);
  const viewer = await stage.openUrl(origin + link.pathname + link.hash);
  await becomes(viewer, 'live');
  await moves(viewer);
  await viewer.locator('#trust').getByText('Private', { exact: true }).waitFor();
  await shot(viewer, 'trust-private');
  const [, mac] = link.hash.slice(1).split('.');
  assert.ok(seen.some(({ method, body }) => method === 'PATCH' && body.includes('a=sightline-proof:')));
  assert.equal(JSON.stringify(seen).includes(mac), false, 'the secret stays in the browser');
});

test('without the secret, or with a wrong one, the camera shows nothing', { timeout: 180_000 }, async (t) => {
  const stage = new Stage(t);
  await stage.startGateway();
  const { page: camera, link } = await browserCamera(stage, 'Private');
  const wrong = `#${seconds() + HOUR}.${'A'.repeat(43)}`;
  const viewer = await stage.open(link.pathname + wrong);
  await turnsAway(camera);
  await becomes(viewer, 'declined');
  await shot(viewer, 'private-declined');
  const other = await stage.open(link.pathname);
  await becomes(other, 'dismissed');
  await camera.getByText(/: 2 viewers\.$/).waitFor();
  for (const page of [viewer, other]) assert.equal(await page.locator('#trust').isVisible(), false);
  // And those who have it are served all the same.
  const invited = await stage.open(link.pathname + link.hash);
  await becomes(invited, 'live');
});

test('a private room without its secret: one person, told once, who may type another link', { timeout: 180_000 }, async (t) => {
  const stage = new Stage(t);
  await stage.startGateway();
  const { page: camera, link } = await browserCamera(stage, 'Private');
  const viewer = await stage.open(link.pathname);
  await becomes(viewer, 'dismissed');
  await viewer.evaluate(() => {
    const states = /** @type {string[]} */ ([]);
    document.querySelector('whep-player')?.addEventListener('statechange', (event) =>
      states.push(/** @type {CustomEvent} */ (event).detail.state));
    Object.assign(window, { states });
  });
  const field = viewer.getByLabel('Have another link?');
  await field.click();
  const typed = link.hash.padEnd(55, '-').slice(0, 55);
  // As slowly as people type; longer than it took until the next attempt.
  await viewer.keyboard.type(typed, { delay: 120 });
  assert.equal(await field.inputValue(), typed);
  assert.deepEqual(await viewer.evaluate(() => /** @type {any} */ (window).states), [], 'it is told once');
  await camera.getByText(/: one viewer\.$/).waitFor();
  await shot(viewer, 'private-dismissed');
});

test('a gateway that poses as the viewer, with the viewer’s own proof', { timeout: 180_000 }, async (t) => {
  const stage = new Stage(t);
  await stage.startGateway();
  const { page: camera, link } = await browserCamera(stage, 'Private');
  const { origin } = await villain(t, stage.origin, {
    request: (exchange) => {
      if (exchange.method !== 'PATCH') return;
      exchange.body = exchange.body.replace(/^(a=fingerprint:sha-256 )(..)/gm, (_, before, byte) =>
        before + (byte === '00' ? '11' : '00'));
    },
  });
  const viewer = await stage.openUrl(origin + link.pathname + link.hash);
  await turnsAway(camera);
  await becomes(viewer, 'declined');
});

test('a gateway that would rather relay', { timeout: 180_000 }, async (t) => {
  const stage = new Stage(t);
  await stage.startGateway();
  // A camera that admits the relay, and a private link to it all the same.
  const { page: camera, link } = await browserCamera(stage);
  const { origin } = await villain(t, stage.origin, {
    request: ({ method, headers }) => {
      if (method === 'POST') headers.prefer = 'wait=10';
    },
  });
  const secret = await secretOf(camera, seconds() + HOUR);
  const viewer = await stage.openUrl(`${origin}${link.pathname}#${secret}`);
  await becomes(viewer, 'exposed');
  assert.equal(await viewer.locator('#trust').isVisible(), false);
  await shot(viewer, 'private-exposed');
});

test('a private link that has expired: by the viewer’s clock, and by the camera’s', { timeout: 180_000 }, async (t) => {
  const stage = new Stage(t);
  await stage.startGateway();
  const { page: camera, link } = await browserCamera(stage, 'Private');
  const expired = `#${await secretOf(camera, seconds() - 60)}`;
  const viewer = await stage.open(link.pathname + expired);
  await becomes(viewer, 'expired');
  await shot(viewer, 'private-expired');

  const slow = await (await stage.newContext()).newPage();
  await slow.addInitScript((late) => {
    const now = Date.now.bind(Date);
    Date.now = () => now() - late;
  }, 600_000);
  await slow.goto(stage.origin + link.pathname + expired);
  await turnsAway(camera);
  await becomes(slow, 'declined');

  // What helps is another link, in the same place.
  await viewer.getByLabel('Have another link?').fill(link.href);
  await viewer.getByRole('button', { name: 'Open' }).click();
  await becomes(viewer, 'live');
});

test('tickets: needed, good, expired, and of another room', { timeout: 180_000 }, async (t) => {
  const stage = new Stage(t);
  await stage.startGateway();
  const { page: camera, link } = await browserCamera(stage, 'Links that expire');
  assert.match(link.hash, /^#token=/);
  assert.equal(await scanned(camera.locator('#qr')), link.href);
  const bare = await stage.open(link.pathname);
  await becomes(bare, 'ticket');
  await shot(bare, 'ticket-needed');
  await bare.setViewportSize({ width: 390, height: 844 });
  await shot(bare, 'ticket-needed-phone');

  const old = await ticketOf(camera, Date.now() - 3 * HOUR * 1000, HOUR);
  await becomes(await stage.open(`${link.pathname}#token=${old}`), 'expired');
  const { page: elsewhere } = await browserCamera(stage);
  const theirs = await ticketOf(elsewhere, Date.now(), HOUR);
  await becomes(await stage.open(`${link.pathname}#token=${theirs}`), 'misplaced');

  const viewer = await stage.open(link.pathname + link.hash);
  await becomes(viewer, 'live');
  await moves(viewer);
});

test('our camera, private: its own links, and nobody else', { timeout: 180_000 }, async (t) => {
  const stage = new Stage(t);
  await stage.startGateway();
  const camera = stage.startKeyCamera(['--private']);
  const link = await camera.share(['--private', '--for', '2h']);
  const viewer = await stage.open(link.pathname + link.hash);
  await becomes(viewer, 'live');
  await moves(viewer);
  await viewer.locator('#trust').getByText('Private', { exact: true }).waitFor();

  const [expiry] = link.hash.slice(1).split('.');
  const other = await stage.open(`${link.pathname}#${expiry}.${'A'.repeat(43)}`);
  await becomes(other, 'declined');
  await becomes(viewer, 'live');
});

test('our camera, with tickets', { timeout: 180_000 }, async (t) => {
  const stage = new Stage(t);
  await stage.startGateway();
  const camera = stage.startKeyCamera(['--tickets']);
  const link = await camera.share(['--for', '2h']);
  const viewer = await stage.open(link.pathname + link.hash);
  await becomes(viewer, 'live');
  await viewer.locator('#trust').getByText('Your camera, verified · end to end').waitFor();
  await becomes(await stage.open(link.pathname), 'ticket');
});

test('a link that ends while somebody watches', { timeout: 180_000 }, async (t) => {
  const stage = new Stage(t);
  await stage.startGateway();
  const { page: camera, link } = await browserCamera(stage, 'Private');
  // From here on the camera's clock is the test's.
  await camera.clock.install();
  const brief = await secretOf(camera, seconds() + HOUR);
  const viewer = await stage.open(`${link.pathname}#${brief}`);
  await becomes(viewer, 'live');
  await moves(viewer);
  await viewer.evaluate((hour) => {
    const now = Date.now.bind(Date);
    Date.now = () => now() + hour;
  }, HOUR * 1000);
  await camera.clock.fastForward(HOUR * 1000);
  await becomes(viewer, 'expired');
  assert.equal(await viewer.locator('#trust').isVisible(), false);
});

test('another link of the same camera, for as long as is wanted', { timeout: 180_000 }, async (t) => {
  const stage = new Stage(t);
  await stage.startGateway();
  const { page: camera, link } = await browserCamera(stage, 'Private');
  await camera.getByLabel('Link is good for').selectOption('ever');
  await camera.getByText(/^This link ends/).waitFor({ state: 'hidden' });
  const forEver = await linkOf(camera);
  assert.equal(forEver.pathname, link.pathname);
  assert.match(forEver.hash, /^#0\./);
  await becomes(await stage.open(forEver.pathname + forEver.hash), 'live');
});

test('half a private link is not taken for an open one', { timeout: 180_000 }, async (t) => {
  const stage = new Stage(t);
  await stage.startGateway();
  const { link } = await browserCamera(stage);
  const page = await stage.open(link.pathname + '#1790007200.ysziZVkH-wLz');
  await page.getByText('Link wrong', { exact: true }).waitFor();
  await page.getByText(/is not whole/).waitFor();
});
