// @ts-check
/** What a camera is called by its owner, as a viewer reads it. */

import assert from 'node:assert/strict';
import test from 'node:test';
import { Stage, becomes, shot } from '../stage/stage.js';
import { villain } from './villain.js';

/** @typedef {import('playwright-core').Page} Page */

/** @param {Page} page */
const heading = (page) => page.locator('#name').textContent();

/** A name that would be markup, if it were not text. */
const MARKUP = '<img src=x onerror="document.title=1">';

test('a camera’s name, in the page and in its tab', { timeout: 180_000 }, async (t) => {
  const stage = new Stage(t);
  await stage.startGateway();
  const camera = stage.startKeyCamera(['--name', 'Front door 🚪', '--tickets']);
  const link = await camera.share(['--for', '1h']);
  const room = link.pathname.split('/')[2];
  const viewer = await stage.open(link.pathname + link.hash);
  await becomes(viewer, 'live');
  assert.equal(await heading(viewer), 'Front door 🚪');
  assert.equal(await viewer.title(), 'Front door 🚪 · Sightline');
  assert.equal(await viewer.locator('#name').getAttribute('title'), room);
  await shot(viewer, 'name');
});

test('a name is text, whatever is in it', { timeout: 180_000 }, async (t) => {
  const stage = new Stage(t);
  await stage.startGateway();
  stage.startCamera('garage', ['--name', MARKUP]);
  const viewer = await stage.open('/watch/garage');
  await becomes(viewer, 'live');
  assert.equal(await heading(viewer), MARKUP);
  assert.equal(await viewer.title(), `${MARKUP} · Sightline`);
  assert.equal(await viewer.locator('#name *').count(), 0);
});

test('what the room’s key has not signed is no name of its camera', { timeout: 180_000 }, async (t) => {
  const stage = new Stage(t);
  await stage.startGateway();
  const camera = stage.startKeyCamera(['--name', 'Front door']);
  const link = await camera.share(['--for', '1h']);
  const named = await villain(t, stage.origin, {
    counterOffer: (real) => real.replace(/^s=.*$/m, 's=Elsewhere'),
  });
  const viewer = await stage.openUrl(named.origin + link.pathname);
  await becomes(viewer, 'live');
  assert.equal(await heading(viewer), 'Front door');

  // Without its proof the camera is not verified, and has no name.
  const nameless = await villain(t, stage.origin, {
    counterOffer: (real) => real.replace(/^s=.*$/m, 's=Elsewhere').replace(/^a=sightline-proof:.*\r\n/m, ''),
  });
  const other = await stage.openUrl(nameless.origin + link.pathname);
  await becomes(other, 'live');
  assert.match(await heading(other) ?? '', /^[0-9a-f]{10}…[0-9a-f]{6}$/);
});
