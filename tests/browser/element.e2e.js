// @ts-check
/** `<whep-player>` on a page of somebody else. */

import assert from 'node:assert/strict';
import test from 'node:test';
import { elsewhere } from '../stage/elsewhere.js';
import { Stage, becomes, eventually, moves, shot } from '../stage/stage.js';

test('a page of another origin, under a strict policy', { timeout: 180_000 }, async (t) => {
  const stage = new Stage(t);
  await stage.startGateway();
  stage.startCamera('embedded');
  const origin = await elsewhere(t, `<script type="module" src="/player/whep-player.js"></script>
    <whep-player src="${stage.origin}/whep/embedded"></whep-player>`);
  const page = await stage.openUrl(origin);
  const complaints = /** @type {string[]} */ ([]);
  page.on('console', (message) => complaints.push(message.text()));
  await becomes(page, 'live');
  await moves(page, 60);
  const overlay = page.locator('whep-player .overlay');
  await overlay.waitFor({ state: 'hidden' });
  await shot(page, 'elsewhere');
  assert.deepEqual(complaints.filter((text) => /Content Security Policy|Trusted|Uncaught/.test(text)), []);

  // Taken out of the page, it ends its session; put back, it starts a new one.
  await page.evaluate(() => {
    const player = /** @type {HTMLElement} */ (document.querySelector('whep-player'));
    player.remove();
    Object.assign(window, { player });
  });
  await eventually('the session is closed', () => page.evaluate(() => /** @type {any} */ (window).player.state),
    (state) => state === 'closed');
  await page.evaluate(() => document.body.append(/** @type {any} */ (window).player));
  await becomes(page, 'live');
  await moves(page);
});

test('a page whose policy names no server: that is told, and not the server’s fault', { timeout: 180_000 }, async (t) => {
  const stage = new Stage(t);
  await stage.startGateway();
  const origin = await elsewhere(t, `<script type="module" src="/player/whep-player.js"></script>
    <whep-player src="${stage.origin}/whep/any"></whep-player>`, { connect: "'none'" });
  const page = await (await stage.newContext()).newPage();
  await page.goto(origin);
  await becomes(page, 'forbidden');
  await shot(page, 'forbidden');
});

test('full screen: black, square, and nothing over the picture when nobody moves', { timeout: 180_000 }, async (t) => {
  const stage = new Stage(t);
  await stage.startGateway();
  stage.startCamera('full', ['--size', '640x360']);
  const page = await stage.watch('full');
  await becomes(page, 'live');
  await page.locator('whep-player').focus();
  await page.keyboard.press('f');
  const look = () => page.evaluate(() => {
    const root = /** @type {ShadowRoot} */ (/** @type {Element} */ (document.fullscreenElement).shadowRoot);
    const [box, bar] = ['.stage', '.bar'].map((each) => getComputedStyle(/** @type {Element} */ (root.querySelector(each))));
    return [box.borderRadius, box.backgroundImage, box.backgroundColor, box.cursor, bar.visibility].join(' ');
  });
  await eventually('nothing but the picture', look, (seen) => seen === '0px none rgb(0, 0, 0) none hidden');
  await shot(page, 'full-screen');
  await page.mouse.move(300, 300);
  await page.mouse.move(320, 300);
  await eventually('the controls are back', look, (seen) => seen === '0px none rgb(0, 0, 0) auto visible');
});

test('a touch shows the controls, and works none that was not seen', { timeout: 180_000 }, async (t) => {
  const stage = new Stage(t);
  await stage.startGateway();
  stage.startCamera('touch', ['--size', '640x360']);
  const page = await stage.watch('touch');
  await becomes(page, 'live');
  const button = () => page.evaluate(() => {
    const { x, y, width, height } = /** @type {any} */ (document.querySelector('whep-player')).shadowRoot
      .querySelector('.playback').getBoundingClientRect();
    return { x: x + width / 2, y: y + height / 2 };
  });
  const { x, y } = await button();
  const touch = await page.context().newCDPSession(page);
  const tap = async () => {
    await touch.send('Input.dispatchTouchEvent', { type: 'touchStart', touchPoints: [{ x, y }] });
    // As long as a finger stays: by then they are seen.
    await page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))));
    await touch.send('Input.dispatchTouchEvent', { type: 'touchEnd', touchPoints: [] });
  };
  await page.getByRole('button', { name: 'Pause (k)' }).waitFor({ state: 'hidden' });
  await tap();
  await page.getByRole('button', { name: 'Pause (k)' }).waitFor({ state: 'visible' });
  await becomes(page, 'live');
  await tap();
  await becomes(page, 'paused');
});

test('a browser that makes no style sheets and cannot tell URLs', { timeout: 180_000 }, async (t) => {
  const stage = new Stage(t);
  await stage.startGateway();
  const page = await (await stage.newContext()).newPage();
  await page.addInitScript(() => {
    Reflect.deleteProperty(URL, 'canParse');
    Object.assign(window, { CSSStyleSheet: class { constructor() { throw new TypeError('Illegal constructor'); } } });
  });
  await page.goto(await elsewhere(t, `<script type="module" src="/player/whep-player.js"></script>
    <whep-player src="${stage.origin}/whep/any"></whep-player>`));
  await becomes(page, 'waiting');
});

test('a browser without WebRTC is told so', { timeout: 180_000 }, async (t) => {
  const stage = new Stage(t);
  await stage.startGateway();
  const page = await (await stage.newContext()).newPage();
  await page.addInitScript(() => Reflect.deleteProperty(window, 'RTCPeerConnection'));
  await page.goto(`${stage.origin}/watch/any`);
  await becomes(page, 'unsupported');
  await page.getByText('Browser cannot', { exact: true }).first().waitFor();
  await shot(page, 'unsupported');
});

test('the keyboard works the controls', { timeout: 180_000 }, async (t) => {
  const stage = new Stage(t);
  await stage.startGateway();
  stage.startCamera('keys');
  const page = await stage.watch('keys');
  await becomes(page, 'live');
  await page.locator('whep-player').focus();
  const muted = () => page.evaluate(() =>
    /** @type {any} */ (document.querySelector('whep-player')).video.muted);
  assert.equal(await muted(), true, 'muted, or browsers would not play it by themselves');
  await page.keyboard.press('m');
  await eventually('it is heard', muted, (isMuted) => !isMuted);
  await page.keyboard.press('f');
  await eventually('the player fills the screen', () => page.evaluate(() => document.fullscreenElement?.localName),
    (name) => name === 'whep-player');
});
