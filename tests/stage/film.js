// @ts-check
/** The film that a camera plays in tests, and what its frames look like. */

import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** The shared media folder lies beside the repository; a checkout elsewhere can name it. */
export const FILM = process.env.SIGHTLINE_TEST_FILM
  ?? ['../../../shared/media/bigbuckbunny.mp4', '../../../../shared/media/bigbuckbunny.mp4']
    .map((place) => fileURLToPath(new URL(place, import.meta.url)))
    .find((place) => existsSync(place))
  ?? '';

export const haveFilm = () => FILM !== '' && existsSync(FILM);

/**
 * The film's frames as this very browser decodes and draws them, scaled down, every `step`
 * seconds.
 *
 * @param {import('playwright-core').BrowserContext} context
 * @param {{ width?: number, height?: number, step?: number }} [options]
 * @returns {Promise<number[][]>}
 */
export async function filmFrames(context, { width = 32, height = 18, step = 0.1 } = {}) {
  const page = await context.newPage();
  const film = readFileSync(FILM).toString('base64');
  const frames = await page.evaluate(async ({ film, width, height, step }) => {
    const video = document.createElement('video');
    video.muted = true;
    const loaded = new Promise((resolve, reject) => {
      video.addEventListener('loadeddata', resolve, { once: true });
      video.addEventListener('error', () => reject(new Error(video.error?.message)), { once: true });
    });
    const bytes = await (await fetch(`data:video/mp4;base64,${film}`)).blob();
    video.src = URL.createObjectURL(bytes);
    await loaded;
    const canvas = new OffscreenCanvas(width, height);
    const context = /** @type {OffscreenCanvasRenderingContext2D} */ (canvas.getContext('2d'));
    context.imageSmoothingQuality = 'high';
    const frames = [];
    for (let time = step / 2; time < video.duration; time += step) {
      const sought = new Promise((resolve) => video.addEventListener('seeked', resolve, { once: true }));
      video.currentTime = time;
      await sought;
      context.drawImage(video, 0, 0, width, height);
      const { data } = context.getImageData(0, 0, width, height);
      frames.push([...data].filter((_, index) => index % 4 !== 3));
    }
    return frames;
  }, { film, width, height, step });
  await page.close();
  return frames;
}
