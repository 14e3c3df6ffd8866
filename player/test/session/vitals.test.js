// @ts-check
import assert from 'node:assert/strict';
import test from 'node:test';
import { Pulse, sample } from '../../src/session/vitals.js';

/**
 * @param {number} at
 * @param {object} video
 */
const look = (at, video) => sample(/** @type {any} */ (new Map([
  ['v', { type: 'inbound-rtp', kind: 'video', codecId: 'c', ...video }],
  ['c', { type: 'codec', mimeType: 'video/H264' }],
])), at);

test('a TURN server is known by the pair in use', () => {
  const by = (/** @type {string} */ ours, /** @type {string} */ theirs) => sample(/** @type {any} */ (new Map([
    ['t', { type: 'transport', selectedCandidatePairId: 'p' }],
    ['p', { type: 'candidate-pair', localCandidateId: 'l', remoteCandidateId: 'r' }],
    ['q', { type: 'candidate-pair', localCandidateId: 'x', remoteCandidateId: 'r' }],
    ['l', { type: 'local-candidate', candidateType: ours }],
    ['r', { type: 'remote-candidate', candidateType: theirs }],
    ['x', { type: 'local-candidate', candidateType: 'relay' }],
  ])), 0).turn;
  assert.deepEqual([by('host', 'prflx'), by('relay', 'host'), by('prflx', 'relay')], [false, true, true]);
});

test('the way there and back is that of the pair in use', () => {
  const { rtt } = sample(/** @type {any} */ (new Map(/** @type {any} */ ([
    ['t', { type: 'transport', selectedCandidatePairId: 'p' }],
    ['p', { type: 'candidate-pair', currentRoundTripTime: 0.0421 }],
    ['q', { type: 'candidate-pair', currentRoundTripTime: 7 }],
  ]))), 0);
  assert.equal(Math.round(rtt ?? NaN), 42);
});

test('rates come from two looks', () => {
  const pulse = new Pulse();
  const before = {
    framesDecoded: 100, bytesReceived: 1_000_000, jitterBufferDelay: 10, jitterBufferEmittedCount: 100,
  };
  assert.equal(pulse.add(look(0, before)).vitals, null);
  const after = {
    framesDecoded: 130, bytesReceived: 1_250_000, jitterBufferDelay: 10.6, jitterBufferEmittedCount: 130,
    frameWidth: 1280, frameHeight: 720, jitter: 0.004, packetsLost: 2, packetsReceived: 98,
  };
  assert.deepEqual(pulse.add(look(1000, after)).vitals, {
    width: 1280, height: 720, fps: 30, arriving: 30, keyframes: 0, keyframeGap: 0, kbps: 2000, buffer: 20,
    jitter: 4, lost: 2, loss: 2, rtt: null, codec: 'H264', turn: false,
  });
});

test('how long the picture has been still', () => {
  const pulse = new Pulse();
  pulse.add(look(0, { framesDecoded: 1 }));
  assert.equal(pulse.add(look(1000, { framesDecoded: 31 })).still, 0);
  assert.equal(pulse.add(look(2000, { framesDecoded: 31 })).still, 1000);
  assert.equal(pulse.add(look(3000, { framesDecoded: 31 })).still, 2000);
  assert.equal(pulse.add(look(4000, { framesDecoded: 32 })).still, 0);
});

test('a laptop that slept is given a moment', () => {
  const pulse = new Pulse();
  pulse.add(look(0, { framesDecoded: 1 }));
  assert.equal(pulse.add(look(3_600_000, { framesDecoded: 1 })).still, 0);
});

test('without video, sound is what must go on', () => {
  const pulse = new Pulse();
  const audio = (/** @type {number} */ at, /** @type {number} */ packetsReceived) => sample(
    /** @type {any} */ (new Map([['a', { type: 'inbound-rtp', kind: 'audio', packetsReceived }]])), at);
  assert.equal(pulse.add(audio(0, 0)).moved, false);
  assert.equal(pulse.add(audio(1000, 50)).moved, true);
  assert.equal(pulse.add(audio(2000, 50)).moved, false);
});
