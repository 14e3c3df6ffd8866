// @ts-check
/** The cameras that a browser has kept. */

import { becomes, eventually } from '../stage/stage.js';

/** @typedef {import('playwright-core').Page} Page */

/**
 * @param {Page} page of the gateway, in any browser
 * @returns {Promise<{ room: string, name: string, hash: string, at: number, bytes: number }[]>} the last one first
 */
export const seenBy = (page) => page.evaluate(async () => {
  const { seenCameras } = await import(String('/player/seen/seen-cameras.js'));
  return (await seenCameras()).map((/** @type {any} */ { picture, ...seen }) => ({ ...seen, bytes: picture.size }));
});

/**
 * Watches a camera until its picture is kept.
 *
 * @param {Page} page
 * @param {string | null} url to be opened; null where it is already
 * @param {string} room
 */
export async function watchUntilKept(page, url, room) {
  if (url !== null) await page.goto(url);
  await becomes(page, 'live');
  await eventually(`${room} is kept`, () => seenBy(page), ([last]) => last?.room === room && last.bytes > 500);
}
