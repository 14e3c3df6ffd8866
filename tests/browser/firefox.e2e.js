// @ts-check
/** What Firefox does not do: media from a gateway on loopback, and H.264 before its plug-in is there. */

import assert from 'node:assert/strict';
import test from 'node:test';
import { openInFirefox } from '../stage/firefox.js';
import { Stage, becomes, eventually, shot } from '../stage/stage.js';

test('Firefox, and a publisher that serves nobody itself: why there is no picture', { timeout: 180_000 }, async (t) => {
  const stage = new Stage(t);
  await stage.startGateway();
  stage.startPublisher('loopback', ['--codec', 'vp8']);
  const page = await openInFirefox(t, `${stage.origin}/watch/loopback`);
  await becomes(page, 'loopback');
  await shot(page, 'loopback-firefox');
});

test('Firefox without its plug-in for H.264: that is told, and tried again', { timeout: 180_000 }, async (t) => {
  const stage = new Stage(t);
  await stage.startGateway();
  const camera = stage.startCamera('plugin', ['--size', '640x360']);
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
