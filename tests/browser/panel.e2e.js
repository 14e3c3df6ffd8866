// @ts-check
/** The watch page's panel: the last minute as lines, and a report for whoever is asked for help. */

import assert from 'node:assert/strict';
import test from 'node:test';
import { Stage, becomes, eventually, shot } from '../stage/stage.js';

/** @typedef {import('playwright-core').Page} Page */

const LONG = { timeout: 180_000 };

/**
 * What “Copy report” puts into the clipboard.
 *
 * @param {Page} page
 */
async function reported(page) {
  await page.getByRole('button', { name: 'Copy report' }).click();
  await page.getByRole('button', { name: 'Copied' }).waitFor();
  return page.evaluate(() => navigator.clipboard.readText());
}

test('the last minute as lines, also for who wants no movement and has colours of their own', LONG, async (t) => {
  const stage = new Stage(t);
  await stage.startGateway();
  stage.startPublisher('lines', ['--size', '640x360']);
  const page = await (await stage.newContext({ reducedMotion: 'reduce' })).newPage();
  await page.goto(`${stage.origin}/watch/lines`);
  await becomes(page, 'live');
  const asked = () => page.evaluate(() => performance.getEntriesByType('resource').filter(({ name }) => /charts|report/.test(name)).length);
  assert.equal(await asked(), 0, 'who only looks at the picture loads no charts');
  await page.keyboard.press('i');
  const points = () => page.evaluate(() => [...document.querySelectorAll('#charts path')]
    .map((path) => path.getAttribute('d')?.match(/[ML]/g)?.length ?? 0));
  await eventually('five lines, four of them of several seconds at least', points,
    (all) => all.length === 5 && all.filter((count) => count >= 5).length >= 4);
  const name = /^Frame rate: \d+ fps now, between \d+ fps and \d+ fps in the last minute$/;
  await page.getByRole('img', { name }).waitFor({ state: 'attached' });
  await page.getByRole('img', { name: /^Loss: 0\.0 % now/ }).waitFor({ state: 'attached' });
  const drawn = () => page.evaluate(() => {
    const path = /** @type {Element} */ (document.querySelector('#charts path'));
    const { stroke, transitionDuration, animationName } = getComputedStyle(path);
    return { stroke, moves: transitionDuration !== '0s' || animationName !== 'none' };
  });
  assert.deepEqual(await drawn(), { stroke: 'rgb(255, 180, 84)', moves: false });
  await shot(page, 'panel-charts');
  await page.emulateMedia({ forcedColors: 'active' });
  assert.notEqual((await drawn()).stroke, 'rgb(255, 180, 84)', 'their own colour');
  await shot(page, 'panel-charts-forced');
  // By touch there is nothing but this to close it with.
  await page.getByRole('button', { name: 'Close' }).click();
  await page.locator('#panel').waitFor({ state: 'hidden' });
  assert.equal(await page.evaluate(() => document.activeElement?.id), 'details');
});

test('a report says what happened, and nothing that lets anybody in', LONG, async (t) => {
  const stage = new Stage(t);
  await stage.startGateway();
  const camera = stage.startKeyCamera(['--tickets', '--size', '640x360']);
  const link = await camera.share(['--for', '1h']);
  const page = await (await stage.newContext({ permissions: ['clipboard-read', 'clipboard-write'] })).newPage();
  await page.goto(link.href);
  await becomes(page, 'live');
  await page.keyboard.press('i');
  await eventually('a figure', () => page.locator('#rate').innerText(), (words) => /bit\/s$/.test(words));
  const text = await reported(page);
  const report = JSON.parse(text);
  assert.deepEqual([report.state, report.trust, report.origin], ['live', 'verified', stage.origin]);
  assert.match(report.player, /^"[0-9a-f]+"$/);
  assert.match(report.browser.userAgent, /Chrome/);
  assert.equal(report.vitals.path, 'direct');
  assert.ok(report.activity.some((/** @type {string} */ line) => /^\S+Z Picture live$/.test(line)), text);
  assert.ok(report.seconds.length > 0);
  const [, room] = /** @type {RegExpMatchArray} */ (link.pathname.match(/([0-9a-f]{64})$/));
  for (const secret of [room, room.slice(0, 10), link.hash.slice(1), link.hash.split('.')[1]]) {
    assert.ok(secret.length > 9 && !text.includes(secret), secret);
  }
  // But for the server's own, and the browser's version looks like one.
  const addresses = text.replaceAll(new URL(stage.origin).host, '').replace(report.browser.userAgent, '').match(/\d+\.\d+\.\d+\.\d+(?=[":/\s])|[\w-]+\.local|([0-9a-f]{0,4}:){3,}/g);
  assert.deepEqual(addresses, null);
});

test('a report from a page without https', LONG, async (t) => {
  const stage = new Stage(t);
  await stage.startGateway();
  const page = await (await stage.newContext()).newPage();
  // A browser gives it no clipboard.
  await page.goto(`${stage.origin.replace('127.0.0.1', 'insecure.test')}/watch/nobody`);
  await becomes(page, 'waiting');
  assert.equal(await page.evaluate(() => 'clipboard' in navigator), false);
  await page.keyboard.press('i');
  await page.evaluate(() => document.addEventListener('copy', () => Object.assign(window, { copied: String(getSelection()) })));
  await page.getByRole('button', { name: 'Copy report' }).click();
  await page.getByRole('button', { name: 'Copied' }).waitFor();
  assert.equal(await page.evaluate(() => JSON.parse(/** @type {any} */ (window).copied).state), 'waiting');
});
