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

/** @typedef {Map<string, Map<string, Cell>>} Cells by publisher, by viewer */

/**
 * What is the same in every run: whether they connect, by which way, with sound or without.
 *
 * @param {Cell | undefined} cell
 */
function connection(cell) {
  if (!cell) return '**not reached**';
  const { path, audio, why } = cell;
  if (why) return `**failed**: ${why.replaceAll(/\s+/g, ' ').slice(0, 120).replaceAll('|', '\\|')}`;
  return `${path}${audio ? ', sound' : ''}`;
}

/** @param {Cell | undefined} cell */
function measurement(cell) {
  const { seconds = NaN, video, audio } = cell ?? {};
  return `${seconds.toFixed(2)} s, ${video}${audio ? `, ${audio} of sound` : ''}`;
}

const line = (/** @type {string[]} */ row) => `| ${row.join(' | ')} |`;

/**
 * @template T
 * @param {string[]} publishers
 * @param {string[]} viewers
 * @param {Map<string, Map<string, T>>} cells
 * @param {(cell: T | undefined) => string} words
 */
function table(publishers, viewers, cells, words) {
  const rows = publishers.map((publisher) =>
    [publisher, ...viewers.map((viewer) => words(cells.get(publisher)?.get(viewer)))]);
  return [['', ...viewers], ['---', ...viewers.map(() => '---')], ...rows].map(line).join('\n');
}

/** Where tables are in the page. */
const CONNECTS = '## What connects';
const CODECS = '## VP9, AV1 and H.265';

/**
 * A section of the page without its heading.
 *
 * @param {string} page
 * @param {string} heading
 */
const section = (page, heading) => page.split(`${heading}\n`)[1]?.split(/^## /m)[0].trim() ?? '';

/**
 * Where a run found something else than the page says in a table.
 *
 * @template T
 * @param {string} heading of the table's section
 * @param {string[]} publishers whose rows were run
 * @param {string[]} viewers all, in the order of the page's columns
 * @param {Map<string, Map<string, T>>} cells by publisher, by viewer
 * @param {(cell: T) => string} words
 * @returns {string[]} one line for each difference; cells that were not run have none
 */
function differencesIn(heading, publishers, viewers, cells, words) {
  const page = readFileSync(PAGE, 'utf8');
  const lines = section(page, heading).split('\n').filter((text) => text.startsWith('| '));
  const [[, ...columns] = [], ...rows] = lines.map((text) => text.slice(2, -2).split(' | '));
  return publishers.flatMap((publisher) => {
    const row = rows.find(([first]) => first === publisher)?.slice(1) ?? [];
    return viewers.flatMap((viewer) => {
      const cell = cells.get(publisher)?.get(viewer);
      const told = row[columns.indexOf(viewer)] ?? 'nothing';
      if (cell === undefined || words(cell) === told) return [];
      return [`${publisher} to ${viewer}: ${words(cell)}, but docs/interop.md says ${told}`];
    });
  });
}

/**
 * Where the matrix is another than the page's.
 *
 * @param {string[]} publishers
 * @param {string[]} viewers
 * @param {Cells} cells
 */
export const differences = (publishers, viewers, cells) =>
  differencesIn(CONNECTS, publishers, viewers, cells, connection);

/**
 * Where codecs fare otherwise than the page says.
 *
 * @param {string[]} publishers
 * @param {string[]} viewers
 * @param {Map<string, Map<string, string>>} cells
 */
export const codecDifferences = (publishers, viewers, cells) =>
  differencesIn(CODECS, publishers, viewers, cells, (cell) => cell);

/**
 * Writes how codecs fare; the rest of the page stays as it is.
 *
 * @param {string[]} publishers
 * @param {string[]} viewers
 * @param {Map<string, Map<string, string>>} cells
 */
export function writeCodecs(publishers, viewers, cells) {
  const page = readFileSync(PAGE, 'utf8');
  const before = section(page, CODECS);
  const rows = table(publishers, viewers, cells, (cell) => cell ?? '**not reached**');
  writeFileSync(PAGE, page.replace(before, () => codecsSection(rows)));
}

/** @param {string} rows the table */
const codecsSection = (rows) => `From a real encoder to a real decoder, all through the relay, in 640x360. A newcomer comes between
two keyframes of a publisher that has one in twenty seconds and sends none that is asked for; a
publisher that is a browser is asked. Then the pictures become 320x180. \`make test\` runs this too.

${rows}

What FFmpeg has encoded goes to \`whipsink\`: its own WHIP sends H.264 only. GStreamer decodes with libvpx,
libaom and FFmpeg, Chromium with libvpx and dav1d. Chromium on Linux has H.265 in WebRTC only with
hardware for it, and aiortc knows none of the three.`;

/**
 * @param {string[]} publishers
 * @param {string[]} viewers
 * @param {Cells} cells
 */
export function write(publishers, viewers, cells) {
  const codecs = section(readFileSync(PAGE, 'utf8'), CODECS);
  writeFileSync(PAGE, `# Interoperability

Rows are publishers, columns are viewers. Each publisher is started once, and two viewers at a
time watch it. \`make interop\` writes this page; nothing in it is filled in by hand.

${CONNECTS}

Which way the media goes, and whether there is sound. \`make test\` runs every pair and fails where
it finds anything else than this table says.

${table(publishers, viewers, cells, connection)}

OBS cannot be installed here. Its double behaves as OBS 32 does, on the library that OBS uses,
and gives up where OBS gives up; the mediamtx reader is a script with that reader's manners.

${CODECS}

${codecs}

## How soon

As one run measured it: the seconds from the viewer's first request to its first decoded picture,
and how many pictures it decoded in the five seconds after that (with packets of sound, where the
publisher sends sound).

${table(publishers, viewers, cells, measurement)}

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
