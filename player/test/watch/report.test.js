// @ts-check
import assert from 'node:assert/strict';
import test from 'node:test';
import { report } from '../../src/watch/report.js';

const TOLD = {
  at: new Date(0),
  origin: 'https://cameras.example',
  room: 'a'.repeat(64),
  player: '"1f"',
  browser: { userAgent: 'Some/1', languages: ['de'] },
  state: 'blocked',
  trust: null,
  cause: /** @type {const} */ ('elsewhere'),
  evidence: {
    path: /** @type {const} */ ('direct'),
    ours: [{ type: 'host', protocol: 'udp', reach: /** @type {const} */ ('name') }],
    theirs: [],
    stun: false,
    turn: false,
    errors: [],
    pairs: { tried: 1, answered: 0, heard: 0 },
  },
  vitals: null,
  seconds: [{ at: 1000, rate: 2000, fps: 30, delay: null, rtt: 4, loss: 0 }],
  activity: [{ at: new Date(2000), words: `The server refused: no camera in ${'a'.repeat(64)}` }],
};

test('what happened, by whom and when', () => {
  const told = JSON.parse(report(TOLD));
  assert.deepEqual([told.state, told.cause, told.origin, told.browser.userAgent], ['blocked', 'elsewhere', 'https://cameras.example', 'Some/1']);
  assert.deepEqual(told.seconds, [{ ...TOLD.seconds[0], at: '1970-01-01T00:00:01.000Z' }]);
  assert.deepEqual(told.activity, ['1970-01-01T00:00:02.000Z The server refused: no camera in (room)']);
});

test('no room is in it, whoever names it', () => {
  assert.doesNotMatch(report(TOLD), /aaaa/);
  const { origin } = JSON.parse(report({ ...TOLD, room: 'a' }));
  assert.equal(origin, 'https://cameras.example', 'one letter is in every word');
});
