// @ts-check
/** Play and pause: a picture that does not play is not live, and a touch starts it. */

import assert from 'node:assert/strict';
import test from 'node:test';
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
