// @ts-check
/** A page of somebody else, with a copy of the player. */

import { readFile } from 'node:fs/promises';
import { createServer, request as ask } from 'node:http';
import { bundled } from './bundled.js';

/** The element as npm gets it. */
const PACKAGE = new URL('../../player/dist/element/', import.meta.url);

/**
 * As strict as a page can be: no inline script, no inline style, and nothing that makes code of text.
 *
 * @param {string} connect what it may connect to
 * @param {string} script what it may load
 */
const policy = (connect, script) => `default-src 'none'; script-src ${script}; style-src 'self'; `
  + `connect-src ${connect}; frame-src *; require-trusted-types-for 'script'; trusted-types 'none'`;

/**
 * A web server of somebody else, with a copy of the package under `/player/` and one page.
 *
 * @param {import('node:test').TestContext} t
 * @param {string} body of the page
 * @param {object} [how]
 * @param {string} [how.connect] what the page may connect to
 * @param {string} [how.script] whose scripts it may load
 * @param {string} [how.whep] origin of a WHEP server, which it has under `/whep/`
 * @param {(path: string) => void} [how.asked] told of each request
 * @returns {Promise<string>} its origin
 */
export async function elsewhere(t, body, { connect = '*', script = "'self'", whep, asked = () => {} } = {}) {
  await bundled();
  const server = createServer(async (request, response) => {
    const { url = '/' } = request;
    asked(url);
    if (whep && url.startsWith('/whep/')) return passOn(whep, request, response);
    const module = url.match(/^\/player\/([\w/-]+\.js)$/)?.[1];
    const content = module ? await readFile(new URL(module, PACKAGE)).catch(() => null)
      : `<!doctype html><title>Elsewhere</title>${body}`;
    response.writeHead(content === null ? 404 : 200, {
      'Content-Type': module ? 'text/javascript' : 'text/html',
      'Content-Security-Policy': policy(connect, script),
    });
    response.end(content);
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(undefined)));
  t.after(() => server.close());
  return `http://127.0.0.1:${/** @type {import('node:net').AddressInfo} */ (server.address()).port}`;
}

/**
 * As a proxy in front of a server that other origins may not ask.
 *
 * @param {string} origin
 * @param {import('node:http').IncomingMessage} request
 * @param {import('node:http').ServerResponse} response
 */
function passOn(origin, request, response) {
  const { method, headers, url = '' } = request;
  const passed = ask(origin + url, { method, headers }, (answer) => {
    response.writeHead(answer.statusCode ?? 502, answer.headers);
    answer.pipe(response);
  });
  passed.on('error', () => response.writeHead(502).end());
  request.pipe(passed);
}
