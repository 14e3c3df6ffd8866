// @ts-check
/** A session by way of the relay: pauses, and ICE restarts. */

import assert from 'node:assert/strict';
import test from 'node:test';
import { SESSION, goLive, start, startRelayed } from './session.js';
import { ANSWER, candidate, held, problem } from '../world.js';

test('relay: inactive is a pause, in which no picture is missed', async () => {
  const { world, phases, ending } = startRelayed();
  await goLive(world);
  world.streams[0].send('inactive');
  await world.pass(29_000);
  assert.deepEqual(phases, ['connecting relay', 'live relay', 'away relay']);
  world.streams[0].send('active');
  await world.pass(500);
  assert.equal(phases.at(-1), 'away relay', 'live is when frames are decoded');
  world.peer.frames += 1;
  await world.pass(200);
  assert.equal(phases.at(-1), 'live relay');
  assert.equal(ending(), null);
});

test('relay: a picture that moves is live, whatever the events say', async () => {
  const { world, phases } = startRelayed();
  await goLive(world);
  world.streams[0].send('inactive');
  world.peer.frames += 5;
  await world.pass(2000);
  assert.equal(phases.at(-1), 'away relay', 'what was on its way is no picture that moves');
  for (let frame = 0; frame < 13; frame += 1) {
    world.peer.frames += 1;
    await world.pass(100);
  }
  assert.deepEqual(phases.slice(-2), ['away relay', 'live relay']);
  await world.pass(1500);
  assert.deepEqual(phases.slice(-2), ['live relay', 'away relay']);
});

test('relay: active, and no picture follows', async () => {
  const { world, ending } = startRelayed();
  await goLive(world);
  world.streams[0].send('inactive');
  world.streams[0].send('active');
  await world.pass(5100);
  assert.deepEqual([ending().why, ending().live], ['media-lost', true]);
});

test('relay: a session that the gateway has ended while the camera was away', async () => {
  let over = false;
  const { world, ending } = startRelayed(({ url }) =>
    over && url.endsWith('/events') ? problem(410, 'session-over') : undefined);
  await goLive(world);
  world.streams[0].send('inactive');
  await world.pass(1000);
  over = true;
  world.streams[0].fail();
  await world.pass(1000);
  assert.deepEqual([ending().why, ending().path], ['camera-gone', 'relay']);
});

test('relay: a session whose stream ends with 204 and that is over', async () => {
  let over = false;
  const { world, ending } = startRelayed(({ url, method }) => {
    if (!over || method !== 'GET') return undefined;
    return url.includes('/events/') ? new Response(null, { status: 204 }) : problem(410, 'session-over');
  });
  await goLive(world);
  over = true;
  world.streams[0].fail();
  await world.pass(1000);
  assert.equal(ending().why, 'media-lost');
});

test('relay: a gateway that comes back and knows nothing has no media for us', async () => {
  let restarted = false;
  const { world, ending } = startRelayed(({ url }) =>
    restarted && url.endsWith('/events') ? problem(404, 'unknown-session') : undefined);
  await goLive(world);
  restarted = true;
  world.streams[0].fail();
  await world.pass(1000);
  assert.equal(ending().why, 'media-lost');
});

const NEW_CREDENTIALS = 'a=ice-ufrag:NEWS\r\na=ice-pwd:asd88fgpdd777uzjYhagZg12\r\n';

const isRestart = (/** @type {import('../world.js').Request} */ { method, headers }) =>
  method === 'PATCH' && headers.get('if-match') === '*';

const restarting = (/** @type {import('../world.js').Request} */ request) => (isRestart(request)
  ? new Response(NEW_CREDENTIALS, { status: 200, headers: { ETag: '"e2"' } }) : undefined);

test('relay: a line that breaks is mended by an ICE restart', async () => {
  const { world, ending } = startRelayed(restarting);
  await goLive(world);
  world.peer.become('disconnected');
  await world.pass(0);
  const [restart, ...rest] = world.requests.filter(isRestart);
  assert.deepEqual(rest, []);
  assert.equal(restart.url, SESSION);
  assert.equal(restart.headers.get('content-type'), 'application/trickle-ice-sdpfrag');
  assert.match(restart.body, /^a=ice-ufrag:AGAIN\r\na=ice-pwd:.*\r\nm=video .*\r\na=mid:video0\r\n$/);
  const { type, sdp: remote } = world.peer.remoteDescription;
  assert.equal(type, 'answer');
  assert.equal(remote, ANSWER.replace('ANSW', 'NEWS').replace('P2uYro0UCOQ4zxjKXaWCBui1', 'asd88fgpdd777uzjYhagZg12'));

  // What is found from now on belongs to the new generation.
  world.peer.gather(candidate(7));
  await world.pass(50);
  const trickle = world.sent('PATCH').at(-1);
  assert.equal(trickle?.headers.get('if-match'), '"e2"');
  assert.match(trickle?.body ?? '', /ufrag:AGAIN[^]*candidate:7/);
  assert.equal(ending(), null);
});

test('relay: a picture that stands still is mended once, and then given up', async () => {
  const { world, ending } = startRelayed(restarting);
  await goLive(world);
  await world.pass(4100);
  assert.equal(world.requests.filter(isRestart).length, 1);
  assert.equal(ending(), null);
  await world.pass(5100);
  assert.equal(world.requests.filter(isRestart).length, 1);
  assert.equal(ending().why, 'media-lost');
});

test('relay: a line that was mended late has as long as a new one to come up', async () => {
  let answer = (/** @type {Response | undefined} */ _) => {};
  const answered = new Promise((resolve) => { answer = resolve; });
  const { world, ending } = startRelayed((request) => (isRestart(request) ? answered : undefined));
  await goLive(world);
  await world.pass(7500);
  answer(restarting(world.requests.filter(isRestart)[0]));
  await world.pass(4900);
  assert.equal(ending(), null);
  world.peer.frames += 1;
  await world.pass(2000);
  assert.equal(ending(), null);
});

test('relay: whoever comes when the camera is gone waits, and is shown nothing for live', async () => {
  const { world, phases, ending } = startRelayed();
  await world.pass(100);
  world.streams[0].send('inactive');
  world.peer.become('connected');
  await world.pass(20_000);
  assert.equal(phases.at(-1), 'away relay');
  assert.equal(ending(), null);
});

test('relay: a network that goes without a word: another line is tried', async () => {
  let away = true;
  const { world, ending } = startRelayed((request) => {
    if (!isRestart(request)) return undefined;
    return away ? held() : restarting(request);
  });
  await goLive(world);
  world.peer.become('disconnected');
  await world.pass(2000);
  away = false;
  await world.pass(2000);
  const asked = world.requests.filter(isRestart);
  assert.deepEqual(asked.map(({ aborted }) => aborted), [true, true, false]);
  assert.equal(ending(), null);
});

test('relay: a network that is still away is waited for', async () => {
  let away = true;
  const { world, ending } = startRelayed((request) => {
    if (!isRestart(request)) return undefined;
    return away ? Promise.reject(new TypeError('Failed to fetch')) : restarting(request);
  });
  await goLive(world);
  world.peer.become('disconnected');
  await world.pass(2000);
  away = false;
  await world.pass(1000);
  assert.match(world.peer.remoteDescription.sdp, /ice-ufrag:NEWS/);
  assert.equal(ending(), null);
});

for (const [what, response] of /** @type {const} */ ([
  ['a server that cannot', () => problem(422, 'restart-unsupported')],
  ['one that takes it for candidates', () => new Response(null, { status: 204 })],
  ['one that answers nonsense', () => new Response('v=0', { status: 200 })],
])) {
  test(`relay: no ICE restart with ${what}; a picture that goes on is kept, any other is not`, async () => {
    const { world, ending } = startRelayed((request) => (isRestart(request) ? response() : undefined));
    await goLive(world);
    const before = world.peer.localDescription;
    world.peer.become('disconnected');
    for (let second = 0; second < 9; second += 1) {
      world.peer.frames += 30;
      await world.pass(1000);
    }
    assert.equal(ending(), null);
    assert.equal(world.requests.filter(isRestart).length, 1);
    assert.deepEqual(world.peer.localDescription, before);
    await world.pass(4000);
    assert.equal(ending().why, 'media-lost');
    assert.equal(world.armed, 0);
  });
}

test('relay: an ICE restart tells that the session is over', async () => {
  const { world, ending } = startRelayed((request) =>
    (isRestart(request) ? problem(410, 'session-over') : undefined));
  await goLive(world);
  world.streams[0].send('inactive');
  world.peer.become('disconnected');
  await world.pass(100);
  assert.equal(ending().why, 'camera-gone');
});

test('direct: no ICE restart, since no session on a server could', async () => {
  const { world, ending } = start();
  await goLive(world);
  world.peer.become('disconnected');
  await world.pass(3900);
  assert.equal(world.requests.filter(isRestart).length, 0);
  assert.equal(ending().why, 'media-lost');
});
