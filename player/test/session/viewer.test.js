// @ts-check
import assert from 'node:assert/strict';
import test from 'node:test';
import { Viewer } from '../../src/session/viewer.js';
import { WORDS } from '../../src/words/words.js';
import { World, created, gateway, held, problem, relayed, sdp } from '../world.js';

const ENDPOINT = 'https://gateway.example/whep/garage';

/** @param {Parameters<typeof gateway>[0]} [special] */
function start(special = () => undefined) {
  const world = new World(gateway(special));
  /** @type {string[]} */
  const states = [];
  const viewer = new Viewer({
    endpoint: ENDPOINT,
    env: world.env,
    listener: { state: (state) => states.push(state) },
  });
  void viewer.run();
  return { world, viewer, states };
}

/** @param {World} world */
const posts = (world) => world.sent('POST').filter(({ url }) => url === ENDPOINT);

/** @param {World} world */
async function goLive(world) {
  await world.pass(100);
  world.peer.become('connected');
  world.peer.frames = 1;
  await world.pass(100);
}

/**
 * @param {World} world
 * @param {number} seconds
 */
async function play(world, seconds) {
  for (let second = 0; second < seconds; second += 1) {
    world.peer.frames += 30;
    await world.pass(1000);
  }
}

test('connecting, then live', async () => {
  const { world, states } = start();
  await goLive(world);
  assert.deepEqual(states, ['connecting', 'live']);
});

test('waiting is said only when it takes long', async () => {
  const { world, states } = start(() => held());
  await world.pass(500);
  assert.deepEqual(states, ['connecting']);
  await world.pass(200);
  assert.deepEqual(states, ['connecting', 'waiting']);
});

test('the camera goes: the next POST is out at once, and waits', async () => {
  let gone = false;
  const { world, states } = start(({ url }) => (gone && url === ENDPOINT ? held() : undefined));
  await goLive(world);
  await play(world, 10);
  gone = true;
  world.streams[0].send('inactive');
  await world.pass(0);
  assert.equal(posts(world).length, 2);
  await world.pass(5000);
  assert.deepEqual(states, ['connecting', 'live', 'gone']);
});

test('and is live again when the camera is back', async () => {
  const { world, states } = start();
  await goLive(world);
  await play(world, 10);
  world.streams[0].send('inactive');
  await goLive(world);
  assert.deepEqual(states, ['connecting', 'live', 'gone', 'connecting', 'live']);
});

test('a camera that comes and goes all the time is not chased', async () => {
  const { world } = start();
  for (let round = 0; round < 8; round += 1) {
    await world.pass(100);
    world.streams[world.streams.length - 1].send('inactive');
  }
  assert.ok(posts(world).length < 5, `${posts(world).length} POSTs in a second`);
});

test('Retry-After is honoured', async () => {
  const { world, states } = start(({ url }) =>
    url === ENDPOINT ? problem(409, 'no-camera', { 'Retry-After': '7' }) : undefined);
  await world.pass(6900);
  assert.equal(posts(world).length, 1);
  await world.pass(200);
  assert.equal(posts(world).length, 2);
  assert.deepEqual(states.slice(0, 2), ['connecting', 'waiting']);
});

test('Retry-After: 0 from a server in a loop still slows down', async () => {
  const { world } = start(({ url }) =>
    url === ENDPOINT ? problem(503, 'x', { 'Retry-After': '0' }) : undefined);
  await world.pass(10_000);
  assert.ok(posts(world).length < 8, `${posts(world).length} POSTs in ten seconds`);
});

test('an unreachable gateway is looked for every second or so, for ever', async () => {
  let down = true;
  const { world, states } = start(() =>
    down ? Promise.reject(new TypeError('Failed to fetch')) : undefined);
  await world.pass(60_000);
  const looks = world.sent('HEAD').length;
  assert.ok(looks > 50 && looks < 70, `${looks} looks in a minute`);
  assert.equal(posts(world).length, 1);
  assert.deepEqual(states, ['connecting', 'unreachable']);
  down = false;
  await world.pass(1000);
  assert.equal(posts(world).length, 2);
  await goLive(world);
  assert.equal(states.at(-1), 'live');
});

test('the network comes back: no need to wait for the timer', async () => {
  const { world, viewer } = start(() => Promise.reject(new TypeError('Failed to fetch')));
  await world.pass(30_500);
  const before = world.sent('HEAD').length;
  viewer.retryNow();
  await world.pass(0);
  assert.equal(world.sent('HEAD').length, before + 1);
});

test('the network goes without a word: a new line is tried until it is back', async () => {
  let away = false;
  const { world, states } = start(() => (away ? held() : undefined));
  await goLive(world);
  await play(world, 10);
  away = true;
  await world.pass(20_000);
  assert.equal(posts(world).length, 1, 'what is POSTed on a dead line hangs for a long time');
  assert.ok(world.sent('HEAD').slice(0, -1).every(({ aborted }) => aborted));
  assert.equal(states.at(-1), 'unreachable');
  away = false;
  await world.pass(5000);
  assert.equal(posts(world).length, 2);
  await goLive(world);
  assert.equal(states.at(-1), 'live');
});

test('a POST that was on its way by another network is made anew', async () => {
  const { world, viewer } = start(() => held());
  await world.pass(10_000);
  viewer.networkChanged();
  await world.pass(0);
  assert.ok(posts(world)[0].aborted);
});

test('a POST that nobody answers is given up some time after the last moment', async () => {
  const { world } = start(() => held());
  await world.pass(59_000);
  assert.ok(!posts(world)[0].aborted, 'it may be held');
  await world.pass(2000);
  assert.ok(posts(world)[0].aborted);
});

/** @param {World} world */
const preferences = (world) => posts(world).map(({ headers }) => headers.get('prefer'));

/** A gateway that relays for those who do not ask for direct. */
const relaying = (/** @type {import('../world.js').Request} */ { url, headers }) =>
  url === ENDPOINT && !headers.get('prefer')?.includes('direct') ? relayed() : undefined;

test('no path: DELETE, and again without asking for direct', async () => {
  const { world, states } = start(relaying);
  await world.pass(5500);
  assert.equal(world.sent('DELETE').length, 1);
  await goLive(world);
  assert.deepEqual(preferences(world), ['direct, wait=50', 'wait=50']);
  assert.deepEqual(states, ['connecting', 'live']);
});

test('where there was no straight way, the next session does not look for one', async () => {
  const { world, states } = start(relaying);
  await world.pass(5500);
  await goLive(world);
  await play(world, 10);
  world.streams[world.streams.length - 1].send('reconnect');
  await goLive(world);
  assert.deepEqual(preferences(world), ['direct, wait=50', 'wait=50', 'wait=50']);
  assert.deepEqual(states.slice(-2), ['reconnecting', 'live']);
});

test('another network may have a straight way', async () => {
  const { world, viewer } = start(relaying);
  await world.pass(5500);
  await goLive(world);
  viewer.networkChanged();
  await play(world, 10);
  assert.equal(posts(world).length, 2, 'a picture that moves is left alone');
  world.streams[world.streams.length - 1].send('reconnect');
  await world.pass(0);
  assert.equal(preferences(world)[2], 'direct, wait=50');
});

test('no path to the relay either: the straight way again', async () => {
  const { world } = start(relaying);
  await world.pass(5500);
  await world.pass(6000);
  await world.pass(3000);
  assert.deepEqual(preferences(world).slice(0, 3), ['direct, wait=50', 'wait=50', 'direct, wait=50']);
});

test('a gateway without a relay offers the straight way to everyone: it is tried on', async () => {
  const { world, states } = start();
  await world.pass(5500);
  await world.pass(9000);
  await goLive(world);
  assert.equal(posts(world).length, 3);
  assert.equal(states.at(-1), 'live');
});

test('a camera that serves directly only: no way, and later the straight one again', async () => {
  const { world, states } = start((request) =>
    relaying(request) ? problem(403, 'direct-only') : undefined);
  await world.pass(6000);
  assert.equal(states.at(-1), 'blocked');
  assert.equal(posts(world).length, 2);
  await world.pass(10_000);
  assert.deepEqual(preferences(world).slice(0, 3), ['direct, wait=50', 'wait=50', 'direct, wait=50']);
});

test('on the relay path the camera may go and come back, in one session', async () => {
  const { world, states } = start(({ url }) => (url === ENDPOINT ? relayed() : undefined));
  await goLive(world);
  await play(world, 5);
  world.streams[0].send('inactive');
  await world.pass(20_000);
  assert.deepEqual(states, ['connecting', 'live', 'gone']);
  world.streams[0].send('active');
  await play(world, 5);
  assert.deepEqual(states, ['connecting', 'live', 'gone', 'live']);
  assert.equal(posts(world).length, 1);
});

test('reconnect may name another endpoint, for one session, which gets no token of this one', async () => {
  const elsewhere = 'https://other.example/whep/garage';
  const world = new World(gateway(({ method, url }) =>
    method === 'POST' && url === elsewhere ? relayed() : undefined));
  const viewer = new Viewer({ endpoint: ENDPOINT, token: 'secret', env: world.env });
  void viewer.run();
  await goLive(world);
  world.streams[0].send('reconnect', { url: elsewhere });
  await goLive(world);
  const there = world.requests.filter(({ url }) => url.startsWith('https://other.example'));
  assert.equal(there[0].url, elsewhere);
  assert.ok(there.every(({ headers }) => !headers.has('authorization')));
  world.streams[1].send('reconnect');
  await world.pass(1000);
  assert.equal(posts(world).length, 2);
  assert.equal(posts(world)[1].headers.get('authorization'), 'Bearer secret');
  viewer.close();
});

test('the quality that was chosen is chosen again in the next session', async () => {
  /** @type {(string | null)[]} */
  const chosen = [];
  const world = new World(gateway(({ url }) => (url === ENDPOINT ? relayed() : undefined)));
  const listener = { layers: (/** @type {any} */ _, /** @type {string | null} */ id) => chosen.push(id) };
  const viewer = new Viewer({ endpoint: ENDPOINT, env: world.env, listener });
  void viewer.run();
  const layers = { 0: [{ rid: 'h', height: 720, bitrate: 2e6 }, { rid: 'l', height: 180, bitrate: 1e5 }] };
  const wishes = () => world.requests.filter(({ url }) => url.endsWith('/layer')).map(({ body }) => JSON.parse(body));
  await goLive(world);
  world.streams[0].send('layers', layers);
  viewer.choose('l ');
  await world.pass(0);
  assert.deepEqual(wishes(), [{ mediaId: '0', rid: 'l' }]);
  world.streams[0].send('reconnect');
  await goLive(world);
  world.streams[1].send('layers', layers);
  world.streams[1].send('layers', layers);
  await world.pass(0);
  assert.deepEqual(wishes().slice(1), [{ mediaId: '0', rid: 'l' }], 'once, and not with every event');
  viewer.choose(null);
  await world.pass(0);
  assert.deepEqual(wishes()[2], { mediaId: '0' });
  assert.equal(chosen.at(-1), null);
  viewer.close();
});

test('lost media: connects again at once, and says so', async () => {
  const { world, states } = start();
  await goLive(world);
  await play(world, 10);
  await world.pass(4100);
  assert.equal(posts(world).length, 2);
  assert.deepEqual(states, ['connecting', 'live', 'stopped', 'reconnecting']);
});

test('a picture that is over as soon as it begins is not called live again', async () => {
  const { world, states } = start();
  await goLive(world);
  await world.pass(4100);
  assert.deepEqual(states, ['connecting', 'live', 'stopped', 'reconnecting']);
  await goLive(world);
  await world.pass(2000);
  assert.ok(!states.slice(4).includes('live'), 'what a relay had kept');
  for (let frame = 0; frame < 13; frame += 1) {
    world.peer.frames += 1;
    await world.pass(100);
  }
  assert.equal(states.at(-1), 'live');
});

for (const [status, slug, state] of /** @type {const} */ ([
  [400, 'bad-room', 'wrong'], [401, 'unauthorized', 'ticket'], [403, 'forbidden', 'denied'],
  [405, '', 'failed'], [422, 'codec-mismatch', 'undecodable'],
])) {
  test(`${status} ${slug}: “${state}”, and no further attempt by itself`, async () => {
    const { world, viewer, states } = start(() => problem(status, slug));
    await world.pass(600_000);
    assert.equal(posts(world).length, 1);
    assert.equal(states.at(-1), state);
    viewer.retryNow();
    await world.pass(0);
    assert.equal(posts(world).length, 2);
  });
}

test('429: the room is full, try again', async () => {
  const { world, states } = start(() => problem(429, 'too-many-waiting'));
  await world.pass(3000);
  assert.equal(states.at(-1), 'busy');
  assert.equal(posts(world).length > 1, true);
});

test('close() ends it all', async () => {
  const { world, viewer, states } = start();
  await goLive(world);
  viewer.close();
  await world.pass(600_000);
  assert.equal(states.at(-1), 'closed');
  assert.equal(posts(world).length, 1);
  assert.equal(world.sent('DELETE').length, 1);
  assert.equal(world.armed, 0);
});

test('close() also ends a pause', async () => {
  const { world, viewer } = start(() => Promise.reject(new TypeError('Failed to fetch')));
  await world.pass(100);
  viewer.close();
  await world.pass(600_000);
  assert.equal(world.armed, 0);
});

test('B-frames are said, and where to switch them off, as long as they come', async () => {
  const { world, states } = start(({ method, url }) =>
    (method === 'POST' && url === ENDPOINT ? relayed() : undefined));
  await goLive(world);
  world.streams[0].send('problem', { problem: 'b-frames' });
  await play(world, 3);
  assert.deepEqual(states, ['connecting', 'live', 'jerky']);
  assert.match(WORDS.jerky.title, /B-frames/);
  assert.match(WORDS.jerky.hint, /switch them off/);
  world.streams[0].send('problem', { problem: 'another one' });
  await play(world, 1);
  assert.deepEqual(states, ['connecting', 'live', 'jerky', 'live']);
  world.streams[0].send('problem', { problem: 'b-frames' });
  world.streams[0].send('problem', { problem: null });
  assert.deepEqual(states.slice(4), ['jerky', 'live']);
});

test('where only sound is answered it is played, and there is a word for it', async () => {
  const inactive = sdp('inactive', 'ANSW', '9');
  const audio = 'm=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:1\r\na=sendonly\r\n';
  const { world, states } = start(({ method, url }) =>
    (method === 'POST' && url === ENDPOINT ? created(201, inactive + audio) : undefined));
  await goLive(world);
  assert.deepEqual(states, ['connecting', 'soundonly']);
  assert.match(WORDS.soundonly.hint, /cannot decode/);
});

test('where nothing is answered the codec is missing', async () => {
  const { world, states } = start(({ method, url }) =>
    (method === 'POST' && url === ENDPOINT ? created(201, sdp('inactive', 'ANSW', '9')) : undefined));
  await world.pass(100);
  assert.deepEqual(states, ['connecting', 'undecodable']);
});

test('B-frames of which one is told before the first picture', async () => {
  const { world, states } = start(({ method, url }) =>
    (method === 'POST' && url === ENDPOINT ? relayed() : undefined));
  await world.pass(100);
  world.streams[0].send('problem', { problem: 'b-frames' });
  await goLive(world);
  assert.deepEqual(states, ['connecting', 'jerky']);
});
