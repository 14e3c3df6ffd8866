// @ts-check
/** What Firefox does not do: media from loopback, and H.264 before its plug-in is there. */

import assert from 'node:assert/strict';
import test from 'node:test';
import { openInFirefox } from '../stage/firefox.js';
import { Stage, becomes, eventually, moves, shot } from '../stage/stage.js';

/**
 * Which codecs the page's connections receive, and how many pictures were decoded.
 *
 * @param {import('playwright-core').Page} page
 * @returns {Promise<{ codecs: string[], frames: number, state: string }>}
 */
const received = (page) => page.evaluate(async () => {
  const codecs = [];
  let frames = 0;
  for (const peer of /** @type {any} */ (window).peers) {
    if (peer.connectionState === 'closed') continue;
    const all = await peer.getStats();
    for (const stats of all.values()) {
      if (stats.type !== 'inbound-rtp' || stats.kind !== 'video') continue;
      frames += stats.framesDecoded ?? 0;
      codecs.push(all.get(stats.codecId)?.mimeType);
    }
  }
  const { state } = /** @type {any} */ (document.querySelector('whep-player'));
  return { codecs, frames, state };
});

test('Firefox, and the relay of a gateway on loopback: there is a picture', { timeout: 180_000 }, async (t) => {
  const stage = new Stage(t);
  await stage.startGateway();
  stage.startPublisher('passed', ['--size', '640x360', '--codec', 'vp8']);
  const page = await openInFirefox(t, `${stage.origin}/watch/passed`);
  await becomes(page, 'live');
  await shot(page, 'passed-firefox');
});

test('Firefox, and a gateway that sends to loopback only: why there is no picture', { timeout: 180_000 }, async (t) => {
  const stage = new Stage(t, { gateway: ['--media-address', '127.0.0.1'] });
  await stage.startGateway();
  stage.startPublisher('loopback', ['--codec', 'vp8']);
  const page = await openInFirefox(t, `${stage.origin}/watch/loopback`);
  await becomes(page, 'loopback');
  await shot(page, 'loopback-firefox');
});

test('Firefox without its plug-in for H.264: that is told, and tried again', { timeout: 180_000 }, async (t) => {
  const stage = new Stage(t);
  await stage.startGateway();
  const camera = stage.startCamera('plugin', ['--size', '640x360', '--codec', 'h264']);
  const page = await openInFirefox(t, `${stage.origin}/watch/plugin`);
  const hasIt = await page.evaluate(() =>
    RTCRtpReceiver.getCapabilities('video')?.codecs.some(({ mimeType }) => mimeType === 'video/H264'));
  if (hasIt) return t.skip('this Firefox has H.264');
  await becomes(page, 'plugin');
  await shot(page, 'plugin-firefox');
  const asked = () => page.evaluate(() => performance.getEntriesByType('resource')
    .filter(({ name }) => name.endsWith('/whep/plugin')).length);
  await eventually('it asks again', asked, (times) => times > 1);
  assert.equal(await page.evaluate(() => document.getElementById('state')?.textContent), 'Codec missing');
  // One that sends what it can decode is played without a touch.
  await camera.end('SIGKILL');
  stage.startCamera('plugin', ['--size', '640x360', '--codec', 'vp8']);
  await becomes(page, 'live');
});

test('Firefox without its plug-in watches the camera in VP8, while another has H.264', { timeout: 180_000 }, async (t) => {
  const stage = new Stage(t);
  await stage.startGateway();
  const camera = stage.startCamera('fox');
  const other = await stage.watch('fox');
  await becomes(other, 'live');
  assert.deepEqual((await received(other)).codecs, ['video/H264']);

  const fox = await openInFirefox(t, `${stage.origin}/watch/fox`);
  const first = await eventually('Firefox plays', () => received(fox), ({ state, frames }) => state === 'live' && frames > 30);
  assert.deepEqual(first.codecs, ['video/VP8']);
  assert.match(await fox.evaluate(() => document.body.innerText), /direct/i);
  await camera.says(/encoder="vp8enc"/);
  await eventually('it plays on', () => received(fox), ({ frames }) => frames > first.frames + 60);
  await shot(fox, 'firefox-vp8');
  await moves(other, 30);

  await fox.close();
  await camera.says(/nobody takes this codec any more/);
  await moves(other, 30);
});
