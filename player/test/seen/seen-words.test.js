// @ts-check
import assert from 'node:assert/strict';
import test from 'node:test';
import { locale } from '../../src/words/language.js';
import { SEEN } from '../../src/words/seen-words.js';

const now = new Date(2026, 10, 27, 17, 0).getTime();

/** @param {Intl.DateTimeFormatOptions} how */
const format = (how) => new Intl.DateTimeFormat(locale, { hour: '2-digit', minute: '2-digit', ...how });

test('a camera that was seen today is told by the time', () => {
  const at = new Date(2026, 10, 27, 16, 6);
  assert.equal(SEEN.at(at.getTime(), now), `seen ${format({}).format(at)}`);
  assert.doesNotMatch(SEEN.at(at.getTime(), now), /27|Nov/);
});

test('one that was seen before, by its day too', () => {
  const at = new Date(2026, 10, 26, 23, 59);
  assert.equal(SEEN.at(at.getTime(), now), `seen ${format({ day: 'numeric', month: 'short' }).format(at)}`);
  assert.match(SEEN.at(at.getTime(), now), /26/);
});
