// @ts-check
/** Streams that cannot be played smoothly: what is wrong with them, and what the sender can set. */

import assert from 'node:assert/strict';
import test from 'node:test';
import { fileURLToPath } from 'node:url';
import { Stage, becomes, eventually, shot } from '../stage/stage.js';

const OBS = fileURLToPath(new URL('../interop/obs.js', import.meta.url));

/** @param {import('playwright-core').Page} page */
const advice = (page) => eventually('there is advice', () => page.evaluate(() => {
  const box = document.querySelector('whep-player')?.shadowRoot?.querySelector('.advice');
  return box instanceof HTMLElement && !box.hidden ? box.innerText : '';
}), (words) => words !== '');

test('two pictures a second', { timeout: 180_000 }, async (t) => {
  const stage = new Stage(t);
  await stage.startGateway();
  const sender = await stage.open('/publish');
  await sender.evaluate(async (url) => {
    const canvas = document.createElement('canvas');
    const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext('2d'));
    let count = 0;
    setInterval(() => {
      context.fillStyle = `hsl(${count += 40}deg 80% 50%)`;
      context.fillRect(0, 0, canvas.width, canvas.height);
    }, 500);
    const pc = new RTCPeerConnection();
    pc.addTransceiver(canvas.captureStream().getVideoTracks()[0], { direction: 'sendonly' });
    await pc.setLocalDescription(await pc.createOffer());
    const response = await fetch(url, {
      method: 'POST', headers: { 'Content-Type': 'application/sdp' }, body: pc.localDescription?.sdp,
    });
    await pc.setRemoteDescription({ type: 'answer', sdp: await response.text() });
  }, `${stage.origin}/whip/slow`);
  const page = await stage.watch('slow');
  await becomes(page, 'live');
  assert.match(await advice(page), /very few pictures a second[^]*frame rate to 25 or 30/);
  await shot(page, 'advice-slow');
});

test('a keyframe each eight seconds, from a sender that sends none when it is asked', { timeout: 180_000 }, async (t) => {
  const stage = new Stage(t);
  await stage.startGateway();
  const sender = stage.startBesideCamera(process.execPath, [OBS, `${stage.origin}/whip/sparse`, '1', '8']);
  await sender.says(/"connected"/);
  const page = await stage.watch('sparse');
  await becomes(page, 'live');
  const { frames } = await eventually('twenty seconds of pictures', () => page.evaluate(() => ({
    frames: /** @type {any} */ (document.querySelector('whep-player')).video.getVideoPlaybackQuality().totalVideoFrames,
  })), (seen) => seen.frames > 550);
  t.diagnostic(`${frames} pictures`);
  assert.match(await advice(page), /whole picture only now and then[^]*keyframe interval to one or two seconds/);
  await shot(page, 'advice-sparse');
});

test('B-frames', { timeout: 180_000 }, async (t) => {
  const stage = new Stage(t);
  await stage.startGateway();
  const sender = stage.startBesideCamera(process.execPath, [OBS, `${stage.origin}/whip/reordered`, '1', '2', '2']);
  await sender.says(/"connected"/);
  const page = await stage.watch('reordered');
  await becomes(page, 'jerky');
  await page.getByText('The camera sends B-frames').filter({ visible: true }).first().waitFor();
  await shot(page, 'advice-b-frames');
});
