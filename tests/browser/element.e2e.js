// @ts-check
/** `<whep-player>` on a page of somebody else. */

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import test from 'node:test';
import { Stage, becomes, eventually, moves, shot } from '../stage/stage.js';

const PLAYER = new URL('../../player/src/', import.meta.url);

/**
 * A web server of somebody else, with a copy of the player and one page.
 *
 * @param {import('node:test').TestContext} t
 * @param {string} body of the page
 * @returns {Promise<string>} its origin
 */
async function elsewhere(t, body) {
  const server = createServer(async (request, response) => {
    const module = request.url?.match(/^\/player\/([a-z/-]+\.js)$/)?.[1];
    const content = module ? await readFile(new URL(module, PLAYER)).catch(() => null)
      : `<!doctype html><title>Elsewhere</title>${body}`;
    response.writeHead(content === null ? 404 : 200, {
      'Content-Type': module ? 'text/javascript' : 'text/html',
      // As strict as a page can be: the element brings no inline script and no inline style.
      'Content-Security-Policy': "default-src 'none'; script-src 'self'; style-src 'self'; connect-src *",
    });
    response.end(content);
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(undefined)));
  t.after(() => server.close());
  return `http://127.0.0.1:${/** @type {import('node:net').AddressInfo} */ (server.address()).port}`;
}

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
  assert.deepEqual(complaints.filter((text) => /Content Security Policy|Uncaught/.test(text)), []);

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
