// @ts-check
/** Viewers of the relay: for publishers that serve nobody themselves, and beyond a camera's limit. */

import assert from 'node:assert/strict';
import test from 'node:test';
import { Stage, becomes, connections, decoded, eventually, moves, saysPath, shot } from '../stage/stage.js';

/** @typedef {import('playwright-core').Page} Page */

test('a publisher that serves nobody itself: via the gateway', { timeout: 180_000 }, async (t) => {
  const stage = new Stage(t);
  await stage.startGateway();
  stage.startPublisher('plain');
  const page = await stage.watch('plain');
  await becomes(page, 'live');
  await moves(page, 60);
  await saysPath(page, 'Via the server');
  await shot(page, 'relay');
});

test('beyond what the camera serves itself, the gateway passes on', { timeout: 180_000 }, async (t) => {
  const stage = new Stage(t);
  await stage.startGateway();
  stage.startCamera('many', ['--max-viewers', '1']);
  const first = await stage.watch('many');
  await becomes(first, 'live');
  const others = [await stage.watch('many'), await stage.watch('many')];
  for (const page of others) await becomes(page, 'live');
  await Promise.all([first, ...others].map((page) => moves(page, 60)));
  await saysPath(first, 'Direct');
  for (const page of others) await saysPath(page, 'Via the server');
});

for (const codec of ['h264', 'vp8']) {
  test(`a publisher of ${codec} that is killed and comes back: the same session goes on`, { timeout: 180_000 }, async (t) => {
    const stage = new Stage(t);
    await stage.startGateway();
    const publisher = stage.startPublisher('again', ['--codec', codec, '--size', '640x360']);
    const page = await stage.watch('again');
    await becomes(page, 'live');
    await moves(page);
    const before = await connections(page);

    await publisher.end('SIGKILL');
    await becomes(page, 'gone');
    await shot(page, 'relay-gone');
    const since = Date.now();
    stage.startPublisher('again', ['--codec', codec, '--size', '640x360']);
    await becomes(page, 'live');
    await moves(page, 60);
    t.diagnostic(`healed ${Date.now() - since} ms after the publisher was started`);
    assert.equal(await connections(page), before);
  });
}

test('a publisher that stays away: the viewer waits on, also when the session has ended', { timeout: 180_000 }, async (t) => {
  const stage = new Stage(t, { gateway: ['--relay-linger', '2s', '--media-silence', '5s'] });
  await stage.startGateway();
  const publisher = stage.startPublisher('away');
  const page = await stage.watch('away');
  await becomes(page, 'live');
  const before = await connections(page);
  await publisher.end('SIGKILL');
  await becomes(page, 'gone');
  await eventually('another session has begun', () => connections(page), (count) => count > before);
  await becomes(page, 'gone');
  stage.startPublisher('away');
  await becomes(page, 'live');
  await moves(page);
});

test('the gateway restarted under a publisher and a viewer', { timeout: 180_000 }, async (t) => {
  const stage = new Stage(t);
  await stage.startGateway();
  stage.startPublisher('restart');
  const page = await stage.watch('restart');
  await becomes(page, 'live');
  await stage.stopGateway();
  await stage.startGateway();
  const since = Date.now();
  await moves(page, 60);
  t.diagnostic(`the picture moved on ${Date.now() - since} ms after the gateway was back`);
});

test('a browser without the codec is told so', { timeout: 180_000 }, async (t) => {
  const stage = new Stage(t);
  await stage.startGateway();
  stage.startPublisher('codec', ['--codec', 'vp8']);
  const seen = await stage.watch('codec');
  await becomes(seen, 'live');
  const page = await (await stage.newContext()).newPage();
  await page.route('**/whep/**', (route) => {
    const offer = route.request().postData()?.replace(/VP8\//g, 'X-UNKNOWN/');
    return route.continue({ postData: offer });
  });
  await page.goto(`${stage.origin}/watch/codec`);
  await becomes(page, 'undecodable');
  await page.locator('whep-player').getByText('This browser cannot decode it', { exact: true }).first().waitFor();
  await shot(page, 'codec');
});

/**
 * Publishes a moving picture in three sizes.
 *
 * @param {Stage} stage
 * @param {string} room
 */
async function publishSimulcast(stage, room) {
  const page = await stage.open('/publish');
  await page.evaluate(async (url) => {
    const media = await navigator.mediaDevices.getUserMedia({ video: { width: 1280, height: 720 } });
    const pc = new RTCPeerConnection();
    const { sender } = pc.addTransceiver(media.getVideoTracks()[0], {
      direction: 'sendonly',
      // Little enough that a browser on a busy machine dares to send all three.
      sendEncodings: [
        { rid: 'l', scaleResolutionDownBy: 4, maxBitrate: 80_000 },
        { rid: 'm', scaleResolutionDownBy: 2, maxBitrate: 160_000 },
        { rid: 'h', maxBitrate: 400_000 },
      ],
    });
    // A busy machine may drop frames, but each size is to keep its lines.
    const parameters = Object.assign(sender.getParameters(), { degradationPreference: 'maintain-resolution' });
    await sender.setParameters(parameters);
    await pc.setLocalDescription(await pc.createOffer());
    const headers = { 'Content-Type': 'application/sdp' };
    const response = await fetch(url, { method: 'POST', headers, body: pc.localDescription?.sdp });
    if (response.status !== 201) throw new Error(`${response.status} ${await response.text()}`);
    await pc.setRemoteDescription({ type: 'answer', sdp: await response.text() });
  }, `${stage.origin}/whip/${room}`);
}

/**
 * Chooses a quality, and waits until the picture has so many lines. The relay ranks sizes by
 * their rates, and may have to correct itself while they are new: then the choice is repeated.
 *
 * @param {Page} page
 * @param {number} lines
 */
async function choose(page, lines) {
  const quality = page.locator('whep-player').getByLabel('Quality');
  const option = quality.getByRole('option').filter({ hasText: new RegExp(`^${lines}p`) });
  await eventually(`the picture has ${lines} lines`, async () => {
    const value = await option.getAttribute('value');
    // The controls go when nobody moves.
    await page.locator('whep-player').hover();
    if (await quality.inputValue() !== value) await quality.selectOption(value);
    return (await decoded(page)).height;
  }, (height) => height === lines);
}

test('a viewer chooses among the sizes of a simulcast', { timeout: 180_000 }, async (t) => {
  const stage = new Stage(t);
  await stage.startGateway();
  await publishSimulcast(stage, 'sizes');
  const page = await stage.watch('sizes');
  await becomes(page, 'live');
  const options = page.locator('whep-player').getByLabel('Quality').getByRole('option');
  await options.nth(3).waitFor({ state: 'attached' });
  // How many pictures a second is measured, and depends on the machine.
  const named = (/** @type {string[]} */ texts) => texts.map((text) => text.replace(/p\d+$/, 'p')).join(' ');
  await eventually('the layers tell their sizes', () => options.allInnerTexts(),
    (texts) => named(texts) === 'Auto 720p 360p 180p');
  await page.locator('whep-player').hover();
  await choose(page, 180);
  await moves(page);
  await shot(page, 'layers-low');
  await choose(page, 720);
  await moves(page);
  await shot(page, 'layers-high');
  await choose(page, 360);
  await moves(page);
  // By keyboard alone, wherever somebody is.
  await page.evaluate(() => /** @type {HTMLElement} */ (document.activeElement).blur());
  await page.keyboard.press('q');
  await eventually('the choice of quality has the focus', () => page.evaluate(() =>
    document.querySelector('whep-player')?.shadowRoot?.activeElement?.className), (name) => name === 'quality');
  await page.keyboard.press('End');
  await eventually('the least of them', async () => (await decoded(page)).height, (height) => height === 180);
});
