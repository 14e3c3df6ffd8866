// @ts-check
/** Processes of the system under test: started, listened to, and ended by their pid. */

import { spawn } from 'node:child_process';
import { existsSync, statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import path from 'node:path';
import { PATIENCE } from './eventually.js';

/** Whatever is still running when this process ends, however it ends. */
const running = new Set();
process.on('exit', () => running.forEach((child) => child.kill('SIGKILL')));
for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM'])) {
  process.on(signal, () => process.exit(1));
}

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

/**
 * Where a binary of this workspace is.
 *
 * @param {'gateway' | 'camera' | 'interop'} name
 */
export function binary(name) {
  const told = process.env[`SIGHTLINE_${name.toUpperCase()}_BIN`];
  if (told) return told;
  const target = process.env.CARGO_TARGET_DIR ?? path.join(ROOT, 'target');
  const places = ['release', 'debug'].map((kind) => path.join(target, kind, `sightline-${name}`));
  const found = places.filter((place) => existsSync(place));
  if (!found.length) throw new Error(`no sightline-${name}; looked for ${places.join(' and ')}`);
  // The one that was built last: the other may be of another day.
  const builtAt = (/** @type {string} */ place) => statSync(place).mtimeMs;
  return found.reduce((one, other) => (builtAt(other) > builtAt(one) ? other : one));
}

/** One child process, with all that it has printed. */
export class Process {
  #child;
  #name;
  #output = '';
  #isOver = false;
  #gone;
  /** @type {string[]} */
  #log = [];
  /** @type {Set<() => void>} */
  #listeners = new Set();

  /**
   * @param {string} name for messages
   * @param {string} file
   * @param {string[]} args
   * @param {Record<string, string>} [env]
   */
  constructor(name, file, args, env = {}) {
    this.#name = name;
    this.#child = spawn(file, args, {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, ...env },
    });
    running.add(this.#child);
    this.#child.on('error', (error) => this.#hear(`${error}\n`));
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream.setEncoding('utf8').on('data', (text) => this.#hear(text));
    }
    this.#child.stderr.on('data', (text) => this.#log.push(text));
    // Not `exit`: what it said last may still be on its way then.
    this.#gone = new Promise((resolve) => this.#child.on('close', (code, signal) => {
      running.delete(this.#child);
      this.#isOver = true;
      this.#hear(`[${name} ended: ${signal ?? code}]\n`);
      resolve(undefined);
    }));
  }

  get pid() {
    return this.#child.pid;
  }

  /** All that it has logged; what it was asked to print, a link say, is not in it. */
  get log() {
    return this.#log.join('');
  }

  /** The last of what it has printed, for the message of a failed test. */
  get output() {
    return this.#output;
  }

  /**
   * Resolves with the match as soon as the process has printed it.
   *
   * @param {RegExp} pattern
   * @returns {Promise<RegExpMatchArray>}
   */
  says(pattern) {
    return new Promise((resolve, reject) => {
      const check = () => {
        const match = this.#output.match(pattern);
        if (match) done(() => resolve(match));
        else if (this.#isOver) done(() => reject(this.#complaint(`ended before it said ${pattern}`)));
      };
      const done = (/** @type {() => void} */ settle) => {
        clearTimeout(timer);
        this.#listeners.delete(check);
        settle();
      };
      const late = () => reject(this.#complaint(`did not say ${pattern} within ${PATIENCE} ms`));
      const timer = setTimeout(() => done(late), PATIENCE);
      this.#listeners.add(check);
      check();
    });
  }

  /** @param {'SIGUSR1' | 'SIGSTOP' | 'SIGCONT'} signal that it takes for a request of ours, or has to obey */
  signal(signal) {
    this.#child.kill(signal);
  }

  /**
   * Ends the process and waits until it is gone, and all that it said is here.
   *
   * @param {'SIGTERM' | 'SIGKILL'} signal
   * @returns {Promise<number | null>} its exit code
   */
  async end(signal) {
    this.#child.kill(signal);
    const insist = setTimeout(() => this.#child.kill('SIGKILL'), PATIENCE);
    await this.#gone;
    clearTimeout(insist);
    return this.#child.exitCode;
  }

  /** @param {string} text */
  #hear(text) {
    // Enough for a message; a test must not die of a talkative process.
    this.#output = (this.#output + text).slice(-100_000);
    this.#listeners.forEach((listener) => listener());
  }

  /** @param {string} words */
  #complaint(words) {
    return new Error(`${this.#name} ${words}; it said:\n${this.#output.slice(-4000)}`);
  }
}
