// @ts-check
import assert from 'node:assert/strict';
import test from 'node:test';
import { eventsLink, iceServers, parseLinks } from '../../src/session/link.js';
import { vectors } from '../vectors.js';

const { valid, invalid } = vectors('link');

for (const { text, links, iceServers: servers } of valid) {
  test(`Link: ${text}`, () => {
    const parsed = parseLinks(text);
    assert.deepEqual(parsed.map(({ target, params }) => [target, params.get('rel') ?? '']), links);
    const found = iceServers(parsed).map(({ urls, username = null, credential = null }) => (
      { url: urls, username, credential }));
    assert.deepEqual(found, servers);
  });
}

for (const { text, why } of invalid) {
  test(`no link: ${why}`, () => assert.deepEqual(parseLinks(text), []));
}

test('an absent header has no links', () => assert.deepEqual(parseLinks(null), []));

test('headers that fetch has joined come apart again', () => {
  const header = '<stun:a.example>; rel="ice-server", </e,f>; rel="x"; title="a, b", <c>';
  assert.deepEqual(parseLinks(header).map(({ target }) => target), ['stun:a.example', '/e,f', 'c']);
});

test('the events link names its events', () => {
  const header = '<stun:a.example>; rel="ice-server", </whep/a/b/events>; '
    + 'rel="urn:ietf:params:whep:ext:core:server-sent-events"; events="active, inactive,candidates"';
  assert.deepEqual(eventsLink(parseLinks(header)), {
    target: '/whep/a/b/events',
    events: ['active', 'inactive', 'candidates'],
    shared: null,
  });
  assert.equal(eventsLink([]), null);
});

test('events of our own are on the same stream, and have a link of their own', () => {
  const own = '</e>; rel="urn:sightline:ext:events"; events="join leave"; shared="/events"';
  assert.deepEqual(eventsLink(parseLinks(own)), { target: '/e', events: ['join', 'leave'], shared: '/events' });
  const both = `</e>; rel="urn:ietf:params:whep:ext:core:server-sent-events"; events="active", ${own}`;
  assert.deepEqual(eventsLink(parseLinks(both)), {
    target: '/e', events: ['active', 'join', 'leave'], shared: '/events',
  });
});

test('ICE URLs with slashes, which some servers send, are understood', () => {
  assert.deepEqual(iceServers(parseLinks('<stun://a.example:3478>; rel="ice-server"')), [
    { urls: 'stun:a.example:3478' },
  ]);
});

test('a long hostile header is read in linear time', () => {
  const before = process.cpuUsage();
  parseLinks(`<a>${'; x="'.repeat(20_000)}`);
  parseLinks(`<a>; rel="${'\\'.repeat(100_000)}`);
  parseLinks(`<a>${' '.repeat(100_000)}`);
  // Not the time of the clock, which is that of whatever else runs here, too.
  assert.ok(process.cpuUsage(before).user < 2_000_000);
});
