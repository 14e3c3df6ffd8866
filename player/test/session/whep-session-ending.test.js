// @ts-check
/** What ends a session, and what does not. */

import assert from 'node:assert/strict';
import test from 'node:test';
import { WhepSession } from '../../src/session/whep-session.js';
import { ENDPOINT, goLive, start, startRelayed } from './session.js';
import { ANSWER, World, gateway, problem, sdp } from '../world.js';

test('a server that announces events and has none is no reason to end', async () => {
  const { world, ending } = startRelayed(({ url }) =>
    url.endsWith('/events') ? problem(404, '') : undefined);
  await goLive(world);
  await world.pass(1000);
  assert.equal(ending(), null);
});

test('no connection within five seconds: there is no path', async () => {
  const { world, ending } = start();
  await world.pass(4900);
  assert.equal(ending(), null);
  await world.pass(400);
  assert.equal(ending().why, 'no-path');
  assert.equal(world.sent('DELETE').length, 1);
});

test('failed before it ever stood: there is no path', async () => {
  const { world, ending } = start();
  await world.pass(100);
  world.peer.become('failed');
  await world.pass(0);
  assert.equal(ending().why, 'no-path');
});

test('connected, and no frame ever comes: the media is lost', async () => {
  const { world, ending } = start();
  await world.pass(100);
  world.peer.become('connected');
  await world.pass(5100);
  assert.deepEqual([ending().why, ending().live], ['media-lost', false]);
});

test('no new frame for three seconds: the media is lost', async () => {
  const { world, ending } = start();
  await goLive(world);
  for (let second = 0; second < 20; second += 1) {
    world.peer.frames += 30;
    await world.pass(1000);
  }
  assert.equal(ending(), null);
  await world.pass(4000);
  assert.deepEqual([ending().why, ending().live], ['media-lost', true]);
});

test('disconnected alone is no reason to go', async () => {
  const { world, ending } = start();
  await goLive(world);
  world.peer.become('disconnected');
  for (let second = 0; second < 10; second += 1) {
    world.peer.frames += 30;
    await world.pass(1000);
  }
  assert.equal(ending(), null);
});

test('a gateway that goes away, even one that comes back and knows nothing, does not end a picture', async () => {
  let restarted = false;
  const { world, ending } = start(({ url }) =>
    restarted && url.endsWith('/events') ? problem(404, 'unknown-session') : undefined);
  await goLive(world);
  restarted = true;
  world.streams[0].fail();
  for (let second = 0; second < 30; second += 1) {
    world.peer.frames += 30;
    await world.pass(1000);
  }
  assert.equal(ending(), null);
  assert.equal(world.requests.filter(({ url }) => url.endsWith('/events')).length, 2, 'asked again, once');
});

test('an event stream that is answered with 204 is asked for no more', async () => {
  let over = false;
  const { world, ending } = start(({ url, method }) =>
    over && method === 'GET' && url.includes('/events/') ? new Response(null, { status: 204 }) : undefined);
  await goLive(world);
  over = true;
  world.streams[0].fail();
  for (let second = 0; second < 30; second += 1) {
    world.peer.frames += 30;
    await world.pass(1000);
  }
  assert.equal(world.streams.length, 1);
  assert.equal(world.requests.filter(({ url }) => url.includes('/events/')).length, 1);
  assert.equal(ending(), null, 'the picture goes on');
});

test('an event stream that only broke is opened again', async () => {
  const { world } = start();
  await goLive(world);
  world.streams[0].fail();
  world.peer.frames += 30;
  await world.pass(1000);
  assert.equal(world.streams.length, 2);
});

test('an unreachable gateway', async () => {
  const { world, ending } = start(() => Promise.reject(new TypeError('Failed to fetch')));
  await world.pass(0);
  assert.equal(ending().why, 'unreachable');
});

test('a codec that this browser lacks', async () => {
  const { world, ending } = start();
  world.answer = sdp('inactive', 'ANSW', '0');
  await world.pass(100);
  assert.equal(ending().why, 'no-codec');
  assert.equal(world.sent('DELETE').length, 1);
});

test('a browser without WebRTC', async () => {
  const world = new World(gateway(() => undefined));
  const env = { ...world.env, RTCPeerConnection: undefined };
  const ending = await new WhepSession({ endpoint: ENDPOINT, env }).run();
  assert.equal(ending.why, 'no-webrtc');
  assert.equal(world.requests.length, 0);
});

test('a 201 without Location is no session', async () => {
  const headers = { 'Content-Type': 'application/sdp' };
  const { world, ending } = start(() => new Response(ANSWER, { status: 201, headers }));
  await world.pass(0);
  assert.equal(ending().why, 'refused');
});

test('a 406 that is a refusal and no counter-offer', async () => {
  const { world, ending } = start(() => problem(406, 'not-acceptable'));
  await world.pass(0);
  assert.deepEqual([ending().why, ending().refusal.status], ['refused', 406]);
});

test('a token goes along with every request', async () => {
  const { world, session } = start(() => undefined, { token: 't' });
  await goLive(world);
  session.close();
  await world.pass(0);
  assert.deepEqual(world.requests.map(({ headers }) => headers.get('authorization')),
    world.requests.map(() => 'Bearer t'));
});
