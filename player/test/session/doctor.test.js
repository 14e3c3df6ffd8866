// @ts-check
/** Why no way for media was found. */

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import test from 'node:test';
import { diagnose } from '../../src/session/doctor.js';
import { examine } from '../../src/session/ice-evidence.js';

/**
 * What Chromium 5 s after its answer told in networks like those of tests/networks, each named by what was the
 * matter there: two networks without a way between them; a firewall that lets only HTTP through, without and with a
 * STUN server; two symmetric NATs with a STUN server, a TURN server that is not there, one with another secret.
 */
const RECORDED = JSON.parse(readFileSync(new URL('ice-recorded.json', import.meta.url), 'utf8'));

/** @param {any} recorded */
const evidence = ({ local, remote, ...more }) => examine({ ...more, local: local.join('\r\n'), remote: remote.join('\r\n') });

for (const [cause, recorded] of Object.entries(RECORDED)) {
  test(`recorded: ${cause}`, () => assert.equal(diagnose(evidence(recorded)), cause));
}

/** @param {string[]} addresses each `type protocol address` */
const sdp = (...addresses) => addresses.map((each, i) => {
  const [type, protocol, address] = each.split(' ');
  return `a=candidate:${i} 1 ${protocol} 2122260223 ${address} ${5000 + i} typ ${type}`;
}).join('\r\n');

const OURS = sdp('host udp 0a1b2c3d-0000-4000-8000-000000000000.local');
const TRIED = { type: 'candidate-pair', state: 'in-progress', requestsSent: 9, responsesReceived: 0 };

/** @param {Partial<import('../../src/session/ice-evidence.js').Raw>} raw */
const found = (raw) => diagnose(examine({
  path: 'direct', local: OURS, remote: sdp('host udp 192.168.1.7'), servers: [], errors: [], stats: [TRIED], ...raw,
}));

test('a browser without an address, and another side without one', () => {
  assert.equal(found({ local: '' }), 'hidden');
  assert.equal(found({ remote: '' }), 'empty');
});

test('a way without an encrypted connection on it', () => {
  assert.equal(found({ stats: [TRIED, { ...TRIED, state: 'succeeded', responsesReceived: 1 }] }), 'handshake');
  // As Firefox has it.
  assert.equal(found({ stats: [{ type: 'candidate-pair', state: 'succeeded', responsesReceived: 1 }] }), 'handshake');
});

test('a server for its own machine only', () => {
  assert.equal(found({ path: 'relay', remote: sdp('host udp 127.0.0.1', 'host tcp ::1') }), 'loopback');
  assert.equal(found({ path: 'relay', remote: sdp('host udp 127.0.0.1', 'host udp 192.168.1.7') }), 'port-closed');
});

test('names that only another network resolves', () => {
  const name = 'host udp 7f2c5f58-8a20-4c4e-9b0e-6a1d3f1f2b11.local';
  assert.equal(found({ remote: sdp(name) }), 'names');
  assert.equal(found({ remote: sdp(name, 'host udp 10.0.0.7') }), 'elsewhere');
});

test('a browser that is kept from UDP altogether', () => {
  assert.equal(found({ local: sdp('host tcp 192.168.1.9') }), 'no-udp');
});

test('a STUN server tells nothing to whoever is not translated', () => {
  const servers = [{ urls: 'stun:stun.example' }];
  const remote = sdp('host udp 198.51.100.7');
  assert.equal(found({ servers, remote }), 'no-udp');
  assert.equal(found({ servers, remote, local: sdp('host udp 203.0.113.9') }), 'unanswered');
});

test('addresses from outside on both sides, and a firewall in between though TURN is there', () => {
  const mapped = sdp('srflx udp 203.0.113.9');
  const remote = sdp('srflx udp 198.51.100.7');
  const turn = [{ urls: ['stun:stun.example', 'turn:turn.example'], username: 'u', credential: 'c' }];
  assert.equal(found({ servers: turn.map(() => ({ urls: 'stun:stun.example' })), local: mapped, remote }), 'symmetric');
  assert.equal(found({ servers: turn, local: sdp('srflx udp 203.0.113.9', 'relay udp 192.0.2.1'), remote }), 'unanswered');
});

test('no address is in the evidence', () => {
  const text = JSON.stringify(Object.values(RECORDED).map(evidence));
  assert.doesNotMatch(text, /\d+\.\d+\.\d+|[0-9a-f]{8}-|:[0-9a-f]{1,4}:/);
});
