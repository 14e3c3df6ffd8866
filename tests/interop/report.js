// @ts-check
/** Writes docs/interop.md from what was measured. */

import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import { fileURLToPath } from 'node:url';
import { ffmpeg } from './python.js';

/**
 * What came of one publisher and one viewer.
 *
 * @typedef {object} Cell
 * @property {'direct' | 'relay'} [path]
 * @property {number} [seconds] from the viewer's first request to its first picture
 * @property {number} [video] pictures decoded in the five seconds after it
 * @property {number} [audio] packets of sound decoded in them
 * @property {string} [why] it failed
 */

const PAGE = fileURLToPath(new URL('../../docs/interop.md', import.meta.url));

/** @param {Cell | undefined} cell */
function words(cell) {
  if (!cell) return '**not reached**';
  const { path, seconds = 0, video, audio, why } = cell;
  if (why) return `**failed**: ${why.replaceAll(/\s+/g, ' ').slice(0, 120).replaceAll('|', '\\|')}`;
  const sound = audio ? `, ${audio} of sound` : '';
  return `${path}, ${seconds.toFixed(2)} s, ${video}${sound}`;
}

/**
 * @param {string[]} publishers
 * @param {string[]} viewers
 * @param {Map<string, Map<string, Cell>>} cells by publisher, by viewer
 */
export function write(publishers, viewers, cells) {
  const rows = publishers.map((publisher) =>
    [publisher, ...viewers.map((viewer) => words(cells.get(publisher)?.get(viewer)))]);
  const line = (/** @type {string[]} */ row) => `| ${row.join(' | ')} |`;
  writeFileSync(PAGE, `# Interoperability

\`make test\` measures these figures and writes this page; nothing in it is filled in by hand.
Rows are publishers, columns are viewers. Each publisher is started once, and two viewers at a
time watch it. A cell says which way the media went, the seconds from the viewer's first request
to its first decoded picture, and how many pictures it decoded in the five seconds after that
(with packets of sound, where the publisher sends sound).

${line(['', ...viewers])}
${line(['---', ...viewers.map(() => '---')])}
${rows.map(line).join('\n')}

OBS cannot be installed here. Its double behaves as OBS 32 does, on the library that OBS uses,
and gives up where OBS gives up; the mediamtx reader is a script with that reader's manners.

## Versions

| | |
|---|---|
${facts().map(line).join('\n')}
`);
}

function facts() {
  const versions = (/** @type {string} */ file) => readFileSync(new URL(file, import.meta.url), 'utf8');
  const npm = JSON.parse(versions('../package.json')).devDependencies;
  const pypi = (/** @type {string} */ name) => versions('./requirements.txt').match(new RegExp(`^${name}==(\\S+)`, 'm'))?.[1] ?? '';
  const cargo = (/** @type {string} */ name) =>
    versions('../../Cargo.lock').match(new RegExp(`name = "${name}"\\nversion = "(\\S+)"`))?.[1] ?? '';
  return [
    ['FFmpeg', says(ffmpeg(), ['-version'], /version (\S+)/)],
    ['GStreamer', says('pkg-config', ['--modversion', 'gstreamer-1.0'], /(\S+)/)],
    ['whipsink, whepsrc', `gst-plugin-webrtchttp ${cargo('gst-plugin-webrtchttp')}`],
    ['whipclientsink, whepclientsrc', `gst-plugin-webrtc ${cargo('gst-plugin-webrtc')}`],
    ['aiortc', pypi('aiortc')],
    ['OBS (double)', `node-datachannel ${npm['node-datachannel']}`],
    ['medooze', `whip-whep ${npm['whip-whep']}`],
    ['Chromium', says(process.env.CHROMIUM ?? '/usr/bin/chromium', ['--version'], /Chromium (\S+)/)],
    ['Machine', `${os.cpus()[0].model.trim()}, ${os.cpus().length} cores`],
    ['Date', new Date().toISOString().slice(0, 10)],
  ];
}

/**
 * @param {string} program
 * @param {string[]} args
 * @param {RegExp} pattern
 */
function says(program, args, pattern) {
  const said = execFileSync(program, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
  return said.match(pattern)?.[1] ?? '';
}
