// @ts-check
/**
 * VP9, AV1 and H.265 from encoders to decoders, through a real gateway: a viewer from the
 * beginning, one that comes between two keyframes, and pictures that change their size.
 *
 *     ONLY='AV1 > player' npm run interop    some of it
 */

import assert from 'node:assert/strict';
import test from 'node:test';
import { Stage, eventually } from '../stage/stage.js';
import { PUBLISHERS, VIEWERS } from './codecs.js';
import { codecDifferences, writeCodecs } from './report.js';
import { ownAddress } from '../networks/own-address.js';

/** @typedef {import('node:test').TestContext} TestContext */
/** @typedef {import('./codecs.js').Publisher} Publisher */
/** @typedef {import('./codecs.js').Publishing} Publishing */
/** @typedef {import('./codecs.js').Viewer} Viewer */
/** @typedef {import('./codecs.js').Watching} Watching */

/** How many more pictures have to come until they are said to go on. */
const ENOUGH = 30;

/** A newcomer has to do without a keyframe of its own; that one comes just then is bad luck. */
const ATTEMPTS = 3;

const [onlyPublishers = '', onlyViewers = ''] = (process.env.ONLY ?? '').split('>').map((word) => word.trim());
const publishers = PUBLISHERS.filter(({ name }) => new RegExp(onlyPublishers, 'i').test(name));
const viewers = VIEWERS.filter(({ name }) => new RegExp(onlyViewers, 'i').test(name));

test('codecs', { timeout: 900_000 }, async (t) => {
  const stage = new Stage(t, { gateway: ['--media-listen', `${ownAddress()}:0`] });
  const gateway = await stage.startGateway();
  /** @type {Map<string, Map<string, string>>} */
  const cells = new Map();
  for (const [index, publisher] of publishers.entries()) {
    const row = new Map();
    cells.set(publisher.name, row);
    await t.test(publisher.name, (t) => publish(t, stage, publisher, `codec-${index}`, row));
  }
  await stage.stopGateway();
  assert.doesNotMatch(gateway.output, /panicked/);
  const names = [PUBLISHERS, VIEWERS].map((clients) => clients.map(({ name }) => name));
  if (process.env.WRITE === 'docs/interop.md') {
    assert.ok(!process.env.ONLY, 'the page is written from all of it');
    writeCodecs(names[0], names[1], cells);
  }
  assert.deepEqual(codecDifferences(names[0], names[1], cells), [], 'as the page says; `make interop` writes it anew');
});

/**
 * @param {TestContext} t
 * @param {Stage} stage
 * @param {Publisher} publisher
 * @param {string} room
 * @param {Map<string, string>} row
 */
async function publish(t, stage, publisher, room, row) {
  const publishing = await publisher.publish(stage, room);
  t.after(() => publishing.end());
  /** @type {Map<Viewer, Watching>} */
  const watching = new Map();
  t.after(() => Promise.all([...watching.values()].map((viewer) => viewer.end())));
  for (const viewer of viewers) {
    if (!await viewer.decodes(stage, publisher.codec)) row.set(viewer.name, 'has no decoder');
    else await t.test(viewer.name, async (t) => {
      watching.set(viewer, await viewer.watch(stage, room));
      const first = await goesOn(`${viewer.name} decodes`, watching.get(viewer));
      assert.deepEqual([first.width, first.height], [640, 360]);
      const newcomer = await comesBetweenKeyframes(t, stage, publishing, viewer, room);
      row.set(viewer.name, newcomer);
    });
  }
  await t.test('pictures change their size', async () => {
    await publishing.shrink();
    for (const [{ name }, viewer] of watching) {
      await eventually(`${name} decodes the smaller ones`, () => viewer.decoded(), ({ height }) => height === 180);
      const { width } = await goesOn(`${name} decodes them`, viewer);
      assert.equal(width, 320);
      row.set(name, `${row.get(name)}, new size`);
    }
  });
}

/**
 * @param {string} what
 * @param {Watching | undefined} viewer
 */
async function goesOn(what, viewer) {
  assert.ok(viewer);
  const { frames: before } = await viewer.decoded();
  return eventually(what, () => viewer.decoded(), ({ frames }) => frames >= before + ENOUGH);
}

/**
 * One more viewer comes, and decodes before the publisher has sent another keyframe.
 *
 * @param {TestContext} t
 * @param {Stage} stage
 * @param {Publishing} publishing
 * @param {Viewer} viewer
 * @param {string} room
 */
async function comesBetweenKeyframes(t, stage, publishing, viewer, room) {
  for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
    const before = publishing.keyframes();
    const newcomer = await viewer.watch(stage, room);
    try {
      await eventually('a newcomer decodes', () => newcomer.decoded(), ({ frames }) => frames > 0);
      const after = publishing.keyframes();
      await goesOn('the newcomer decodes on', newcomer);
      if (before === null) return 'decodes, a newcomer too';
      if (after === before) return 'decodes, a newcomer between keyframes too';
      t.diagnostic(`a keyframe came with attempt ${attempt}`);
    } finally {
      await newcomer.end();
    }
  }
  return assert.fail(`${viewer.name} decodes only from a keyframe on, ${ATTEMPTS} times`);
}
