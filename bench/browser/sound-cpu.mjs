// @ts-check
/**
 * What sound costs the camera process, beside 1280x720 at 30 fps with one viewer who hears it: two
 * cameras, one with sound and one without, measured in turns.
 *
 *     node bench/browser/sound-cpu.mjs [--rounds N] [--seconds N] [--json]
 */

import { parseArgs } from 'node:util';
import { Stage, becomes, moves } from '../../tests/stage/stage.js';
import { cpuSeconds, median, pause, round } from './process.mjs';

const { values } = parseArgs({
  options: {
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
  const cameras = { silent: stage.startCamera('silent'), heard: stage.startCamera('heard', ['--audio', 'test']) };
  /** @type {Record<string, number[]>} cores, a measurement per round */
  const cores = { silent: [], heard: [] };
  // The first round is not counted: until the cameras are up and their encoders warm.
  for (let turn = 0; turn <= rounds; turn += 1) {
    for (const [room, { pid }] of Object.entries(cameras)) {
      const used = await watched(room, /** @type {number} */ (pid));
      if (turn > 0) cores[room].push(used);
      if (turn > 0 && !values.json) console.log(`${turn}, ${room}: ${used.toFixed(3)} core`);
    }
  }
  const more = cores.heard.map((used, turn) => used - cores.silent[turn]);
  const figures = { name: 'sound CPU', rounds, seconds, cores, sound_cores: round(median(more), 3) };
  console.log(values.json ? JSON.stringify(figures) : `sound costs ${figures.sound_cores} core`);
} finally {
  for (const end of endings) await end();
}

/**
 * Cores that the camera uses while somebody watches.
 *
 * @param {string} room
 * @param {number} pid
 */
async function watched(room, pid) {
  const page = await stage.watch(room);
  await becomes(page, 'live');
  await moves(page, 60);
  const [cpu, start] = [cpuSeconds(pid), performance.now()];
  await pause(seconds);
  const used = (cpuSeconds(pid) - cpu) / ((performance.now() - start) / 1000);
  await page.context().close();
  // The camera takes the branch of a viewer down when it hears of it.
  await pause(2);
  return round(used, 4);
}
