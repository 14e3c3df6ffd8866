// @ts-check
/** Things break, and heal by themselves within ten seconds. */

import assert from 'node:assert/strict';
import test from 'node:test';
import { Stage, becomes, moves, shot } from '../stage/stage.js';

const TEN_SECONDS = 10_000;

test('a camera killed with SIGKILL and started again', { timeout: 90_000 }, async (t) => {
  const stage = new Stage(t);
  await stage.startGateway();
  const camera = stage.startCamera('killed');
  const page = await stage.watch('killed');
  await becomes(page, 'live', 20_000);
  await moves(page, 5000);

  await camera.end('SIGKILL');
  await becomes(page, 'gone', TEN_SECONDS);
  await shot(page, 'gone');

  const since = Date.now();
  stage.startCamera('killed');
  await becomes(page, 'live', TEN_SECONDS);
  await moves(page, TEN_SECONDS - (Date.now() - since));
  t.diagnostic(`healed ${Date.now() - since} ms after the camera was started`);
});

test('the gateway restarted under camera and viewer', { timeout: 90_000 }, async (t) => {
  const stage = new Stage(t);
  await stage.startGateway();
  stage.startCamera('restart');
  const page = await stage.watch('restart');
  await becomes(page, 'live', 20_000);
  await moves(page, 5000);

  assert.equal(await stage.stopGateway(), 0, 'exit code');
  const since = Date.now();
  await stage.startGateway();
  const ready = Date.now();
  await moves(page, TEN_SECONDS, 60);
  t.diagnostic(`the picture moved on ${Date.now() - ready} ms after the gateway was back`);

  // Not only what was connected: the camera is there for new viewers, too.
  const fresh = await stage.watch('restart');
  await becomes(fresh, 'live', TEN_SECONDS - (Date.now() - since));
  await moves(fresh, 5000);
  t.diagnostic(`a new viewer had a picture ${Date.now() - ready} ms after the gateway was back`);
  await becomes(page, 'live', 1000);
  await moves(page, 5000);
});

test('gateway and camera both gone, and back', { timeout: 90_000 }, async (t) => {
  const stage = new Stage(t);
  await stage.startGateway();
  const camera = stage.startCamera('both');
  const page = await stage.watch('both');
  await becomes(page, 'live', 20_000);

  await stage.stopGateway();
  await camera.end('SIGKILL');
  await becomes(page, 'unreachable', 15_000);
  await shot(page, 'unreachable');

  await stage.startGateway();
  stage.startCamera('both');
  const since = Date.now();
  await becomes(page, 'live', TEN_SECONDS);
  await moves(page, 5000);
  t.diagnostic(`healed ${Date.now() - since} ms after both were started`);
});
