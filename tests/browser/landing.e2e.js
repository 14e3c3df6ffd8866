// @ts-check
/** The landing page: a link in, by hand or by the camera, and the cameras that were seen on this device. */

import assert from 'node:assert/strict';
import test from 'node:test';
import { accessible } from '../stage/axe.js';
import { openInFirefox } from '../stage/firefox.js';
import { Stage, becomes, eventually, shot } from '../stage/stage.js';
import { browserCamera } from './browser-camera.js';
import { seenBy, watchUntilKept } from './seen.js';

/** @typedef {import('playwright-core').Page} Page */

const LONG = { timeout: 180_000 };
const PHONE = { width: 390, height: 844 };
const DESKTOP = { width: 1280, height: 900 };

/** @param {Page} page */
const focused = (page) => page.evaluate(() => {
  const at = document.activeElement;
  return at?.getAttribute('aria-label') ?? (at?.id || at?.textContent?.trim());
});

/**
 * Keeps what the page looks like on a desk and on a phone, and has axe look at both.
 *
 * @param {Page} page
 * @param {string} name
 */
async function looks(page, name) {
  for (const [viewport, device] of /** @type {const} */ ([[DESKTOP, 'desktop'], [PHONE, 'phone']])) {
    await page.setViewportSize(viewport);
    await shot(page, `${name}-${device}`);
    await accessible(page, `${name} on a ${device}`);
    const wider = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    assert.ok(wider <= 0, `${name} on a ${device} is ${wider} pixels too wide`);
  }
  await page.setViewportSize(DESKTOP);
}

test('two tiles: all of it by keyboard, and a link leads to its camera', LONG, async (t) => {
  const stage = new Stage(t);
  await stage.startGateway();
  const page = await stage.open('/');
  await page.getByText('Cameras that you have watched will be here').waitFor();
  await looks(page, 'landing-empty');
  await page.context().setOffline(true);
  await page.getByText('No connection').waitFor();
  await looks(page, 'landing-offline');
  await page.context().setOffline(false);
  await page.getByText('No connection').waitFor({ state: 'hidden' });
  const order = [];
  for (let tab = 0; tab < 6; tab += 1) {
    await page.keyboard.press('Tab');
    order.push(await focused(page));
  }
  assert.deepEqual(order, ['Sightline', 'room', 'Watch', 'scan', 'Set it up', 'keeping']);
  await page.getByLabel('Link or room').fill('no room at all');
  await page.keyboard.press('Enter');
  await page.getByText('A room id has 1 to 64 letters').waitFor();
  await looks(page, 'landing-wrong');
  await page.getByLabel('Link or room').fill(`${stage.origin}/watch/garage`);
  await page.keyboard.press('Enter');
  await page.waitForURL('**/watch/garage');
  await becomes(page, 'waiting');
  await page.goBack();
  await page.getByRole('link', { name: 'Set it up' }).click();
  await page.getByRole('heading', { name: 'Be the camera' }).waitFor();
});

test('a camera that was watched is there with its picture, and whether it is on', LONG, async (t) => {
  const stage = new Stage(t);
  await stage.startGateway();
  const camera = stage.startCamera('garage', ['--size', '640x360']);
  stage.startCamera('yard', ['--size', '640x360']);
  const page = await (await stage.newContext()).newPage();
  for (const room of ['garage', 'yard']) await watchUntilKept(page, `${stage.origin}/watch/${room}`, room);
  /** @type {string[]} */
  const asked = [];
  page.on('request', (request) => asked.push(`${request.method()} ${new URL(request.url()).pathname}`));
  await page.goto(stage.origin);
  const garage = page.locator('#cameras li', { hasText: 'garage' });
  await garage.getByText('Online', { exact: true }).waitFor();
  await eventually('its picture', () => garage.locator('canvas').evaluate((canvas) => {
    const { width, height } = /** @type {HTMLCanvasElement} */ (canvas);
    const { data } = /** @type {CanvasRenderingContext2D} */ (
      /** @type {HTMLCanvasElement} */ (canvas).getContext('2d')).getImageData(0, 0, width, height);
    return { width, height, colours: new Set(data.filter((_, index) => index % 4 === 0).map((red) => red >> 6)).size };
  }), ({ width, height, colours }) => width === 480 && height === 270 && colours > 2);
  await looks(page, 'landing-seen');
  await camera.end('SIGTERM');
  await garage.getByText(/^Off · seen \d\d:\d\d( [AP]M)?$/).waitFor();
  await page.locator('#cameras li', { hasText: 'yard' }).getByText('Online', { exact: true }).waitFor();
  await looks(page, 'landing-off');
  const toRooms = asked.filter((what) => /\/wh[ie]p/.test(what));
  assert.deepEqual([...new Set(toRooms)].sort(), ['HEAD /whep/garage', 'HEAD /whep/yard'], 'nobody joins to look');
  await stage.stopGateway();
  await garage.getByText(/^Server unreachable · seen/).waitFor();
  await looks(page, 'landing-unreachable');
  await stage.startGateway();
  await garage.getByText(/^Off · seen/).waitFor();
});

test('a camera is forgotten by itself, all are together, and none is kept by whoever wants that', LONG, async (t) => {
  const stage = new Stage(t);
  await stage.startGateway();
  for (const room of ['one', 'two', 'three']) stage.startCamera(room, ['--size', '320x180']);
  const page = await (await stage.newContext()).newPage();
  for (const room of ['one', 'two', 'three']) await watchUntilKept(page, `${stage.origin}/watch/${room}`, room);
  await page.goto(stage.origin);
  assert.deepEqual((await seenBy(page)).map(({ room }) => room), ['three', 'two', 'one'], 'the last one first');
  await page.getByRole('button', { name: 'Forget two' }).focus();
  await page.keyboard.press('Enter');
  await page.getByText('two is forgotten.').waitFor({ state: 'attached' });
  assert.equal(await focused(page), 'Forget one', 'who is here by keyboard goes on from there');
  assert.deepEqual((await seenBy(page)).map(({ room }) => room), ['three', 'one']);
  await page.getByRole('button', { name: 'Forget all' }).click();
  await page.getByText('Cameras that you have watched will be here').waitFor();
  assert.deepEqual(await seenBy(page), []);

  await watchUntilKept(page, `${stage.origin}/watch/one`, 'one');
  await page.goto(stage.origin);
  await page.getByLabel('Remember cameras on this device').uncheck();
  await page.getByText('Nothing is kept on this device.').waitFor();
  await looks(page, 'landing-keeps-nothing');
  await page.goto(`${stage.origin}/watch/two`);
  await becomes(page, 'live');
  await page.evaluate(async () => {
    const { keepCamera } = await import(String('/player/seen/seen-cameras.js'));
    await keepCamera({ room: 'two', name: 'two', hash: '', at: Date.now(), picture: new Blob(['a picture']) });
  });
  await page.goto(stage.origin);
  assert.equal(await page.getByLabel('Remember cameras on this device').isChecked(), false);
  assert.deepEqual(await seenBy(page), []);
});

test('who wants no movement gets none, and forced colours show every tile', LONG, async (t) => {
  const stage = new Stage(t);
  await stage.startGateway();
  stage.startCamera('calm', ['--size', '320x180']);
  const context = await stage.newContext({ reducedMotion: 'reduce', forcedColors: 'active' });
  const page = await context.newPage();
  await watchUntilKept(page, `${stage.origin}/watch/calm`, 'calm');
  await page.goto(stage.origin);
  await page.locator('[data-presence="on"]').waitFor();
  const seen = await page.evaluate(() => ({
    moving: [...document.querySelectorAll('*')].filter((each) => {
      const { transitionDuration, animationName } = getComputedStyle(each);
      return transitionDuration.split(', ').some((time) => parseFloat(time) > 0) || animationName !== 'none';
    }).map((each) => each.className),
    borders: [...document.querySelectorAll('.tile, .thumbnail')].map((each) => getComputedStyle(each).borderStyle),
  }));
  assert.deepEqual(seen, { moving: [], borders: ['solid', 'solid', 'solid'] });
  await shot(page, 'landing-forced-colours');
});

test('what is kept of many cameras, and of each, has a bound', LONG, async (t) => {
  const stage = new Stage(t);
  await stage.startGateway();
  const page = await stage.open('/');
  await page.evaluate(async () => {
    const { LARGEST, MOST, keepCamera } = await import(String('/player/seen/seen-cameras.js'));
    const camera = (/** @type {number} */ at, /** @type {number} */ size) =>
      ({ room: `camera-${at}`, name: `camera-${at}`, hash: '', at, picture: new Blob([new Uint8Array(size)]) });
    for (let at = 1; at <= MOST + 6; at += 1) await keepCamera(camera(at, 100));
    await keepCamera(camera(1000, LARGEST + 1));
  });
  const kept = await seenBy(page);
  assert.equal(kept.length, 24);
  assert.deepEqual([kept[0].room, kept[23].room], ['camera-30', 'camera-7'], 'the last ones');
});

test('links with a secret or a ticket open again, are told when they are over, and are sent nowhere', LONG, async (t) => {
  const stage = new Stage(t);
  await stage.startGateway();
  const camera = await browserCamera(stage, 'Private');
  const tickets = await browserCamera(stage, 'Links that expire');
  const page = await (await stage.newContext()).newPage();
  /** @type {string[]} */
  const asked = [];
  page.on('request', (request) => asked.push(request.url() + (request.postData() ?? '')));
  for (const { link } of [camera, tickets]) await watchUntilKept(page, link.href, link.pathname.slice('/watch/'.length));
  await page.goto(stage.origin);
  await eventually('both are on', () => page.locator('[data-presence="on"]').count(), (count) => count === 2);
  const hrefs = await page.locator('#cameras a').evaluateAll((links) => links.map((link) => link.getAttribute('href')));
  assert.deepEqual(hrefs, [tickets, camera].map(({ link }) => link.pathname + link.hash));
  const [, mac] = camera.link.hash.slice(1).split('.');
  assert.ok(asked.length > 10);
  assert.deepEqual(asked.filter((text) => text.includes(mac)), [], 'the secret stays in the browser');
  await page.locator('#cameras a').last().click();
  await becomes(page, 'live');

  // Without its ticket nobody is told whether that camera is on; and a link has its time.
  await page.goto(stage.origin);
  await page.evaluate(async (room) => {
    const { keepCamera } = await import(String('/player/seen/seen-cameras.js'));
    const picture = new Blob(['no picture']);
    await keepCamera({ room, name: 'ticketless', hash: '', at: Date.now(), picture });
    await keepCamera({ room: 'old', name: 'old', hash: `#1000.${'A'.repeat(43)}`, at: 0, picture });
  }, tickets.link.pathname.slice('/watch/'.length));
  await page.reload();
  await page.locator('#cameras li', { hasText: 'ticketless' }).getByText(/^Asks for a ticket · seen/).waitFor();
  await page.locator('#cameras li', { hasText: 'old' }).getByText(/^Link expired · seen/).waitFor();
  await looks(page, 'landing-tickets');
});

test('Firefox: the same tiles, and the camera that was watched', LONG, async (t) => {
  const stage = new Stage(t);
  await stage.startGateway();
  stage.startCamera('fox', ['--size', '640x360', '--codec', 'vp8']);
  const page = await openInFirefox(t, `${stage.origin}/watch/fox`);
  await watchUntilKept(page, null, 'fox');
  await page.goto(stage.origin);
  await eventually('it is there and on', () => page.evaluate(() => document.getElementById('cameras')?.innerText ?? ''),
    (text) => /fox\s+Online/.test(text));
  await accessible(page, 'the landing page in Firefox');
  await shot(page, 'landing-firefox');
});
