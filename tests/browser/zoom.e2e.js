// @ts-check
/** Looking closer, and away from the page: zoom, and picture in picture. */

import assert from 'node:assert/strict';
import test from 'node:test';
import { Stage, becomes, eventually, moves, shot } from '../stage/stage.js';

/** @typedef {import('playwright-core').Page} Page */

const LONG = { timeout: 180_000 };

/**
 * How close the picture is, and where its corner is, in pixels.
 *
 * @param {Page} page
 */
const seen = (page) => page.evaluate(() => {
  const { video } = /** @type {any} */ (document.querySelector('whep-player'));
  const { a, e, f } = new DOMMatrix(getComputedStyle(video).transform);
  return { scale: Math.round(a * 100) / 100, x: Math.round(e), y: Math.round(f) };
});

/**
 * @param {Page} page
 * @param {string} what
 * @param {(seen: { scale: number, x: number, y: number }) => boolean} isSo
 */
const shows = (page, what, isSo) => eventually(what, () => seen(page), isSo);

const WHOLE = { scale: 1, x: 0, y: 0 };

test('by wheel, mouse and keys', LONG, async (t) => {
  const stage = new Stage(t);
  await stage.startGateway();
  stage.startCamera('closer', ['--size', '640x360']);
  const page = await stage.watch('closer');
  await becomes(page, 'live');
  assert.deepEqual(await seen(page), WHOLE);
  // A corner stays where it is when it is looked at.
  await page.mouse.move(1279, 899);
  await page.mouse.wheel(0, -500);
  assert.deepEqual(await seen(page), WHOLE, 'a wheel alone is for the page');
  await page.keyboard.down('Control');
  await page.mouse.wheel(0, -240);
  await page.keyboard.up('Control');
  await shows(page, 'twice as close, at the corner', ({ scale, x, y }) => scale === 2 && x < -1275 && y < -895);
  assert.equal(await page.evaluate(() => visualViewport?.scale), 1, 'the page stays as it is');
  await page.mouse.move(400, 300);
  await page.mouse.down();
  await page.mouse.move(700, 500);
  await page.mouse.up();
  await shows(page, 'it follows the mouse', ({ x, y }) => x === -979 && y === -699);
  await becomes(page, 'live');
  await shot(page, 'zoomed');
  await page.keyboard.press('Shift+ArrowLeft');
  await shows(page, 'more of what is at the left', ({ x }) => x === -851);
  for (let step = 0; step < 20; step += 1) await page.keyboard.press('Shift+ArrowUp');
  await shows(page, 'no farther than the picture goes', ({ y }) => y === 0);
  await page.keyboard.press('0');
  await shows(page, 'the whole picture', (now) => JSON.stringify(now) === JSON.stringify(WHOLE));
  await page.keyboard.press('+');
  await shows(page, 'closer, in the middle', ({ scale, x, y }) => scale === 1.25 && x === -160 && y === -112);
  await page.keyboard.press('-');
  await shows(page, 'and back', ({ scale }) => scale === 1);
  for (let step = 0; step < 20; step += 1) await page.keyboard.press('+');
  await shows(page, 'no closer than eight times', ({ scale }) => scale === 8);
  await page.mouse.move(640, 300);
  await page.getByRole('button', { name: 'Whole picture (0)' }).click();
  await shows(page, 'the whole picture', ({ scale }) => scale === 1);
  assert.equal(await page.getByRole('button', { name: 'Whole picture (0)' }).isVisible(), false);
  // With volume keys as they were.
  await page.keyboard.press('ArrowDown');
  assert.deepEqual(await seen(page), WHOLE);
});

test('by two fingers, moved by one, and back by two taps', LONG, async (t) => {
  const stage = new Stage(t);
  await stage.startGateway();
  stage.startCamera('pinched', ['--size', '640x360']);
  const context = await stage.newContext({ viewport: { width: 400, height: 800 }, hasTouch: true, isMobile: true });
  const page = await context.newPage();
  await page.goto(`${stage.origin}/watch/pinched`);
  await becomes(page, 'live');
  const cdp = await context.newCDPSession(page);
  const touch = (/** @type {string} */ type, /** @type {number[][]} */ ...points) => cdp.send('Input.dispatchTouchEvent', {
    type: /** @type {any} */ (type), touchPoints: points.map(([x, y], id) => ({ x, y, id })),
  });
  await touch('touchStart', [150, 400], [250, 400]);
  for (let apart = 50; apart <= 150; apart += 10) await touch('touchMove', [200 - apart, 400], [200 + apart, 400]);
  await touch('touchEnd');
  await shows(page, 'three times as close, in the middle', ({ scale, x, y }) => scale === 3 && x === -400 && y === -800);
  assert.equal(await page.evaluate(() => visualViewport?.scale), 1, 'the page stays as it is');
  await shot(page, 'pinched');
  await touch('touchStart', [200, 400]);
  for (let by = 0; by <= 100; by += 10) await touch('touchMove', [200 + by, 400 + by]);
  await touch('touchEnd');
  await shows(page, 'one finger moves it', ({ x, y }) => x === -300 && y === -700);
  for (const _ of [1, 2]) {
    await touch('touchStart', [100, 300]);
    await touch('touchEnd');
  }
  await shows(page, 'the whole picture', ({ scale }) => scale === 1);
  assert.equal(await page.evaluate(() => document.fullscreenElement), null);
  await becomes(page, 'live');
});

test('picture in picture, by button and key: it plays on there, and comes back', LONG, async (t) => {
  const stage = new Stage(t);
  await stage.startGateway();
  stage.startCamera('aside', ['--size', '640x360']);
  const page = await stage.watch('aside');
  await becomes(page, 'live');
  const isAside = () => page.evaluate(() => document.pictureInPictureElement?.localName ?? null);
  assert.equal(await page.evaluate(() => document.pictureInPictureEnabled), true);
  await page.mouse.move(640, 300);
  await page.getByRole('button', { name: 'Picture in picture (p)' }).click();
  await eventually('it is aside', isAside, (name) => name === 'whep-player');
  await moves(page, 30);
  await becomes(page, 'live');
  await page.keyboard.press('p');
  await eventually('it is back', isAside, (name) => name === null);
  await moves(page, 30);
});
