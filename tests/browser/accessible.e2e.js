// @ts-check
/** For everybody: axe finds nothing in the states of the pages, and whoever has only a keyboard reaches all. */

import assert from 'node:assert/strict';
import test from 'node:test';
import axe from 'axe-core';
import { Stage, becomes, eventually } from '../stage/stage.js';

/** @typedef {import('playwright-core').Page} Page */

const LONG = { timeout: 240_000 };

/**
 * @param {Page} page
 * @param {string} state for the message of a failed test
 */
async function isSound(page, state) {
  await page.evaluate(axe.source);
  const violations = await page.evaluate(async () => {
    const found = await /** @type {any} */ (window).axe.run();
    return found.violations.map((/** @type {any} */ { id, nodes }) => `${id}: ${nodes.map((/** @type {any} */ each) => each.html).join(' ')}`);
  });
  assert.deepEqual(violations, [], state);
}

/** Runs in the page: what has the focus, whichever tree it is in, and what may get it. */
function addFocus() {
  const deep = () => {
    let at = document.activeElement;
    while (at?.shadowRoot?.activeElement) at = at.shadowRoot.activeElement;
    return at;
  };
  const name = (/** @type {Element | null} */ each) => each && `${each.localName}#${each.id}.${each.className}`;
  const isSeen = (/** @type {Element} */ each) => each.checkVisibility({ visibilityProperty: true, opacityProperty: true });
  Object.assign(window, {
    /** What has the focus, and whether that is to be seen. */
    focused: () => ({ name: name(deep()), isSeen: deep() !== null && isSeen(/** @type {Element} */ (deep())) }),
    reachable: () => {
      const modal = document.querySelector('dialog[open]');
      const players = [...document.querySelectorAll('whep-player')].map(({ shadowRoot }) => shadowRoot);
      const trees = modal ? [modal] : [document, ...players];
      return trees.flatMap((tree) => [...(tree?.querySelectorAll('button, a[href], input, select') ?? [])])
        .filter((each) => isSeen(each) && !(/** @type {any} */ (each).disabled)).map(name);
    },
  });
}

/**
 * Goes through all of a page by Tab: all that can be seen is reached, and what is reached is seen.
 *
 * @param {Page} page
 * @param {string} state
 */
async function isReached(page, state) {
  await page.evaluate(addFocus);
  const [reachable, visited] = [new Set(), new Set()];
  // Once round, and some more: what is over the picture comes with the first key.
  for (let step = 0; step < 24; step += 1) {
    await page.keyboard.press('Tab');
    const { focus, all } = await page.evaluate(() => {
      const { focused, reachable } = /** @type {any} */ (window);
      return { focus: focused(), all: reachable() };
    });
    all.forEach((/** @type {string} */ name) => reachable.add(name));
    // Off the page, at the browser's own.
    if (!focus.name || focus.name.startsWith('body')) continue;
    if (!focus.isSeen) {
      await eventually(`${state}: ${focus.name} has the focus, and is seen`,
        () => page.evaluate(() => /** @type {any} */ (window).focused()), ({ isSeen, name }) => isSeen && name === focus.name);
    }
    visited.add(focus.name);
  }
  assert.deepEqual([...reachable].filter((name) => !visited.has(name)), [], `${state}: not reached by Tab`);
  assert.ok(visited.size > 0);
}

/**
 * @param {Page} page
 * @param {string} state
 */
async function isForAll(page, state) {
  await isSound(page, state);
  await isReached(page, state);
}

test('with a picture: the page, the panel, the shield’s sheet, the keys, and paused', LONG, async (t) => {
  const stage = new Stage(t);
  await stage.startGateway();
  const camera = stage.startCamera('all', ['--size', '640x360']);
  const page = await stage.watch('all');
  await becomes(page, 'live');
  await isForAll(page, 'live');
  await page.keyboard.press('i');
  await page.getByRole('img', { name: /^Frame rate: \d/ }).waitFor({ state: 'attached' });
  await isForAll(page, 'panel');
  await page.keyboard.press('i');
  await page.locator('#trust').focus();
  await page.keyboard.press('Enter');
  await page.locator('#sheet').waitFor();
  await isForAll(page, 'sheet');
  await page.keyboard.press('Escape');
  await page.keyboard.press('?');
  await page.locator('#keys').waitFor();
  await isForAll(page, 'keys');
  await page.keyboard.press('Escape');
  await page.keyboard.press('k');
  await becomes(page, 'paused');
  await isForAll(page, 'paused');
  await page.keyboard.press('k');
  await becomes(page, 'live');
  await camera.end('SIGTERM');
  await becomes(page, 'gone');
  await isForAll(page, 'gone');
});

test('without one: nobody there, a ticket needed, no server, no such room, no way to choose', LONG, async (t) => {
  const stage = new Stage(t);
  const gateway = await stage.startGateway();
  const waiting = await stage.watch('nobody');
  await becomes(waiting, 'waiting');
  await isForAll(waiting, 'waiting');

  const camera = stage.startKeyCamera(['--tickets', '--size', '640x360']);
  const { pathname } = await camera.share(['--for', '1h']);
  const ticket = await stage.open(pathname);
  await becomes(ticket, 'ticket');
  await isForAll(ticket, 'ticket');

  const wrong = await stage.open('/watch/not%20a%20room');
  await wrong.getByText('Link wrong', { exact: true }).waitFor();
  await isForAll(wrong, 'wrong');

  await gateway.end('SIGKILL');
  await becomes(waiting, 'unreachable');
  await isForAll(waiting, 'unreachable');
});

test('the page to publish on, before and on air', LONG, async (t) => {
  const stage = new Stage(t);
  await stage.startGateway();
  const page = await stage.open('/publish');
  await page.getByRole('heading', { name: 'Be the camera' }).waitFor();
  await isSound(page, 'green room');
  await page.getByRole('button', { name: 'Go on air' }).focus();
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: 'On air' }).waitFor();
  await page.getByRole('button', { name: 'Copy link' }).waitFor();
  await isForAll(page, 'on air');
});
