// @ts-check
/** A stage for one test: the real gateway, real cameras, a real browser; all gone afterwards. */

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { chromium } from 'playwright-core';
import { PATIENCE } from './eventually.js';
import { bundled } from './bundled.js';
import { Process, binary } from './process.js';
import { Secrets } from './secrets.js';

export * from './eventually.js';
export * from './page.js';

/** @typedef {import('playwright-core').Page} Page */
/** @typedef {import('node:test').TestContext} TestContext */
/** @typedef {import('../networks/network.js').Network} Network */

/**
 * The gateway's port. It is below those that connections get by themselves, so that nobody has it
 * when a gateway comes back to it; and each run of tests has another.
 */
const PORT = 10_000 + (process.pid % 20_000);

const FLAGS = [
  '--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
  '--disable-background-networking', '--disable-component-update', '--disable-sync',
  '--autoplay-policy=no-user-gesture-required',
  '--use-fake-device-for-media-stream=device-count=3', '--use-fake-ui-for-media-stream',
  // Another machine without https, as far as a browser can see: an insecure context.
  '--host-resolver-rules=MAP insecure.test 127.0.0.1',
];

export class Stage {
  /** @type {(() => Promise<unknown>)[]} what ends what was started, last first */
  #endings = [];
  /** @type {import('playwright-core').Browser | null} */
  #browser = null;
  /** @type {Process | null} */
  #gateway = null;
  /** @type {Process[]} ours, whose logs are searched for secrets */
  #ours = [];
  secrets = new Secrets();
  #network;
  #options;
  #flags;
  /** @type {string[]} what pages did, or tried to, that their Content-Security-Policy forbids */
  #violations = [];
  /** Origin of the gateway, `http://127.0.0.1:port`. */
  origin = '';

  /**
   * @param {TestContext} t which takes everything down when it is over
   * @param {object} [setting]
   * @param {Network} [setting.network] where everything runs; on this machine without
   * @param {string[]} [setting.gateway] more arguments for it
   * @param {string[]} [setting.browser] more flags for it
   */
  constructor(t, { network, gateway = [], browser = [] } = {}) {
    this.#network = network;
    this.#flags = [...FLAGS, ...browser];
    this.#options = network ? ['--open-rooms', ...gateway] : gateway;
    t.after(() => this.close());
  }

  /** Starts the gateway, each time on the same port. */
  async startGateway() {
    await bundled();
    const args = ['--listen', `${this.#network?.address ?? '127.0.0.1'}:${PORT}`, ...this.#options];
    const gateway = this.#start('gateway', binary('gateway'), args);
    this.origin = (await gateway.says(/^listening on (http:\S+)$/m))[1];
    this.#gateway = gateway;
    return gateway;
  }

  /** Ends the gateway the friendly way. */
  async stopGateway() {
    return this.#gateway?.end('SIGTERM');
  }

  /**
   * Starts a camera.
   *
   * @param {string} room
   * @param {string[]} [more] arguments
   */
  startCamera(room, more = []) {
    const args = ['--gateway', this.origin, '--room', room, '--qr', 'never'];
    const source = more.includes('--source') ? [] : ['--source', 'test'];
    return this.#start('camera', binary('camera'), [...args, ...source, ...more]);
  }

  /**
   * Starts a camera whose room is its key.
   *
   * @param {string[]} [more] arguments
   */
  startKeyCamera(more = []) {
    const folder = mkdtempSync(path.join(tmpdir(), 'sightline-e2e-'));
    this.#endings.push(async () => rmSync(folder, { recursive: true }));
    const whose = ['--gateway', this.origin, '--key-file', path.join(folder, 'camera.key'), '--qr', 'never'];
    this.#start('camera', binary('camera'), [...whose, '--source', 'test', ...more]);
    return {
      /**
       * The link that `share` prints.
       *
       * @param {string[]} args
       */
      share: async (args) => {
        const sharing = this.#start('camera', binary('camera'), [...whose, 'share', ...args]);
        return new URL((await sharing.says(/https?:\/\/\S+\/watch\/\S+/))[0]);
      },
    };
  }

  /**
   * Starts a publisher that knows nothing of direct viewers: GStreamer's whipsink, which is part
   * of the camera.
   *
   * @param {string} room
   * @param {string[]} [more] arguments
   */
  startPublisher(room, more = []) {
    const to = ['publish', `${this.origin}/whip/${room}`];
    return this.#start('camera', binary('camera'), [...to, '--source', 'test', ...more]);
  }

  /**
   * Starts a program where the gateway runs.
   *
   * @param {string} name
   * @param {string[]} args
   */
  startBesideGateway(name, args) {
    return this.#start('gateway', name, args);
  }

  /**
   * Starts a program where cameras run.
   *
   * @param {string} name
   * @param {string[]} args
   */
  startBesideCamera(name, args) {
    return this.#start('camera', name, args);
  }

  /**
   * @param {'gateway' | 'camera'} where
   * @param {string} file
   * @param {string[]} args
   */
  #start(where, file, args) {
    const [program, all] = this.#network?.[where].command(file, args) ?? [file, args];
    const process = new Process(path.basename(file), program, all, { SIGHTLINE_LOG: 'trace' });
    if (path.basename(file).startsWith('sightline-')) this.#ours.push(process);
    this.#endings.push(() => process.end('SIGKILL'));
    return process;
  }

  /**
   * A fresh browser context, like a person who has never been here.
   *
   * @param {import("playwright-core").BrowserContextOptions} [options]
   */
  async newContext(options = {}) {
    if (!this.#browser) {
      // Playwright gives it a user-data-dir of its own, and removes it.
      this.#browser = await chromium.launch({
        executablePath: this.#chromium(),
        args: this.#flags,
        env: { ...process.env, HOME: tmpdir() },
      });
      this.#endings.push(() => this.#browser?.close() ?? Promise.resolve());
    }
    const context = await this.#browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
    context.setDefaultTimeout(PATIENCE);
    this.secrets.watch(context);
    return context;
  }

  /** @returns {string} the browser's file; in a network a script that starts it there */
  #chromium() {
    const file = process.env.CHROMIUM ?? '/usr/bin/chromium';
    if (!this.#network) return file;
    const folder = mkdtempSync(path.join(tmpdir(), 'sightline-e2e-'));
    this.#endings.push(async () => rmSync(folder, { recursive: true }));
    const script = path.join(folder, 'chromium');
    const [program, args] = this.#network.viewer.command(file);
    writeFileSync(script, `#!/bin/sh\nexec ${program} ${args.join(' ')} "$@"\n`, { mode: 0o700 });
    return script;
  }

  /**
   * Opens a page of the gateway in a context of its own.
   *
   * @param {string} where path
   */
  open(where) {
    return this.openUrl(this.origin + where);
  }

  /**
   * Opens any page in a context of its own.
   *
   * @param {string} url
   * @returns {Promise<Page>}
   */
  async openUrl(url) {
    const page = await (await this.newContext()).newPage();
    await page.addInitScript(collectPeers);
    page.on('console', (message) => {
      if (/Content Security Policy/i.test(message.text())) this.#violations.push(message.text());
    });
    await page.goto(url);
    return page;
  }

  /**
   * Opens the watch page of a room.
   *
   * @param {string} room
   */
  watch(room) {
    return this.open(`/watch/${room}`);
  }

  async close() {
    for (const end of this.#endings.splice(0).reverse()) await end().catch(() => {});
    const logs = this.#ours.splice(0).map(({ log }) => log);
    const told = await this.secrets.toldBy(logs.join('\n'));
    if (told.length > 0) throw new Error(`a log tells a secret:\n${told.slice(0, 5).join('\n')}`);
    assert.deepEqual(this.#violations, [], 'the pages keep to their policy');
  }
}

/** Runs in the page before its own scripts: the peer connections, for their statistics. */
export function collectPeers() {
  const Native = window.RTCPeerConnection;
  /** @type {RTCPeerConnection[]} */
  const peers = [];
  Object.assign(window, { peers });
  window.RTCPeerConnection = class extends Native {
    /** @param {RTCConfiguration} [configuration] */
    constructor(configuration) {
      super(configuration);
      peers.push(this);
    }
  };
}
