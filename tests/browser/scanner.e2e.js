// @ts-check
/** The landing page's scanner: a browser's camera sees a QR code, and the page opens its link. */

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import test from 'node:test';
import { accessible } from '../stage/axe.js';
import { openInFirefox } from '../stage/firefox.js';
import { Stage, becomes, eventually, shot } from '../stage/stage.js';

/** @typedef {import('playwright-core').Page} Page */

const LONG = { timeout: 180_000 };
const [WIDTH, HEIGHT] = [640, 480];

/**
 * A film of one picture, a QR code, as Chromium's fake camera takes it: YUV4MPEG2.
 *
 * @param {import('node:test').TestContext} t
 * @returns {{ file: string, show: (text: string) => Promise<void> }}
 */
function film(t) {
  const folder = mkdtempSync(path.join(tmpdir(), 'sightline-e2e-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const file = path.join(folder, 'code.y4m');
  return {
    file,
    show: async (text) => {
      const { encodeQR } = await import(String('../../player/node_modules/qr/index.js'));
      /** @type {boolean[][]} */
      const code = encodeQR(text, 'raw');
      const scale = Math.floor((HEIGHT * 0.8) / code.length);
      const [left, top] = [WIDTH, HEIGHT].map((side) => Math.floor((side - code.length * scale) / 2));
      const luma = Buffer.alloc(WIDTH * HEIGHT, 200);
      for (let y = 0; y < code.length * scale; y += 1) {
        for (let x = 0; x < code.length * scale; x += 1) {
          luma[(top + y) * WIDTH + left + x] = code[Math.floor(y / scale)][Math.floor(x / scale)] ? 40 : 200;
        }
      }
      const chroma = Buffer.alloc((WIDTH * HEIGHT) / 2, 128);
      writeFileSync(file, Buffer.concat([Buffer.from(`YUV4MPEG2 W${WIDTH} H${HEIGHT} F10:1 Ip A1:1 C420\nFRAME\n`), luma, chroma]));
    },
  };
}

/** @param {Page} page whether the fake camera runs */
const running = (page) => page.evaluate(() => {
  const { srcObject } = /** @type {HTMLVideoElement} */ (document.getElementById('finder'));
  const [track] = srcObject instanceof MediaStream ? srcObject.getVideoTracks() : [];
  return track?.readyState === 'live';
});

test('the camera sees the code of a link, and the page opens it; the reader is loaded only then', LONG, async (t) => {
  const code = film(t);
  const stage = new Stage(t, { browser: [`--use-file-for-fake-video-capture=${code.file}`] });
  await stage.startGateway();
  stage.startCamera('scanned', ['--size', '640x360']);
  await code.show('WIFI:S:no-link;;');
  const page = await (await stage.newContext()).newPage();
  /** @type {string[]} */
  const loaded = [];
  page.on('request', (request) => loaded.push(new URL(request.url()).pathname));
  await page.goto(stage.origin, { waitUntil: 'networkidle' });
  await page.getByRole('heading', { name: 'Watch a camera' }).waitFor();
  assert.equal(await running(page), false);
  assert.ok(!loaded.some((name) => name.includes('decode')), 'until then there is no reader');
  await page.getByRole('button', { name: 'Scan a QR code' }).press('Enter');
  await page.getByText('That code is not the link of a camera.').waitFor();
  for (const [width, height] of [[1280, 900], [390, 844]]) {
    await page.setViewportSize({ width, height });
    await shot(page, `scanner-${width}`);
    await accessible(page, 'the scanner');
  }
  assert.ok(loaded.some((name) => name.includes('decode')), 'this browser has no reader of its own');
  await page.keyboard.press('Escape');
  await page.locator('#scanner').waitFor({ state: 'hidden' });
  await eventually('the camera is off', () => running(page), (isOn) => !isOn);

  await code.show(`${stage.origin}/watch/scanned`);
  await page.getByRole('button', { name: 'Scan a QR code' }).click();
  await page.waitForURL('**/watch/scanned');
  await becomes(page, 'live');
});

test('a code of another server is not opened here', LONG, async (t) => {
  const code = film(t);
  const stage = new Stage(t, { browser: [`--use-file-for-fake-video-capture=${code.file}`] });
  await stage.startGateway();
  await code.show('https://cameras.example/watch/garage#token=a.b');
  const page = await stage.open('/');
  await page.getByRole('button', { name: 'Scan a QR code' }).click();
  await page.getByText('This link is of another server, cameras.example').waitFor();
  await eventually('the camera is off', () => running(page), (isOn) => !isOn);
});

test('who may not scan is told why', LONG, async (t) => {
  const stage = new Stage(t);
  await stage.startGateway();
  const insecure = await stage.openUrl(stage.origin.replace('127.0.0.1', 'insecure.test'));
  await insecure.getByRole('button', { name: 'Scan a QR code' }).click();
  await insecure.getByText('Browsers give a page the camera only over https').waitFor();
  await shot(insecure, 'scanner-insecure');
  await accessible(insecure, 'the scanner without https');

  const refused = await stage.open('/');
  await refused.evaluate(() => {
    navigator.mediaDevices.getUserMedia = async () => {
      throw new DOMException('no', 'NotAllowedError');
    };
  });
  await refused.getByRole('button', { name: 'Scan a QR code' }).click();
  await refused.getByText('The page may not use the camera.').waitFor();
});

test('Firefox scans as well', LONG, async (t) => {
  const stage = new Stage(t);
  await stage.startGateway();
  const page = await openInFirefox(t, stage.origin, { 'media.navigator.permission.disabled': true });
  const link = `${stage.origin}/watch/fox`;
  const { encodeQR } = await import(String('../../player/node_modules/qr/index.js'));
  /** @type {boolean[][]} */
  const raw = encodeQR(link, 'raw');
  await page.evaluate((code) => {
    const canvas = document.createElement('canvas');
    Object.assign(canvas, { width: 640, height: 480 });
    const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext('2d'));
    const draw = () => {
      context.fillStyle = '#ddd';
      context.fillRect(0, 0, 640, 480);
      context.fillStyle = '#222';
      const scale = Math.floor(400 / code.length);
      code.forEach((row, y) => row.forEach((dark, x) => dark && context.fillRect(120 + x * scale, 40 + y * scale, scale, scale)));
    };
    setInterval(draw, 50);
    // Its own fake camera shows nothing but colours.
    navigator.mediaDevices.getUserMedia = async () => canvas.captureStream(20);
    document.getElementById('scan')?.click();
  }, raw);
  await eventually('its link is opened', () => page.evaluate(() => location.href), (href) => href === link);
});
