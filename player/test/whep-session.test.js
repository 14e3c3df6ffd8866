// @ts-check
import assert from 'node:assert/strict';
import test from 'node:test';
import { Opening } from '../opening.js';
import { WhepSession } from '../whep-session.js';
import {
  ANSWER, OFFER, World, candidate, created, gateway, held, problem, relayed, sdp,
} from './world.js';

const ENDPOINT = 'https://gateway.example/whep/garage';
const SESSION = 'https://gateway.example/whep/garage/1';

/**
 * @param {Parameters<typeof gateway>[0]} [special]
 * @param {Partial<ConstructorParameters<typeof WhepSession>[0]>} [options]
 */
function start(special = () => undefined, options = {}) {
  const world = new World(gateway(special));
  /** @type {string[]} */
  const phases = [];
  /** @type {number[]} */
  const counts = [];
  const session = new WhepSession({
    endpoint: ENDPOINT,
    env: world.env,
    listener: {
      phase: (phase, path) => phases.push(`${phase} ${path}`),
      viewers: (count) => counts.push(count),
    },
    ...options,
  });
  /** @type {any} */
  let ending = null;
  const run = session.run().then((end) => (ending = end));
  return { world, session, phases, counts, run, ending: () => ending };
}

/** @param {World} world up to a picture that moves */
async function goLive(world) {
  await world.pass(100);
  world.peer.become('connected');
  world.peer.frames = 1;
  await world.pass(100);
}

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

/** @param {Parameters<typeof gateway>[0]} [special] */
const startRelayed = (special = () => undefined) => start((request, world) => {
  const { method, url } = request;
  return special(request, world) ?? (method === 'POST' && url === ENDPOINT ? relayed() : undefined);
});

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
  world.peer.frames += 1;
  await world.pass(1100);
  assert.deepEqual(phases.slice(-2), ['away relay', 'live relay']);
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

test('a server that announces events and has none is no reason to end', async () => {
  const { world, ending } = startRelayed(({ url }) =>
    url.endsWith('/events') ? problem(404, '') : undefined);
  await goLive(world);
  await world.pass(1000);
  assert.equal(ending(), null);
});

const NEW_CREDENTIALS = 'a=ice-ufrag:NEWS\r\na=ice-pwd:asd88fgpdd777uzjYhagZg12\r\n';

const isRestart = (/** @type {import('./world.js').Request} */ { method, headers }) =>
  method === 'PATCH' && headers.get('if-match') === '*';

const restarting = (/** @type {import('./world.js').Request} */ request) => (isRestart(request)
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

const LAYERS = { 0: [{ rid: 'h', height: 720, bitrate: 2e6 }, { rid: 'l', height: 180, bitrate: 1e5 }] };

test('layers are offered where the server lets viewers choose', async () => {
  /** @type {string[][]} */
  const offered = [];
  const listener = { layers: (/** @type {any[]} */ all) => offered.push(all.map(({ label }) => label)) };
  const { world, session } = start(({ method, url }) =>
    method === 'POST' && url === ENDPOINT ? relayed() : undefined, { listener, token: 't' });
  await goLive(world);
  world.streams[0].send('layers', LAYERS);
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
