// @ts-check
/** What a viewer plays, and what it refuses, by who answers. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { base64url, sign } from '../../src/trust/jwt.js';
import { judgeViewer, withProof } from '../../src/trust/proof.js';
import { RoomKey } from '../../src/trust/room-key.js';
import { Demands } from '../../src/trust/trust.js';
import { Viewer } from '../../src/session/viewer.js';
import {
  ANSWER, OFFER, World, certified, created, gateway, problem, relayed,
} from '../world.js';

const FP = `sha-256 ${'AB:'.repeat(31)}CD`;
const OTHER = `sha-256 ${'AB:'.repeat(31)}CE`;
/** What the world's clock shows, in milliseconds. */
const NOW = 1_000_000;

const key = await RoomKey.generate();
const offer = await key.prove(certified(OFFER, FP), NOW);
const endpoint = `https://gateway.example/whep/${key.room}`;
const mac = new Uint8Array(32).fill(7);
const secret = { expiry: 0, mac: base64url(mac) };

/**
 * @param {(url: string) => Response} reply to a POST
 * @param {Partial<ConstructorParameters<typeof Viewer>[0]>} [options]
 */
async function watch(reply, options = {}) {
  const world = new World(gateway(({ method, url }) =>
    method === 'POST' && /\/whep\/[0-9a-f]{64}$/.test(url) ? reply(url) : undefined));
  world.answer = certified(ANSWER, FP);
  /** @type {string[]} */
  const states = [];
  /** @type {string[]} */
  const trusts = [];
  /** @type {(string | null)[]} */
  const names = [];
  const note = (/** @type {string} */ trust, /** @type {string | null} */ name) => {
    trusts.push(trust);
    names.push(name);
  };
  const viewer = new Viewer({
    endpoint,
    env: world.env,
    listener: { state: (state) => states.push(state), trust: note },
    ...options,
  });
  void viewer.run();
  await world.pass(0);
  const until = world.now + 2000;
  const isOn = () => world.sent('PATCH').length > 0 || trusts[0] === 'relayed';
  while (states.length < 2 && !isOn() && world.now < until) await world.pass(1);
  return { world, viewer, states, trusts, names };
}

test('the camera whose key the room is', async () => {
  const { world, trusts } = await watch(() => created(406, offer));
  assert.deepEqual(trusts, ['verified']);
  assert.equal(world.sent('PATCH').length, 1);
  assert.doesNotMatch(world.sent('PATCH')[0].body, /sightline-proof/);
});

/** @param {string} sdp with another `s=` line */
const called = (sdp, name = 'Garage') => sdp.replace(/^s=.*$/m, `s=${name}`);

test('a camera has the name that its key has signed, and no other', async () => {
  const claims = { sub: key.room, fp: FP, iat: NOW / 1000, name: ' Front\tdoor\u202e' };
  const keys = await crypto.subtle.generateKey({ name: 'Ed25519' }, true, ['sign', 'verify']);
  const pair = /** @type {CryptoKeyPair} */ (keys);
  const raw = new Uint8Array(await crypto.subtle.exportKey('raw', pair.publicKey));
  const room = Buffer.from(raw).toString('hex');
  const jwt = await sign('EdDSA', { ...claims, sub: room }, pair.privateKey);
  const named = called(withProof(certified(OFFER, FP), jwt));
  const at = `https://gateway.example/whep/${room}`;
  const { trusts, names } = await watch(() => created(406, named), { endpoint: at });
  assert.deepEqual([trusts, names], [['verified'], ['Front door']]);
  const unsigned = await watch(() => created(406, called(certified(OFFER, FP))));
  assert.deepEqual([unsigned.trusts, unsigned.names], [['unverified'], [null]]);
  const byServer = await watch(() => created(201, called(ANSWER)));
  assert.deepEqual([byServer.trusts, byServer.names], [['relayed'], [null]]);
});

test('in a room with a name it has the one that its offer brings', async () => {
  const demands = new Demands({ room: 'garage' }, () => NOW);
  assert.equal(await demands.nameIn(called(OFFER), 'unverified'), 'Garage');
  assert.equal(await demands.nameIn(called(OFFER, '-'), 'unverified'), null);
  assert.equal(await demands.nameIn(called(ANSWER), 'relayed'), null);
});

test('a camera that proves nothing is played, and not called verified', async () => {
  const { world, trusts } = await watch(() => created(406, certified(OFFER, FP)));
  assert.deepEqual(trusts, ['unverified']);
  assert.equal(world.sent('PATCH').length, 1);
});

test('so is one whose clock is wrong', async () => {
  const old = await key.prove(certified(OFFER, FP), NOW - 2 * 24 * 3600 * 1000);
  const { trusts } = await watch(() => created(406, old));
  assert.deepEqual(trusts, ['stale']);
});

test('by way of the relay', async () => {
  const { trusts } = await watch(() => relayed());
  assert.deepEqual(trusts, ['relayed']);
});

/** @param {World} world in which nobody must have got anything out of us */
function assertNothingPlayed(world) {
  assert.equal(world.peer.remoteDescription, null);
  assert.equal(world.peer.closed, true);
  assert.equal(world.sent('PATCH').length, 0);
  assert.equal(world.sent('DELETE').length, 1, 'the camera’s offer is not left waiting for us');
}

test('somebody else with the camera’s proof is refused before anything is played', async () => {
  const { world, states, trusts } = await watch(() => created(406, offer.replaceAll(FP, OTHER)));
  assert.deepEqual(states, ['connecting', 'impostor']);
  assert.deepEqual(trusts, []);
  assertNothingPlayed(world);
  await world.pass(60_000);
  assert.equal(world.sent('POST').length, 1, 'and not asked again by itself');
});

test('a server that sends us elsewhere does not choose our camera', async () => {
  const other = await RoomKey.generate();
  const theirs = await other.prove(certified(OFFER, FP), NOW);
  const reply = (/** @type {string} */ url) => created(406, url.endsWith(key.room) ? offer : theirs);
  const { world, states, trusts } = await watch(reply);
  world.peer.become('connected');
  world.peer.frames = 1;
  await world.pass(100);
  world.streams[0].send('reconnect', { url: `/whep/${other.room}` });
  await world.pass(100);
  assert.ok(world.sent('POST').some(({ url }) => url.endsWith(other.room)));
  assert.deepEqual(states, ['connecting', 'live', 'reconnecting', 'impostor']);
  assert.deepEqual(trusts, ['verified']);
});

test('a private link: strictly direct, verified, and our proof in the answer', async () => {
  const { world, trusts } = await watch(() => created(406, offer), { secret });
  assert.deepEqual(trusts, ['private']);
  assert.equal(world.sent('POST')[0].headers.get('prefer'), 'direct, wait=50, handling=strict');
  const [{ body }] = world.sent('PATCH');
  const { verdict } = await judgeViewer(body, key.room, async () => mac, NOW);
  assert.equal(verdict, 'good');
  assert.doesNotMatch(JSON.stringify(world.requests), new RegExp(secret.mac), 'it goes nowhere');
});

for (const [what, reply, state] of /** @type {[string, () => Response, string][]} */ ([
  ['a relay that answers', () => relayed(), 'exposed'],
  ['a camera without a proof', () => created(406, certified(OFFER, FP)), 'unproven'],
  ['a camera with another’s', () => created(406, offer.replaceAll(FP, OTHER)), 'impostor'],
])) {
  test(`a private link is not for ${what}`, async () => {
    const { world, states } = await watch(reply, { secret });
    assert.deepEqual(states, ['connecting', state]);
    assertNothingPlayed(world);
  });
}

test('a private link is not for a room that only the relay has', async () => {
  const { world, states } = await watch(() => problem(403, 'relay-only'), { secret });
  assert.deepEqual(states, ['connecting', 'exposed']);
  await world.pass(60_000);
  for (const { headers } of world.sent('POST')) assert.match(headers.get('prefer') ?? '', /handling=strict/);
});

test('a private link that does not get through stays direct, whatever it takes', async () => {
  const { world, states } = await watch(() => created(406, offer), { secret });
  // Nothing connects.
  for (let i = 0; i < 40; i += 1) await world.pass(1000);
  assert.ok(states.includes('blocked'));
  const posts = world.sent('POST').filter(({ url }) => url === endpoint);
  assert.ok(posts.length > 1);
  for (const { headers } of posts) assert.match(headers.get('prefer') ?? '', /^direct.*handling=strict/);
});

test('an expired private link asks nobody', async () => {
  const { world, states } = await watch(() => created(406, offer), { secret: { ...secret, expiry: NOW / 1000 } });
  assert.deepEqual(states, ['connecting', 'expired']);
  assert.equal(world.requests.length, 0);
});

test('a camera that ends a private viewer before the picture has declined it', async () => {
  const { world, states } = await watch(() => created(406, offer), { secret });
  await world.pass(0);
  world.streams[0].send('inactive');
  await world.pass(0);
  assert.equal(states.at(-1), 'declined');
});

test('one that ends a viewer without a private link may be private', async () => {
  const { world, states } = await watch(() => created(406, offer));
  await world.pass(0);
  world.streams[0].send('inactive');
  await world.pass(0);
  assert.equal(states.at(-1), 'dismissed');
  await world.pass(60_000);
  assert.equal(world.sent('POST').filter(({ url }) => url === endpoint).length, 1, 'it is not asked again');
});

for (const [status, what, token, state] of /** @type {[number, string, string | undefined, string][]} */ ([
  [401, 'no ticket', undefined, 'ticket'],
  [401, 'an expired ticket', await key.ticket('g.example', NOW - 90_000, 60), 'expired'],
  [401, 'a ticket that only the gateway can fault', await key.ticket('g.example', NOW, 60), 'denied'],
  [403, 'another room’s ticket', await (await RoomKey.generate()).ticket('g.example', NOW, 60), 'misplaced'],
  [401, 'a configured token', 'open-sesame', 'denied'],
  [401, 'another issuer’s', await sign('HS256', { sub: 'alice', exp: 1 }, await hmac()), 'expired'],
])) {
  test(`${status} with ${what}: “${state}”`, async () => {
    const { world, states } = await watch(() => problem(status, 'unauthorized'), { token });
    assert.deepEqual(states, ['connecting', state]);
    assert.equal(world.sent('POST')[0].headers.get('authorization'), token ? `Bearer ${token}` : null);
    await world.pass(60_000);
    assert.equal(world.sent('POST').length, 1);
  });
}

/** @returns {Promise<CryptoKey>} */
function hmac() {
  return crypto.subtle.importKey('raw', mac, { name: 'HMAC', hash: 'SHA-256' }, false, ['sign']);
}
