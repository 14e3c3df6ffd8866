// @ts-check
import assert from 'node:assert/strict';
import test from 'node:test';
import { readProblem, refusal } from '../../src/session/problem.js';

test('a problem of the gateway', () => {
  const body = { type: '/problems/no-camera', title: 'No camera', status: 409, detail: 'Nobody.' };
  assert.deepEqual(readProblem(JSON.stringify(body)), { slug: 'no-camera', detail: 'Nobody.' });
});

test('a foreign error body still gives its words', () => {
  assert.deepEqual(readProblem('{"error":"no stream"}'), { slug: '', detail: 'no stream' });
  assert.deepEqual(readProblem('{"title":"Odd","type":7}'), { slug: '', detail: 'Odd' });
});

test('a body that is no problem harms nothing', () => {
  for (const body of ['', '<html>', 'null', '[]', '"text"', '{"type":"https://x.example/%"}']) {
    assert.deepEqual(readProblem(body), { slug: '', detail: '' }, body);
  }
});

test('a refusal carries status, words and Retry-After', async () => {
  const headers = { 'Retry-After': '3', 'Content-Type': 'application/problem+json' };
  const body = JSON.stringify({ type: '/problems/no-camera', detail: 'Nobody publishes.' });
  const error = await refusal(new Response(body, { status: 409, headers }), 0);
  assert.deepEqual([error.status, error.slug, error.retryAfter], [409, 'no-camera', 3]);
  assert.equal(error.message, 'Nobody publishes.');
});
