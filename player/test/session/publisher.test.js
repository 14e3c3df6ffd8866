// @ts-check
import assert from 'node:assert/strict';
import test from 'node:test';
import { OpenAccess } from '../../src/trust/access.js';
import { Publisher } from '../../src/session/publisher.js';
import { ANSWER, World, created, gateway, held, problem } from '../world.js';

const ENDPOINT = 'https://gateway.example/whip/garage';
const CERTIFICATE = /** @type {any} */ ({ certificate: 'one for all' });
const LINK = '</whip/garage/1/events>; rel="urn:sightline:ext:events"';

/** A stream with one video track, as far as a publisher looks at it. */
const STREAM = /** @type {any} */ ({ getTracks: () => [{ kind: 'video' }] });

/**
 * @param {Parameters<typeof gateway>[0]} special
 * @param {{ access?: OpenAccess }} [options]
 */
function start(special, options = {}) {
  const world = new World(gateway(special));
  /** @type {string[]} */
  const states = [];
  /** @type {number[]} */
  const counts = [];
  let turnedAway = 0;
  const publisher = new Publisher({
    endpoint: ENDPOINT,
    stream: STREAM,
    certificate: CERTIFICATE,
    access: Object.assign(new OpenAccess(), {
      authorization: async () => ({ Authorization: `Bearer ${world.now}` }),
    }),
    listener: {
      state: (state) => states.push(state),
      viewers: (count) => counts.push(count),
      uninvited: () => (turnedAway += 1),
    },
    env: world.env,
    ...options,
  });
  publisher.start();
  return { world, publisher, states, counts, uninvited: () => turnedAway };
}

/** @param {World} world */
const posts = (world) => world.sent('POST').filter(({ url }) => url === ENDPOINT);

/**
 * A gateway where `viewers` viewers are there already, and no more come.
 *
 * @param {number} viewers
 * @returns {Parameters<typeof gateway>[0]}
 */
const withViewers = (viewers) => ({ method, url }) => {
  if (method !== 'POST' || url !== ENDPOINT) return undefined;
  viewers -= 1;
  return viewers < 0 ? held() : created(201, ANSWER, { Location: '/whip/garage/1', Link: LINK });
};

test('one offer waits, with room for four, a fresh token, and all its candidates', async () => {
  const { world, states } = start(withViewers(0));
  await world.pass(0);
  assert.equal(posts(world).length, 0, 'gathering first: nobody to trickle to yet');
  world.peer.gather('candidate:1 1 udp 1 192.0.2.1 4000 typ host');
  world.peer.gather(null);
  await world.pass(0);
  const [post] = posts(world);
  assert.equal(post.headers.get('prefer'), 'direct=4, wait=55');
  assert.match(post.headers.get('authorization') ?? '', /^Bearer \d+$/);
  assert.deepEqual(states, []);
});

test('on the air when the gateway has taken the offer', async () => {
  const { world, states } = start(withViewers(0));
  await world.pass(3000);
  assert.deepEqual(states, ['on-air']);
});

test('each viewer takes one offer, and there is always one more until the limit', async () => {
  const { world, counts } = start(withViewers(2));
  await world.pass(5000);
  assert.deepEqual(counts, [1, 2]);
  assert.equal(posts(world).length, 3);
  assert.equal(world.peers.filter(({ closed }) => !closed).length, 3);
  for (const peer of world.peers) assert.deepEqual(peer.configuration.certificates, [CERTIFICATE]);
});

test('no offer waits when all seats are taken, and a leave frees one', async () => {
  const { world, counts } = start(withViewers(4));
  await world.pass(5000);
  for (const peer of world.peers) peer.become('connected');
  assert.equal(posts(world).length, 4);
  world.streams[0].send('leave');
  await world.pass(3000);
  assert.equal(posts(world).length, 5);
  assert.deepEqual(counts, [1, 2, 3, 4, 3]);
  assert.equal(world.sent('DELETE').length, 1);
});

test('nobody came: a fresh offer at once', async () => {
  let first = true;
  const { world, states } = start(({ method, url }) => {
    if (method !== 'POST' || url !== ENDPOINT) return undefined;
    if (!first) return held();
    first = false;
    return problem(503, 'nobody-came', { 'Retry-After': '0' });
  });
  await world.pass(2000);
  assert.equal(posts(world).length, 2);
  assert.equal(world.peers.length, 2, 'a new connection for a new offer');
  assert.deepEqual(states, ['on-air']);
});

test('a gateway that shuts down is given the time it asks for', async () => {
  const { world, states } = start(({ method }) =>
    method === 'POST' ? problem(503, 'shutting-down', { 'Retry-After': '5' }) : undefined);
  await world.pass(5300);
  assert.equal(posts(world).length, 1);
  await world.pass(1000);
  assert.equal(posts(world).length, 2);
  assert.deepEqual(states, ['unreachable']);
});

for (const [status, slug, state] of /** @type {const} */ ([
  [401, 'unauthorized', 'denied'], [403, 'forbidden', 'denied'], [400, 'bad-room', 'wrong'],
])) {
  test(`${status} ${slug}: “${state}”, for good`, async () => {
    const { world, states } = start(({ method }) =>
      method === 'POST' ? problem(status, slug) : undefined);
    await world.pass(60_000);
    assert.equal(posts(world).length, 1);
    assert.deepEqual(states, [state]);
  });
}

test('409: another camera is there; it may leave', async () => {
  const { world, states } = start(({ method }) =>
    method === 'POST' ? problem(409, 'room-taken') : undefined);
  await world.pass(10_000);
  assert.ok(posts(world).length >= 3);
  assert.deepEqual(states, ['taken']);
});

/**
 * A private camera, whose visitor may stay for so long.
 *
 * @param {number} welcome in milliseconds
 */
const inviting = (welcome) => Object.assign(new OpenAccess(), {
  isPrivate: true,
  prove: async (/** @type {string} */ offer) => `${offer}a=proved\r\n`,
  admits: async () => welcome,
});

test('a private camera’s offer is never the relay’s, and says who it is', async () => {
  const { world } = start(withViewers(0), { access: inviting(Infinity) });
  await world.pass(500);
  const [post] = posts(world);
  assert.equal(post.headers.get('prefer'), 'direct=4, wait=55, handling=strict');
  assert.match(post.body, /a=proved\r\n$/);
});

test('whoever is not invited gets nothing, and the next offer is out soon', async () => {
  const { world, counts, uninvited } = start(withViewers(1), { access: inviting(0) });
  await world.pass(1500);
  assert.equal(world.peers[0].remoteDescription, null);
  assert.equal(world.peers[0].closed, true);
  assert.equal(world.sent('DELETE').length, 1);
  assert.equal(posts(world).length, 2);
  assert.deepEqual(counts, []);
  assert.equal(uninvited(), 1);
});

test('a viewer stays for as long as its link is good', async () => {
  const { world, counts } = start(withViewers(1), { access: inviting(60_000) });
  await world.pass(1000);
  world.peers[0].become('connected');
  await world.pass(58_000);
  assert.equal(world.peers[0].closed, false);
  await world.pass(2000);
  assert.equal(world.peers[0].closed, true);
  assert.deepEqual(counts, [1, 0]);
});

test('close() withdraws the waiting offer and DELETEs the sessions', async () => {
  const { world, publisher, states } = start(withViewers(1));
  await world.pass(5000);
  world.peers[0].become('connected');
  publisher.close();
  await world.pass(60_000);
  assert.equal(world.sent('DELETE').length, 1);
  assert.equal(posts(world)[1].aborted, true);
  assert.equal(world.peers.every(({ closed }) => closed), true);
  assert.equal(states.at(-1), 'stopped');
  assert.equal(world.armed, 0);
});
