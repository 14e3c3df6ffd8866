// @ts-check
/** FFmpeg as the encoder of a program that sends by itself: H.264 in layers, and Opus. */

import { spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { ffmpeg } from './python.js';

/** Sizes and bitrates of the layers, the best first. */
const LAYERS = [
  { size: '640:360', bitrate: '800k' },
  { size: '320:180', bitrate: '300k' },
  { size: '160:90', bitrate: '120k' },
];

const FRAMES_PER_SECOND = 30;

/** An access unit delimiter, which FFmpeg is told to put before each picture. */
const DELIMITER = Buffer.from([0, 0, 0, 1, 9]);

/** Bytes of the delimiter's NAL unit, start code included. */
const DELIMITER_LENGTH = 6;

/** Bytes of an RTP header without extensions or sources. */
const RTP_HEADER = 12;

/**
 * Starts encoding a test picture and a test tone in real time.
 *
 * @param {number} layers 1 to 3
 * @param {number} interval seconds from one keyframe to the next
 * @param {number} reordered B-frames between two others
 * @param {{ onPicture: (layer: number, picture: Buffer) => void, onSound: (opus: Buffer) => void }} out
 *   a picture is one access unit in Annex B format
 * @returns {Promise<() => void>} ends it
 */
export async function startEncoder(layers, interval, reordered, { onPicture, onSound }) {
  const sound = createSocket('udp4');
  sound.on('message', (packet) => onSound(packet.subarray(RTP_HEADER)));
  sound.bind(0, '127.0.0.1');
  await once(sound, 'listening');
  const args = commandLine(layers, interval, reordered, sound.address().port);
  const pipes = LAYERS.slice(0, layers).map(() => /** @type {const} */ ('pipe'));
  const child = spawn(ffmpeg(), args, { stdio: ['ignore', 'ignore', 'inherit', ...pipes] });
  for (let layer = 0; layer < layers; layer += 1) {
    const stream = /** @type {import('node:stream').Readable} */ (child.stdio[3 + layer]);
    splitPictures(stream, (picture) => onPicture(layer, picture));
  }
  return () => {
    child.kill('SIGKILL');
    sound.close();
  };
}

/**
 * @param {number} layers
 * @param {number} interval
 * @param {number} reordered
 * @param {number} soundPort
 */
function commandLine(layers, interval, reordered, soundPort) {
  const used = LAYERS.slice(0, layers);
  const split = used.map((_, index) => `[in${index}]`).join('');
  const scale = used.map(({ size }, index) => `;[in${index}]scale=${size}[out${index}]`).join('');
  const keyframes = String(interval * FRAMES_PER_SECOND);
  return [
    '-hide_banner', '-loglevel', 'error', '-nostdin',
    '-re', '-f', 'lavfi', '-i', `testsrc=size=640x360:rate=${FRAMES_PER_SECOND}`,
    '-re', '-f', 'lavfi', '-i', 'sine=frequency=440:sample_rate=48000',
    '-filter_complex', `[0:v]split=${layers}${split}${scale}`,
    ...used.flatMap(({ bitrate }, index) => [
      '-map', `[out${index}]`, '-c:v', 'libx264', '-preset', 'ultrafast', '-tune', 'zerolatency',
      ...(reordered ? ['-profile:v', 'main', '-x264-params', `bframes=${reordered}:b-adapt=0:b-pyramid=0`] : ['-profile:v', 'baseline']),
      '-pix_fmt', 'yuv420p', '-g', keyframes, '-b:v', bitrate,
      '-bsf:v', 'h264_metadata=aud=insert', '-flush_packets', '1', '-f', 'h264', `pipe:${3 + index}`,
    ]),
    '-map', '1:a', '-c:a', 'libopus', '-ac', '2', '-f', 'rtp', `rtp://127.0.0.1:${soundPort}`,
  ];
}

/**
 * Cuts the stream before each delimiter, and drops the delimiters.
 *
 * @param {import('node:stream').Readable} stream
 * @param {(picture: Buffer) => void} onPicture
 */
function splitPictures(stream, onPicture) {
  let rest = Buffer.alloc(0);
  stream.on('data', (chunk) => {
    rest = Buffer.concat([rest, chunk]);
    for (;;) {
      const next = rest.indexOf(DELIMITER, DELIMITER_LENGTH);
      if (next < 0) return;
      onPicture(rest.subarray(DELIMITER_LENGTH, next));
      rest = rest.subarray(next);
    }
  });
}
