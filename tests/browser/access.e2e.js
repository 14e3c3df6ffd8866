// @ts-check
/** Rooms with a name whose tokens the gateway's configuration has: in a browser, by the link. */

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import test from 'node:test';
import { Stage, becomes, moves } from '../stage/stage.js';
import { villain } from './villain.js';

/** As `openssl rand -base64` makes them, `=` and all. */
const PUBLISH = 'cHVibGlzaC9nYXJhZ2UvMDEyMw==';
const VIEW = 'dmlldytnYXJhZ2UvMDEyMzQ1Ng==';

/** @param {import('node:test').TestContext} t */
function configuration(t) {
  const folder = mkdtempSync(path.join(tmpdir(), 'sightline-e2e-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const rule = (/** @type {string} */ role, /** @type {string} */ token) =>
    `[[access.tokens]]\nroom = "garage"\nrole = "${role}"\ntoken = "${token}"\n`;
  const file = path.join(folder, 'gateway.toml');
  writeFileSync(file, rule('publish', PUBLISH) + rule('view', VIEW), { mode: 0o600 });
  return file;
}

test('tokens of the configuration, behind the # of a link', { timeout: 180_000 }, async (t) => {
  const stage = new Stage(t, { gateway: ['--config', configuration(t)] });
  await stage.startGateway();
  const { origin, seen } = await villain(t, stage.origin);
  const camera = await stage.openUrl(`${origin}/publish/garage#token=${PUBLISH}`);
  await camera.getByRole('button', { name: 'Go on air' }).click();
  await camera.getByRole('heading', { name: 'On air' }).waitFor();
  const link = await camera.getByLabel('Link for viewers').inputValue();
  assert.equal(link, `${origin}/watch/garage`, 'who may publish is not for viewers');

  const viewer = await stage.openUrl(`${link}#token=${VIEW}`);
  await becomes(viewer, 'live');
  await moves(viewer);
  await becomes(await stage.openUrl(link), 'ticket');
  await becomes(await stage.openUrl(`${link}#token=${PUBLISH}`), 'denied');

  const carried = seen.filter(({ headers }) => headers.authorization === `Bearer ${VIEW}`);
  assert.ok(carried.some(({ method, url }) => method === 'POST' && url === '/whep/garage'));
  for (const { url, headers } of seen) {
    assert.doesNotMatch(`${url} ${headers.referer}`, /token|MDEyMw/, 'in no URL');
  }
});
