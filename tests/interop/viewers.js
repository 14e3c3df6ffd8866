// @ts-check
/** The viewers of the matrix. */

import { fileURLToPath } from 'node:url';
import { binary } from '../stage/process.js';
import { decodedSoFar, emptyPage, firstPicture } from './page.js';
import { Program } from './program.js';
import { PYTHON } from './python.js';
import * as habits from './habits.js';

/** @typedef {import('../stage/stage.js').Stage} Stage */
/** @typedef {import('../stage/tap.js').Tap} Tap */

/** @typedef {{ video: number, audio: number }} Counts pictures, and packets of sound */

/**
 * A viewer that has set out to watch.
 *
 * @typedef {object} Watching
 * @property {Promise<number>} firstFrame when it was decoded; milliseconds on our clock
 * @property {() => Promise<Counts>} counted what was decoded in the five seconds after it
 * @property {() => Promise<Counts>} soFar what has been decoded since it, as far as that is known
 * @property {() => Promise<unknown>} end leaves as this client does
 */

/**
 * @typedef {object} Viewer
 * @property {string} name
 * @property {(stage: Stage, tap: Tap, room: string) => Promise<Watching>} watch
 * @property {(tap: Tap) => Promise<void>} habits what design and documentation claim of it
 */

/** For how long pictures are counted, in milliseconds. */
const COUNTED = 5000;

const AIORTC = fileURLToPath(new URL('./aiortc_client.py', import.meta.url));

/** @type {Viewer[]} */
export const VIEWERS = [
  {
    name: 'GStreamer whepsrc',
    watch: program((url) => [binary('interop'), 'whepsrc', url]),
    habits: habits.whepsrc,
  },
  {
    name: 'GStreamer whepclientsrc',
    watch: program((url) => [binary('interop'), 'whepclientsrc', url]),
    habits: habits.whepclientsrc,
  },
  {
    name: 'aiortc',
    watch: program((url) => [PYTHON, AIORTC, 'watch', url]),
    habits: habits.aiortc,
  },
  {
    name: 'mediamtx reader',
    watch: script('reader.js'),
    habits: habits.reader,
  },
  {
    name: 'medooze whep.js',
    watch: script('medooze.js'),
    habits: habits.medoozeViewer,
  },
  {
    name: 'Sightline player',
    watch: player,
    habits: habits.player,
  },
];

/**
 * @param {(url: string) => string[]} command
 * @returns {Viewer['watch']}
 */
function program(command) {
  return async (_, tap, room) => {
    const [file, ...args] = command(`${tap.origin}/whep/${room}`);
    const started = new Program('viewer', [file, ...args]);
    await started.begins();
    return {
      firstFrame: started.tells('first-frame').then(({ at }) => at),
      counted: async () => {
        const { video, audio } = await started.tells('counted');
        return { video, audio };
      },
      soFar: async () => {
        const { video = 0, audio = 0 } = started.lastOf('counted') ?? {};
        return { video, audio };
      },
      end: () => started.end(),
    };
  };
}

/**
 * A script in Chromium.
 *
 * @param {string} name of a file in pages/ that exports `watch`
 * @returns {Viewer['watch']}
 */
function script(name) {
  return async (stage, tap, room) => {
    const page = await emptyPage(stage, tap.origin);
    const running = page.evaluate(async ([script, endpoint]) => {
      const video = document.querySelector('video');
      const { watch } = await import(script);
      Object.assign(window, { leave: await watch(endpoint, video) });
    }, [`/interop/pages/${name}`, `${tap.origin}/whep/${room}`]);
    const watching = inChromium(page, running);
    const leave = () => page.evaluate(() => /** @type {any} */ (window).leave?.());
    return { ...watching, end: () => running.then(leave).finally(() => page.context().close()) };
  };
}

/** @type {Viewer['watch']} */
async function player(stage, tap, room) {
  const page = await stage.openUrl(`${tap.origin}/watch/${room}`);
  // Closing the tab is what a person does, and must DELETE.
  return { ...inChromium(page), end: () => page.close({ runBeforeUnload: true }) };
}

/**
 * @param {import('./page.js').Page} page
 * @param {Promise<unknown>} [running] the script, whose failure is the viewer's
 */
function inChromium(page, running = Promise.resolve()) {
  const failed = new Promise((_, reject) => { running.catch(reject); });
  const firstFrame = Promise.race([firstPicture(page), failed]).then(() => performance.now());
  const before = firstFrame.then(() => decodedSoFar(page));
  const soFar = async () => {
    const [{ video, audio }, now] = [await before, await decodedSoFar(page)];
    return { video: now.video - video + 1, audio: now.audio - audio };
  };
  const counted = before.then(() => new Promise((resolve) => setTimeout(resolve, COUNTED))).then(soFar);
  counted.catch(() => {});
  return { firstFrame, counted: () => counted, soFar };
}
