// @ts-check
/**
 * What a viewer of the relay sees whose link loses one datagram in ten, each way: pictures in a
 * second and freezes, as the browser counts them. Needs root, for the network.
 *
 *     node bench/browser/loss.mjs [--runs N] [--seconds N] [--one-in N] [--json]
 */

import { setTimeout as pause } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { makeLossy, star, whyNoNetwork } from '../../tests/networks/network.js';
import { Stage, becomes, decoded } from '../../tests/stage/stage.js';

const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '3' },
    seconds: { type: 'string', default: '20' },
    'one-in': { type: 'string', default: '10' },
    json: { type: 'boolean', default: false },
  },
});

/** Milliseconds after which a viewer has settled. */
const SETTLED = 3000;

const missing = whyNoNetwork();
if (missing) throw new Error(`nothing can be measured: ${missing}`);

const seconds = Number(values.seconds);
const runs = [];
for (let run = 0; run < Number(values.runs); run += 1) runs.push(await watch());
const freezes = runs.map((seen) => seen.freezes).sort((a, b) => a - b);
const rates = runs.map((seen) => seen.pictures).sort((a, b) => a - b);
const middle = runs.length >> 1;
const result = { seconds, oneIn: Number(values['one-in']), runs, freezes: freezes[middle], pictures: rates[middle] };
console.log(values.json ? JSON.stringify({ name: 'loss', ...result })
  : `median: ${result.freezes} freezes in ${seconds} s, ${result.pictures} pictures in a second`);

/** Somebody opens the page, and then the link is lossy. */
async function watch() {
  /** @type {(() => Promise<void> | void)[]} */
  const endings = [];
  const t = /** @type {any} */ ({ after: (/** @type {any} */ end) => endings.unshift(end) });
  try {
    const network = await star(t, { forwards: false });
    const stage = new Stage(t, { network });
    await stage.startGateway();
    stage.startPublisher('lossy', ['--size', '1280x720', '--fps', '30', '--bitrate', '2500']);
    const page = await stage.watch('lossy');
    await becomes(page, 'live');
    await pause(SETTLED);
    makeLossy(network, Number(values['one-in']));
    const before = await decoded(page);
    await pause(seconds * 1000);
    const after = await decoded(page);
    const pictures = Math.round((after.frames - before.frames) / (after.at - before.at) * 10_000) / 10;
    const seen = { freezes: after.freezes - before.freezes, pictures };
    if (!values.json) console.log(`${seen.freezes} freezes, ${seen.pictures} pictures in a second`);
    return seen;
  } finally {
    for (const end of endings) await end();
  }
}
