// @ts-check
/** Networks that let a straight line through, and those that do not. Nobody has to click. */

import assert from 'node:assert/strict';
import test from 'node:test';
import { cutOff, firewall, secondCable, star, twoHomes, whyNoNetwork } from './network.js';
import { Stage, becomes, connections, moves, route, saysPath, shot } from '../stage/stage.js';
import { startTurn, turnOptions } from './turn.js';

const missing = whyNoNetwork();
if (missing) process.stderr.write(`SKIPPED, LOUDLY: ${missing}, so nobody tested networks that block\n`);
const options = { timeout: 180_000, skip: missing ?? false };

/**
 * Waits until the panel says why there is no straight line.
 *
 * @param {import('playwright-core').Page} page
 * @param {string} cause
 */
async function saysWhy(page, cause) {
  if (!await page.locator('#panel').isVisible()) await page.keyboard.press('i');
  await page.locator('#cause').getByText(cause, { exact: true }).waitFor();
}

test('camera and viewer reach each other: direct, and it stays so', options, async (t) => {
  const stage = new Stage(t, { network: await star(t, { forwards: true }) });
  await stage.startGateway();
  stage.startCamera('straight');
  const page = await stage.watch('straight');
  await becomes(page, 'live');
  // Longer than it takes to give up on a straight line: 5 s.
  await moves(page, 200);
  await saysPath(page, 'Direct');
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
  await becomes(page, 'live');
  await moves(page);
  unplug();
  const since = Date.now();
  await moves(page, 60);
  t.diagnostic(`the picture moved on ${Date.now() - since} ms after the cable was gone`);
  await becomes(page, 'live');
  await saysPath(page, 'Direct');
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
    await becomes(page, 'live');
    await moves(page, 60);
    assert.ok((await route(page)).includes('relay'), 'over the TURN server');
    await saysPath(page, 'Direct, by TURN');
    const [, expiry] = await turn.says(/user <(\d+):[0-9a-f]+>: incoming packet ALLOCATE processed, success/);
    const hours = (Number(expiry) - Date.now() / 1000) / 3600;
    assert.ok(hours > 11 && hours <= 12, `good for ${hours} hours`);
    await shot(page, 'network-turn');
  });
}

test('camera and viewer do not reach each other: the gateway passes on', options, async (t) => {
  const stage = new Stage(t, { network: await star(t, { forwards: false }) });
  await stage.startGateway();
  const camera = stage.startCamera('blocked');
  await camera.says(/waiting for viewers/);
  const opened = Date.now();
  const page = await stage.watch('blocked');
  await becomes(page, 'live');
  t.diagnostic(`a picture ${Date.now() - opened} ms after the page was opened`);
  await moves(page, 60);
  await saysPath(page, 'Via the server');
  await shot(page, 'network-relay');
});

test('they do not, and the camera serves directly only: that is told', options, async (t) => {
  const stage = new Stage(t, { network: await star(t, { forwards: false }) });
  await stage.startGateway();
  stage.startCamera('strict', ['--direct-only']);
  const page = await stage.watch('strict');
  await becomes(page, 'blocked');
  await page.locator('whep-player').getByText('No way to the camera', { exact: true }).first().waitFor();
  await saysWhy(page, 'The camera’s addresses are not reachable from here');
  await shot(page, 'direct-only');
});

test('they do not, and the gateway passes on: the panel says why it is not direct', options, async (t) => {
  const stage = new Stage(t, { network: await star(t, { forwards: false }) });
  await stage.startGateway();
  stage.startCamera('roundabout');
  const page = await stage.watch('roundabout');
  await becomes(page, 'live');
  await saysPath(page, 'Via the server');
  await saysWhy(page, 'The camera’s addresses are not reachable from here');
  await page.getByText('Straight from the camera it does not').waitFor();
  await shot(page, 'network-why-relay');
});

test('nothing but HTTP gets through to the gateway: that is told', options, async (t) => {
  const network = await star(t, { forwards: false });
  const stage = new Stage(t, { network });
  await stage.startGateway();
  stage.startPublisher('firewall');
  firewall(network, stage.origin);
  const page = await stage.watch('firewall');
  await becomes(page, 'barred');
  await page.locator('whep-player').getByText('No picture gets through', { exact: true }).first().waitFor();
  await saysWhy(page, 'The server’s port for pictures is closed');
  await page.locator('#tried').getByText(/^Addresses: \d+ here, \d+ there. Pairs of them: [1-9]\d* tried, 0 answered\.$/).waitFor();
  await shot(page, 'network-firewall');
});

test('behind a symmetric NAT each, a camera that serves directly only, and STUN but no TURN: that is told', options, async (t) => {
  const network = await twoHomes(t);
  const stage = new Stage(t, { network, gateway: ['--ice-server', `stun:${network.address}:3478`] });
  await stage.startGateway();
  await startTurn(stage, network.address);
  stage.startCamera('hidden', ['--direct-only']);
  const page = await stage.watch('hidden');
  await becomes(page, 'blocked');
  await saysWhy(page, 'Both networks hide their devices, and nobody passes on between them');
  await shot(page, 'network-symmetric');
});

test('a TURN server that knows another secret: that is told', options, async (t) => {
  const network = await twoHomes(t);
  const turn = ['--ice-server', `turn:${network.address}:3478`, '--turn-secret', 'another'];
  const stage = new Stage(t, { network, gateway: turn });
  await stage.startGateway();
  await startTurn(stage, network.address);
  stage.startCamera('refused', ['--direct-only']);
  const page = await stage.watch('refused');
  await becomes(page, 'blocked');
  await saysWhy(page, 'The TURN server refuses this browser');
});

test('behind a symmetric NAT each, without TURN: the gateway passes on', options, async (t) => {
  const stage = new Stage(t, { network: await twoHomes(t) });
  await stage.startGateway();
  stage.startCamera('passed-on');
  const page = await stage.watch('passed-on');
  await becomes(page, 'live');
  await moves(page, 60);
  await saysPath(page, 'Via the server');
});

test('a viewer of the relay changes networks: the same session', options, async (t) => {
  const network = await star(t, { forwards: false });
  const unplug = await secondCable(network);
  const stage = new Stage(t, { network });
  await stage.startGateway();
  stage.startPublisher('roaming');
  const page = await stage.watch('roaming');
  await becomes(page, 'live');
  await moves(page);
  const before = await connections(page);
  unplug();
  const since = Date.now();
  await moves(page, 60);
  t.diagnostic(`the picture moved on ${Date.now() - since} ms after the cable was gone`);
  assert.equal(await connections(page), before);
  await becomes(page, 'live');
});

test('no media gets through to a viewer of the relay for a while: the same session, by an ICE restart', options, async (t) => {
  const network = await star(t, { forwards: false });
  const stage = new Stage(t, { network });
  await stage.startGateway();
  stage.startPublisher('restarted');
  const page = await stage.watch('restarted');
  await becomes(page, 'live');
  await moves(page);
  const before = await connections(page);
  const restarted = page.waitForResponse((response) =>
    response.request().headers()['if-match'] === '*' && response.status() === 200);
  const open = firewall(network, stage.origin);
  await restarted;
  open();
  await moves(page, 60);
  assert.equal(await connections(page), before);
  await becomes(page, 'live');
});

test('the camera’s network is gone for a while: who watched by the relay goes on, in the same session', options, async (t) => {
  const network = await star(t, { forwards: false });
  const stage = new Stage(t, { network, gateway: ['--media-silence', '4s'] });
  await stage.startGateway();
  const camera = stage.startCamera('tunnel');
  const page = await stage.watch('tunnel');
  await becomes(page, 'live');
  await moves(page);
  await saysPath(page, 'Via the server');
  const before = await connections(page);
  const back = cutOff(network, 'camera');
  await becomes(page, 'gone');
  await camera.says(/viewer gone viewer=\d+ end=Silent/);
  back();
  await becomes(page, 'live');
  await moves(page);
  assert.equal(await connections(page), before, 'nobody had to ask for it');
});

test('the viewer’s network is gone for a while: a new session when it is back', options, async (t) => {
  const network = await star(t, { forwards: true });
  const stage = new Stage(t, { network });
  await stage.startGateway();
  stage.startCamera('lift');
  const page = await stage.watch('lift');
  await becomes(page, 'live');
  await moves(page);
  const back = cutOff(network, 'viewer');
  await becomes(page, 'unreachable');
  back();
  await becomes(page, 'live');
  await moves(page);
  await saysPath(page, 'Direct');
});
