// @ts-check
/** The publish page: what it knows before it asks, and what can be changed on air. */

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import test from 'node:test';
import { Stage, becomes, eventually, moves, shot } from '../stage/stage.js';
import { browserCamera, linkOf } from './browser-camera.js';

/** @typedef {import('playwright-core').Page} Page */

/** Chromium's third; its second is one of depths, which nobody encodes. */
const OTHER = 'fake_device_2';

const LONG = { timeout: 180_000 };

/** @param {Page} page */
const goOnAir = (page) => page.getByRole('button', { name: 'Go on air' }).click();

/** @param {Page} page */
async function handsNothingOut(page) {
  assert.equal(await page.locator('#qr').isVisible(), false, 'no QR code');
  assert.equal(await page.getByRole('button', { name: 'Copy link' }).isVisible(), false, 'no link to copy');
}

test('a server without named rooms says so before it is asked, and the key is the default', LONG, async (t) => {
  const folder = mkdtempSync(path.join(tmpdir(), 'sightline-e2e-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const file = path.join(folder, 'gateway.toml');
  const token = Buffer.alloc(24, 7).toString('base64url');
  writeFileSync(file, `[[access.tokens]]\nroom = "yard"\nrole = "publish"\ntoken = "${token}"\n`, { mode: 0o600 });
  const stage = new Stage(t, { gateway: ['--config', file] });
  await stage.startGateway();
  const page = await stage.open('/publish');
  assert.equal(await page.getByLabel('A key of this browser').isChecked(), true);
  await page.getByLabel('A name').check();
  await page.getByLabel('Room name').fill('garage');
  await page.getByText('This server has no room “garage” to publish in.').waitFor();
  assert.equal(await page.getByRole('button', { name: 'Go on air' }).isDisabled(), true);
  await shot(page, 'publish-closed');
  await page.getByLabel('Room name').fill('yard');
  await page.getByText('Publishing in “yard” takes a token').waitFor();
  await handsNothingOut(page);
  await page.getByLabel('A key of this browser').check();
  await goOnAir(page);
  await page.getByRole('heading', { name: 'On air' }).waitFor();
  await page.locator('#qr').waitFor();
});

test('a room that another camera has: no link is handed out', LONG, async (t) => {
  const stage = new Stage(t);
  await stage.startGateway();
  stage.startCamera('mine', ['--size', '640x360']);
  const viewer = await stage.watch('mine');
  await becomes(viewer, 'live');
  const page = await stage.open('/publish/mine');
  await goOnAir(page);
  await page.getByRole('heading', { name: 'Room taken' }).waitFor();
  await handsNothingOut(page);
  await shot(page, 'publish-taken');
});

test('on air: another camera, the microphone, mute, and what the viewer gets of it', LONG, async (t) => {
  const stage = new Stage(t);
  await stage.startGateway();
  const { page, link } = await browserCamera(stage);
  const viewer = await stage.open(link.pathname);
  await becomes(viewer, 'live');
  const sound = () => viewer.evaluate(async () => {
    let packets = 0;
    for (const peer of /** @type {any} */ (window).peers) {
      for (const stats of (await peer.getStats()).values()) {
        if (stats.type === 'inbound-rtp' && stats.kind === 'audio') packets += stats.packetsReceived;
      }
    }
    return packets;
  });
  assert.equal(await sound(), 0);
  const track = () => page.evaluate(() => {
    const stream = /** @type {MediaStream} */ (/** @type {any} */ (document.getElementById('preview')).srcObject);
    return { video: stream.getVideoTracks()[0]?.label, on: stream.getAudioTracks()[0]?.enabled };
  });
  const { video: before } = await track();
  const devices = await page.getByLabel('Picture').locator('option').allInnerTexts();
  const other = devices.find((label) => label === OTHER && label !== before);
  assert.ok(other, `another camera among ${devices}`);
  await page.getByLabel('Picture').selectOption({ label: other });
  await eventually('the other camera runs', track, ({ video }) => video === other);
  await moves(viewer);
  await page.getByLabel('Sound').selectOption({ index: 0 });
  await eventually('the viewer hears it', sound, (packets) => packets > 20);
  await page.getByRole('button', { name: 'Mute' }).click();
  await eventually('muted', track, ({ on }) => on === false);
  await shot(page, 'publish-on-air');
  await page.getByRole('button', { name: 'Unmute' }).click();
  await eventually('not muted', track, ({ on }) => on === true);
  assert.equal((await linkOf(page)).href, link.href, 'still the same room');
  await becomes(viewer, 'live');
});

test('a camera that is unplugged on air: that is said, and the next one is taken', LONG, async (t) => {
  const stage = new Stage(t);
  await stage.startGateway();
  const { page, link } = await browserCamera(stage);
  const viewer = await stage.open(link.pathname);
  await becomes(viewer, 'live');
  await page.evaluate(() => {
    const { srcObject } = /** @type {any} */ (document.getElementById('preview'));
    const [track] = srcObject.getVideoTracks();
    // As the browser does.
    track.stop();
    track.dispatchEvent(new Event('ended'));
  });
  await page.getByText('The camera is gone: unplugged, or taken by another program.').waitFor();
  assert.equal(await page.getByRole('button', { name: 'Go off air' }).isVisible(), true, 'still on air');
  await shot(page, 'publish-unplugged');
  await becomes(viewer, 'stopped');
  await page.getByLabel('Picture').selectOption({ label: OTHER });
  await becomes(viewer, 'live');
  await moves(viewer);
});

test('the logo asks before it ends the broadcast', LONG, async (t) => {
  const stage = new Stage(t);
  await stage.startGateway();
  const { page } = await browserCamera(stage);
  /** @type {string[]} */
  const asked = [];
  page.on('dialog', async (dialog) => {
    asked.push(dialog.type());
    await (asked.length === 1 ? dialog.dismiss() : dialog.accept());
  });
  await page.getByRole('link', { name: 'Sightline' }).click({ noWaitAfter: true });
  await eventually('it asks', () => asked, (types) => types.length === 1);
  assert.deepEqual(asked, ['beforeunload']);
  assert.equal(await page.getByRole('heading', { name: 'On air' }).isVisible(), true);
  await page.getByRole('button', { name: 'Go off air' }).click();
  await page.getByRole('link', { name: 'Sightline' }).click();
  await page.getByRole('heading', { name: 'Watch a camera' }).waitFor();
  assert.equal(asked.length, 1, 'off air nobody asks');
});

test('the screen is kept on again after the page was hidden', LONG, async (t) => {
  const stage = new Stage(t);
  await stage.startGateway();
  const context = await stage.newContext();
  const page = await context.newPage();
  await page.addInitScript(() => {
    const seen = /** @type {any} */ (window);
    seen.locks = [];
    const request = navigator.wakeLock?.request.bind(navigator.wakeLock);
    if (!request) return;
    navigator.wakeLock.request = async (type) => {
      const lock = await request(type);
      seen.locks.push(lock);
      return lock;
    };
  });
  await page.goto(`${stage.origin}/publish`);
  await goOnAir(page);
  await page.getByRole('heading', { name: 'On air' }).waitFor();
  const locks = () => page.evaluate(() => /** @type {any} */ (window).locks
    .map((/** @type {WakeLockSentinel} */ { released }) => released));
  await eventually('one lock', locks, (all) => all.length === 1 && !all[0]);
  // Headless pages are never hidden: what a browser does then, and when the page is back.
  await page.evaluate(() => /** @type {any} */ (window).locks[0].release());
  await page.evaluate(() => document.dispatchEvent(new Event('visibilitychange')));
  await eventually('another one', locks, (all) => all.length === 2 && !all[1]);
});

test('before permission: front and back on a phone, and a preview before going on air', LONG, async (t) => {
  const stage = new Stage(t);
  await stage.startGateway();
  const context = await stage.newContext({ viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true });
  const page = await context.newPage();
  await page.addInitScript(() => {
    navigator.permissions.query = async () => /** @type {any} */ ({ state: 'prompt' });
  });
  await page.goto(`${stage.origin}/publish`);
  assert.deepEqual((await page.getByLabel('Picture').locator('option').allInnerTexts()).slice(0, 2),
    ['Front camera', 'Back camera']);
  await shot(page, 'publish-phone');
  await page.getByRole('button', { name: 'Turn the camera on' }).click();
  await eventually('a preview', () => page.evaluate(() =>
    /** @type {HTMLVideoElement} */ (document.getElementById('preview')).videoWidth), (width) => width > 2);
  assert.equal(await page.getByRole('button', { name: 'Go on air' }).isVisible(), true, 'off air yet');
  await shot(page, 'publish-preview');
});
