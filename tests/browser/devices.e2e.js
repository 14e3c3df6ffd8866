// @ts-check
/** A camera whose device goes away: whoever watches is told, and sees it again when it is back. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import test from 'node:test';
import { Process } from '../stage/process.js';
import { Stage, becomes, moves, saysPath, shot } from '../stage/stage.js';

/** As most webcams give them. */
const FORM = 'image/jpeg,width=640,height=360,framerate=30/1';

/**
 * What stands in for a webcam: another process gives the pictures, and may be killed.
 *
 * @param {import('node:test').TestContext} t
 */
function webcam(t) {
  const folder = mkdtempSync(path.join(tmpdir(), 'sightline-e2e-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const socket = path.join(folder, 'webcam');
  return {
    source: `shmsrc socket-path=${socket} is-live=true do-timestamp=true ! decodebin`,
    plugIn() {
      rmSync(socket, { force: true });
      const pictures = `videotestsrc is-live=true pattern=ball ! jpegenc ! ${FORM}`;
      const process = new Process('webcam', 'gst-launch-1.0', [
        ...pictures.split(' '), '!', 'shmsink', `socket-path=${socket}`, 'wait-for-connection=false',
      ]);
      t.after(() => process.end('SIGKILL'));
      return process;
    },
  };
}

test('a webcam is plugged in late, and pulled out, under one who watches directly and one by the relay', { timeout: 180_000 }, async (t) => {
  const device = webcam(t);
  const stage = new Stage(t);
  await stage.startGateway();
  stage.startCamera('device', ['--source', device.source, '--size', '640x360', '--max-viewers', '1']);
  const early = await stage.watch('device');
  await becomes(early, 'waiting');
  const first = device.plugIn();
  await becomes(early, 'live');
  await saysPath(early, 'Direct');
  const late = await stage.watch('device');
  await becomes(late, 'live');
  await saysPath(late, 'Via the server');
  await moves(late);

  await first.end('SIGKILL');
  for (const page of [early, late]) await becomes(page, 'gone');
  await shot(early, 'device-gone');
  device.plugIn();
  const since = Date.now();
  for (const page of [early, late]) {
    await becomes(page, 'live');
    await moves(page);
    t.diagnostic(`healed ${Date.now() - since} ms after it was plugged in`);
  }
});
