// @ts-check
/** How a session begins, what it passes on, and how it is closed. */

import assert from 'node:assert/strict';
import test from 'node:test';
import { Opening, inStereo } from '../../src/session/opening.js';
import { WhepSession } from '../../src/session/whep-session.js';
import { ENDPOINT, SESSION, goLive, start } from './session.js';
import { ANSWER, OFFER, World, candidate, created, gateway, held, problem, relayed } from '../world.js';

test('POSTs an offer to receive, and says that it would like it direct and can wait', async () => {
  const { world } = start(() => held());
  await world.pass(0);
  const [post] = world.sent('POST');
  assert.equal(post.url, ENDPOINT);
  assert.equal(post.headers.get('content-type'), 'application/sdp');
  assert.equal(post.headers.get('prefer'), 'direct, wait=50');
  assert.match(post.body, /^v=0/);
  assert.deepEqual(world.peer.transceivers.map(({ kind, direction }) => [kind, direction]), [
    ['video', 'recvonly'], ['audio', 'recvonly']]);
});

test('406: answers the counter-offer when gathering is complete', async () => {
  const { world, phases } = start();
  await world.pass(0);
  assert.deepEqual(world.peer.remoteDescription, { type: 'offer', sdp: OFFER });
  assert.equal(world.sent('PATCH').length, 0, 'candidates may still come');
  world.peer.gather(candidate(1));
  world.peer.gather(null);
  await world.pass(0);
  const [patch, ...rest] = world.sent('PATCH');
  assert.deepEqual(rest, []);
  assert.equal(patch.url, SESSION);
  assert.equal(patch.headers.get('content-type'), 'application/sdp');
  assert.match(patch.body, /candidate:1 /);
  assert.deepEqual(phases, ['connecting direct']);
  assert.equal(world.peers.length, 1);
});

test('406: answers after a short while even if gathering goes on, and trickles the rest', async () => {
  const { world } = start();
  await world.pass(0);
  world.peer.gather(candidate(1));
  await world.pass(100);
  assert.equal(world.sent('PATCH').length, 1);
  world.peer.gather(candidate(2));
  world.peer.gather(candidate(3));
  await world.pass(100);
  const [, trickle, ...rest] = world.sent('PATCH');
  assert.deepEqual(rest, [], 'two candidates travel together');
  assert.equal(trickle.headers.get('content-type'), 'application/trickle-ice-sdpfrag');
  // RFC 9725 section 4.3.1: "the client MUST include the If-Match header field".
  assert.equal(trickle.headers.get('if-match'), '"e1"');
  assert.match(trickle.body, /a=ice-ufrag:ANSW\r\n/);
  assert.match(trickle.body, /a=mid:video0\r\na=candidate:2 .*\r\na=candidate:3 /);
  assert.doesNotMatch(trickle.body, /candidate:1 /, 'the answer had that one');
});

test('201: applies the answer and trickles what was found since', async () => {
  const ice = '<stun:stun.example>; rel="ice-server"';
  const { world, phases } = start(({ method, url }) =>
    method === 'POST' && url === ENDPOINT ? created(201, ANSWER, { Link: ice }) : undefined);
  await world.pass(0);
  assert.equal(world.peers.length, 1);
  assert.deepEqual(world.peer.configuration.iceServers, [{ urls: 'stun:stun.example' }]);
  assert.equal(world.peer.localDescription.type, 'offer');
  assert.deepEqual(world.peer.remoteDescription, { type: 'answer', sdp: ANSWER });
  world.peer.gather(candidate(1));
  world.peer.gather(null);
  await world.pass(50);
  const [trickle] = world.sent('PATCH');
  assert.match(trickle.body, /candidate:1 .*\r\na=end-of-candidates/);
  assert.deepEqual(phases, ['connecting relay']);
});

test('ICE servers of a 406 are used for the connection that answers', async () => {
  const ice = '<turn:t.example>; rel="ice-server"; username="u"; credential="c,d"';
  const { world } = start(({ method, url }) =>
    method === 'POST' && url === ENDPOINT ? created(406, OFFER, { Link: ice }) : undefined);
  await world.pass(0);
  assert.deepEqual(world.peer.configuration.iceServers, [
    { urls: 'turn:t.example', username: 'u', credential: 'c,d' }]);
});

test('a server that does not know trickle is not asked again', async () => {
  const { world, ending } = start(({ headers }) =>
    headers.get('content-type')?.includes('sdpfrag') ? problem(405, 'x') : undefined);
  await world.pass(100);
  for (const n of [1, 2]) {
    world.peer.gather(candidate(n));
    await world.pass(100);
  }
  assert.equal(world.sent('PATCH').length, 2, 'the answer, and one fragment in vain');
  assert.equal(ending(), null);
});

test("the camera's candidates come by the event stream, also before there is an offer to put them on", async () => {
  const { world } = start();
  await world.pass(0);
  const events = world.requests.find(({ url }) => url.endsWith('/events'));
  assert.deepEqual(JSON.parse(events?.body ?? ''), [
    'active', 'inactive', 'viewercount', 'reconnect', 'candidates']);
  const [stream] = world.streams;
  assert.equal(stream.url, 'https://gateway.example/whep/garage/1/events/7');
  stream.send('candidates', {
    candidates: `a=ice-ufrag:OFFE\r\na=ice-pwd:P2uYro0UCOQ4zxjKXaWCBui1\r\nm=video 9 x 0\r\na=mid:video0\r\na=${candidate(9)}\r\n`,
  });
  await world.pass(0);
  assert.deepEqual(world.peer.remoteCandidates, [
    { candidate: candidate(9), sdpMid: 'video0', usernameFragment: 'OFFE' }]);
  stream.send('candidates', { candidates: '{"not":"a fragment"}' });
  stream.send('candidates', {});
  await world.pass(0);
  assert.equal(world.peer.remoteCandidates.length, 1);
});

test('live is when frames are decoded, not when a state says so', async () => {
  const { world, phases } = start();
  await world.pass(100);
  world.peer.become('connected');
  await world.pass(500);
  assert.deepEqual(phases, ['connecting direct']);
  world.peer.frames = 1;
  await world.pass(100);
  assert.deepEqual(phases, ['connecting direct', 'live direct']);
});

test('close() DELETEs once, with keepalive, and leaves nothing running', async () => {
  const { world, session, ending } = start();
  await goLive(world);
  session.close();
  session.close();
  await world.pass(60_000);
  const deletes = world.sent('DELETE');
  assert.deepEqual(deletes.map(({ url, keepalive }) => [url, keepalive]), [[SESSION, true]]);
  assert.deepEqual([ending().why, ending().live], ['closed', true]);
  assert.equal(world.peer.closed, true);
  assert.equal(world.streams[0].readyState, 2);
  assert.equal(world.armed, 0);
});

test('close() while the POST is held withdraws it and has nothing to DELETE', async () => {
  const { world, session, ending } = start(() => held());
  await world.pass(10_000);
  session.close();
  await world.pass(0);
  assert.equal(world.sent('POST')[0].aborted, true);
  assert.equal(world.sent('DELETE').length, 0);
  assert.equal(ending().why, 'closed');
});

test('a session can take over a POST that is already out', async () => {
  const world = new World(gateway(() => undefined));
  const opening = new Opening({ endpoint: ENDPOINT, env: world.env });
  await world.pass(0);
  const session = new WhepSession({ endpoint: ENDPOINT, env: world.env, opening });
  const run = session.run();
  await world.pass(100);
  assert.equal(world.sent('POST').filter(({ url }) => url === ENDPOINT).length, 1);
  assert.equal(world.sent('PATCH').length, 1);
  session.close();
  assert.equal((await run).why, 'closed');
  assert.equal(world.peer.closed, true);
});

test('409 with Retry-After: a refusal that says when to come again', async () => {
  const { world, ending } = start(() => problem(409, 'no-camera', { 'Retry-After': '2' }));
  await world.pass(0);
  const { why, refusal } = ending();
  assert.deepEqual([why, refusal.status, refusal.slug, refusal.retryAfter], [
    'refused', 409, 'no-camera', 2]);
  assert.equal(world.sent('DELETE').length, 0);
});

test('406 without SDP is a refusal and no counter-offer', async () => {
  const { world, ending } = start(() => problem(406, 'not-acceptable'));
  await world.pass(0);
  assert.deepEqual([ending().why, ending().refusal.status], ['refused', 406]);
  assert.equal(world.sent('PATCH').length, 0);
});

test('410 on the answer: the offer is spent', async () => {
  const { world, ending } = start(({ method }) =>
    method === 'PATCH' ? problem(410, 'offer-expired') : undefined);
  await world.pass(100);
  assert.equal(ending().why, 'offer-spent');
  assert.equal(world.peer.closed, true);
});

test('inactive: the camera is gone', async () => {
  const { world, ending } = start();
  await goLive(world);
  world.streams[0].send('inactive');
  await world.pass(0);
  assert.deepEqual([ending().why, ending().live], ['camera-gone', true]);
  assert.equal(world.sent('DELETE').length, 1);
});

test('reconnect is obeyed', async () => {
  const { world, ending } = start();
  await goLive(world);
  world.streams[0].send('reconnect');
  await world.pass(0);
  assert.equal(ending().why, 'told-to-reconnect');
});

test('reconnect to nonsense is a reconnect', async () => {
  for (const url of ['ftp://x/', 'http://', 7, {}]) {
    const { world, ending } = start();
    await goLive(world);
    world.streams[0].send('reconnect', { url });
    await world.pass(0);
    assert.deepEqual([ending().why, ending().endpoint], ['told-to-reconnect', undefined]);
  }
});

const LAYERS = { 0: [{ rid: 'h', height: 720, bitrate: 2e6 }, { rid: 'l', height: 180, bitrate: 1e5 }] };

test('layers are offered where the server lets viewers choose', async () => {
  /** @type {string[][]} */
  const offered = [];
  const listener = { layers: (/** @type {any[]} */ all) => offered.push(all.map(({ name }) => name.lines)) };
  const { world, session } = start(({ method, url }) =>
    method === 'POST' && url === ENDPOINT ? relayed() : undefined, { listener, token: 't' });
  await goLive(world);
  world.streams[0].send('layers', LAYERS);
  await world.pass(0);
  assert.deepEqual(offered, [['720p', '180p']]);
  assert.equal(await session.select({ mediaId: '0', rid: 'l' }), true);
  const chosen = world.requests.at(-1);
  assert.deepEqual([chosen?.method, chosen?.url], ['POST', `${SESSION}/layer`]);
  assert.equal(chosen?.headers.get('content-type'), 'application/json');
  assert.equal(chosen?.headers.get('authorization'), 'Bearer t');
  assert.deepEqual(JSON.parse(chosen?.body ?? ''), { mediaId: '0', rid: 'l' });
});

test('and not where it does not', async () => {
  /** @type {any[]} */
  const offered = [];
  const listener = { layers: (/** @type {any} */ all) => offered.push(all) };
  const { world, session } = start(() => undefined, { listener });
  await goLive(world);
  world.streams[0].send('layers', LAYERS);
  assert.deepEqual(offered, []);
  assert.equal(await session.select({ mediaId: '0' }), false);
});

test('viewercount is passed on, nonsense is not', async () => {
  const { world, counts } = start();
  await goLive(world);
  world.streams[0].send('viewercount', { viewercount: 3 });
  world.streams[0].send('viewercount', { viewercount: 'many' });
  world.streams[0].send('viewercount', {});
  assert.deepEqual(counts, [3]);
});

test('takes Opus in stereo, whatever its number and whatever else is said of it', () => {
  const sdp = 'm=audio 9 x 111 63 109\r\na=rtpmap:111 opus/48000/2\r\na=fmtp:111 minptime=10;useinbandfec=1\r\n'
    + 'a=rtpmap:63 red/48000/2\r\na=fmtp:63 111/111\r\n'
    + 'a=rtpmap:109 OPUS/48000/2\r\na=fmtp:109 maxplaybackrate=48000;stereo=0\r\n';
  const stereo = inStereo(sdp);
  assert.match(stereo, /^a=fmtp:111 stereo=1;minptime=10;useinbandfec=1\r$/m);
  assert.match(stereo, /^a=fmtp:63 111\/111\r$/m);
  assert.match(stereo, /^a=fmtp:109 maxplaybackrate=48000;stereo=0\r$/m, 'who has chosen has chosen');
  assert.equal(inStereo(stereo), stereo);
});
