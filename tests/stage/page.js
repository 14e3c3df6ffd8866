// @ts-check
/** What a watch page shows, and what its connections say. */

import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { eventually } from './eventually.js';

/** @typedef {import('playwright-core').Page} Page */

const OUT = fileURLToPath(new URL('../out/', import.meta.url));

/**
 * Waits until the player's state is the wanted one.
 *
 * @param {Page} page
 * @param {string} wanted
 */
export const becomes = (page, wanted) => eventually(
  `the player is “${wanted}”`,
  () => page.evaluate(() => /** @type {any} */ (document.querySelector('whep-player'))?.state),
  (state) => state === wanted,
  () => logOf(page),
);

/**
 * The watch page's log, for the message of a failed test.
 *
 * @param {Page} page
 */
const logOf = async (page) => {
  const log = await page.evaluate(() => document.getElementById('log')?.innerText ?? 'no log here');
  return `; the page's log, newest first:\n${log}`;
};

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
 * Waits until the page says by which path media comes.
 *
 * @param {Page} page
 * @param {string} wanted
 */
export const saysPath = (page, wanted) => eventually(
  `the path is “${wanted}”`,
  () => page.locator('#path').innerText(),
  (path) => path === wanted,
);

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
 * @param {number} [count]
 */
export async function moves(page, count = 15) {
  let base = (await decoded(page)).frames;
  await eventually(`${count} more frames than ${base} have been decoded`, () => decoded(page), ({ frames }) => {
    // Fewer than before: a new connection, which counts from zero.
    base = Math.min(base, frames);
    return frames - base >= count;
  }, () => logOf(page));
}

/**
 * The picture as it is seen, scaled down: width × height × RGB, 0 to 255.
 *
 * @param {Page} page
 * @param {number} [width]
 * @param {number} [height]
 * @returns {Promise<number[]>} black while nothing is shown
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
 * Waits until the picture is another than now.
 *
 * @param {Page} page
 */
export async function changes(page) {
  const first = await picture(page);
  await eventually('the picture differs by 0.2', async () => difference(first, await picture(page)),
    (changed) => changed >= 0.2);
}

/**
 * Keeps a screenshot for people.
 *
 * @param {{ screenshot: (options: { path: `${string}.png` }) => Promise<unknown> }} page in any browser
 * @param {string} name
 */
export async function shot(page, name) {
  mkdirSync(OUT, { recursive: true });
  await page.screenshot({ path: `${path.join(OUT, name)}.png` });
}
