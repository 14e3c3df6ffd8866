// @ts-check
/** Play and pause: a picture that does not play is not live, and a touch starts it. */

import assert from 'node:assert/strict';
import test from 'node:test';
import { elsewhere } from '../stage/elsewhere.js';
import { openInFirefox } from '../stage/firefox.js';
import { Stage, becomes, eventually, shot } from '../stage/stage.js';

/** @typedef {import('playwright-core').Page} Page */

/**
 * Waits until pictures are shown, not only decoded.
 *
 * @param {Page} page
 */
async function plays(page) {
  const shown = () => page.evaluate(() =>
    /** @type {any} */ (document.querySelector('whep-player')).video.currentTime);
  const first = await shown();
  await eventually('the picture goes on', shown, (now) => now > first + 0.5);
}

test('a picture that is paused by whomever is not live, and goes on with what is live', { timeout: 180_000 }, async (t) => {
  const stage = new Stage(t);
  await stage.startGateway();
  stage.startCamera('pause', ['--size', '640x360']);
  const page = await stage.watch('pause');
  await becomes(page, 'live');
  await page.evaluate(() => /** @type {any} */ (document.querySelector('whep-player')).video.pause());
  await becomes(page, 'paused');
  await page.getByText('Tap to play').last().waitFor();
  await shot(page, 'paused');
  assert.equal(await page.locator('#state').innerText(), 'Paused');
  await page.locator('whep-player').click();
  await becomes(page, 'live');
  await plays(page);

  // By the button, by the key, and not undone by a new session.
  await page.locator('whep-player').hover();
  await page.getByRole('button', { name: 'Pause (k)' }).click();
  await becomes(page, 'paused');
  await page.evaluate(() => /** @type {any} */ (window).peers.forEach((/** @type {any} */ peer) => peer.close()));
  await eventually('another session has begun', () => page.evaluate(() => /** @type {any} */ (window).peers.length),
    (count) => count > 1);
  await becomes(page, 'paused');
  await page.locator('whep-player').focus();
  await page.keyboard.press('k');
  await becomes(page, 'live');
  await plays(page);
});

test('Firefox that lets nothing play by itself', { timeout: 180_000 }, async (t) => {
  const stage = new Stage(t);
  await stage.startGateway();
  stage.startCamera('refused', ['--size', '640x360', '--codec', 'vp8']);
  // All is refused but to a handler of a touch: whatever else is asked of a page by BiDi counts as a touch.
  const prefs = { 'media.autoplay.default': 5, 'media.autoplay.blocking_policy': 2 };
  const page = await openInFirefox(t, `${stage.origin}/watch/refused`, prefs);
  await becomes(page, 'paused');
  await page.mouse.click(400, 250);
  await becomes(page, 'live');
  await plays(page);
  await shot(page, 'played-firefox');
});

/**
 * The mean of what is seen of the player, from 0 to 255, and how much it differs from place to place.
 *
 * @param {Page} page
 */
async function seen(page) {
  const box = await page.evaluate(() => {
    const { x, y, width, height } = /** @type {Element} */ (document.querySelector('whep-player')).getBoundingClientRect();
    // Its upper left part, where nothing is written.
    return { x: x + 2, y: y + height / 4, width: width / 4, height: height / 4 };
  });
  const png = Buffer.from(await page.screenshot({ clip: box })).toString('base64');
  return page.evaluate(async (source) => {
    const bitmap = await createImageBitmap(await (await fetch(`data:image/png;base64,${source}`)).blob());
    const context = /** @type {any} */ (new OffscreenCanvas(16, 16).getContext('2d'));
    context.drawImage(bitmap, 0, 0, 16, 16);
    const values = [...context.getImageData(0, 0, 16, 16).data].filter((_, index) => index % 4 !== 3);
    return Math.max(...values) - Math.min(...values);
  }, png);
}

for (const name of ['Chromium', 'Firefox']) {
  test(`the last frame stays, dimmed, and goes with the camera: ${name}`, { timeout: 180_000 }, async (t) => {
    const stage = new Stage(t);
    await stage.startGateway();
    const camera = stage.startCamera('last', ['--size', '640x360', '--codec', 'vp8']);
    // A page that may look at its own screenshots.
    const origin = await elsewhere(t, `<script type="module" src="/player/whep-player.js"></script>
      <whep-player src="${stage.origin}/whep/last"></whep-player>`, { connect: '* data:' });
    const page = name === 'Firefox' ? await openInFirefox(t, origin) : await stage.openUrl(origin);
    await becomes(page, 'live');
    await plays(page);
    await camera.end('SIGTERM');
    await becomes(page, 'gone');
    await eventually('bars, dimmed, not black', () => seen(page), (spread) => spread > 30 && spread < 120);
    await shot(page, `last-frame-${name.toLowerCase()}`);
    await page.evaluate(() => document.querySelector('whep-player')?.setAttribute('src', '/whep/other'));
    await eventually('nothing of it', () => seen(page), (spread) => spread < 20);
    await shot(page, `no-frame-${name.toLowerCase()}`);
  });
}
