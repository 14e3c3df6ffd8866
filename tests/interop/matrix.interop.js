// @ts-check
/**
 * Every publisher to every viewer, through a real gateway, as docs/interop.md says. That page is
 * written from a run of the whole if WRITE names it: `make interop`.
 *
 *     ONLY='ffmpeg|camera > player' npm run interop    some of it
 */

import assert from 'node:assert/strict';
import test from 'node:test';
import { Stage, eventually } from '../stage/stage.js';
import { answered, sessionPost } from './habits.js';
import { ownAddress } from '../networks/own-address.js';
import { PUBLISHERS } from './publishers.js';
import { differences, write } from './report.js';
import { Tap } from '../stage/tap.js';
import { VIEWERS } from './viewers.js';

/** @typedef {import('node:test').TestContext} TestContext */
/** @typedef {import('./publishers.js').Publisher} Publisher */
/** @typedef {import('./viewers.js').Viewer} Viewer */
/** @typedef {import('./report.js').Cell} Cell */

/** Viewers at the same time; two cores decode no more without getting in each other's way. */
const AT_ONCE = 2;

/**
 * How much is decoded until picture and sound are said to go on: two thirds of what is sent in
 * five seconds. A machine that is busy with other things takes longer for that.
 */
const ENOUGH = (2 / 3) * 5;

/** How many packets of sound there are in a second. */
const PACKETS_OF_SOUND = 50;

const [onlyPublishers = '', onlyViewers = ''] = (process.env.ONLY ?? '').split('>').map((word) => word.trim());
const publishers = PUBLISHERS.filter(({ name }) => new RegExp(onlyPublishers, 'i').test(name));
const viewers = VIEWERS.filter(({ name }) => new RegExp(onlyViewers, 'i').test(name));

test('the matrix', { timeout: 1_800_000 }, async (t) => {
  const stage = new Stage(t, { gateway: ['--media-listen', `${ownAddress()}:0`] });
  const gateway = await stage.startGateway();
  /** @type {Map<string, Map<string, Cell>>} */
  const cells = new Map();
  for (const [index, publisher] of publishers.entries()) {
    const row = new Map();
    cells.set(publisher.name, row);
    await t.test(publisher.name, { concurrency: AT_ONCE }, (t) => publish(t, stage, publisher, `room-${index}`, row));
  }
  await stage.stopGateway();
  assert.doesNotMatch(gateway.output, /panicked/);
  const names = [PUBLISHERS, VIEWERS].map((clients) => clients.map(({ name }) => name));
  if (process.env.WRITE === 'docs/interop.md') {
    assert.ok(!process.env.ONLY, 'the page is written from all of it');
    write(names[0], names[1], cells);
  }
  assert.deepEqual(differences(names[0], names[1], cells), [], 'as the page says; `make interop` writes it anew');
});

/**
 * @param {TestContext} t
 * @param {Stage} stage
 * @param {Publisher} publisher
 * @param {string} room
 * @param {Map<string, Cell>} row
 */
async function publish(t, stage, publisher, room, row) {
  const tap = await Tap.open(stage.origin);
  t.after(() => tap.close(publisher.name));
  const stop = await publisher.publish(stage, tap, room);
  const isReady = ({ method = '', status = 0, body = '' }) =>
    method === 'POST' && body !== '' && (publisher.direct || status > 0);
  await tap.sees('POST of the publisher', isReady);
  await Promise.all(viewers.map((viewer) => t.test(viewer.name, async (t) => {
    const cell = {};
    row.set(viewer.name, cell);
    await watch(t, stage, publisher, viewer, room, cell).catch((error) => {
      // The page tells what was measured, whatever else the test has to complain of.
      if (!('video' in cell)) Object.assign(cell, { why: String(error.message ?? error) });
      throw error;
    });
  })));
  await t.test('habits', async () => {
    await stop();
    await publisher.habits(tap);
    answered(tap);
  });
}

/**
 * @param {TestContext} t
 * @param {Stage} stage
 * @param {Publisher} publisher
 * @param {Viewer} viewer
 * @param {string} room
 * @param {Cell} cell
 */
async function watch(t, stage, publisher, viewer, room, cell) {
  const tap = await Tap.open(stage.origin);
  t.after(() => tap.close(`${publisher.name}>${viewer.name}`));
  const watching = await viewer.watch(stage, tap, room);
  try {
    const firstFrame = await watching.firstFrame;
    const began = tap.exchanges.find(({ path }) => path === `/whep/${room}`);
    Object.assign(cell, {
      path: pathOf(tap),
      seconds: (firstFrame - (began?.at ?? NaN)) / 1000,
      ...await watching.counted(),
    });
    const sound = publisher.sound ? ENOUGH * PACKETS_OF_SOUND : 0;
    await eventually('picture and sound go on', watching.soFar, ({ video, audio }) =>
      video >= ENOUGH * publisher.fps && audio >= sound);
  } finally {
    await watching.end();
  }
  t.diagnostic(JSON.stringify(cell));
  await viewer.habits(tap);
  answered(tap);
}

/**
 * Which way the media went, as the gateway told the viewer.
 *
 * @param {Tap} tap
 * @returns {'direct' | 'relay'}
 */
function pathOf(tap) {
  const { status, answerHeaders } = sessionPost(tap);
  const isDirect = status === 406 || /\bdirect\b/.test(String(answerHeaders['preference-applied'] ?? ''));
  return isDirect ? 'direct' : 'relay';
}
