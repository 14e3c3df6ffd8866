// @ts-check
/** Networks that let a straight line through, and those that do not. Nobody has to click. */

import assert from 'node:assert/strict';
import test from 'node:test';
import { star, twoHomes, whyNoNetwork } from './network.js';
import { Stage, becomes, moves, route, shot } from './stage.js';
import { startTurn, turnOptions } from './turn.js';

const missing = whyNoNetwork();
if (missing) process.stderr.write(`SKIPPED, LOUDLY: ${missing}, so nobody tested networks that block\n`);
const options = { timeout: 90_000, skip: missing ?? false };

/**
 * The path as the page says it.
 *
 * @param {import('playwright-core').Page} page
 */
async function saidPath(page) {
  const path = page.locator('#path');
  await path.filter({ hasNotText: '–' }).waitFor({ timeout: 5000 });
  return path.innerText();
}

test('camera and viewer reach each other: direct, and it stays so', options, async (t) => {
  const stage = new Stage(t, { network: await star(t, { forwards: true }) });
  await stage.startGateway();
  stage.startCamera('straight');
  const page = await stage.watch('straight');
  await becomes(page, 'live', 20_000);
  // Longer than it takes to give up on a straight line.
  await moves(page, 15_000, 200);
  assert.equal(await saidPath(page), 'Direct');
  assert.equal(await page.evaluate(() => /** @type {any} */ (window).peers.length), 1);
  await shot(page, 'network-direct');
});

test('behind a symmetric NAT each: by TURN, with credentials that expire', options, async (t) => {
  const network = await twoHomes(t);
  const stage = new Stage(t, { network, gateway: turnOptions(network.address) });
  await stage.startGateway();
  const turn = await startTurn(stage, network.address);
  stage.startCamera('homes');
  const page = await stage.watch('homes');
  await becomes(page, 'live', 20_000);
  await moves(page, 10_000, 60);
  assert.ok((await route(page)).includes('relay'), 'over the TURN server');
  assert.equal(await saidPath(page), 'Direct, by TURN');
  const [, expiry] = await turn.says(/user <(\d+):[0-9a-f]+>: incoming packet ALLOCATE processed, success/, 1000);
  const hours = (Number(expiry) - Date.now() / 1000) / 3600;
  assert.ok(hours > 11 && hours <= 12, `good for ${hours} hours`);
  await shot(page, 'network-turn');
});
