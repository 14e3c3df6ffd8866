// @ts-check
/** A client that is a program of its own, and tells what happens as lines of JSON. */

import { Process } from '../stage/process.js';

/** Milliseconds that a program may take to begin; generous, for busy machines. */
const BEGIN = 20_000;

export class Program {
  #process;

  /**
   * @param {string} name for messages
   * @param {string[]} command
   */
  constructor(name, [file, ...args]) {
    this.#process = new Process(name, file, args);
  }

  /**
   * Waits for an event.
   *
   * @param {string} event
   * @param {number} ms
   * @returns {Promise<Record<string, any> & { at: number }>} the event, with the time it came at
   */
  async tells(event, ms) {
    const line = new RegExp(`^\\{"event": ?"(?:${event}|failed)".*\\}$`, 'm');
    const [told] = await this.#process.says(line, ms);
    const at = performance.now();
    const happened = JSON.parse(told);
    if (happened.event === 'failed') throw new Error(happened.why);
    return { ...happened, at };
  }

  /** The program is loaded. */
  begins() {
    return this.tells('starting', BEGIN);
  }

  get output() {
    return this.#process.output;
  }

  /** Ends it the friendly way, so that it DELETEs its session. */
  end() {
    return this.#process.end('SIGTERM');
  }
}
