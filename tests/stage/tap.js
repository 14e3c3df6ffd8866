// @ts-check
/** What one client says to the gateway, and what it is answered: a proxy that writes it down. */

import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { PATIENCE } from './eventually.js';

/**
 * One request and its answer.
 *
 * @typedef {object} Exchange
 * @property {string} method
 * @property {string} path
 * @property {http.IncomingHttpHeaders} headers
 * @property {string} body
 * @property {number} at milliseconds, when it came
 * @property {number} status 0 while there is no answer
 * @property {http.IncomingHttpHeaders} answerHeaders
 * @property {string} answer
 * @property {number} took milliseconds until the answer began
 */

const OUT = fileURLToPath(new URL('../out/', import.meta.url));

/** @param {Exchange} exchange */
const transcript = ({ method, path, headers, body, status, answerHeaders, answer, took }) => `\
${method} ${path}
${JSON.stringify(headers, null, 1)}
${body}
---- ${status || 'no answer'} after ${Math.round(took)} ms
${JSON.stringify(answerHeaders, null, 1)}
${answer}
`;

export class Tap {
  #server = http.createServer((request, response) => this.#pass(request, response));
  #gateway;
  #forge;
  /** @type {Set<() => void>} */
  #listeners = new Set();
  /** @type {Exchange[]} in the order of their beginning */
  exchanges = [];
  /** Origin to give to the client. */
  origin = '';

  /**
   * @param {string} gateway its origin
   * @param {((body: string) => string)} [forge] changes what the client says; not its length
   */
  constructor(gateway, forge) {
    this.#gateway = gateway;
    this.#forge = forge;
  }

  /**
   * @param {string} gateway its origin
   * @param {((body: string) => string)} [forge] changes what the client says; not its length
   */
  static async open(gateway, forge) {
    const tap = new Tap(gateway, forge);
    tap.#server.listen(0, '127.0.0.1');
    await once(tap.#server, 'listening');
    const { port } = /** @type {import('node:net').AddressInfo} */ (tap.#server.address());
    tap.origin = `http://127.0.0.1:${port}`;
    return tap;
  }

  /**
   * Waits for an exchange that passes.
   *
   * @param {string} what for the message of a failed test
   * @param {(exchange: Exchange) => boolean} passes
   * @returns {Promise<Exchange>}
   */
  sees(what, passes) {
    return new Promise((resolve, reject) => {
      const done = (/** @type {() => void} */ settle) => {
        clearTimeout(timer);
        this.#listeners.delete(check);
        settle();
      };
      const check = () => {
        const found = this.exchanges.find(passes);
        if (found) done(() => resolve(found));
      };
      const late = () => reject(new Error(`no ${what} within ${PATIENCE} ms; there was:\n${this.summary}`));
      const timer = setTimeout(() => done(late), PATIENCE);
      this.#listeners.add(check);
      check();
    });
  }

  /** @param {string} method */
  of(method) {
    return this.exchanges.filter((exchange) => exchange.method === method);
  }

  /** The exchanges, one a line, for the message of a failed test. */
  get summary() {
    return this.exchanges
      .map(({ method, path, status, took }) => `${method} ${path}: ${status || 'no answer'} after ${Math.round(took)} ms`)
      .join('\n');
  }

  /**
   * Ends it, and keeps all that was said for people.
   *
   * @param {string} name
   */
  close(name) {
    this.#server.close();
    this.#server.closeAllConnections();
    mkdirSync(OUT, { recursive: true });
    writeFileSync(path.join(OUT, `${name.replace(/[^\w>.-]+/g, '-')}.txt`), this.exchanges.map(transcript).join('\n'));
  }

  /**
   * @param {http.IncomingMessage} request
   * @param {http.ServerResponse} response
   */
  #pass(request, response) {
    const { method = '', url = '', headers } = request;
    /** @type {Exchange} */
    const exchange = {
      method, path: url, headers, body: '', at: performance.now(),
      status: 0, answerHeaders: {}, answer: '', took: 0,
    };
    this.exchanges.push(exchange);
    const onward = http.request(this.#gateway + url, { method, headers, agent: false }, (answer) => {
      exchange.took = performance.now() - exchange.at;
      exchange.answerHeaders = answer.headers;
      // As it came: two lines of one header stay two.
      response.writeHead(answer.statusCode ?? 502, answer.rawHeaders);
      answer.pipe(response);
      text(answer).then((body) => {
        exchange.answer = body;
        exchange.status = answer.statusCode ?? 502;
        this.#listeners.forEach((check) => check());
      }, () => {});
    });
    onward.on('error', () => response.destroy());
    // A client that goes away takes its request with it.
    response.on('close', () => onward.destroy());
    if (!this.#forge) request.pipe(onward);
    text(request).then((body) => {
      exchange.body = body;
      if (this.#forge) onward.end(this.#forge(body));
      this.#listeners.forEach((check) => check());
    }, () => {});
  }
}
