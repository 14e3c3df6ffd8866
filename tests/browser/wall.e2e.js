// @ts-check
/** The wall: all cameras that this browser has seen, live, muted, in a grid that fills the window. */

import assert from 'node:assert/strict';
import test from 'node:test';
import { accessible } from '../stage/axe.js';
import { openInFirefox } from '../stage/firefox.js';
import { Stage, becomes, eventually, shot } from '../stage/stage.js';
import { browserCamera } from './browser-camera.js';
import { seenBy, watchUntilKept } from './seen.js';

/** @typedef {import('playwright-core').Page} Page */

const LONG = { timeout: 180_000 };

/** @param {Page} page what each tile says */
const tiles = (page) => page.evaluate(() => Object.fromEntries([...document.querySelectorAll('#tiles li')].map((item) => [
  item.querySelector('b')?.textContent, /** @type {HTMLElement} */ (item.querySelector('.says')).textContent])));

/** @param {Page} page how many are live */
const live = async (page) => Object.values(await tiles(page)).filter((says) => says === 'Live').length;

test('nothing was seen yet: the wall says what it is for', LONG, async (t) => {
  const stage = new Stage(t);
  await stage.startGateway();
  const page = await stage.open('/wall');
  await page.getByText('The wall shows the cameras that were seen on this device.').waitFor();
  await shot(page, 'wall-empty-desktop');
  await accessible(page, 'an empty wall');
  await page.setViewportSize({ width: 390, height: 844 });
  await shot(page, 'wall-empty-phone');
  await page.getByRole('link', { name: 'Watch a camera' }).click();
  await page.getByText('Seen on this device').waitFor();
});

test('all that are on are live, the others show their last picture, and come by themselves', LONG, async (t) => {
  const stage = new Stage(t);
  await stage.startGateway();
  const garage = stage.startCamera('garage', ['--size', '640x360']);
  stage.startCamera('yard', ['--size', '640x360']);
  // One of another server's kind, and one that only its secret opens.
  stage.startPublisher('shed', ['--size', '640x360']);
  const hidden = await browserCamera(stage, 'Private');
  const page = await (await stage.newContext()).newPage();
  for (const room of ['garage', 'yard', 'shed']) await watchUntilKept(page, `${stage.origin}/watch/${room}`, room);
  await watchUntilKept(page, hidden.link.href, hidden.link.pathname.slice('/watch/'.length));
  await page.goto(`${stage.origin}/wall`);
  await eventually('all four are live', () => live(page), (count) => count === 4);
  await page.getByText('4 of 4 live').waitFor();
  const sounding = await page.evaluate(() =>
    [.../** @type {any} */ (document.querySelectorAll('whep-player'))].filter(({ video }) => !video.muted).length);
  assert.equal(sounding, 0, 'all are muted');
  for (const [width, height, name] of /** @type {const} */ ([[1280, 900, 'desktop'], [390, 844, 'phone'], [844, 390, 'phone-turned'], [2560, 720, 'wide']])) {
    await page.setViewportSize({ width, height });
    await eventually(`it fits ${width}×${height}`, () => page.evaluate(() => {
      const boxes = [...document.querySelectorAll('#tiles li')].map((item) => item.getBoundingClientRect());
      const inside = boxes.every(({ left, right, top, bottom }) => left >= 0 && right <= innerWidth && top >= 0 && bottom <= innerHeight);
      const area = boxes.reduce((sum, box) => sum + box.width * box.height, 0) / (innerWidth * innerHeight);
      return { inside, area, scrolls: document.documentElement.scrollHeight > innerHeight };
    }), ({ inside, area, scrolls }) => inside && area > 0.4 && !scrolls);
    await shot(page, `wall-${name}`);
    await accessible(page, `the wall, ${name}`);
  }
  await page.setViewportSize({ width: 1280, height: 900 });

  await garage.end('SIGTERM');
  await eventually('the garage is off, with its last picture', () => tiles(page), ({ garage: says }) => /^Off · seen \d\d:\d\d( [AP]M)?$/.test(says ?? ''));
  await page.getByText('3 of 4 live').waitFor();
  await shot(page, 'wall-one-off');
  await accessible(page, 'the wall, one camera off');
  stage.startCamera('garage', ['--size', '640x360']);
  await eventually('all four are live again', () => live(page), (count) => count === 4);

  await page.getByRole('button', { name: 'Full screen' }).click();
  await eventually('the wall fills the screen', () => page.evaluate(() => document.fullscreenElement?.id), (id) => id === 'wall');
  await page.evaluate(() => document.exitFullscreen());

  // By keyboard: the first tile is behind the logo and the button.
  await page.locator('.brand').focus();
  for (let tab = 0; tab < 2; tab += 1) await page.keyboard.press('Tab');
  assert.equal(await page.evaluate(() => document.activeElement?.getAttribute('href')), hidden.link.pathname + hidden.link.hash);
  await shot(page, 'wall-keyboard');
  await page.keyboard.press('Enter');
  await page.waitForURL((url) => url.pathname === hidden.link.pathname);
  await becomes(page, 'live');
});

test('a tap opens the camera’s page, and what the wall shows is kept', LONG, async (t) => {
  const stage = new Stage(t);
  await stage.startGateway();
  stage.startCamera('porch', ['--size', '640x360']);
  const context = await stage.newContext({ viewport: { width: 390, height: 844 }, hasTouch: true });
  const page = await context.newPage();
  await watchUntilKept(page, `${stage.origin}/watch/porch`, 'porch');
  const [before] = await seenBy(page);
  await page.addInitScript(() => {
    const request = navigator.wakeLock.request.bind(navigator.wakeLock);
    navigator.wakeLock.request = async (type) => Object.assign(window, { lock: await request(type) }).lock;
  });
  await page.goto(`${stage.origin}/wall`);
  await eventually('the screen stays on', () => page.evaluate(() => /** @type {any} */ (window).lock?.released),
    (released) => released === false);
  await eventually('it is live', () => live(page), (count) => count === 1);
  await eventually('its picture is a newer one', () => seenBy(page), ([porch]) => porch.at > before.at + 1000);
  await page.locator('#tiles li').tap();
  await page.waitForURL('**/watch/porch');
  await becomes(page, 'live');
});

test('twelve cameras at one time', LONG, async (t) => {
  const stage = new Stage(t);
  await stage.startGateway();
  const rooms = Array.from({ length: 12 }, (_, index) => `camera-${index}`);
  for (const room of rooms) stage.startPublisher(room, ['--size', '160x90', '--fps', '10']);
  const page = await stage.open('/');
  await page.evaluate(async (all) => {
    const { keepCamera } = await import(String('/player/seen/seen-cameras.js'));
    for (const room of all) await keepCamera({ room, name: room, hash: '', at: Date.now(), picture: new Blob(['no picture']) });
  }, rooms);
  await eventually('all publish', async () => page.evaluate(async (all) => {
    const answers = await Promise.all(all.map((room) => fetch(`/whep/${room}`, { method: 'HEAD' })));
    return answers.filter(({ headers }) => headers.get('sightline-camera') === 'present').length;
  }, rooms), (count) => count === rooms.length);
  await page.goto(`${stage.origin}/wall`);
  await eventually('all twelve are live', () => live(page), (count) => count === 12);
  await shot(page, 'wall-twelve');
});

test('Firefox has the wall, too', LONG, async (t) => {
  const stage = new Stage(t);
  await stage.startGateway();
  for (const room of ['fox', 'den']) stage.startCamera(room, ['--size', '640x360', '--codec', 'vp8']);
  const page = await openInFirefox(t, `${stage.origin}/watch/fox`);
  await watchUntilKept(page, null, 'fox');
  await watchUntilKept(page, `${stage.origin}/watch/den`, 'den');
  await page.goto(`${stage.origin}/wall`);
  await eventually('both are live', () => live(page), (count) => count === 2);
  await accessible(page, 'the wall in Firefox');
  await shot(page, 'wall-firefox');
});
