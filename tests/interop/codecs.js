// @ts-check
/** Who encodes VP9, AV1 and H.265 here, and who decodes them. */

import { binary } from '../stage/process.js';
import { decoded } from '../stage/page.js';
import { emptyPage } from './page.js';
import { Program } from './program.js';
import { ffmpeg } from './python.js';

/** @typedef {import('../stage/stage.js').Stage} Stage */

/**
 * A publisher whose pictures are 640x360 until it is told to send smaller ones, 320x180.
 *
 * @typedef {object} Publishing
 * @property {() => number | null} keyframes how many it has sent; null where it does not tell, and
 *   sends one when it is asked
 * @property {() => unknown} shrink
 * @property {() => Promise<unknown>} end
 */

/**
 * @typedef {object} Publisher
 * @property {string} name
 * @property {string} codec as SDP has it
 * @property {(stage: Stage, room: string) => Promise<Publishing>} publish
 */

/**
 * What a decoder has done so far.
 *
 * @typedef {object} Decoded
 * @property {number} frames
 * @property {number} width of the last of them
 * @property {number} height
 */

/**
 * @typedef {object} Watching
 * @property {() => Decoded | Promise<Decoded>} decoded
 * @property {() => Promise<unknown>} end
 */

/**
 * @typedef {object} Viewer
 * @property {string} name
 * @property {(stage: Stage, codec: string) => Promise<boolean>} decodes
 * @property {(stage: Stage, room: string) => Promise<Watching>} watch
 */

/** @type {Publisher[]} */
export const PUBLISHERS = [
  gstreamer('GStreamer whipsink, VP9 by libvpx', 'VP9'),
  gstreamer('GStreamer whipsink, AV1 by libaom', 'AV1'),
  gstreamer('GStreamer whipsink, H.265 by x265', 'H265'),
  gstreamer('FFmpeg, VP9 by libvpx', 'VP9', ffmpeg),
  gstreamer('FFmpeg, AV1 by SVT-AV1', 'AV1', ffmpeg),
  gstreamer('FFmpeg, H.265 by x265', 'H265', ffmpeg),
  chromium('Chromium, VP9', 'VP9'),
  chromium('Chromium, AV1', 'AV1'),
];

/** @type {Viewer[]} */
export const VIEWERS = [
  { name: 'GStreamer whepsrc', decodes: async () => true, watch: program('whepsrc') },
  { name: 'GStreamer whepclientsrc', decodes: async () => true, watch: program('whepclientsrc') },
  { name: 'Sightline player', decodes: inChromium, watch: player },
];

/**
 * It has a keyframe in twenty seconds, and when its pictures become smaller; whoever asks for
 * more gets none.
 *
 * @param {string} name
 * @param {string} codec
 * @param {() => string} [encoder] the program that encodes instead of GStreamer
 * @returns {Publisher}
 */
function gstreamer(name, codec, encoder) {
  return {
    name,
    codec,
    publish: async (stage, room) => {
      const command = [binary('interop'), 'whipsink', `${stage.origin}/whip/${room}`, codec.toLowerCase()];
      if (encoder) command.push(encoder());
      const program = new Program(name, command);
      await program.tells('connected');
      return {
        keyframes: () => program.countOf('keyframe'),
        shrink: () => program.shrink(),
        end: () => program.end(),
      };
    },
  };
}

/**
 * @param {string} name
 * @param {string} codec
 * @returns {Publisher}
 */
function chromium(name, codec) {
  return {
    name,
    codec,
    publish: async (stage, room) => {
      const page = await emptyPage(stage, stage.origin);
      const onPage = (/** @type {string} */ what) => page.evaluate((what) => /** @type {any} */ (window).publishing[what](), what);
      await page.evaluate(async ([script, endpoint, mimeType]) => {
        const { publish } = await import(script);
        Object.assign(window, { publishing: await publish(endpoint, mimeType) });
      }, ['/interop/pages/encoder.js', `${stage.origin}/whip/${room}`, `video/${codec}`]);
      return {
        keyframes: () => null,
        shrink: () => onPage('shrink'),
        end: async () => {
          await onPage('leave');
          await page.context().close();
        },
      };
    },
  };
}

/**
 * @param {string} element
 * @returns {Viewer['watch']}
 */
function program(element) {
  return async (stage, room) => {
    const program = new Program(element, [binary('interop'), element, `${stage.origin}/whep/${room}`]);
    await program.begins();
    return {
      decoded: () => {
        const failed = program.lastOf('failed');
        if (failed) throw new Error(`${element} failed: ${failed.why}`);
        const { frames = 0, width = 0, height = 0 } = program.lastOf('decoded') ?? {};
        return { frames, width, height };
      },
      end: () => program.end(),
    };
  };
}

/** @type {Viewer['watch']} */
async function player(stage, room) {
  const page = await stage.watch(room);
  return { decoded: () => decoded(page), end: () => page.context().close() };
}

/** @type {Viewer['decodes']} */
async function inChromium(stage, codec) {
  const page = await emptyPage(stage, stage.origin);
  const codecs = await page.evaluate(() => RTCRtpReceiver.getCapabilities('video')?.codecs.map(({ mimeType }) => mimeType));
  await page.context().close();
  return codecs?.includes(`video/${codec}`) ?? false;
}
