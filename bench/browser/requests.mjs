// @ts-check
/**
 * What the watch page takes until its picture is live: requests, and bytes as they go over the line, headers
 * of answers too. Cold: a browser that has never been here. Warm: the same once more, in another tab. Gateway,
 * camera and browser on one machine, a room that is its camera's key, direct path; the icon and the
 * protocol's own requests count.
 *
 *     node bench/browser/requests.mjs [--json]
 */

import { createServer, connect } from 'node:net';
import { parseArgs } from 'node:util';
import { Stage, becomes, eventually } from '../../tests/stage/stage.js';

const { values } = parseArgs({ options: { json: { type: 'boolean', default: false } } });

/** @type {(() => Promise<void>)[]} */
const endings = [];
const stage = new Stage(/** @type {any} */ ({ after: (/** @type {any} */ end) => endings.push(end) }));
try {
  await stage.startGateway();
  const { pathname } = await stage.startKeyCamera().share([]);
  // One visit nobody counts: until the camera is up and its encoder warm.
  const first = await stage.open(pathname);
  await becomes(first, 'live');
  await first.context().close();

  const line = await meter(stage.origin);
  const context = await stage.newContext();
  const visits = [];
  for (const name of ['cold', 'warm']) {
    const before = line.counted();
    const page = await context.newPage();
    await page.goto(line.origin + pathname, { waitUntil: 'commit' });
    await becomes(page, 'live');
    const after = line.counted();
    visits.push({ name, requests: after.requests - before.requests, bytes: after.bytes - before.bytes });
    await page.close();
    await eventually('it has said goodbye', async () => line.counted().goodbyes, (count) => count === visits.length);
  }
  line.close();
  const [cold, warm] = visits;
  if (values.json) console.log(JSON.stringify({ name: 'requests', cold, warm }));
  else for (const { name, requests, bytes } of visits) console.log(`${name}: ${requests} requests, ${bytes} bytes`);
} finally {
  for (const end of endings) await end();
}

/**
 * A line to the gateway that counts what comes over it.
 *
 * @param {string} origin
 */
async function meter(origin) {
  const { hostname, port } = new URL(origin);
  let requests = 0;
  let goodbyes = 0;
  let bytes = 0;
  /** @type {Set<import('node:net').Socket>} */
  const sockets = new Set();
  const server = createServer((browser) => {
    const gateway = connect(Number(port), hostname);
    browser.on('data', (data) => {
      // A request line begins a segment: a browser has one request at a time on a connection.
      const [, method] = /^(GET|HEAD|POST|PATCH|DELETE|OPTIONS) \S+ HTTP\/1\.1\r\n/.exec(data.toString('latin1')) ?? [];
      if (method) requests += 1;
      if (method === 'DELETE') goodbyes += 1;
    });
    gateway.on('data', (data) => (bytes += data.length));
    for (const [from, to] of [[browser, gateway], [gateway, browser]]) {
      sockets.add(from);
      from.on('error', () => to.destroy()).pipe(to);
    }
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(undefined)));
  const address = /** @type {import('node:net').AddressInfo} */ (server.address());
  return {
    origin: `http://127.0.0.1:${address.port}`,
    counted: () => ({ requests, goodbyes, bytes }),
    close: () => {
      server.close();
      sockets.forEach((socket) => socket.destroy());
    },
  };
}
