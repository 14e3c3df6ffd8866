// @ts-check
/** Many players and tabs of one browser, by HTTP/1.1: it has six connections to a server for all of them. */

import assert from 'node:assert/strict';
import test from 'node:test';
import { elsewhere } from '../stage/elsewhere.js';
import { Stage, becomes, eventually } from '../stage/stage.js';

/** More than there are connections. */
const ABSENT = 7;
const PRESENT = 7;

/** @typedef {import('playwright-core').Page} Page */

/**
 * How often each state is seen among the players of a page.
 *
 * @param {Page} page
 */
const states = (page) => page.evaluate(() => {
  /** @type {Record<string, number>} */
  const count = {};
  for (const player of /** @type {any} */ (document.querySelectorAll('whep-player'))) {
    count[player.state] = (count[player.state] ?? 0) + 1;
  }
  return count;
});

test('a page of many players, of which the first wait for their cameras', { timeout: 180_000 }, async (t) => {
  const stage = new Stage(t);
  await stage.startGateway();
  stage.startCamera('here', ['--size', '320x180', '--max-viewers', String(PRESENT + 1)]);
  await becomes(await stage.watch('here'), 'live');
  const player = (/** @type {string} */ room) => `<whep-player src="${stage.origin}/whep/${room}"></whep-player>`;
  const absent = Array.from({ length: ABSENT }, (_, index) => player(`absent-${index}`));
  const present = Array.from({ length: PRESENT }, () => player('here'));
  const origin = await elsewhere(t, `<script type="module" src="/player/whep-player.js"></script>${absent.join('')}${present.join('')}`);
  const since = Date.now();
  const page = await stage.openUrl(origin);
  await eventually('those whose camera is there are live, the others wait', () => states(page),
    ({ live, waiting }) => live === PRESENT && waiting === ABSENT);
  t.diagnostic(`all live ${Date.now() - since} ms after the page was asked for`);

  // One that waited is live soon after its camera is there.
  stage.startCamera(`absent-${ABSENT - 1}`, ['--size', '320x180']);
  await eventually('one more is live', () => states(page), ({ live }) => live === PRESENT + 1);
});

test('many tabs, of which the first wait for their cameras', { timeout: 180_000 }, async (t) => {
  const stage = new Stage(t);
  await stage.startGateway();
  stage.startCamera('here', ['--size', '320x180']);
  await becomes(await stage.watch('here'), 'live');
  const context = await stage.newContext();
  const open = async (/** @type {string} */ room) => {
    const page = await context.newPage();
    await page.goto(`${stage.origin}/watch/${room}`);
    return page;
  };
  for (let tab = 0; tab < ABSENT; tab += 1) await becomes(await open(`absent-${tab}`), 'waiting');
  const since = Date.now();
  const last = await open('here');
  await becomes(last, 'live');
  t.diagnostic(`live ${Date.now() - since} ms after the tab was opened`);
});

test('tabs share one event stream, whoever of them leaves', { timeout: 180_000 }, async (t) => {
  const stage = new Stage(t);
  await stage.startGateway();
  stage.startCamera('here', ['--size', '320x180']);
  const context = await stage.newContext();
  /** @type {string[]} */
  const streams = [];
  context.on('request', (request) => request.resourceType() === 'eventsource' && streams.push(request.url()));
  const tabs = [];
  for (let tab = 0; tab < 3; tab += 1) {
    const page = await context.newPage();
    await page.goto(`${stage.origin}/watch/here`);
    await becomes(page, 'live');
    tabs.push(page);
  }
  const counted = (/** @type {Page} */ page, /** @type {number} */ count) => eventually(
    `the page says that ${count} watch`, () => page.locator('#viewers').innerText(), (said) => said === String(count));
  for (const page of tabs) await counted(page, 3);
  assert.ok(streams.every((url) => url.includes('/events?streams=')), streams.join('\n'));
  // The first one reads for all; the next one goes on where it stopped.
  for (let left = 2; left > 0; left -= 1) {
    await tabs.shift()?.close({ runBeforeUnload: true });
    for (const page of tabs) await counted(page, left);
  }
  const [page] = tabs;
  await becomes(page, 'live');
});
