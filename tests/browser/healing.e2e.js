// @ts-check
/** Things break, and heal by themselves; each test tells how long that took. */

import assert from 'node:assert/strict';
import test from 'node:test';
import { Stage, becomes, moves, saysPath, shot } from '../stage/stage.js';

test('a camera killed with SIGKILL and started again', { timeout: 180_000 }, async (t) => {
  const stage = new Stage(t);
  await stage.startGateway();
  const camera = stage.startCamera('killed');
  const page = await stage.watch('killed');
  await becomes(page, 'live');
  await moves(page);

  await camera.end('SIGKILL');
  await becomes(page, 'gone');
  await shot(page, 'gone');

  const since = Date.now();
  stage.startCamera('killed');
  await becomes(page, 'live');
  await moves(page);
  t.diagnostic(`healed ${Date.now() - since} ms after the camera was started`);
});

test('the gateway restarted under camera and viewer', { timeout: 180_000 }, async (t) => {
  const stage = new Stage(t);
  await stage.startGateway();
  stage.startCamera('restart');
  const page = await stage.watch('restart');
  await becomes(page, 'live');
  await moves(page);

  assert.equal(await stage.stopGateway(), 0, 'exit code');
  await stage.startGateway();
  const ready = Date.now();
  await moves(page, 60);
  t.diagnostic(`the picture moved on ${Date.now() - ready} ms after the gateway was back`);

  // Not only what was connected: the camera is there for new viewers, too.
  const fresh = await stage.watch('restart');
  await becomes(fresh, 'live');
  await moves(fresh);
  t.diagnostic(`a new viewer had a picture ${Date.now() - ready} ms after the gateway was back`);
  await becomes(page, 'live');
  await moves(page);
});

test('the gateway restarted while somebody watches directly: the camera’s last branch is the relay’s', { timeout: 180_000 }, async (t) => {
  const stage = new Stage(t);
  const gateway = await stage.startGateway();
  stage.startCamera('full', ['--max-viewers', '1']);
  const first = await stage.watch('full');
  await becomes(first, 'live');
  await moves(first);

  await gateway.end('SIGKILL');
  await stage.startGateway();
  // The new gateway has not seen the first, who is served all the same.
  for (const page of [await stage.watch('full'), await stage.watch('full')]) {
    await becomes(page, 'live');
    await moves(page);
    await saysPath(page, 'Via the server');
  }
  await moves(first);
});

test('gateway and camera both gone, and back', { timeout: 180_000 }, async (t) => {
  const stage = new Stage(t);
  await stage.startGateway();
  const camera = stage.startCamera('both');
  const page = await stage.watch('both');
  await becomes(page, 'live');

  await stage.stopGateway();
  await camera.end('SIGKILL');
  await becomes(page, 'unreachable');
  await shot(page, 'unreachable');

  await stage.startGateway();
  stage.startCamera('both');
  const since = Date.now();
  await becomes(page, 'live');
  await moves(page);
  t.diagnostic(`healed ${Date.now() - since} ms after both were started`);
});
