// @ts-check
/** A gateway that is not honest: the real one, with somebody in front who reads and rewrites. */

import { createServer, request as send } from 'node:http';

/**
 * @typedef {object} Exchange
 * @property {string} method
 * @property {string} url path
 * @property {import('node:http').IncomingHttpHeaders} headers as the client sent them
 * @property {string} body
 */

/**
 * What the villain does; each may change what passes.
 *
 * @typedef {object} Tricks
 * @property {(exchange: Exchange) => void} [request]
 * @property {(counterOffer: string, exchange: Exchange) => string | Promise<string>} [counterOffer]
 */

/**
 * @param {import('node:test').TestContext} t
 * @param {string} origin of the real gateway
 * @param {Tricks} [tricks]
 * @returns {Promise<{ origin: string, seen: Exchange[] }>} where it is, and what it got to see
 */
export async function villain(t, origin, tricks = {}) {
  /** @type {Exchange[]} */
  const seen = [];
  const server = createServer(async (incoming, outgoing) => {
    const { method = 'GET', url = '/', headers } = incoming;
    const exchange = { method, url, headers: { ...headers }, body: await textOf(incoming) };
    seen.push({ ...exchange });
    tricks.request?.(exchange);
    const { 'content-length': _length, ...others } = exchange.headers;
    const real = send(new URL(url, origin), { method, headers: { ...others, connection: 'close' } });
    outgoing.on('close', () => real.destroy());
    real.on('error', () => outgoing.destroy());
    real.on('response', async (answer) => {
      const { 'content-length': _size, ...fields } = answer.headers;
      if (answer.statusCode !== 406 || !tricks.counterOffer) {
        outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
        return answer.pipe(outgoing);
      }
      const body = await tricks.counterOffer(await textOf(answer), exchange);
      outgoing.writeHead(406, fields).end(body);
    });
    real.end(exchange.body);
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(undefined)));
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
  return { origin: `http://127.0.0.1:${port}`, seen };
}

/**
 * @param {import('node:http').IncomingMessage} message
 * @returns {Promise<string>}
 */
async function textOf(message) {
  let text = '';
  for await (const chunk of message.setEncoding('utf8')) text += chunk;
  return text;
}
