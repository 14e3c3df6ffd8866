// @ts-check
/** What a watch page shows, and what its connections say. */

import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

/** @typedef {import('playwright-core').Page} Page */

const OUT = fileURLToPath(new URL('../out/', import.meta.url));

/**
 * Waits until the player's state is the wanted one.
 *
 * @param {Page} page
 * @param {string} state
 * @param {number} ms
 */
export async function becomes(page, state, ms) {
  const reached = (/** @type {string} */ wanted) => {
    const player = /** @type {any} */ (document.querySelector('whep-player'));
    return player?.state === wanted;
  };
  await page.waitForFunction(reached, state, { timeout: ms, polling: 50 }).catch(async () => {
    const log = await logOf(page);
    throw new Error(`not “${state}” within ${ms} ms; the page's log, newest first:\n${log}`);
  });
}

/**
 * The watch page's log, for the message of a failed test.
 *
 * @param {Page} page
 */
const logOf = (page) => page.locator('#log').innerText({ timeout: 500 }).catch(() => 'no log here');

/**
 * What the decoder has done so far, from the statistics of whatever connection is open.
 *
 * @param {Page} page
 * @returns {Promise<{ at: number, frames: number, width: number, height: number, freezes: number }>}
 */
export function decoded(page) {
  return page.evaluate(async () => {
    const sum = { at: performance.now(), frames: 0, width: 0, height: 0, freezes: 0 };
    for (const peer of /** @type {any} */ (window).peers) {
      if (peer.connectionState === 'closed') continue;
      for (const stats of (await peer.getStats()).values()) {
        if (stats.type !== 'inbound-rtp' || stats.kind !== 'video') continue;
        sum.frames += stats.framesDecoded ?? 0;
        sum.width = stats.frameWidth ?? 0;
        sum.height = stats.frameHeight ?? 0;
        sum.freezes = stats.freezeCount ?? 0;
      }
    }
    return sum;
  });
}

/**
 * By which kinds of candidates media comes, ours and the other side's: `host`, `srflx`, `prflx`,
 * or `relay`, which is a TURN server's.
 *
 * @param {Page} page
 * @returns {Promise<string[]>}
 */
export function route(page) {
  return page.evaluate(async () => {
    for (const peer of /** @type {any} */ (window).peers) {
      if (peer.connectionState === 'closed') continue;
      const report = await peer.getStats();
      const { selectedCandidatePairId } =
        [...report.values()].find(({ type }) => type === 'transport') ?? {};
      const pair = report.get(selectedCandidatePairId);
      const ends = [pair?.localCandidateId, pair?.remoteCandidateId];
      if (pair) return ends.map((id) => report.get(id)?.candidateType ?? 'unknown');
    }
    return [];
  });
}

/**
 * The path as the page says it.
 *
 * @param {Page} page
 */
export async function saidPath(page) {
  const path = page.locator('#path');
  await path.filter({ hasNotText: '–' }).waitFor({ timeout: 5000 });
  return path.innerText();
}

/**
 * How many connections the page has made.
 *
 * @param {Page} page
 */
export const connections = (page) => page.evaluate(() => /** @type {any} */ (window).peers.length);

/**
 * Waits until the picture moves: `count` more frames than now have been decoded.
 *
 * @param {Page} page
 * @param {number} ms
 * @param {number} [count]
 */
export async function moves(page, ms, count = 15) {
  const until = Date.now() + ms;
  let base = (await decoded(page)).frames;
  for (;;) {
    const now = await decoded(page);
    // Fewer than before: a new connection, which counts from zero.
    base = Math.min(base, now.frames);
    if (now.frames - base >= count) return;
    if (Date.now() > until) {
      const log = await logOf(page);
      throw new Error(`the picture does not move; ${JSON.stringify(now)}, log:\n${log}`);
    }
    await page.evaluate(() => new Promise((resolve) => setTimeout(resolve, 100)));
  }
}

/**
 * The picture as it is seen, scaled down: width × height × RGB, 0 to 255.
 *
 * @param {Page} page
 * @param {number} [width]
 * @param {number} [height]
 * @returns {Promise<number[]>}
 */
export function picture(page, width = 32, height = 18) {
  return page.evaluate(([w, h]) => {
    const player = /** @type {any} */ (document.querySelector('whep-player'));
    const canvas = new OffscreenCanvas(w, h);
    const context = /** @type {OffscreenCanvasRenderingContext2D} */ (canvas.getContext('2d'));
    context.imageSmoothingQuality = 'high';
    context.drawImage(player.video, 0, 0, w, h);
    return [...context.getImageData(0, 0, w, h).data].filter((_, index) => index % 4 !== 3);
  }, [width, height]);
}

/**
 * Mean difference of two pictures, per channel.
 *
 * @param {number[]} one
 * @param {number[]} other
 */
export const difference = (one, other) =>
  one.reduce((sum, value, index) => sum + Math.abs(value - other[index]), 0) / one.length;

/**
 * Keeps a screenshot for people.
 *
 * @param {Page} page
 * @param {string} name
 */
export async function shot(page, name) {
  mkdirSync(OUT, { recursive: true });
  await page.screenshot({ path: path.join(OUT, `${name}.png`) });
}
