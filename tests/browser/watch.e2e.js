// @ts-check
/** The watch page: the picture from edge to edge, and all else over it, for a while or when asked for. */

import assert from 'node:assert/strict';
import test from 'node:test';
import { Stage, becomes, eventually, shot } from '../stage/stage.js';

/** @typedef {import('playwright-core').Page} Page */

const LONG = { timeout: 180_000 };

/** @param {Page} page */
const opacity = (page) => page.evaluate(() => getComputedStyle(/** @type {Element} */ (document.querySelector('.over'))).opacity);

/** @param {Page} page */
const video = (page) => page.evaluate(() => {
  const { muted, volume, paused } = /** @type {any} */ (document.querySelector('whep-player')).video;
  return { muted, volume: Math.round(volume * 10) / 10, paused };
});

test('the picture fills the window, and what is over it goes after a while', LONG, async (t) => {
  const stage = new Stage(t);
  await stage.startGateway();
  stage.startPublisher('edge', ['--size', '640x360']);
  const page = await stage.watch('edge');
  await becomes(page, 'live');
  assert.deepEqual(await page.locator('whep-player').boundingBox(), { x: 0, y: 0, width: 1280, height: 900 });
  const colours = () => page.locator('#state').evaluate((pill) => getComputedStyle(pill).backgroundColor);
  assert.equal(await colours(), 'rgb(211, 47, 47)', 'live is red');
  await shot(page, 'watch-awake');
  await eventually('nothing but the picture', () => opacity(page), (seen) => seen === '0');
  await shot(page, 'watch-calm');
  await page.mouse.move(300, 300);
  await page.mouse.move(320, 310);
  await eventually('all is back', () => opacity(page), (seen) => seen === '1');
  assert.equal(await page.locator('#panel').isVisible(), false, 'figures are for who asks');
  await page.getByRole('button', { name: 'Statistics' }).click();
  await page.locator('#panel').waitFor();
  await eventually('the delay, by the clock of the camera', () => page.locator('#delay').innerText(),
    (words) => /^\d+\.\d\d s$/.test(words));
  await shot(page, 'watch-panel');
});

test('our camera says how old its picture is, without a relay', LONG, async (t) => {
  const stage = new Stage(t);
  await stage.startGateway();
  stage.startCamera('straight', ['--size', '640x360']);
  const page = await stage.watch('straight');
  await becomes(page, 'live');
  await page.mouse.move(300, 300);
  await page.getByRole('button', { name: 'Statistics' }).click();
  const words = await eventually('the delay, by the clock of the camera', () => page.locator('#delay').innerText(),
    (text) => /^\d+\.\d\d s$/.test(text));
  assert.ok(parseFloat(words) < 3, words);
  await shot(page, 'watch-panel-direct');
});

test('one shield, and a sheet of who can see what', LONG, async (t) => {
  const stage = new Stage(t);
  await stage.startGateway();
  stage.startPublisher('sheet', ['--size', '640x360']);
  stage.startCamera('straight', ['--size', '640x360']);
  const relayed = await stage.watch('sheet');
  await becomes(relayed, 'live');
  await relayed.locator('#trust').click();
  await relayed.getByText('Passes the picture on, and could look at it.').waitFor();
  await shot(relayed, 'watch-sheet-relay');
  await relayed.keyboard.press('Escape');
  await relayed.locator('#sheet').waitFor({ state: 'hidden' });
  const direct = await stage.watch('straight');
  await becomes(direct, 'live');
  await direct.locator('#trust').click();
  await direct.getByText('Has not proved which one it is.').waitFor();
  await shot(direct, 'watch-sheet-direct');
  await direct.mouse.click(20, 880);
  await direct.locator('#sheet').waitFor({ state: 'hidden' });
});

test('keys work wherever somebody is, and ? lists them; the volume is remembered', LONG, async (t) => {
  const stage = new Stage(t);
  await stage.startGateway();
  stage.startCamera('keys', ['--size', '640x360']);
  const page = await stage.watch('keys');
  await becomes(page, 'live');
  assert.equal(await page.evaluate(() => document.activeElement?.localName), 'body');
  await page.keyboard.press('?');
  await page.getByText('Save a picture').waitFor();
  await shot(page, 'watch-keys');
  await page.keyboard.press('?');
  await page.locator('#keys').waitFor({ state: 'hidden' });
  await page.keyboard.press('m');
  await eventually('sound', () => video(page), ({ muted }) => !muted);
  for (let step = 0; step < 4; step += 1) await page.keyboard.press('ArrowDown');
  await eventually('quieter', () => video(page), ({ volume }) => volume === 0.6);
  await page.keyboard.press('i');
  await page.locator('#panel').waitFor();
  const saved = page.waitForEvent('download');
  await page.keyboard.press('s');
  assert.match((await saved).suggestedFilename(), /^picture-.*\.png$/);
  await page.keyboard.press('k');
  await becomes(page, 'paused');
  await page.keyboard.press('k');
  await becomes(page, 'live');
  await page.reload();
  await becomes(page, 'live');
  assert.equal((await video(page)).volume, 0.6);
});

test('while the camera is away: its last frame, blurred, and when it was seen', LONG, async (t) => {
  const stage = new Stage(t);
  await stage.startGateway();
  const camera = stage.startCamera('away', ['--size', '640x360']);
  const page = await stage.watch('away');
  await becomes(page, 'live');
  await camera.end('SIGTERM');
  await becomes(page, 'gone');
  await page.getByText(/^Last seen \d\d:\d\d [AP]M$/).waitFor();
  const last = () => page.evaluate(() => {
    const canvas = document.querySelector('whep-player')?.shadowRoot?.querySelector('.last');
    const { filter, visibility } = getComputedStyle(/** @type {Element} */ (canvas));
    return { blurred: filter.startsWith('blur'), visibility };
  });
  assert.deepEqual(await last(), { blurred: true, visibility: 'visible' });
  assert.equal(await opacity(page), '1', 'what is over it stays');
  await shot(page, 'watch-away');
});

test('the first frame fades in, and not for whoever wants no movement', LONG, async (t) => {
  const stage = new Stage(t);
  await stage.startGateway();
  const pages = [];
  for (const reducedMotion of /** @type {const} */ (['no-preference', 'reduce'])) {
    const page = await (await stage.newContext({ reducedMotion })).newPage();
    await page.goto(`${stage.origin}/watch/fades`);
    await becomes(page, 'waiting');
    await page.evaluate(() => {
      const faded = /** @type {string[]} */ ([]);
      Object.assign(window, { faded });
      document.querySelector('whep-player')?.shadowRoot?.querySelector('video')
        ?.addEventListener('transitionend', ({ propertyName, elapsedTime }) => faded.push(`${propertyName} ${elapsedTime}`));
    });
    pages.push(page);
  }
  stage.startCamera('fades', ['--size', '640x360']);
  const [fading, still] = pages;
  for (const page of pages) await becomes(page, 'live');
  const faded = (/** @type {Page} */ page) => page.evaluate(() => /** @type {any} */ (window).faded);
  await eventually('it has faded in', () => faded(fading), (all) => all.includes('opacity 0.3'));
  assert.deepEqual(await faded(still), []);
});

test('who wants no movement gets none, and forced colours show every control', LONG, async (t) => {
  const stage = new Stage(t);
  await stage.startGateway();
  stage.startCamera('calm', ['--size', '640x360']);
  const context = await stage.newContext({ reducedMotion: 'reduce', forcedColors: 'active', viewport: { width: 390, height: 844 } });
  const page = await context.newPage();
  await page.goto(`${stage.origin}/watch/calm`);
  await becomes(page, 'live');
  const moving = await page.evaluate(() => {
    const root = /** @type {ShadowRoot} */ (document.querySelector('whep-player')?.shadowRoot);
    const all = [...root.querySelectorAll('*'), ...document.querySelectorAll('.over, .over *')];
    return all.filter((each) => {
      const { transitionDuration, animationName } = getComputedStyle(each);
      return transitionDuration.split(', ').some((time) => parseFloat(time) > 0) || animationName !== 'none';
    }).map((each) => each.className);
  });
  assert.deepEqual(moving, []);
  const bar = await page.evaluate(() => getComputedStyle(/** @type {Element} */ (
    document.querySelector('whep-player')?.shadowRoot?.querySelector('.bar'))).borderStyle);
  assert.equal(bar, 'solid');
  await shot(page, 'watch-forced-colours');
});
