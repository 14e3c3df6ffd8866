// Writes vectors/proof.json, by Node's own cryptography and none of ours:
//
//   node spec/examples/proof_vectors.mjs > spec/vectors/proof.json

import { createHmac, createPrivateKey, hkdfSync, sign } from 'node:crypto';

// The keys of RFC 8032 section 7.1, tests 1 and 2.
const seed = '9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60';
const room = 'd75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a';
const otherSeed = '4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb';
const otherRoom = '3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c';
const now = 1_790_000_000;
const [minute, hour, day] = [60, 3600, 86_400];

const print = (byte) => `sha-256 ${Array(32).fill(byte).join(':')}`;
const [camera, viewer, villain] = [print('CA'), print('5E'), print('EE')];

const base64url = (bytes) => Buffer.from(bytes).toString('base64url');
const jwt = (alg, claims, signature) => {
  const parts = [{ typ: 'JWT', alg }, claims].map((part) => base64url(JSON.stringify(part)));
  return [...parts, base64url(signature(Buffer.from(parts.join('.'))))].join('.');
};
const eddsa = (claims, hex = seed) => {
  // PKCS #8 of an Ed25519 key (RFC 8410 section 7): always the same head.
  const der = Buffer.from(`302e020100300506032b657004220420${hex}`, 'hex');
  const key = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
  return jwt('EdDSA', claims, (bytes) => sign(null, bytes, key));
};
const hs256 = (claims, key) =>
  jwt('HS256', claims, (bytes) => createHmac('sha256', key).update(bytes).digest());
const none = (claims) => jwt('none', claims, () => '');
const swapClaims = (token, claims) =>
  token.split('.').with(1, base64url(JSON.stringify(claims))).join('.');

const mac = (expiry, hex = seed) =>
  Buffer.from(hkdfSync('sha256', Buffer.from(hex, 'hex'), '', `sightline private link:${expiry}`, 32));
const secret = (expiry, hex) => `${expiry}.${base64url(mac(expiry, hex))}`;

/** An offer or answer with these values of a=sightline-proof and a=fingerprint. */
function sdp(direction, proofs, fingerprints, { inMedia = false, end = '\r\n' } = {}) {
  const lines = proofs.map((proof) => `a=sightline-proof:${proof}`);
  return [
    'v=0', 'o=- 1761000000 1 IN IP4 127.0.0.1', 's=-', 't=0 0', 'a=group:BUNDLE video0',
    ...(inMedia ? [] : lines),
    'm=video 9 UDP/TLS/RTP/SAVPF 96', 'c=IN IP4 0.0.0.0', 'a=mid:video0', `a=${direction}`,
    'a=ice-ufrag:aBcD', 'a=ice-pwd:anIcePasswordOf22Chars', 'a=setup:actpass', 'a=rtcp-mux',
    'a=rtpmap:96 H264/90000', ...fingerprints.map((value) => `a=fingerprint:${value}`),
    ...(inMedia ? lines : []), '',
  ].join(end);
}
const offer = (proofs, prints = [camera], options) => sdp('sendonly', [proofs].flat(), prints, options);
const answer = (proofs, prints = [viewer], options) => sdp('recvonly', [proofs].flat(), prints, options);

const ours = { sub: room, fp: camera, iat: now };
const proof = eddsa(ours);
const good = (name, text) => ({ name, text });
/** A camera whose owner calls it so, and what is shown of that. */
const named = (name, claim, called) => ({ ...good(name, offer(eddsa({ ...ours, name: claim }))), called });
const bad = (error, why, text) => ({ why, error, text });
const token = eddsa({ sub: room, scope: 'publish', aud: 'localhost', iat: now, exp: now + minute });

const cameras = {
  valid: [
    good('made just now', offer(proof)),
    good('a day old', offer(eddsa({ ...ours, iat: now - day }))),
    good('from a clock ten minutes ahead', offer(eddsa({ ...ours, iat: now + 10 * minute }))),
    good('the fingerprint twice, in either case', offer(proof, [camera, camera.toLowerCase()])),
    good('lines that end with LF', offer(proof, [camera], { end: '\n' })),
    good('claims that are not known', offer(eddsa({ ...ours, model: 'x' }))),
    named('a name', 'Front door', 'Front door'),
    named('a name in another script', 'Гараж 🚗', 'Гараж 🚗'),
    named('a name of markup, which is text', '<b>A&B</b>', '<b>A&B</b>'),
    named('a name with control characters and several blanks', ' A\u0000\u001b[1m  B\r\nC\t', 'A[1m B C'),
    named('a name that turns the direction', '\u202egarage\u202c\u2066x\u200f', 'garagex'),
    named('a name that is too long', `${'ab'.repeat(40)}`, 'ab'.repeat(32)),
    named('a name that is cut off at a blank', `${'a'.repeat(63)} b`, 'a'.repeat(63)),
    named('a name with characters of two halves, cut off', '🚗'.repeat(65), '🚗'.repeat(64)),
    named('a name of nothing', '\u200b \u200d\n'),
    named('a name that is a dash', '-'),
    named('a name that is no text', 5),
    named('a name that is none', null),
  ],
  invalid: [
    bad('missing', 'no proof', offer([])),
    bad('missing', 'a proof below an m= line', offer(proof, [camera], { inMedia: true })),
    bad('malformed', 'two proofs', offer([proof, proof])),
    bad('malformed', 'no JWT', offer('proof')),
    bad('malformed', 'alg none', offer(none(ours))),
    bad('malformed', 'HS256 keyed by the public key', offer(hs256(ours, Buffer.from(room, 'hex')))),
    bad('malformed', 'a publish token', offer(token)),
    bad('signature', 'by another key', offer(eddsa(ours, otherSeed))),
    bad('signature', 'claims changed after signing',
      offer(swapClaims(proof, { ...ours, fp: villain }), [villain])),
    bad('room', 'for another room', offer(eddsa({ ...ours, sub: otherRoom }))),
    bad('certificate', 'another certificate: replayed, or the gateway is in between', offer(proof, [villain])),
    bad('fingerprint', 'a second fingerprint', offer(proof, [camera, villain])),
    bad('fingerprint', 'a second fingerprint that cannot be read', offer(proof, [camera, 'sha-256 EE'])),
    bad('fingerprint', 'no fingerprint', offer(proof, [])),
    bad('old', 'more than a day old', offer(eddsa({ ...ours, iat: now - day - 1 }))),
    bad('future', 'more than ten minutes ahead', offer(eddsa({ ...ours, iat: now + 10 * minute + 1 }))),
  ],
};

const later = now + 2 * hour;
const secrets = {
  valid: [0, 1, later, 9_007_199_254_740_991].map((expiry) => ({ expiry, text: secret(expiry) })),
  invalid: [
    { why: 'empty', text: '' },
    { why: 'no mac', text: `${later}` },
    { why: 'an empty mac', text: `${later}.` },
    { why: 'no expiry', text: base64url(mac(later)) },
    { why: 'an expiry that is no number', text: `soon.${base64url(mac(0))}` },
    { why: 'a leading zero', text: `00.${base64url(mac(0))}` },
    { why: 'a sign', text: `+${secret(later)}` },
    { why: 'more than JavaScript can count', text: `9007199254740992.${base64url(mac(0))}` },
    { why: 'a mac of 31 bytes', text: `0.${base64url(mac(0).subarray(1))}` },
    { why: 'padding', text: `${secret(0)}=` },
    { why: 'base64 of the other alphabet', text: `0.${'+/'.repeat(21)}A` },
  ],
};

const theirs = { sub: room, fp: viewer, iat: now };
const expiring = { ...theirs, exp: later };
const watching = hs256(expiring, mac(later));
const past = now - 1;
const viewers = {
  valid: [
    { ...good('by a link that does not expire', answer(hs256(theirs, mac(0)))), secret: secret(0) },
    { ...good('by a link that expires', answer(watching)), secret: secret(later) },
    { ...good('the viewer has a clock that is years off', answer(hs256({ ...theirs, iat: 1 }, mac(0)))), secret: secret(0) },
  ],
  invalid: [
    bad('missing', 'no proof', answer([])),
    bad('missing', 'a proof below an m= line', answer(watching, [viewer], { inMedia: true })),
    bad('malformed', 'two proofs', answer([watching, watching])),
    bad('malformed', 'no JWT', answer('proof')),
    bad('malformed', 'alg none', answer(none(theirs))),
    bad('malformed', "the camera's own proof", answer(eddsa({ ...theirs }))),
    bad('signature', 'HS256 keyed by the public key', answer(hs256(theirs, Buffer.from(room, 'hex')))),
    bad('signature', 'by a link of another room', answer(hs256(theirs, mac(0, otherSeed)))),
    bad('signature', 'keyed by the text of the mac', answer(hs256(theirs, base64url(mac(0))))),
    bad('signature', 'by a link that expires, which it does not say', answer(hs256(theirs, mac(later)))),
    bad('signature', 'by a link that expires earlier than it says',
      answer(hs256({ ...theirs, exp: later + hour }, mac(later)))),
    bad('expired', 'by a link that has expired', answer(hs256({ ...theirs, exp: past }, mac(past)))),
    bad('expired', 'in the second in which it expires', answer(hs256({ ...theirs, exp: now }, mac(now)))),
    bad('room', 'for another room', answer(hs256({ ...theirs, sub: otherRoom }, mac(0)))),
    bad('certificate', 'another certificate: replayed, or the gateway poses as the viewer', answer(watching, [villain])),
    bad('fingerprint', 'a second fingerprint', answer(watching, [viewer, villain])),
    bad('fingerprint', 'no fingerprint', answer(watching, [])),
  ],
};

const about =
  'Proofs of who is at the other end (a=sightline-proof), design section 6. `seed` is the Ed25519 ' +
  'private key of `room`; `now` the clock of whoever checks, in seconds since 1970. Kinds: ' +
  '`camera`, an offer; `secret`, what follows # in a private link of the seed; `viewer`, an answer ' +
  'in private mode, each valid one with the secret that made it. Made by examples/proof_vectors.mjs.';
const kinds = Object.entries({ camera: cameras, secret: secrets, viewer: viewers });
const list = (validity) =>
  kinds.flatMap(([kind, lists]) => lists[validity].map((vector) => ({ kind, ...vector })));
const vectors = { about, room, seed, now, valid: list('valid'), invalid: list('invalid') };
console.log(JSON.stringify(vectors, null, 2));
