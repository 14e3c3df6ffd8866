// @ts-check
/**
 * The camera's memory while viewers come and go, by every way there is: directly, and by the relay while
 * another watches directly; with sound.
 *
 *     node bench/browser/camera-soak.mjs [--minutes N] [--json]
 *
 * The first third fills pools and is not counted; the last is compared with the one in the middle.
 */

import { parseArgs } from 'node:util';
import { Stage, becomes, moves } from '../../tests/stage/stage.js';
import { median, pause, residentKib, round } from './process.mjs';

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '3' },
    json: { type: 'boolean', default: false },
  },
});
const minutes = Math.max(0.5, Number(values.minutes));

/** @type {(() => Promise<void>)[]} */
const endings = [];
const stage = new Stage(/** @type {any} */ ({ after: (/** @type {any} */ end) => endings.push(end) }));
try {
  await stage.startGateway();
  const camera = stage.startCamera('soak', ['--audio', 'test', '--max-viewers', '1']);
  const pid = /** @type {number} */ (camera.pid);
  const [began, all] = [performance.now(), minutes * 60_000];
  /** @type {{ at: number, kib: number }[]} when nobody watches, after each two visits */
  const samples = [];
  while (performance.now() < began + all) {
    const direct = await arrive();
    const relayed = await arrive();
    await direct.context().close();
    await relayed.context().close();
    // The camera takes the branch of a viewer down when it hears of it, and the relay waits a while
    // before it lets the camera go.
    await pause(1);
    samples.push({ at: performance.now() - began, kib: residentKib(pid) });
    if (!values.json) console.log(`${round(samples.at(-1)?.at ?? 0, 0) / 1000} s: ${samples.at(-1)?.kib} KiB`);
  }
  const third = (/** @type {number} */ number) => {
    const of = samples.filter(({ at }) => Math.min(2, Math.floor((3 * at) / all)) === number);
    return of.length > 0 ? median(of.map(({ kib }) => kib)) : NaN;
  };
  const [middle, last] = [third(1), third(2)];
  const figures = {
    name: 'camera soak',
    minutes,
    visits: 2 * samples.length,
    kib_middle: middle,
    kib_last: last,
    growth_percent: round((100 * (last - middle)) / middle, 1),
    kib: samples.map(({ kib }) => kib),
  };
  console.log(values.json ? JSON.stringify(figures)
    : `${figures.visits} visits in ${minutes} min: ${middle} KiB, then ${last} KiB (${figures.growth_percent} %)`);
} finally {
  for (const end of endings) await end();
}

/** Someone opens the page and sees the picture move. */
async function arrive() {
  const page = await stage.watch('soak');
  await becomes(page, 'live');
  await moves(page, 15);
  return page;
}
