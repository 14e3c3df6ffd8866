// @ts-check
/** A page of somebody else, with a copy of the player. */

import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';

const PLAYER = new URL('../../player/src/', import.meta.url);

/**
 * A web server of somebody else, with a copy of the player and one page.
 *
 * @param {import('node:test').TestContext} t
 * @param {string} body of the page
 * @param {string} [connect] what it may connect to
 * @returns {Promise<string>} its origin
 */
export async function elsewhere(t, body, connect = '*') {
  const server = createServer(async (request, response) => {
    const module = request.url?.match(/^\/player\/([a-z/-]+\.js)$/)?.[1];
    const content = module ? await readFile(new URL(module, PLAYER)).catch(() => null)
      : `<!doctype html><title>Elsewhere</title>${body}`;
    response.writeHead(content === null ? 404 : 200, {
      'Content-Type': module ? 'text/javascript' : 'text/html',
      // As strict as a page can be: the element brings no inline script and no inline style.
      'Content-Security-Policy': `default-src 'none'; script-src 'self'; style-src 'self'; connect-src ${connect}`,
    });
    response.end(content);
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(undefined)));
  t.after(() => server.close());
  return `http://127.0.0.1:${/** @type {import('node:net').AddressInfo} */ (server.address()).port}`;
}
