// @ts-check
import assert from 'node:assert/strict';
import test from 'node:test';
import { captured } from '../../src/session/captured.js';

/** 1970 by NTP's count. */
const UNIX = 2_208_988_800_000;

/**
 * @param {object[]} sources
 * @param {object[]} stats
 */
const look = (sources, ...stats) => captured(
  /** @type {any} */ ({
    getReceivers: () => [
      { track: { kind: 'audio' }, getSynchronizationSources: () => [{ rtpTimestamp: 1, captureTimestamp: UNIX }] },
      { track: { kind: 'video' }, getSynchronizationSources: () => sources },
    ],
  }),
  /** @type {any} */ (new Map(stats.map((each) => [/** @type {any} */ (each).id, each]))),
);

const source = { rtpTimestamp: 90_000, captureTimestamp: UNIX + 50_000, timestamp: 60_300 };
const transport = { id: 't', type: 'transport', selectedCandidatePairId: 'p' };
const pair = { id: 'p', type: 'candidate-pair', currentRoundTripTime: 0.1 };
/** Sent at 49 s by the sender's clock, which took it half a round trip. */
const report = { id: 'r', type: 'remote-outbound-rtp', kind: 'video', timestamp: 59_050, remoteTimestamp: 49_000 };

test('what the sender says is told by the clock of this machine', () => {
  assert.deepEqual(look([source], transport, pair, report), { rtpTimestamp: 90_000, at: 60_000 });
});

test('nothing is known before there is a report, nor of a sender that does not say', () => {
  assert.equal(look([source], transport, pair), null);
  assert.equal(look([{ ...source, captureTimestamp: undefined }], transport, pair, report), null);
  assert.equal(look([], transport, pair, report), null);
  const sound = { ...report, kind: 'audio' };
  assert.equal(look([source], transport, pair, sound), null);
  assert.equal(captured(/** @type {any} */ ({}), /** @type {any} */ (new Map([['r', report]]))), null);
});
