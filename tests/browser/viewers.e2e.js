// @ts-check
/** Viewers come and go. */

import assert from 'node:assert/strict';
import test from 'node:test';
import { Stage, becomes, moves, shot } from '../stage/stage.js';

/**
 * Waits until the page says how many watch.
 *
 * @param {import('playwright-core').Page} page
 * @param {number} count
 */
const counts = (page, count) => page.waitForFunction(
  (wanted) => document.getElementById('viewers')?.textContent === String(wanted),
  count,
  { timeout: 10_000, polling: 50 },
);

test('two viewers at once', { timeout: 60_000 }, async (t) => {
  const stage = new Stage(t);
  await stage.startGateway();
  stage.startCamera('two');
  const one = await stage.watch('two');
  await becomes(one, 'live', 20_000);
  const other = await stage.watch('two');
  await becomes(other, 'live', 10_000);
  await Promise.all([moves(one, 5000, 60), moves(other, 5000, 60)]);
  await Promise.all([counts(one, 2), counts(other, 2)]);
  await shot(one, 'two-viewers');
});

test('a viewer leaves and comes back; the other is told and not disturbed', { timeout: 60_000 }, async (t) => {
  const stage = new Stage(t);
  await stage.startGateway();
  stage.startCamera('back');
  const one = await stage.watch('back');
  await becomes(one, 'live', 20_000);
  const other = await stage.watch('back');
  await becomes(other, 'live', 10_000);
  await counts(one, 2);

  // Closing the tab must DELETE at once: not after the grace that a lost stream has.
  const left = Date.now();
  await other.close({ runBeforeUnload: true });
  await counts(one, 1);
  t.diagnostic(`told after ${Date.now() - left} ms`);
  assert.ok(Date.now() - left < 2500, 'the tab did not DELETE, the gateway noticed by itself');
  await moves(one, 5000, 60);

  const again = await stage.watch('back');
  await becomes(again, 'live', 10_000);
  await moves(again, 5000, 60);
  await counts(one, 2);
  assert.match(await one.locator('#log').innerText(), /A viewer left \(1 watching\)/);
});

test('the page is there before the camera', { timeout: 60_000 }, async (t) => {
  const stage = new Stage(t);
  await stage.startGateway();
  const page = await stage.watch('early');
  await becomes(page, 'waiting', 5000);
  await shot(page, 'waiting');
  stage.startCamera('early');
  await becomes(page, 'live', 20_000);
  await moves(page, 5000);
});

test('a wrong room id is told in words', { timeout: 60_000 }, async (t) => {
  const stage = new Stage(t);
  await stage.startGateway();
  const page = await stage.open('/watch/not%20a%20room');
  await page.getByText('Link wrong', { exact: true }).waitFor({ timeout: 5000 });
  await shot(page, 'wrong');
  await page.getByLabel('Room').fill('good-room');
  await page.getByRole('button', { name: 'Watch' }).click();
  await page.waitForURL('**/watch/good-room');
});

test('?room= of old links leads to the room', { timeout: 60_000 }, async (t) => {
  const stage = new Stage(t);
  await stage.startGateway();
  const page = await stage.open('/?room=old');
  await page.waitForURL('**/watch/old');
  await becomes(page, 'waiting', 5000);
});
