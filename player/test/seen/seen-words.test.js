// @ts-check
import assert from 'node:assert/strict';
import test from 'node:test';
import { seenAt } from '../../src/words/seen-words.js';

const now = new Date(2026, 10, 27, 17, 0).getTime();

test('a camera that was seen today is told by the time', () => {
  assert.equal(seenAt(new Date(2026, 10, 27, 16, 6).getTime(), now), 'seen 16:06');
});

test('one that was seen before, by its day too', () => {
  assert.equal(seenAt(new Date(2026, 10, 26, 23, 59).getTime(), now), 'seen 26 Nov, 23:59');
});
