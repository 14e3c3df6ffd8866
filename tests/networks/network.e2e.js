// @ts-check
/** Networks that let a straight line through, and those that do not. Nobody has to click. */

import assert from 'node:assert/strict';
import test from 'node:test';
import { secondCable, star, twoHomes, whyNoNetwork } from './network.js';
import { Stage, becomes, connections, moves, route, saidPath, shot } from '../stage/stage.js';
import { startTurn, turnOptions } from './turn.js';

const missing = whyNoNetwork();
if (missing) process.stderr.write(`SKIPPED, LOUDLY: ${missing}, so nobody tested networks that block\n`);
const options = { timeout: 90_000, skip: missing ?? false };

test('camera and viewer reach each other: direct, and it stays so', options, async (t) => {
  const stage = new Stage(t, { network: await star(t, { forwards: true }) });
  await stage.startGateway();
  stage.startCamera('straight');
  const page = await stage.watch('straight');
  await becomes(page, 'live', 20_000);
  // Longer than it takes to give up on a straight line.
  await moves(page, 15_000, 200);
  assert.equal(await saidPath(page), 'Direct');
  assert.equal(await connections(page), 1);
  await shot(page, 'network-direct');
});

test('the viewer changes networks: a new way, direct again', options, async (t) => {
  const network = await star(t, { forwards: true });
  const unplug = await secondCable(network);
  const stage = new Stage(t, { network });
  await stage.startGateway();
  stage.startCamera('moving');
  const page = await stage.watch('moving');
  await becomes(page, 'live', 20_000);
  await moves(page, 5000);
  unplug();
  const since = Date.now();
  await moves(page, 20_000, 60);
  t.diagnostic(`the picture moved on ${Date.now() - since} ms after the cable was gone`);
  await becomes(page, 'live', 1000);
  assert.equal(await saidPath(page), 'Direct');
});

for (const [why, gatewaySays, cameraSays] of /** @type {[string, string[], string[]][]} */ ([
  ['no relay', ['--relay', 'off'], []],
  ['a camera that serves directly only', [], ['--direct-only']],
])) {
  test(`behind a symmetric NAT each, ${why}: by TURN, with credentials that expire`, options, async (t) => {
    const network = await twoHomes(t);
    const stage = new Stage(t, { network, gateway: [...gatewaySays, ...turnOptions(network.address)] });
    await stage.startGateway();
    const turn = await startTurn(stage, network.address);
    stage.startCamera('homes', cameraSays);
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
}

test('camera and viewer do not reach each other: the gateway passes on', options, async (t) => {
  const stage = new Stage(t, { network: await star(t, { forwards: false }) });
  await stage.startGateway();
  const camera = stage.startCamera('blocked');
  await camera.says(/waiting for viewers/, 20_000);
  const opened = Date.now();
  const page = await stage.watch('blocked');
  await becomes(page, 'live', 15_000);
  const took = Date.now() - opened;
  t.diagnostic(`a picture ${took} ms after the page was opened`);
  assert.ok(took < 10_000, `${took} ms`);
  await moves(page, 5000, 60);
  assert.equal(await saidPath(page), 'Via the gateway');
  await shot(page, 'network-relay');
});

test('they do not, and the camera serves directly only: that is told', options, async (t) => {
  const stage = new Stage(t, { network: await star(t, { forwards: false }) });
  await stage.startGateway();
  stage.startCamera('strict', ['--direct-only']);
  const page = await stage.watch('strict');
  await becomes(page, 'blocked', 30_000);
  await page.getByText('No way to the camera', { exact: true }).first().waitFor({ timeout: 2000 });
  await shot(page, 'direct-only');
});

test('behind a symmetric NAT each, without TURN: the gateway passes on', options, async (t) => {
  const stage = new Stage(t, { network: await twoHomes(t) });
  await stage.startGateway();
  stage.startCamera('passed-on');
  const page = await stage.watch('passed-on');
  await becomes(page, 'live', 20_000);
  await moves(page, 10_000, 60);
  assert.equal(await saidPath(page), 'Via the gateway');
});

test('a viewer of the relay changes networks: the same session, by an ICE restart', options, async (t) => {
  const network = await star(t, { forwards: false });
  const unplug = await secondCable(network);
  const stage = new Stage(t, { network });
  await stage.startGateway();
  stage.startPublisher('roaming');
  const page = await stage.watch('roaming');
  await becomes(page, 'live', 20_000);
  await moves(page, 5000);
  const before = await connections(page);
  const restarted = page.waitForResponse((response) =>
    response.request().headers()['if-match'] === '*' && response.status() === 200, { timeout: 20_000 });
  unplug();
  const since = Date.now();
  await restarted;
  await moves(page, 20_000, 60);
  t.diagnostic(`the picture moved on ${Date.now() - since} ms after the cable was gone`);
  assert.equal(await connections(page), before);
  await becomes(page, 'live', 1000);
});
