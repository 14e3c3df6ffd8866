// @ts-check
/**
 * `<whep-player>` of a server that is not ours: GStreamer's `whepserversink`, which answers an offer, or makes
 * one of its own. It knows no CORS, no trickle and no events.
 */

import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import test from 'node:test';
import { Program } from './program.js';
import { elsewhere } from '../stage/elsewhere.js';
import { binary } from '../stage/process.js';
import { Stage, becomes, eventually, moves, shot } from '../stage/stage.js';

/** A port that was free a moment ago. */
async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
  await new Promise((resolve) => server.close(resolve));
  return port;
}

for (const [how, trust, ...more] of [['201', 'relayed'], ['406', 'unverified', 'counter-offer']]) {
  test(`the element plays GStreamer’s whepserversink, which answers ${how}`, { timeout: 180_000 }, async (t) => {
    const stage = new Stage(t);
    const whep = `http://127.0.0.1:${await freePort()}`;
    const server = new Program('whepserversink', [binary('interop'), 'whepserversink', whep, ...more]);
    t.after(() => server.end());
    await eventually('the server listens', () => fetch(`${whep}/whep/endpoint`, { method: 'OPTIONS' }).then(() => true, () => false), Boolean);
    /** @type {string[]} */
    const asked = [];
    const origin = await elsewhere(t, `<script type="module" src="/player/whep-player.js"></script>
      <whep-player src="/whep/endpoint"></whep-player>`, { connect: "'self'", whep, asked: (path) => asked.push(path) });
    const page = await stage.openUrl(origin);
    /** @type {string[]} */
    const statuses = [];
    page.on('response', (response) => statuses.push(`${response.request().method()} ${response.status()}`));
    await page.reload();
    await becomes(page, 'live');
    await moves(page, 60);
    await shot(page, `whepserversink-${how}`);
    assert.ok(statuses.includes(`POST ${how}`), statuses.join());
    assert.equal(await page.evaluate(() => /** @type {any} */ (document.querySelector('whep-player')).trust), trust);
    const fetched = asked.filter((path) => path.includes('/assets/') && !path.includes('/figures-'));
    assert.deepEqual(fetched, [], 'plain WHEP needs the one file, and what tells about a picture that is there');
    await page.evaluate(() => document.querySelector('whep-player')?.remove());
    await eventually('the session is ended', async () => statuses, (seen) => seen.includes('DELETE 200'));
  });
}
