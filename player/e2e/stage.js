// @ts-check
/** A stage for one test: the real gateway, real cameras, a real browser; all gone afterwards. */

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';
import { Process, binary } from './process.js';

/** @typedef {import('playwright-core').Page} Page */
/** @typedef {import('node:test').TestContext} TestContext */
/** @typedef {import('./network.js').Network} Network */

const OUT = fileURLToPath(new URL('./out/', import.meta.url));

/** Milliseconds that a process may take to be ready; generous, for busy machines. */
const READY = 20_000;

const FLAGS = [
  '--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
  '--disable-background-networking', '--disable-component-update', '--disable-sync',
  '--autoplay-policy=no-user-gesture-required',
  '--use-fake-device-for-media-stream', '--use-fake-ui-for-media-stream',
];

export class Stage {
  /** @type {(() => Promise<unknown>)[]} what ends what was started, last first */
  #endings = [];
  /** @type {import('playwright-core').Browser | null} */
  #browser = null;
  /** @type {Process | null} */
  #gateway = null;
  #network;
  #options;
  /** Origin of the gateway, `http://127.0.0.1:port`. */
  origin = '';

  /**
   * @param {TestContext} t which takes everything down when it is over
   * @param {object} [setting]
   * @param {Network} [setting.network] where everything runs; on this machine without
   * @param {string[]} [setting.gateway] more arguments for it
   */
  constructor(t, { network, gateway = [] } = {}) {
    this.#network = network;
    this.#options = network ? ['--open-rooms', ...gateway] : gateway;
    t.after(() => this.close());
  }

  /** Starts the gateway; again on the same port if it had one. */
  async startGateway() {
    const listen = this.origin ? new URL(this.origin).host : `${this.#network?.address ?? '127.0.0.1'}:0`;
    const args = ['--listen', listen, ...this.#options];
    const gateway = this.#start('gateway', binary('gateway'), args);
    this.origin = (await gateway.says(/^listening on (http:\S+)$/m, READY))[1];
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
   * Starts a program where the gateway runs.
   *
   * @param {string} name
   * @param {string[]} args
   */
  startBesideGateway(name, args) {
    return this.#start('gateway', name, args);
  }

  /**
   * @param {'gateway' | 'camera'} where
   * @param {string} file
   * @param {string[]} args
   */
  #start(where, file, args) {
    const [program, all] = this.#network?.[where].command(file, args) ?? [file, args];
    const process = new Process(path.basename(file), program, all);
    this.#endings.push(() => process.end('SIGKILL'));
    return process;
  }

  /** A fresh browser context, like a person who has never been here. */
  async newContext() {
    if (!this.#browser) {
      // Playwright gives it a user-data-dir of its own, and removes it.
      this.#browser = await chromium.launch({
        executablePath: this.#chromium(),
        args: FLAGS,
        env: { ...process.env, HOME: tmpdir() },
      });
      this.#endings.push(() => this.#browser?.close() ?? Promise.resolve());
    }
    return this.#browser.newContext({ viewport: { width: 1280, height: 900 } });
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
  }
}

/** Runs in the page before its own scripts: the peer connections, for their statistics. */
function collectPeers() {
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

/**
 * Waits until the player's state is the wanted one.
 *
 * @param {Page} page
 * @param {string} state
 * @param {number} ms
 */
export async function becomes(page, state, ms) {
  const reached = (/** @type {string} */ wanted) => {
    const player = /** @type {any} */ (document.querySelector('whep-player'));
    return player?.state === wanted;
  };
  await page.waitForFunction(reached, state, { timeout: ms, polling: 50 }).catch(async () => {
    const log = await logOf(page);
    throw new Error(`not “${state}” within ${ms} ms; the page's log, newest first:\n${log}`);
  });
}

/**
 * The watch page's log, for the message of a failed test.
 *
 * @param {Page} page
 */
const logOf = (page) => page.locator('#log').innerText({ timeout: 500 }).catch(() => 'no log here');

/**
 * What the decoder has done so far, from the statistics of whatever connection is open.
 *
 * @param {Page} page
 * @returns {Promise<{ at: number, frames: number, width: number, height: number, freezes: number }>}
 */
export function decoded(page) {
  return page.evaluate(async () => {
    const sum = { at: performance.now(), frames: 0, width: 0, height: 0, freezes: 0 };
    for (const peer of /** @type {any} */ (window).peers) {
      if (peer.connectionState === 'closed') continue;
      for (const stats of (await peer.getStats()).values()) {
        if (stats.type !== 'inbound-rtp' || stats.kind !== 'video') continue;
        sum.frames += stats.framesDecoded ?? 0;
        sum.width = stats.frameWidth ?? 0;
        sum.height = stats.frameHeight ?? 0;
        sum.freezes = stats.freezeCount ?? 0;
      }
    }
    return sum;
  });
}

/**
 * By which kinds of candidates media comes, ours and the other side's: `host`, `srflx`, `prflx`,
 * or `relay`, which is a TURN server's.
 *
 * @param {Page} page
 * @returns {Promise<string[]>}
 */
export function route(page) {
  return page.evaluate(async () => {
    for (const peer of /** @type {any} */ (window).peers) {
      if (peer.connectionState === 'closed') continue;
      const report = await peer.getStats();
      const { selectedCandidatePairId } =
        [...report.values()].find(({ type }) => type === 'transport') ?? {};
      const pair = report.get(selectedCandidatePairId);
      const ends = [pair?.localCandidateId, pair?.remoteCandidateId];
      if (pair) return ends.map((id) => report.get(id)?.candidateType ?? 'unknown');
    }
    return [];
  });
}

/**
 * Waits until the picture moves: `count` more frames than now have been decoded.
 *
 * @param {Page} page
 * @param {number} ms
 * @param {number} [count]
 */
export async function moves(page, ms, count = 15) {
  const until = Date.now() + ms;
  let base = (await decoded(page)).frames;
  for (;;) {
    const now = await decoded(page);
    // Fewer than before: a new connection, which counts from zero.
    base = Math.min(base, now.frames);
    if (now.frames - base >= count) return;
    if (Date.now() > until) {
      const log = await logOf(page);
      throw new Error(`the picture does not move; ${JSON.stringify(now)}, log:\n${log}`);
    }
    await page.evaluate(() => new Promise((resolve) => setTimeout(resolve, 100)));
  }
}

/**
 * The picture as it is seen, scaled down: width × height × RGB, 0 to 255.
 *
 * @param {Page} page
 * @param {number} [width]
 * @param {number} [height]
 * @returns {Promise<number[]>}
 */
export function picture(page, width = 32, height = 18) {
  return page.evaluate(([w, h]) => {
    const player = /** @type {any} */ (document.querySelector('whep-player'));
    const canvas = new OffscreenCanvas(w, h);
    const context = /** @type {OffscreenCanvasRenderingContext2D} */ (canvas.getContext('2d'));
    context.imageSmoothingQuality = 'high';
    context.drawImage(player.video, 0, 0, w, h);
    return [...context.getImageData(0, 0, w, h).data].filter((_, index) => index % 4 !== 3);
  }, [width, height]);
}

/**
 * Mean difference of two pictures, per channel.
 *
 * @param {number[]} one
 * @param {number[]} other
 */
export const difference = (one, other) =>
  one.reduce((sum, value, index) => sum + Math.abs(value - other[index]), 0) / one.length;

/**
 * Keeps a screenshot for people.
 *
 * @param {Page} page
 * @param {string} name
 */
export async function shot(page, name) {
  mkdirSync(OUT, { recursive: true });
  await page.screenshot({ path: path.join(OUT, `${name}.png`) });
}
