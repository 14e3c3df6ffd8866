// @ts-check
/** `sightline-camera view`, which watches outside of a browser, and a browser that is the camera. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import test from 'node:test';
import { browserCamera, secretOf } from './browser-camera.js';
import { binary } from '../stage/process.js';
import { Stage } from '../stage/stage.js';

/**
 * Watches into a file, for as long as the test lasts.
 *
 * @param {import('node:test').TestContext} t
 * @param {Stage} stage
 * @param {URL} link
 * @param {string} name of the file
 */
function view(t, stage, link, name) {
  const folder = mkdtempSync(path.join(tmpdir(), 'sightline-e2e-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const file = path.join(folder, name);
  return stage.startBesideCamera(binary('camera'), ['view', link.href, '--output', file]);
}

test('a browser’s camera, verified outside of any browser', { timeout: 180_000 }, async (t) => {
  const stage = new Stage(t);
  await stage.startGateway();
  const { link } = await browserCamera(stage);
  const viewer = view(t, stage, link, 'a.mkv');
  await viewer.says(/live: .*, direct\nverified: your camera, end to end/);
  const film = view(t, stage, link, 'b.webm');
  await film.says(/live: .*, direct\nverified: your camera, end to end/);
});

test('a browser’s private camera, with its link and without', { timeout: 180_000 }, async (t) => {
  const stage = new Stage(t);
  await stage.startGateway();
  const { page, link } = await browserCamera(stage, 'Private');
  const bare = new URL(link);
  bare.hash = '';
  const without = view(t, stage, bare, 'a.mkv');
  await without.says(/shows itself to private links only/);
  const whole = new URL(link);
  whole.hash = await secretOf(page, 0);
  const viewer = view(t, stage, whole, 'b.mkv');
  await viewer.says(/verified: your camera, end to end; it shows itself/);
});
