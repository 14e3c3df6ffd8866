// @ts-check
/**
 * The habits of clients that the gateway has to live with (design, section 12), checked on what
 * they really said. A version that has dropped a habit fails here, and its line can go.
 */

import assert from 'node:assert/strict';

/** @typedef {import('../stage/tap.js').Tap} Tap */
/** @typedef {import('../stage/tap.js').Exchange} Exchange */

/**
 * Milliseconds in which who did not ask for direct is answered: OBS gives up after 8 s. What a
 * gateway holds, it holds for longer.
 */
const AT_ONCE = 5000;

/**
 * The POST that made the last session. A publisher that serves directly has one more waiting.
 *
 * @param {Tap} tap
 * @returns {Exchange}
 */
export function sessionPost(tap) {
  const post = tap.of('POST').findLast(({ path, status }) =>
    /^\/(whip|whep)\/[^/]+$/.test(path) && (status === 201 || status === 406));
  assert.ok(post, `no session; there was:\n${tap.summary}`);
  return post;
}

/** @param {string} sdp */
const sections = (sdp) => sdp.split(/^(?=m=)/m);

/** @param {Tap} tap */
const offersNoCandidates = (tap) => assert.doesNotMatch(sessionPost(tap).body, /^a=candidate:/m);

/** @param {Tap} tap */
const offersAllCandidates = (tap) => {
  assert.match(sessionPost(tap).body, /^a=candidate:/m);
  neverPatches(tap);
};

/** @param {Tap} tap */
const neverPatches = (tap) => assert.equal(tap.of('PATCH').length, 0);

/**
 * @param {Tap} tap
 * @returns {Promise<unknown>}
 */
const leavesByDelete = (tap) =>
  tap.sees('DELETE', ({ method, status }) => method === 'DELETE' && status === 200);

/**
 * What every client gets, whoever it is.
 *
 * @param {Tap} tap
 */
export function answered(tap) {
  const { answerHeaders, answer } = sessionPost(tap);
  assert.match(answerHeaders.location ?? '', /^\/[^?#]+$/, 'Location is an absolute path without query');
  assert.equal(answerHeaders['content-type']?.split(';')[0], 'application/sdp');
  assert.ok(answerHeaders.etag, 'an ETag');
  assert.match(answer, /^v=0\r\n/);
  // What a client did not wait for has no status.
  for (const { method, status } of tap.exchanges.filter(({ status }) => status > 0)) {
    if (method === 'DELETE') assert.equal(status, 200);
    if (method === 'PATCH') assert.equal(status, 204);
  }
}

/** @param {Tap} tap */
function answeredAtOnce(tap) {
  const { status, took } = sessionPost(tap);
  assert.equal(status, 201);
  assert.ok(took < AT_ONCE, `answered after ${Math.round(took)} ms`);
}

/** @param {Tap} tap */
export async function ffmpeg(tap) {
  answeredAtOnce(tap);
  offersNoCandidates(tap);
  neverPatches(tap);
  await leavesByDelete(tap);
  const { body, answer } = sessionPost(tap);
  const [, audio, video] = sections(body);
  assert.match(video, /^a=setup:passive\r$/m);
  assert.match(audio, /^m=audio 9 UDP\/TLS\/RTP\/SAVPF 111\r\n/);
  assert.match(video, /^m=video 9 UDP\/TLS\/RTP\/SAVPF 106 105\r\n/);
  const [, main, rtx] = video.match(/^a=ssrc-group:FID (\d+) (\d+)/m) ?? [];
  assert.ok(main && rtx && !video.includes(`a=ssrc:${rtx}`), 'a group with a source that is not described');
  const first = answer.match(/^a=candidate:.* typ host.*$/m)?.[0] ?? '';
  assert.match(first, / udp /i, 'it reads only the first host candidate, which must be UDP');
}

/** @param {Tap} tap */
export async function obs(tap) {
  answeredAtOnce(tap);
  offersNoCandidates(tap);
  neverPatches(tap);
  await leavesByDelete(tap);
  const [session, audio, video] = sections(sessionPost(tap).body);
  assert.match(session, /^a=fingerprint:sha-256 /m);
  assert.doesNotMatch(audio + video, /^a=fingerprint:/m);
  assert.match(audio, /^m=audio 9 UDP\/TLS\/RTP\/SAVPF 111\r\n/);
  assert.match(video, /^m=video 9 UDP\/TLS\/RTP\/SAVPF 96\r\n/);
  assert.match(video, /^a=extmap:1 urn:ietf:params:rtp-hdrext:sdes:mid\r$/m);
  assert.match(video, /^a=extmap:2 urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id\r$/m);
}

/** @param {Tap} tap */
export async function obsSimulcast(tap) {
  await obs(tap);
  const { body, answer } = sessionPost(tap);
  assert.match(body, /^a=simulcast:send 0;1;2\r$/m);
  assert.match(answer, /^a=simulcast:recv 0;1;2\r$/m);
}

/** @param {Tap} tap */
export async function whipsink(tap) {
  answeredAtOnce(tap);
  offersAllCandidates(tap);
  await leavesByDelete(tap);
  const { body } = sessionPost(tap);
  assert.match(body, /^a=candidate:.* TCP .* tcptype /m);
  assert.match(body, /^a=mid:video0\r$/m);
  assert.match(body, /^a=mid:audio1\r$/m);
  assert.match(body, /^a=rtpmap:\d+ OPUS\//m);
}

/** @param {Tap} tap */
export async function whipclientsink(tap) {
  answeredAtOnce(tap);
  offersAllCandidates(tap);
  await leavesByDelete(tap);
  const video = sections(sessionPost(tap).body).find((section) => section.startsWith('m=video')) ?? '';
  const [, first] = video.match(/^m=video \d+ \S+ (\d+)/) ?? [];
  assert.match(video, new RegExp(`^a=rtpmap:${first} VP8/`, 'm'), 'VP8 comes first');
}

/** @param {Tap} tap */
export async function whepsrc(tap) {
  answeredAtOnce(tap);
  offersAllCandidates(tap);
  await leavesByDelete(tap);
}

/** @param {Tap} tap */
export async function whepclientsrc(tap) {
  answeredAtOnce(tap);
  offersAllCandidates(tap);
  await leavesByDelete(tap);
  const { body } = sessionPost(tap);
  assert.match(body, /^a=rtpmap:\d+ H264\//m);
  assert.doesNotMatch(body, /packetization-mode/);
  assert.match(body, /^a=rtpmap:\d+ OPUS\/48000\r$/m);
}

/** @param {Tap} tap */
export async function aiortc(tap) {
  answeredAtOnce(tap);
  offersAllCandidates(tap);
  await leavesByDelete(tap);
  // One certificate in three hashes.
  assert.match(sessionPost(tap).body, /^a=fingerprint:sha-256 .*\r\na=fingerprint:sha-384 /m);
}

/** @param {Tap} tap */
export async function reader(tap) {
  answeredAtOnce(tap);
  const [first, post] = tap.exchanges.filter(({ path }) => path.startsWith('/whep/'));
  assert.equal(first.method, 'OPTIONS');
  assert.equal(post.method, 'POST');
  assert.match(post.body, /^m=application /m);
  const patches = tap.of('PATCH');
  assert.ok(patches.length > 0, 'it sends its candidates');
  for (const { headers } of patches) {
    assert.equal(headers['if-match'], '*');
    assert.equal(headers.authorization, undefined);
  }
  assert.equal(tap.of('DELETE').length, 0, 'it vanishes');
}

/** @param {Tap} tap */
export async function medoozeViewer(tap) {
  answeredAtOnce(tap);
  offersNoCandidates(tap);
  await leavesByDelete(tap);
  assert.match(sessionPost(tap).body, /^a=sendrecv\r$/m);
  const [patch] = tap.of('PATCH');
  assert.equal(patch.headers['if-match'], undefined);
}

/** @param {Tap} tap */
export async function medoozePublisher(tap) {
  answeredAtOnce(tap);
  offersNoCandidates(tap);
  await leavesByDelete(tap);
  const [patch] = tap.of('PATCH');
  assert.equal(patch.headers['if-match'], sessionPost(tap).answerHeaders.etag);
}

/** @param {Tap} tap */
export async function player(tap) {
  assert.match(preferenceOf(tap), /\bdirect\b/);
  await leavesByDelete(tap);
}

/** @param {Tap} tap */
export async function direct(tap) {
  await leavesByDelete(tap);
  assert.match(preferenceOf(tap), /\bdirect\b.*\bwait=\d+/);
}

/** @param {Tap} tap */
const preferenceOf = (tap) => String(sessionPost(tap).headers.prefer ?? '');
