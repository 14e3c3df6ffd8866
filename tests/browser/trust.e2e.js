// @ts-check
/** Is it really my camera: what the page says, and who cannot fool it. */

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import test from 'node:test';
import { browserCamera, secretOf } from './browser-camera.js';
import { Stage, becomes, moves, shot } from '../stage/stage.js';
import { villain } from './villain.js';

/** @typedef {import('playwright-core').Page} Page */

/**
 * Waits for the page to say what holds.
 *
 * @param {Page} page
 * @param {string} words
 */
const says = (page, words) => page.locator('#trust').getByText(words, { exact: true }).waitFor();

/** @param {Page} page on which nobody's picture must have come near a connection */
async function assertNothingPlayed(page) {
  const remote = await page.evaluate(() =>
    /** @type {any} */ (window).peers.filter((/** @type {any} */ { remoteDescription }) => remoteDescription).length);
  assert.equal(remote, 0, 'no description of theirs was used');
  assert.equal(await page.locator('#trust').isVisible(), false);
}

test('the camera whose key the room is, verified', { timeout: 180_000 }, async (t) => {
  const stage = new Stage(t);
  await stage.startGateway();
  const { link } = await browserCamera(stage);
  const viewer = await stage.open(link.pathname);
  await becomes(viewer, 'live');
  await moves(viewer);
  await says(viewer, 'Your camera, verified · end to end');
  await shot(viewer, 'trust-verified');
  await viewer.setViewportSize({ width: 390, height: 844 });
  await shot(viewer, 'trust-verified-phone');
  assert.equal(await viewer.locator('whep-player').getAttribute('trust'), 'verified');
});

test('a named room is direct and not verified, the relay is said to be one', { timeout: 180_000 }, async (t) => {
  const stage = new Stage(t);
  await stage.startGateway();
  stage.startCamera('named');
  const viewer = await stage.watch('named');
  await becomes(viewer, 'live');
  await says(viewer, 'Direct, not verified');
  await shot(viewer, 'trust-direct');

  stage.startPublisher('passed');
  const relayed = await stage.watch('passed');
  await becomes(relayed, 'live');
  await says(relayed, 'Passes the server');
  await shot(relayed, 'trust-relayed');
});

test('a gateway that puts its own offer in place of the camera’s', { timeout: 180_000 }, async (t) => {
  const stage = new Stage(t);
  await stage.startGateway();
  const { link } = await browserCamera(stage);
  const { offer, page: thief } = await offerOfAnother(stage);
  const { origin } = await villain(t, stage.origin, {
    // With the camera's proof: it is public, and bound to the camera's certificate.
    counterOffer: (real) => offer.replace('m=', `${proofIn(real)}m=`),
  });
  const viewer = await stage.openUrl(origin + link.pathname);
  await becomes(viewer, 'impostor');
  await viewer.locator('whep-player').getByText('This is not your camera', { exact: true }).first().waitFor();
  await assertNothingPlayed(viewer);
  await shot(viewer, 'trust-impostor');
  assert.equal(await thief.evaluate(() => /** @type {any} */ (window).peers[0].connectionState), 'new');
});

test('a gateway that changes only the fingerprint', { timeout: 180_000 }, async (t) => {
  const stage = new Stage(t);
  await stage.startGateway();
  const { link } = await browserCamera(stage);
  const { origin } = await villain(t, stage.origin, {
    counterOffer: (real) => real.replace(/^(a=fingerprint:sha-256 )(..)/gm, (_, before, byte) =>
      before + (byte === '00' ? '11' : '00')),
  });
  const viewer = await stage.openUrl(origin + link.pathname);
  await becomes(viewer, 'impostor');
  await assertNothingPlayed(viewer);
});

test('another camera’s proof, signed in full order, is not this camera’s', { timeout: 180_000 }, async (t) => {
  const stage = new Stage(t);
  await stage.startGateway();
  const { link } = await browserCamera(stage);
  const other = await browserCamera(stage);
  const room = other.link.pathname.split('/')[2];
  const { origin } = await villain(t, stage.origin, {
    counterOffer: async () => counterOfferOf(stage.origin, room),
  });
  const viewer = await stage.openUrl(origin + link.pathname);
  await becomes(viewer, 'impostor');
  await assertNothingPlayed(viewer);
});

test('a proof that is taken away is missed', { timeout: 180_000 }, async (t) => {
  const stage = new Stage(t);
  await stage.startGateway();
  const { link } = await browserCamera(stage);
  const { origin } = await villain(t, stage.origin, {
    counterOffer: (real) => real.replace(proofIn(real), ''),
  });
  const viewer = await stage.openUrl(origin + link.pathname);
  await becomes(viewer, 'live');
  await says(viewer, 'Direct, not verified');
});

test('a page without https says that it cannot check; a private link refuses there', { timeout: 180_000 }, async (t) => {
  const stage = new Stage(t);
  await stage.startGateway();
  const { page: camera, link } = await browserCamera(stage);
  const insecure = `http://insecure.test:${link.port}${link.pathname}`;
  const viewer = await stage.openUrl(insecure);
  assert.equal(await viewer.evaluate(() => isSecureContext), false);
  await becomes(viewer, 'live');
  await says(viewer, 'Direct, not verified');
  await viewer.locator('#trust').click();
  await viewer.getByText(/Cannot check that here: open the page by https/).waitFor();
  assert.equal(await viewer.locator('whep-player').getAttribute('trust'), 'unchecked');
  await shot(viewer, 'trust-unchecked');

  const secret = await secretOf(camera, Math.floor(Date.now() / 1000) + 3600);
  const refused = await stage.openUrl(`${insecure}#${secret}`);
  await becomes(refused, 'insecure');
  await assertNothingPlayed(refused);
  await shot(refused, 'trust-insecure');
});

test('a clock that is days off is told, and hides nothing', { timeout: 180_000 }, async (t) => {
  const stage = new Stage(t);
  await stage.startGateway();
  const { page: camera, link } = await browserCamera(stage);
  const openInTwoDays = async (/** @type {string} */ where) => {
    const page = await (await stage.newContext()).newPage();
    await page.addInitScript(() => {
      const now = Date.now.bind(Date);
      Date.now = () => now() + 2 * 24 * 3600 * 1000;
    });
    await page.goto(stage.origin + where);
    return page;
  };
  const viewer = await openInTwoDays(link.pathname);
  await becomes(viewer, 'live');
  await viewer.locator('#trust').click();
  await viewer.getByText(/Its clock or this device’s is wrong/).waitFor();
  const secret = await secretOf(camera, 0);
  await becomes(await openInTwoDays(`${link.pathname}#${secret}`), 'clock');
});

test('what gets into a page is not run', { timeout: 180_000 }, async (t) => {
  const stage = new Stage(t);
  await stage.startGateway();
  const page = await (await stage.newContext()).newPage();
  await page.goto(`${stage.origin}/watch/garage`);
  const ran = await page.evaluate(async () => {
    const violated = new Promise((resolve) => addEventListener('securitypolicyviolation', resolve));
    document.body.insertAdjacentHTML('beforeend', '<img src="data:,x" onerror="ran = true">');
    const script = document.createElement('script');
    script.textContent = 'ran = true';
    document.body.append(script);
    await violated;
    await fetch('https://elsewhere.invalid/').catch(() => {});
    return 'ran' in window;
  });
  assert.equal(ran, false);
});

/** @param {string} sdp */
const proofIn = (sdp) => sdp.match(/^a=sightline-proof:\S+\r\n/m)?.[0] ?? 'no proof';

/**
 * The offer of a browser that is not the camera.
 *
 * @param {Stage} stage
 */
async function offerOfAnother(stage) {
  const page = await stage.open('/publish');
  const offer = await page.evaluate(async () => {
    const pc = new RTCPeerConnection();
    pc.addTransceiver('video', { direction: 'sendonly' });
    await pc.setLocalDescription(await pc.createOffer());
    return pc.localDescription?.sdp ?? '';
  });
  return { page, offer };
}

/**
 * @param {string} origin
 * @param {string} room
 */
async function counterOfferOf(origin, room) {
  const body = readFileSync(new URL('../../spec/http/sdp/viewer-offer.sdp', import.meta.url), 'utf8');
  const response = await fetch(`${origin}/whep/${room}`, {
    method: 'POST', body, headers: { 'Content-Type': 'application/sdp', Prefer: 'direct, wait=50' },
  });
  assert.equal(response.status, 406);
  return response.text();
}
