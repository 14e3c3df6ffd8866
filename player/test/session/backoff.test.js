// @ts-check
import assert from 'node:assert/strict';
import test from 'node:test';
import { Backoff, retryAfter } from '../../src/session/backoff.js';

test('pauses double up to the cap', () => {
  const backoff = new Backoff({ base: 250, cap: 4000, random: () => 1 });
  const pauses = Array.from({ length: 7 }, () => backoff.next());
  assert.deepEqual(pauses, [250, 500, 1000, 2000, 4000, 4000, 4000]);
});

test('jitter takes away up to half', () => {
  const backoff = new Backoff({ base: 1000, cap: 1000, random: () => 0 });
  assert.equal(backoff.next(), 500);
});

test('a success starts anew', () => {
  const backoff = new Backoff({ base: 250, random: () => 1 });
  backoff.next();
  backoff.next();
  backoff.reset();
  assert.equal(backoff.failures, 0);
  assert.equal(backoff.next(), 250);
});

test('no number of failures overflows', () => {
  const backoff = new Backoff({ cap: 4000, random: () => 1 });
  for (let i = 0; i < 5000; i += 1) backoff.next();
  assert.equal(backoff.next(), 4000);
});

test('Retry-After is seconds or a date', () => {
  const now = Date.parse('Wed, 21 Oct 2015 07:28:00 GMT');
  assert.equal(retryAfter('0', now), 0);
  assert.equal(retryAfter(' 7 ', now), 7);
  assert.equal(retryAfter('Wed, 21 Oct 2015 07:28:30 GMT', now), 30);
  assert.equal(retryAfter('Wed, 21 Oct 2015 07:27:00 GMT', now), 0);
});

test('a Retry-After that says nothing sensible is none, and none is for ever', () => {
  for (const value of [null, '', 'soon', '-1', '1.5', '2015']) {
    assert.equal(retryAfter(value, 0), value === '2015' ? 300 : null, String(value));
  }
  assert.equal(retryAfter('999999999', 0), 300);
});
