// @ts-check
/** A client that is a program of its own, and tells what happens as lines of JSON. */

import { Process } from '../stage/process.js';

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
   * @returns {Promise<Record<string, any> & { at: number }>} the event, with the time it came at
   */
  async tells(event) {
    const line = new RegExp(`^\\{"event": ?"(?:${event}|failed)".*\\}$`, 'm');
    const [told] = await this.#process.says(line);
    const at = performance.now();
    const happened = JSON.parse(told);
    if (happened.event === 'failed') throw new Error(happened.why);
    return { ...happened, at };
  }

  /**
   * The last event of this kind, if there was one.
   *
   * @param {string} event
   * @returns {Record<string, any> | undefined}
   */
  lastOf(event) {
    const lines = this.#process.output.match(new RegExp(`^\\{"event": ?"${event}".*\\}$`, 'gm')) ?? [];
    return lines.map((line) => JSON.parse(line)).at(-1);
  }

  /**
   * How often it has told of this.
   *
   * @param {string} event
   */
  countOf(event) {
    return this.#process.output.match(new RegExp(`^\\{"event": ?"${event}"`, 'gm'))?.length ?? 0;
  }

  /** Its pictures are to be smaller from now on. */
  shrink() {
    this.#process.signal('SIGUSR1');
  }

  /** The program is loaded. */
  begins() {
    return this.tells('starting');
  }

  get output() {
    return this.#process.output;
  }

  /** Ends it the friendly way, so that it DELETEs its session. */
  end() {
    return this.#process.end('SIGTERM');
  }
}
