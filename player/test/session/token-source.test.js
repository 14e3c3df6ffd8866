// @ts-check
/** A page's own function gives the token, and is asked again when that is refused. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { Viewer } from '../../src/session/viewer.js';
import { World, created, gateway, OFFER, problem } from '../world.js';

const ENDPOINT = 'https://gateway.example/whep/garage';

/**
 * A server that takes one token, and a page that gives one after the other.
 *
 * @param {(number: number) => string | null | Promise<string>} give
 * @param {string} good
 */
function start(give, good) {
  /** @type {(string | null)[]} */
  const shown = [];
  const world = new World(gateway(({ method, url, headers }) => {
    if (method !== 'POST' || url !== ENDPOINT) return undefined;
    shown.push(headers.get('authorization'));
    return headers.get('authorization') === `Bearer ${good}` ? created(406, OFFER) : problem(401, 'unauthorized');
  }));
  /** @type {{ endpoint: string, refused: boolean }[]} */
  const asked = [];
  /** @type {string[]} */
  const states = [];
  const viewer = new Viewer({
    endpoint: ENDPOINT,
    env: world.env,
    tokenProvider: (request) => give(asked.push(request)),
    listener: { state: (state) => states.push(state) },
  });
  void viewer.run();
  return { world, viewer, shown, asked, states };
}

test('it is asked before the first session, and may take its time', async () => {
  let give = (/** @type {string} */ _) => {};
  const given = new Promise((/** @type {(token: string) => void} */ resolve) => (give = resolve));
  const { world, shown, asked } = start(() => given, 'good');
  await world.pass(1000);
  assert.deepEqual(shown, [], 'nothing is asked of the server before');
  give('good');
  await world.pass(0);
  assert.deepEqual(shown, ['Bearer good']);
  assert.deepEqual(asked, [{ endpoint: ENDPOINT, refused: false }]);
});

test('a token that has expired is exchanged for another at once', async () => {
  const { world, shown, asked, states } = start((number) => (number === 1 ? 'old' : 'new'), 'new');
  await world.pass(100);
  assert.deepEqual(shown, ['Bearer old', 'Bearer new']);
  assert.deepEqual(asked.map(({ refused }) => refused), [false, true]);
  world.peer.become('connected');
  world.peer.frames = 1;
  await world.pass(100);
  assert.deepEqual(states, ['connecting', 'live'], 'and nobody reads of it');
});

test('two that are refused are final, until a person tries again', async () => {
  const { world, viewer, shown, asked, states } = start(() => 'bad', 'good');
  await world.pass(60_000);
  assert.deepEqual(shown, ['Bearer bad', 'Bearer bad']);
  assert.deepEqual(states, ['connecting', 'denied']);
  viewer.retryNow();
  await world.pass(60_000);
  assert.equal(shown.length, 3, 'the server is not chased');
  assert.equal(asked[2].refused, true);
});

test('the next session has the token of its time', async () => {
  const { world, shown } = start((number) => `good${number > 1 ? '-later' : ''}`, 'good');
  await world.pass(100);
  world.peer.become('connected');
  world.peer.frames = 1;
  await world.pass(6000);
  world.streams[0].send('inactive');
  await world.pass(0);
  assert.deepEqual(shown.slice(0, 2), ['Bearer good', 'Bearer good-later']);
});

test('a function that fails is the page’s to see, and there is no token', async (t) => {
  const seen = t.mock.method(console, 'error', () => {});
  const { world, shown, states } = start(() => { throw new Error('no network'); }, 'good');
  await world.pass(1000);
  assert.deepEqual(shown, [null, null]);
  assert.deepEqual(states, ['connecting', 'ticket']);
  assert.match(String(seen.mock.calls[0].arguments[0]), /no network/);
});

test('a viewer that is closed while the function thinks asks for nothing', async () => {
  /** @type {(token: string) => void} */
  let give = () => {};
  const { world, viewer, shown, states } = start(() => new Promise((resolve) => (give = resolve)), 'good');
  await world.pass(100);
  viewer.close();
  give('good');
  await world.pass(100);
  assert.deepEqual(shown, []);
  assert.equal(states.at(-1), 'closed');
});
