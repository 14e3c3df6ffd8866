// @ts-check
import assert from 'node:assert/strict';
import test from 'node:test';
import { base64url, readJwt, sign } from '../../src/trust/jwt.js';
import { fingerprintOf, judgeCamera, judgeViewer, proveViewer, signedName, withProof } from '../../src/trust/proof.js';
import { parseSecret } from '../../src/trust/fragment.js';
import { PrivateLinks } from '../../src/trust/private-links.js';
import { RoomKey } from '../../src/trust/room-key.js';
import { vectors } from '../vectors.js';
import { OFFER, certified } from '../world.js';

const NOW = 1_700_000_000_000;
const FP = `sha-256 ${'AB:'.repeat(31)}CD`;
const OTHER = `sha-256 ${'AB:'.repeat(31)}CE`;
const OURS = certified(OFFER, FP);

const key = await RoomKey.generate();
const proven = await key.prove(OURS, NOW);

/** @type {(...answer: Parameters<typeof judgeViewer>) => Promise<import('../../src/trust/proof.js').Verdict>} */
const viewed = async (...answer) => (await judgeViewer(...answer)).verdict;

/** @param {number} n */
const mac = (n) => new Uint8Array(32).fill(n);
const secret = { expiry: NOW / 1000 + 60, mac: base64url(mac(7)) };
const macOf = async () => mac(7);

test('the fingerprint is read as a claim has it, wherever it stands', () => {
  assert.equal(fingerprintOf(OURS), FP);
  assert.equal(fingerprintOf(OURS.toLowerCase()), FP);
  assert.equal(fingerprintOf(OFFER), null);
  assert.equal(fingerprintOf(`${OURS}a=fingerprint:${FP}\r\n`), FP);
});

for (const [what, line] of [
  ['two certificates', `a=fingerprint:${OTHER}\r\n`],
  ['one in a form of its own', `a=fingerprint: ${OTHER}\r\n`],
  ['one in other letters', `A=Fingerprint:${OTHER}\r\n`],
  ['one behind a bare CR', `a=x\ra=fingerprint:${OTHER}\r\n`],
  ['one behind a line separator', `a=x\u2028b\r\n`],
]) {
  test(`no certificate is certain: ${what}`, async () => {
    assert.equal(fingerprintOf(OURS + line), null);
    assert.equal(await judgeCamera(proven + line, key.room, NOW), 'bad');
  });
}

test('a camera’s proof is good for its room and certificate, for a day', async () => {
  const day = 24 * 60 * 60 * 1000;
  for (const [now, verdict] of /** @type {const} */ ([
    [NOW, 'good'], [NOW + day - 1000, 'good'], [NOW + day + 1000, 'stale'],
    [NOW - 599_000, 'good'], [NOW - 601_000, 'stale'],
  ])) assert.equal(await judgeCamera(proven, key.room, now), verdict);
});

test('it is at session level, and the rest as it was', () => {
  const [session] = proven.split('\r\nm=');
  const line = session.match(/\r\na=sightline-proof:\S+/)?.[0] ?? 'none';
  assert.equal(proven.replace(line, ''), OURS);
});

test('a room with a name has nothing to prove with', async () => {
  assert.equal(await judgeCamera(proven, 'garage', NOW), 'missing');
  assert.equal(await judgeCamera(OURS, key.room, NOW), 'missing');
});

test('a proof among the media is none', async () => {
  const line = proven.match(/a=sightline-proof:\S+\r\n/)?.[0] ?? '';
  assert.equal(await judgeCamera(OURS + line, key.room, NOW), 'missing');
});

test('what is not this camera’s word on this certificate is bad', async () => {
  const other = await RoomKey.generate();
  const jwt = proven.match(/a=sightline-proof:(\S+)/)?.[1] ?? '';
  const [header, claims, signature] = jwt.split('.');
  const none = base64url(new TextEncoder().encode('{"alg":"none"}'));
  const forged = await sign('HS256', readJwt(jwt)?.claims ?? {}, await hmac(Buffer.from(key.room, 'hex')));
  for (const [what, sdp] of /** @type {[string, string][]} */ ([
    ['replayed with another certificate', proven.replaceAll(FP, OTHER)],
    ['of another room', await other.prove(OURS, NOW)],
    ['twice', withProof(proven, jwt)],
    ['alg none', withProof(OURS, `${none}.${claims}.`)],
    ['HS256 by the public key', withProof(OURS, forged)],
    ['header exchanged', withProof(OURS, `${none}.${claims}.${signature}`)],
    ['signature cut off', withProof(OURS, `${header}.${claims}.${signature.slice(0, -4)}`)],
    ['a publish token', withProof(OURS, await key.token('g.example', NOW))],
    ['no JWT', withProof(OURS, 'garbage')],
    ['endless', withProof(OURS, `${header}.${claims}.${'A'.repeat(9000)}`)],
    ['other claims', withProof(OURS, `${header}.${base64url(Buffer.from('null'))}.${signature}`)],
  ])) assert.equal(await judgeCamera(sdp, key.room, NOW), 'bad', what);
});

test('without WebCrypto it cannot be told, but what is plainly wrong is', async (t) => {
  const real = globalThis.crypto;
  t.after(() => Object.defineProperty(globalThis, 'crypto', { value: real, configurable: true }));
  Object.defineProperty(globalThis, 'crypto', { value: {}, configurable: true });
  assert.equal(await judgeCamera(proven, key.room, NOW), 'insecure');
  assert.equal(await judgeCamera(proven.replaceAll(FP, OTHER), key.room, NOW), 'bad');
  const subtle = { importKey: async () => { throw new DOMException('', 'NotSupportedError'); } };
  Object.defineProperty(globalThis, 'crypto', { value: { subtle }, configurable: true });
  assert.equal(await judgeCamera(proven, key.room, NOW), 'unsupported');
});

test('a viewer’s proof is good until its link expires', async () => {
  const answer = await proveViewer(OURS, key.room, secret, NOW);
  assert.equal(await viewed(answer, key.room, macOf, NOW), 'good');
  assert.equal(await viewed(answer, key.room, macOf, NOW + 59_000), 'good');
  assert.equal(await viewed(answer, key.room, macOf, NOW + 60_000), 'stale');
});

test('a link without an expiry holds for good, and asks for the secret of that', async () => {
  const answer = await proveViewer(OURS, key.room, { ...secret, expiry: 0 }, NOW);
  /** @type {number[]} */
  const asked = [];
  const note = async (/** @type {number} */ expiry) => mac((asked.push(expiry), 7));
  assert.equal(await viewed(answer, key.room, note, NOW * 2), 'good');
  assert.deepEqual(asked, [0]);
});

test('a viewer without the link’s secret is told from one with it', async () => {
  const answer = await proveViewer(OURS, key.room, secret, NOW);
  const { claims } = /** @type {import('../../src/trust/jwt.js').Jwt} */ (
    readJwt(answer.match(/a=sightline-proof:(\S+)/)?.[1] ?? ''));
  const by = async (/** @type {object} */ more) =>
    withProof(OURS, await sign('HS256', { ...claims, ...more }, await hmac(mac(7))));
  assert.equal(await viewed(OURS, key.room, macOf, NOW), 'missing');
  for (const [what, sdp] of /** @type {[string, string][]} */ ([
    ['another secret', await proveViewer(OURS, key.room, { ...secret, mac: base64url(mac(8)) }, NOW)],
    ['another room', await proveViewer(OURS, 'garage', secret, NOW)],
    ['replayed with another certificate', answer.replaceAll(FP, OTHER)],
    ['an expiry that is no number', await by({ exp: '9999999999' })],
    ['the camera’s own proof', proven],
  ])) assert.equal(await viewed(sdp, key.room, macOf, NOW), 'bad', what);
  // The expiry is part of what the secret is made from: another one is another secret.
  const later = await by({ exp: secret.expiry + 3600 });
  const derived = async (/** @type {number} */ expiry) => mac(expiry === secret.expiry ? 7 : 9);
  assert.equal(await viewed(later, key.room, derived, NOW), 'bad');
});

const shared = /** @type {any} */ (vectors('proof'));
const links = await PrivateLinks.of(Uint8Array.from(Buffer.from(shared.seed, 'hex')));

/** @param {{ kind: string, text: string }} vector as camera or viewer judge it */
const judged = ({ kind, text }) => (kind === 'camera'
  ? judgeCamera(text, shared.room, shared.now * 1000)
  : viewed(text, shared.room, (expiry) => links.mac(expiry), shared.now * 1000));

for (const vector of shared.valid) {
  test(`shared, ${vector.kind}: ${vector.name ?? vector.text}`, async () => {
    if (vector.kind === 'camera') assert.equal(signedName(vector.text), vector.called ?? null);
    if (vector.kind !== 'secret') return assert.equal(await judged(vector), 'good');
    assert.deepEqual(parseSecret(vector.text), await links.secret(vector.expiry));
  });
}

/** What the other implementations call it, in our fewer words. */
const STALE = ['old', 'future', 'expired'];

for (const vector of shared.invalid) {
  test(`shared, no ${vector.kind}: ${vector.why}`, async () => {
    if (vector.kind === 'secret') return assert.equal(parseSecret(vector.text), null);
    const stale = STALE.includes(vector.error) ? 'stale' : 'bad';
    assert.equal(await judged(vector), vector.error === 'missing' ? 'missing' : stale);
  });
}

/** @param {Uint8Array} bytes */
const hmac = (bytes) => crypto.subtle.importKey(
  'raw', Uint8Array.from(bytes), { name: 'HMAC', hash: 'SHA-256' }, false, ['sign']);
