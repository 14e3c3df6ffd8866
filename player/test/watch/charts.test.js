// @ts-check
import assert from 'node:assert/strict';
import test from 'node:test';
import { SPAN, line } from '../../src/watch/charts.js';

test('a line ends at the right with what is now, and is as high as the most', () => {
  const known = [{ at: SPAN / 2, value: 0 }, { at: SPAN / 2 + 1000, value: 10 }, { at: SPAN / 2 + 2000, value: 5 }];
  assert.equal(line(known, SPAN / 2 + 2000), 'M116.0 27.0L118.0 1.0L120.0 14.0');
});

test('what is not known for a while is a gap', () => {
  const known = [0, 1000, 9000, 10_000].map((at) => ({ at, value: 1 }));
  assert.match(line(known, 10_000), /^M[^ML]+L[^ML]+M[^ML]+L[^ML]+$/);
});

test('nothing, and nothing but zero', () => {
  assert.equal(line([], 0), '');
  assert.equal(line([{ at: 0, value: 0 }, { at: 1000, value: 0 }], 1000), 'M118.0 27.0L120.0 27.0');
});
