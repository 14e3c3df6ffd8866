// @ts-check
/** Viewers come and go. */

import assert from 'node:assert/strict';
import test from 'node:test';
import { Stage, becomes, eventually, moves, shot } from '../stage/stage.js';

/**
 * Waits until the page says how many watch.
 *
 * @param {import('playwright-core').Page} page
 * @param {number} count
 */
const counts = (page, count) => eventually(
  `the page says that ${count} watch`, () => page.locator('#viewers').innerText(), (said) => said === String(count),
);

test('two viewers at once', { timeout: 180_000 }, async (t) => {
  const stage = new Stage(t);
  await stage.startGateway();
  stage.startCamera('two');
  const one = await stage.watch('two');
  await becomes(one, 'live');
  const other = await stage.watch('two');
  await becomes(other, 'live');
  await Promise.all([moves(one, 60), moves(other, 60)]);
  await Promise.all([counts(one, 2), counts(other, 2)]);
  await shot(one, 'two-viewers');
});

test('a viewer leaves and comes back; the other is told and not disturbed', { timeout: 180_000 }, async (t) => {
  const stage = new Stage(t);
  const gateway = await stage.startGateway();
  stage.startCamera('back');
  const one = await stage.watch('back');
  await becomes(one, 'live');
  const other = await stage.watch('back');
  await becomes(other, 'live');
  await counts(one, 2);

  const left = Date.now();
  await other.close({ runBeforeUnload: true });
  await counts(one, 1);
  t.diagnostic(`told after ${Date.now() - left} ms`);
  // It was the tab's DELETE, and not the gateway that noticed by itself after a while.
  await gateway.says(/DELETE.*\/whep\/.*a session was ended by its side/);
  await moves(one, 60);

  const again = await stage.watch('back');
  await becomes(again, 'live');
  await moves(again, 60);
  await counts(one, 2);
  assert.match(await one.locator('#log').innerText(), /A viewer left \(1 watching\)/);
});

test('the page is there before the camera', { timeout: 180_000 }, async (t) => {
  const stage = new Stage(t);
  await stage.startGateway();
  const page = await stage.watch('early');
  await becomes(page, 'waiting');
  await shot(page, 'waiting');
  stage.startCamera('early');
  await becomes(page, 'live');
  await moves(page);
});

test('a wrong room id is told in words', { timeout: 180_000 }, async (t) => {
  const stage = new Stage(t);
  await stage.startGateway();
  const page = await stage.open('/watch/not%20a%20room');
  await page.getByText('Link wrong', { exact: true }).waitFor();
  await shot(page, 'wrong');
  await page.getByLabel('Room').fill('good-room');
  await page.getByRole('button', { name: 'Watch' }).click();
  await page.waitForURL('**/watch/good-room');
});

test('a link of another server is opened there, and not here', { timeout: 180_000 }, async (t) => {
  const stage = new Stage(t);
  await stage.startGateway();
  const page = await stage.open('/');
  const asked = /** @type {string[]} */ ([]);
  page.on('request', (request) => asked.push(request.url()));
  // Another name of this machine: another server for all that the page can know.
  const elsewhere = `${stage.origin.replace('127.0.0.1', 'localhost')}/watch/garage#token=a.b`;
  await page.getByLabel('Room').fill(elsewhere);
  await page.getByRole('button', { name: 'Watch' }).click();
  await page.getByText('This link is of another server, localhost').waitFor();
  await shot(page, 'other-server');
  assert.deepEqual(asked.filter((url) => url.includes('garage') || url.includes('a.b')), []);
  assert.equal(await page.getByRole('link', { name: 'Open it there' }).getAttribute('href'), elsewhere);
});

test('?room= of old links leads to the room', { timeout: 180_000 }, async (t) => {
  const stage = new Stage(t);
  await stage.startGateway();
  const page = await stage.open('/?room=old');
  await page.waitForURL('**/watch/old');
  await becomes(page, 'waiting');
});
