// @ts-check
/** The publishers of the matrix. */

import { fileURLToPath } from 'node:url';
import { Process, binary } from '../stage/process.js';
import { emptyPage } from './page.js';
import { Program } from './program.js';
import { PYTHON, ffmpeg } from './python.js';
import * as habits from './habits.js';

/** @typedef {import('../stage/stage.js').Stage} Stage */
/** @typedef {import('../stage/tap.js').Tap} Tap */

/**
 * @typedef {object} Publisher
 * @property {string} name
 * @property {number} fps pictures per second that it sends
 * @property {boolean} sound whether it sends sound too
 * @property {boolean} direct whether it says `Prefer: direct`, so that its POST waits
 * @property {(stage: Stage, tap: Tap, room: string) => Promise<() => Promise<unknown>>} publish
 *   gives back what ends it as this client does
 * @property {(tap: Tap) => Promise<void>} habits what design and documentation claim of it
 */

const AIORTC = fileURLToPath(new URL('./aiortc_client.py', import.meta.url));
const OBS = fileURLToPath(new URL('./obs.js', import.meta.url));

/** @type {Publisher[]} */
export const PUBLISHERS = [
  {
    name: 'FFmpeg 9', fps: 30, sound: true, direct: false,
    publish: async (_, tap, room) => {
      const child = new Process('ffmpeg', ffmpeg(), ffmpegArguments(`${tap.origin}/whip/${room}`));
      return () => child.end('SIGTERM');
    },
    habits: habits.ffmpeg,
  },
  {
    name: 'OBS (double)', fps: 30, sound: true, direct: false,
    publish: program((url) => [process.execPath, OBS, url]),
    habits: habits.obs,
  },
  {
    name: 'OBS (double), simulcast', fps: 30, sound: true, direct: false,
    publish: program((url) => [process.execPath, OBS, url, '3']),
    habits: habits.obsSimulcast,
  },
  {
    name: 'GStreamer whipsink', fps: 30, sound: true, direct: false,
    publish: program((url) => [binary('interop'), 'whipsink', url]),
    habits: habits.whipsink,
  },
  {
    name: 'GStreamer whipclientsink', fps: 30, sound: true, direct: false,
    publish: program((url) => [binary('interop'), 'whipclientsink', url]),
    habits: habits.whipclientsink,
  },
  {
    name: 'aiortc', fps: 30, sound: true, direct: false,
    publish: program((url) => [PYTHON, AIORTC, 'publish', url]),
    habits: habits.aiortc,
  },
  {
    name: 'medooze whip.js', fps: 20, sound: true, direct: false,
    publish: medooze,
    habits: habits.medoozePublisher,
  },
  {
    name: 'Sightline publish page', fps: 20, sound: false, direct: true,
    publish: publishPage,
    habits: habits.direct,
  },
  {
    name: 'Sightline camera', fps: 30, sound: false, direct: true,
    publish: async (_, tap, room) => {
      const args = ['--gateway', tap.origin, '--room', room, '--qr', 'never', '--source', 'test', '--size', '640x360'];
      const child = new Process('camera', binary('camera'), args);
      return () => child.end('SIGTERM');
    },
    habits: habits.direct,
  },
];

/**
 * @param {(url: string) => string[]} command
 * @returns {Publisher['publish']}
 */
function program(command) {
  return async (_, tap, room) => {
    const started = new Program('publisher', command(`${tap.origin}/whip/${room}`));
    await started.begins();
    return () => started.end();
  };
}

/** @param {string} url */
const ffmpegArguments = (url) => [
  '-hide_banner', '-nostdin', '-loglevel', 'verbose',
  '-re', '-f', 'lavfi', '-i', 'testsrc=size=640x360:rate=30',
  '-re', '-f', 'lavfi', '-i', 'sine=frequency=440:sample_rate=48000',
  '-c:v', 'libx264', '-preset', 'ultrafast', '-tune', 'zerolatency', '-profile:v', 'baseline',
  '-pix_fmt', 'yuv420p', '-b:v', '800k', '-bf', '0', '-g', '30',
  '-c:a', 'libopus', '-ac', '2', '-f', 'whip', url,
];

/** @type {Publisher['publish']} */
async function medooze(stage, tap, room) {
  const page = await emptyPage(stage, tap.origin);
  await page.evaluate(async ([script, endpoint]) => {
    const { publish } = await import(script);
    Object.assign(window, { leave: await publish(endpoint) });
  }, ['/interop/pages/medooze.js', `${tap.origin}/whip/${room}`]);
  return async () => {
    await page.evaluate(() => /** @type {any} */ (window).leave());
    await page.context().close();
  };
}

/** @type {Publisher['publish']} */
async function publishPage(stage, tap, room) {
  const page = await stage.openUrl(`${tap.origin}/publish`);
  await page.getByLabel('A name').check();
  await page.getByLabel('Room name').fill(room);
  await page.getByRole('button', { name: 'Go on air' }).click();
  return () => page.close({ runBeforeUnload: true });
}
