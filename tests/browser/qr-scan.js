// @ts-check
/** Reads a QR code off a page, as a phone would. */

import { createRequire } from 'node:module';

/** CommonJS, with types that say otherwise. @type {typeof import('jsqr').default} */
const jsqr = createRequire(import.meta.url)('jsqr');

/**
 * @param {import('playwright-core').Locator} svg
 * @returns {Promise<string | null>} what it says
 */
export async function scanned(svg) {
  await svg.waitFor();
  const png = (await svg.screenshot({ type: 'png' })).toString('base64');
  // The browser decodes the PNG; it belongs to no page, so no policy is in the way.
  const browser = svg.page().context().browser();
  const blank = await /** @type {import('playwright-core').Browser} */ (browser).newPage();
  const { data, width, height } = await blank.evaluate(async (base64) => {
    const bytes = Uint8Array.from(atob(base64), (char) => char.charCodeAt(0));
    const bitmap = await createImageBitmap(new Blob([bytes], { type: 'image/png' }));
    const canvas = new OffscreenCanvas(bitmap.width, bitmap.height);
    const context = /** @type {OffscreenCanvasRenderingContext2D} */ (canvas.getContext('2d'));
    context.drawImage(bitmap, 0, 0);
    const image = context.getImageData(0, 0, bitmap.width, bitmap.height);
    return { data: [...image.data], width: bitmap.width, height: bitmap.height };
  }, png);
  await blank.close();
  return jsqr(Uint8ClampedArray.from(data), width, height)?.data ?? null;
}
