// @ts-check
/** What is heard: each ear's own, beside the picture, on every way that sound can take. */

import assert from 'node:assert/strict';
import test from 'node:test';
import { Stage, becomes, eventually, moves, saysPath } from '../stage/stage.js';

/** @typedef {import('playwright-core').Page} Page */

/** A tone on the left, nothing on the right. */
const LEFT = ['--audio', 'gst:audiotestsrc is-live=true freq=440 volume=0.5 samplesperbuffer=960'
  + ' ! audio/x-raw,rate=48000,channels=1 ! audiopanorama panorama=-1'];

/**
 * How loud each side is in the page's player, in decibels of full scale, and at which frequency the
 * left one is loudest.
 *
 * @param {Page} page
 */
const heard = (page) => page.evaluate(() => {
  const { video } = /** @type {any} */ (document.querySelector('whep-player'));
  const stage = /** @type {any} */ (window);
  const [track] = video.srcObject?.getAudioTracks() ?? [];
  if (!track) return null;
  if (stage.listening?.track !== track) {
    const context = new AudioContext();
    const source = context.createMediaStreamSource(new MediaStream([track]));
    const splitter = context.createChannelSplitter(2);
    source.connect(splitter);
    const sides = [0, 1].map((side) => {
      const analyser = new AnalyserNode(context, { fftSize: 8192 });
      splitter.connect(analyser, side);
      return analyser;
    });
    stage.listening = { track, sides, hertz: context.sampleRate / 8192 };
  }
  const { sides, hertz } = stage.listening;
  const [left, right] = sides.map((/** @type {AnalyserNode} */ analyser) => {
    const bins = new Float32Array(analyser.frequencyBinCount);
    analyser.getFloatFrequencyData(bins);
    const loudest = bins.indexOf(Math.max(...bins));
    return { level: bins[loudest], tone: loudest * hertz };
  });
  return { left, right };
});

/** @param {Page} page */
async function hearsTheLeftOnly(page) {
  const { left, right } = /** @type {any} */ (await eventually('a tone on the left', () => heard(page),
    (now) => now !== null && now.left.level > -40 && Math.abs(now.left.tone - 440) < 30));
  assert.ok(left.level - right.level > 20, `${left.level} dB left, ${right.level} dB right`);
}

test('direct: the camera that is verified is seen and heard, in stereo', { timeout: 180_000 }, async (t) => {
  const stage = new Stage(t);
  await stage.startGateway();
  const camera = stage.startKeyCamera(LEFT);
  const link = await camera.share(['--for', '1h']);
  const page = await stage.open(link.pathname);
  await becomes(page, 'live');
  await page.locator('#trust').getByText('Your camera, verified · end to end', { exact: true }).waitFor();
  await saysPath(page, 'Direct');
  await moves(page);
  await hearsTheLeftOnly(page);
});

test('by the relay, of a camera that has no place for another direct viewer', { timeout: 180_000 }, async (t) => {
  const stage = new Stage(t);
  await stage.startGateway();
  stage.startCamera('two', ['--max-viewers', '1', ...LEFT]);
  const first = await stage.watch('two');
  await becomes(first, 'live');
  const second = await stage.watch('two');
  await becomes(second, 'live');
  await saysPath(second, 'Via the server');
  await moves(second);
  await hearsTheLeftOnly(second);
  await hearsTheLeftOnly(first);
});

test('by the relay, of who publishes by whipsink', { timeout: 180_000 }, async (t) => {
  const stage = new Stage(t);
  await stage.startGateway();
  stage.startPublisher('plain', LEFT);
  const page = await stage.watch('plain');
  await becomes(page, 'live');
  await moves(page);
  await hearsTheLeftOnly(page);
});
