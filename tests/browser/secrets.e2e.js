// @ts-check
/** That the search for secrets in logs, which every end-to-end test ends with, finds some. */

import assert from 'node:assert/strict';
import test from 'node:test';
import { Stage, becomes } from '../stage/stage.js';

test('what was logged at trace tells no secret, and there were some to tell', async (t) => {
  const turn = ['--ice-server', 'turn:ann:hidden-password@127.0.0.1:9'];
  const stage = new Stage(t, { gateway: turn });
  const gateway = await stage.startGateway();
  const camera = stage.startCamera('garage');
  const page = await stage.watch('garage');
  await becomes(page, 'live');
  const told = await stage.secrets.toldBy(gateway.log + camera.log);
  assert.deepEqual(told, []);
  assert.ok(stage.secrets.count >= 4, `${stage.secrets.count} secrets`);
  assert.match(gateway.log, /DEBUG.*started processing request/);
  assert.ok(!gateway.log.includes('hidden-password') && !camera.log.includes('hidden-password'));
  // The search does find what there is to find.
  assert.equal((await stage.secrets.toldBy(`x ${page.url()}\n/whep/garage/${'0'.repeat(32)} y`)).length, 1);
  assert.equal((await stage.secrets.toldBy('credential: hidden-password')).length, 1);
});
