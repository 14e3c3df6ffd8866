// @ts-check
import assert from 'node:assert/strict';
import test from 'node:test';
import { isRoomId, isRoomKey, linkFromInput, roomFromLocation } from '../../src/trust/room.js';
import { vectors } from '../vectors.js';

const { valid, invalid } = vectors('room');

for (const { text, key } of valid) {
  test(`${JSON.stringify(text)} is a room id`, () => {
    assert.equal(isRoomId(text), true);
    assert.equal(isRoomKey(text), key);
  });
}

for (const { text, why } of invalid) {
  test(`no room id: ${why}`, () => assert.equal(isRoomId(text), false));
}

/** @param {string} url */
const named = (url) => roomFromLocation(new URL(url, 'https://sightline.example'), 'watch');

test('the room is in the path', () => {
  assert.deepEqual(named('/watch/garage'), { kind: 'room', room: 'garage', fromQuery: false });
  assert.deepEqual(named('/watch/garage/'), { kind: 'room', room: 'garage', fromQuery: false });
});

test('or in the query, as links of the old system have it', () => {
  assert.deepEqual(named('/watch?room=garage'), { kind: 'room', room: 'garage', fromQuery: true });
  assert.deepEqual(named('/?room=garage'), { kind: 'room', room: 'garage', fromQuery: true });
});

test('no room is not a wrong room', () => {
  assert.deepEqual(named('/watch'), { kind: 'none' });
  assert.deepEqual(named('/watch/'), { kind: 'none' });
  assert.deepEqual(named('/watch?room='), { kind: 'none' });
});

test('a wrong room is told apart, whatever is in it', () => {
  assert.deepEqual(named('/watch/gar%20age'), { kind: 'invalid', text: 'gar age' });
  assert.deepEqual(named('/watch/%E0%A4%A'), { kind: 'invalid', text: '%E0%A4%A' });
  assert.deepEqual(named('/watch?room=a.b'), { kind: 'invalid', text: 'a.b' });
});

test('a person may type a room or paste its link', () => {
  const key = 'd75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a';
  assert.deepEqual(linkFromInput('  garage '), { room: 'garage', hash: '', link: null });
  assert.deepEqual(linkFromInput(key.toUpperCase()), { room: key, hash: '', link: null });
  const plain = new URL('https://other.example/watch/garage');
  assert.deepEqual(linkFromInput(plain.href), { room: 'garage', hash: '', link: plain });
  const old = 'https://other.example/watch?room=garage#token=a.b';
  assert.deepEqual(linkFromInput(old), { room: 'garage', hash: '#token=a.b', link: new URL(old) });
  for (const wrong of ['', 'a b', 'https://', 'https://other.example/', 'javascript:alert(1)']) {
    assert.equal(linkFromInput(wrong), null, wrong);
  }
});
