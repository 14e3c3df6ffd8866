// @ts-check
import assert from 'node:assert/strict';
import test from 'node:test';
import { choices } from '../../src/session/layers.js';
import { CONTROLS } from '../../src/words/words.js';

/** The draft's example: simulcast with temporal layers, the highest encoding not sent. */
const SIMULCAST = {
  0: [
    { rid: '2', spatialLayerId: 0, temporalLayerId: 1, targetBitrate: 2000000, width: 1280, height: 720 },
    { rid: '2', spatialLayerId: 0, temporalLayerId: 0, targetBitrate: 1000000, width: 1280, height: 720 },
    { rid: '1', spatialLayerId: 0, temporalLayerId: 1, bitrate: 557112, width: 640, height: 360 },
    { rid: '1', spatialLayerId: 0, temporalLayerId: 0, bitrate: 343592, width: 640, height: 360 },
    { rid: '0', spatialLayerId: 0, temporalLayerId: 1, bitrate: 116352, width: 320, height: 180 },
    { rid: '0', spatialLayerId: 0, temporalLayerId: 0, bitrate: 67464, width: 320, height: 180 },
  ],
};

test('one choice for each size that is sent, best first', () => {
  assert.deepEqual(choices(SIMULCAST).map(({ name, selection }) => [CONTROLS.layer(name), selection]), [
    ['360p', { mediaId: '0', rid: '1', spatialLayerId: 0 }],
    ['180p', { mediaId: '0', rid: '0', spatialLayerId: 0 }],
  ]);
});

test('a choice keeps its id while rates and sizes change', () => {
  const ids = (/** @type {number} */ more) => choices({
    0: [{ rid: 'a', bitrate: 1000 + more, height: 90 + more }, { rid: 'b', bitrate: 500 + more }],
  }).map(({ id }) => id);
  assert.deepEqual(ids(0), ids(10));
});

test('layers of one size are told apart by their rate, and those of none by their rank', () => {
  const labels = (/** @type {object[]} */ ...layers) => choices({ 1: layers }).map(({ name }) => CONTROLS.layer(name));
  assert.deepEqual(labels({ rid: 'a', bitrate: 400_000, height: 720 }, { rid: 'b', bitrate: 2_500_000, height: 720 }),
    ['720p · 2.5 Mbit/s', '720p · 400 kbit/s']);
  const unmeasured = [5, 40, 300, 2000].map((kbps) => ({ rid: `r${kbps}`, bitrate: kbps * 1000 }));
  assert.deepEqual(labels(...unmeasured.slice(2)), ['High', 'Low']);
  assert.deepEqual(labels(...unmeasured.slice(1)), ['High', 'Medium', 'Low']);
  assert.deepEqual(labels(...unmeasured), ['2.0 Mbit/s', '300 kbit/s', '40 kbit/s', '5 kbit/s']);
});

test('a size has its rate behind it, as far as that is known', () => {
  const labels = (/** @type {object[]} */ ...layers) => choices({ 0: layers }).map(({ name }) => CONTROLS.layer(name));
  const hd = { rid: 'h', bitrate: 2_000_000, height: 720 };
  const low = { rid: 'l', bitrate: 100_000, height: 180 };
  assert.deepEqual(labels({ ...hd, framesPerSecond: 30 }, { ...low, framesPerSecond: 14.985 }), ['720p30', '180p15']);
  assert.deepEqual(labels({ ...hd, framesPerSecond: 60 }, low), ['720p60', '180p']);
  assert.deepEqual(labels({ ...hd, framesPerSecond: 'x' }, { ...low, framesPerSecond: -1 }), ['720p', '180p']);
  assert.deepEqual(labels({ ...hd, framesPerSecond: 60 }, { ...hd, rid: 'm', bitrate: 900_000, framesPerSecond: 30 }),
    ['720p60', '720p30']);
});

test('one layer is no choice, and nonsense is none either', () => {
  const good = [{ rid: 'a', bitrate: 1 }, { rid: 'b', bitrate: 1 }];
  for (const data of [
    {}, { 0: good.slice(1) }, { 0: 'ab' }, { 0: [null, 7, 'x', {}] }, { video: good },
    { 0: [{ bitrate: 1 }, { rid: 7, bitrate: 1 }] }, { 0: [{ rid: 'a' }, { rid: 'b', bitrate: 0 }] },
  ]) {
    assert.deepEqual(choices(data), [], JSON.stringify(data));
  }
  assert.equal(choices({ note: 'x', 0: [], 1: good }).length, 2);
});

test('a server that never stops counting', () => {
  const layers = Array.from({ length: 5000 }, (_, i) => ({ rid: `r${i}`, bitrate: i + 1 }));
  assert.equal(choices({ 0: layers }).length, 8);
});
