// @ts-check
import assert from 'node:assert/strict';
import { createPublicKey, verify } from 'node:crypto';
import test from 'node:test';
import { base64url } from '../../src/trust/jwt.js';
import { RoomKey, hex } from '../../src/trust/room-key.js';
import { isRoomKey } from '../../src/trust/room.js';

test('bytes as text', () => {
  assert.equal(hex(new Uint8Array([0, 10, 255])), '000aff');
  assert.equal(base64url(new Uint8Array([251, 255, 191, 0])), '-_-_AA');
});

test('a fresh key names a room', async () => {
  const [one, other] = [await RoomKey.generate(), await RoomKey.generate()];
  assert.equal(isRoomKey(one.room), true);
  assert.notEqual(one.room, other.room);
});

test('a token is a JWT that the room id itself verifies', async () => {
  const key = await RoomKey.generate();
  const token = await key.token('gateway.example:8443', 1_700_000_000_999);
  const [header, claims, signature] = token.split('.');
  const read = (/** @type {string} */ part) => JSON.parse(Buffer.from(part, 'base64url').toString());
  assert.deepEqual(read(header), { alg: 'EdDSA', typ: 'JWT' });
  assert.deepEqual(read(claims), {
    sub: key.room,
    scope: 'publish',
    aud: 'gateway.example:8443',
    iat: 1_700_000_000,
    exp: 1_700_000_060,
  });
  const x = Buffer.from(key.room, 'hex').toString('base64url');
  const publicKey = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' });
  const signed = Buffer.from(`${header}.${claims}`);
  assert.equal(verify(null, signed, publicKey, Buffer.from(signature, 'base64url')), true);
});
