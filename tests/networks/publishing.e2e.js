// @ts-check
/** `sightline-camera publish` comes back by itself: whoever watches sees it again within ten seconds. */

import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import test from 'node:test';
import { cutOff, pullOut, star, whyNoNetwork } from './network.js';
import { Stage, becomes, eventually, moves } from '../stage/stage.js';

/** @typedef {import('playwright-core').Page} Page */
/** @typedef {import('node:test').TestContext} TestContext */

const missing = whyNoNetwork();
if (missing) process.stderr.write(`SKIPPED, LOUDLY: ${missing}, so nobody tested what a publisher outlives\n`);
const options = { timeout: 180_000, skip: missing ?? false };

/** Milliseconds from the end of what was broken to the picture. */
const HEALS = 10_000;

/** @type {readonly string[]} */
const SMALL = ['--size', '640x360'];

/**
 * Waits until the picture moves again, and says how long that took.
 *
 * @param {TestContext} t
 * @param {Page} page
 * @param {number} since
 */
async function isBack(t, page, since) {
  await moves(page);
  const took = Date.now() - since;
  t.diagnostic(`the picture moved on ${took} ms later`);
  assert.ok(took < HEALS, `${took} ms`);
}

test('the server is killed and started', options, async (t) => {
  const stage = new Stage(t, { network: await star(t, { forwards: false }) });
  const gateway = await stage.startGateway();
  stage.startPublisher('plain', [...SMALL]);
  const page = await stage.watch('plain');
  await becomes(page, 'live');
  await moves(page);
  await gateway.end('SIGKILL');
  await stage.startGateway();
  await isBack(t, page, Date.now());
});

for (const [what, cut, says] of /** @type {const} */ ([
  ['loses everything for a while', (/** @type {any} */ network) => cutOff(network, 'camera'), /the server cannot be reached/],
  ['is pulled out and plugged in', pullOut, /this machine has no network/],
])) {
  test(`the camera’s cable ${what}`, options, async (t) => {
    const network = await star(t, { forwards: false });
    const stage = new Stage(t, { network });
    await stage.startGateway();
    const publisher = stage.startPublisher('plain', [...SMALL]);
    const page = await stage.watch('plain');
    await becomes(page, 'live');
    await moves(page);
    const back = cut(network);
    await publisher.says(/nothing is heard of the server any more/);
    await publisher.says(says);
    back();
    await isBack(t, page, Date.now());
  });
}

const KEY = 'thirty-two-bytes-that-nobody-else-has';

/**
 * A token of another issuer for the room, which the gateway takes for so many seconds more.
 *
 * @param {number} seconds
 */
function token(seconds) {
  const base64url = (/** @type {string} */ text) => Buffer.from(text).toString('base64url');
  // It lets a minute pass, since clocks differ.
  const exp = Math.floor(Date.now() / 1000) + seconds - 60;
  const claims = { room: 'guarded', scope: 'publish', exp };
  const signed = `${base64url('{"alg":"HS256","typ":"JWT"}')}.${base64url(JSON.stringify(claims))}`;
  return `${signed}.${createHmac('sha256', KEY).update(signed).digest('base64url')}`;
}

test('the token expires in mid-session', options, async (t) => {
  const folder = mkdtempSync(path.join(tmpdir(), 'sightline-e2e-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const [config, file] = ['gateway.toml', 'token'].map((name) => path.join(folder, name));
  writeFileSync(config, `[[access.issuers]]
rooms = ["guarded"]
role = "publish"
algorithm = "HS256"
key = "${KEY}"
`, { mode: 0o600 });
  const write = (/** @type {string} */ text) => {
    writeFileSync(`${file}.new`, text, { mode: 0o600 });
    renameSync(`${file}.new`, file);
  };
  const stage = new Stage(t, { gateway: ['--config', config] });
  const gateway = await stage.startGateway();
  const ends = Date.now() + 10_000;
  write(token(10));
  const publisher = stage.startPublisher('guarded', ['--token-file', file, ...SMALL]);
  const page = await stage.watch('guarded');
  await becomes(page, 'live');
  await eventually('the token has expired', () => Date.now(), (now) => now > ends + 1000);
  // A session needs it for its beginning only.
  await moves(page, 60);

  await gateway.end('SIGKILL');
  await stage.startGateway();
  await publisher.says(/the server answers 401/);
  write(token(3600));
  await isBack(t, page, Date.now());
});
