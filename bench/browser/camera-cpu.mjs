// @ts-check
/**
 * CPU time of the camera process at 30 fps with no, one and two viewers.
 *
 *     node bench/browser/camera-cpu.mjs [--size 1280x720] [--source rtsp] [--rounds N] [--seconds N] [--json]
 *
 * By itself it encodes the test picture. With `--source rtsp` it passes on what a network camera has
 * encoded, an RTSP server that is a process of its own.
 *
 * What else the machine does changes what the same work costs, so the three are measured in
 * turns, and compared within a round.
 */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { Stage, becomes, decoded, moves } from '../../tests/stage/stage.js';
import { cpuSeconds, median, pause, round } from './process.mjs';

/** @typedef {import('../../tests/stage/stage.js').Page} Page */

const { values } = parseArgs({
  options: {
    size: { type: 'string', default: '1280x720' },
    source: { type: 'string', default: 'test' },
    rounds: { type: 'string', default: '3' },
    seconds: { type: 'string', default: '15' },
    json: { type: 'boolean', default: false },
  },
});
const rounds = Math.max(1, Number(values.rounds));
const seconds = Math.max(1, Number(values.seconds));

/** @type {(() => Promise<void>)[]} */
const endings = [];
const stage = new Stage(/** @type {any} */ ({ after: (/** @type {any} */ end) => endings.push(end) }));
try {
  await stage.startGateway();
  const isPassed = values.source === 'rtsp';
  const source = isPassed ? await networkCamera() : values.source;
  const camera = stage.startCamera('bench', ['--size', values.size, '--source', source]);
  const pid = /** @type {number} */ (camera.pid);
  // The first viewer is not counted: until the camera is up and its encoder warm.
  const warm = await arrive();
  await leave([warm]);

  /** @type {{ cores: number, fps: number }[][]} by number of viewers, a measurement per round */
  const measured = [[], [], []];
  for (let turn = 1; turn <= rounds; turn += 1) {
    /** @type {Page[]} */
    const viewers = [];
    for (const [count, results] of measured.entries()) {
      if (count > 0) viewers.push(await arrive());
      const result = await measure(pid, viewers);
      results.push(result);
      if (!values.json) say(`${turn}: ${count} viewers`, result.cores, result.fps);
    }
    await leave(viewers);
  }

  const [none, one, two] = measured.map((results) => results.map(({ cores }) => cores));
  const more = one.map((cores, turn) => (100 * (two[turn] - cores)) / cores);
  const fps = Math.min(...[...measured[1], ...measured[2]].map((result) => result.fps));
  const figures = {
    name: isPassed ? 'camera CPU, passed on' : 'camera CPU',
    size: values.size,
    rounds,
    seconds,
    cores: { none, one, two },
    cores_none: round(median(none), 3),
    cores_one: round(median(one), 3),
    cores_two: round(median(two), 3),
    second_viewer_cores: round(median(one.map((cores, turn) => two[turn] - cores)), 3),
    second_viewer_percent: round(median(more), 1),
    lowest_fps: round(fps, 1),
  };
  if (values.json) {
    console.log(JSON.stringify(figures));
  } else {
    say('median, no viewer', figures.cores_none);
    say('median, one viewer', figures.cores_one, fps);
    say('median, two viewers', figures.cores_two);
    console.log(`the second viewer costs ${figures.second_viewer_percent} % more, ${figures.second_viewer_cores} core`);
  }
} finally {
  for (const end of endings) await end();
}

/** The address of one that has been started. */
async function networkCamera() {
  const program = fileURLToPath(new URL('network-camera.py', import.meta.url));
  const server = spawn('/usr/bin/python3', [program], { stdio: ['pipe', 'pipe', 'inherit'] });
  const ended = once(server, 'exit');
  endings.push(async () => {
    server.stdin.end();
    await ended;
  });
  const told = once(createInterface(server.stdout), 'line');
  const [address] = await Promise.race([told, ended.then(() => { throw new Error('there is no RTSP server'); })]);
  return address;
}

/** Someone opens the page and sees the picture move. */
async function arrive() {
  const page = await stage.watch('bench');
  await becomes(page, 'live');
  await moves(page, 60);
  return page;
}

/** @param {Page[]} pages */
async function leave(pages) {
  for (const page of pages) await page.context().close();
  // The camera takes the branch of a viewer down when it hears of it.
  await pause(2);
}

/**
 * Cores that the camera uses, and frames per second at the viewer who sees fewest.
 *
 * @param {number} pid
 * @param {Page[]} viewers
 */
async function measure(pid, viewers) {
  await pause(2);
  const before = await Promise.all(viewers.map(decoded));
  const [cpu, start] = [cpuSeconds(pid), performance.now()];
  await pause(seconds);
  const cores = (cpuSeconds(pid) - cpu) / ((performance.now() - start) / 1000);
  const after = await Promise.all(viewers.map(decoded));
  const rates = after.map((now, index) =>
    (1000 * (now.frames - before[index].frames)) / (now.at - before[index].at));
  return { cores: round(cores, 3), fps: viewers.length ? round(Math.min(...rates), 1) : 0 };
}

function say(/** @type {string} */ what, /** @type {number} */ cores, fps = 0) {
  console.log(`${what}: ${cores.toFixed(3)} core${fps ? `, ${fps.toFixed(1)} fps seen` : ''}`);
}
