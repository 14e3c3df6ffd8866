// @ts-check
import assert from 'node:assert/strict';
import test from 'node:test';
import { isExpired, parseFragment, parseSecret, secretText } from '../../src/trust/fragment.js';

const MAC = 'qpCH2bQ_6Kk5w0yZ3xTtnZb-7n0j4o8uWvI1cD2eF3g';
const PRIVATE = { expiry: 1_800_000_000, mac: MAC };

for (const [hash, token, secret] of /** @type {[string, string | null, object | null][]} */ ([
  ['', null, null],
  ['#', null, null],
  ['#token=aa.bb.cc', 'aa.bb.cc', null],
  ['#token=configured+by/hand~1==', 'configured+by/hand~1==', null],
  [`#1800000000.${MAC}`, null, PRIVATE],
  [`#secret=1800000000.${MAC}`, null, PRIVATE],
  [`#token=aa.bb.cc&secret=0.${MAC}`, 'aa.bb.cc', { expiry: 0, mac: MAC }],
  [`#0.${MAC}&token=t`, 't', { expiry: 0, mac: MAC }],
])) {
  test(`a link with “${hash}”`, () =>
    assert.deepEqual(parseFragment(hash), { token, secret, damaged: false }));
}

for (const hash of [
  '#garage', '#token=', '#token=a b', '#token=%41', '#token=a&token=b', '#secret=', '#room=a',
  `#${MAC}`, `#1800000000.${MAC.slice(1)}`, `#-1.${MAC}`, `#01.${MAC}`, `#1e9.${MAC}`,
  `#0.${MAC}&0.${MAC}`, `#0.${MAC}&1.${MAC}`, `#0.${MAC}\n`,
]) {
  test(`half a link is none: “${hash}”`, () => assert.equal(parseFragment(hash).damaged, true));
}

test('a secret is written as it is read', () => {
  assert.equal(secretText(PRIVATE), `1800000000.${MAC}`);
  assert.deepEqual(parseSecret(secretText(PRIVATE)), PRIVATE);
});

test('a link expires on the second, or never', () => {
  assert.equal(isExpired(PRIVATE, 1_799_999_999_999), false);
  assert.equal(isExpired(PRIVATE, 1_800_000_000_000), true);
  assert.equal(isExpired({ expiry: 0, mac: MAC }, 9e15), false);
});
