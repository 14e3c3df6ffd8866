// @ts-check
/**
 * How long things take to heal: real pages, a camera and a gateway, each in a network of its own,
 * and something that happens to one of them. Seconds from the end of that (the network is back, the
 * process is started) until the picture of each page moves again. Needs root, for the networks.
 *
 *     node bench/browser/healing.mjs [EVENT...] [--json] [--log]
 */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { cutOff, forget, star, twoHomes, whyNoNetwork } from '../../tests/networks/network.js';
import { binary } from '../../tests/stage/process.js';
import { Stage, becomes, eventually } from '../../tests/stage/stage.js';

const { values: options, positionals: wanted } = parseArgs({
  allowPositionals: true,
  options: {
    seconds: { type: 'string', default: '20' },
    json: { type: 'boolean', default: false },
    log: { type: 'boolean', default: false },
  },
});

/** How long what is gone stays away, in milliseconds. */
const AWAY = Number(options.seconds) * 1000;

/** A picture that stands still for longer, in milliseconds, has stopped. */
const STILL = 400;

/** What stands still for no longer, in milliseconds, long after it was over, has other reasons. */
const HESITATES = 2000;

/** What has moved for so long, in milliseconds, has healed. */
const HEALED = 4000;

/** What does not heal within so long, in milliseconds, does not. */
const GIVE_UP = 75_000;

/** @typedef {Awaited<ReturnType<Stage['watch']>>} Page */
/** @typedef {import('../../tests/networks/network.js').Network} Network */
/** @typedef {import('../../tests/stage/process.js').Process} Process */

/**
 * @typedef {object} Event
 * @property {string} what
 * @property {number} reach seconds
 * @property {number} [direct] viewers that the camera serves itself; 2 without
 * @property {number} [pages] that watch; 3 without
 * @property {boolean} [isPlain] the publisher serves nobody directly, and has no key
 * @property {boolean} [areHidden] camera and viewers are behind a NAT each
 * @property {boolean} [isTold] not a picture ends it, but the words that there is none
 * @property {(scene: Scene) => Promise<number | void>} happens resolves, with the time or without,
 *   when it is over
 */

/** A camera, a gateway, and pages that watch. */
class Scene {
  /** @type {Page[]} */
  pages = [];
  /** @type {(() => Promise<void> | void)[]} */
  #endings = [];
  #event;
  /** @type {Network} */
  network = /** @type {any} */ (null);
  /** @type {Stage} */
  stage = /** @type {any} */ (null);
  /** @type {Process} */
  gateway = /** @type {any} */ (null);
  /** @type {Process} */
  camera = /** @type {any} */ (null);
  #folder = mkdtempSync(path.join(tmpdir(), 'sightline-healing-'));
  #room = '';

  /** @param {Event} event */
  constructor(event) {
    this.#event = event;
    this.#endings.push(() => rmSync(this.#folder, { recursive: true }));
  }

  async set() {
    const t = /** @type {any} */ ({ after: (/** @type {any} */ end) => this.#endings.unshift(end) });
    this.network = await (this.#event.areHidden ? twoHomes(t) : star(t, { forwards: true }));
    this.stage = new Stage(t, { network: this.network });
    this.gateway = await this.stage.startGateway();
    this.startCamera();
    this.#room = this.#event.isPlain ? 'healing' : (await this.camera.says(/[0-9a-f]{64}/))[0];
  }

  /** As people have it: its room is its key. */
  startCamera() {
    const small = ['--size', '320x240', '--fps', '15', '--bitrate', '300'];
    const { isPlain = false, direct = 2 } = this.#event;
    this.camera = isPlain ? this.stage.startPublisher('healing', small)
      : this.stage.startBesideCamera(binary('camera'), [
        '--gateway', this.stage.origin, '--key-file', path.join(this.#folder, 'camera.key'), '--qr', 'never',
        '--source', 'test', ...small, '--max-viewers', `${direct}`,
      ]);
  }

  /** One more person has a browser open. */
  async come() {
    const context = await this.stage.newContext();
    const page = await context.newPage();
    await page.addInitScript(watchFrames);
    this.pages.push(page);
    return page;
  }

  /** @param {Page} page that person's, who opens the link */
  async open(page) {
    await page.goto(`${this.stage.origin}/watch/${this.#room}`, { waitUntil: 'commit' });
    return page;
  }

  async close() {
    for (const end of this.#endings) await end();
  }
}

/** @type {Record<string, Event>} */
const EVENTS = {
  'camera-cut-off': {
    what: 'The camera’s network is gone for a while',
    reach: 2,
    async happens({ network }) {
      const back = cutOff(network, 'camera');
      await pause(AWAY);
      back();
    },
  },
  'camera-stopped': {
    what: 'The camera is stopped for a while',
    reach: 2,
    async happens({ camera }) {
      camera.signal('SIGSTOP');
      await pause(AWAY);
      camera.signal('SIGCONT');
    },
  },
  'camera-killed': {
    what: 'The camera is killed and started',
    reach: 2,
    async happens(scene) {
      await scene.camera.end('SIGKILL');
      scene.startCamera();
    },
  },
  'publisher-killed': {
    what: 'A page is opened 3 s after the relay’s publisher was killed, until it says so',
    reach: 1,
    pages: 1,
    isPlain: true,
    isTold: true,
    async happens(scene) {
      await scene.camera.end('SIGKILL');
      await pause(3000);
      const page = await scene.come();
      const over = Date.now();
      await scene.open(page);
      await becomes(page, 'gone');
      return over;
    },
  },
  'viewer-cut-off': {
    what: 'The viewers’ network is gone for a while',
    reach: 2,
    async happens({ network }) {
      const back = cutOff(network, 'viewer');
      await pause(AWAY);
      back();
    },
  },
  'viewer-port': {
    what: 'The viewers’ NAT gives them other ports',
    reach: 1,
    isPlain: true,
    areHidden: true,
    happens: async ({ network }) => forget(network, 'viewer'),
  },
  'publisher-port': {
    what: 'The publisher’s NAT gives it another port',
    reach: 1,
    isPlain: true,
    areHidden: true,
    happens: async ({ network }) => forget(network, 'camera'),
  },
  'gateway-killed': {
    what: 'The gateway is killed and started',
    reach: 3,
    async happens(scene) {
      await scene.gateway.end('SIGKILL');
      scene.gateway = await scene.stage.startGateway();
    },
  },
  'gateway-forgets': {
    what: 'The gateway is killed and started while one watches directly, and two more come',
    reach: 3,
    direct: 1,
    pages: 1,
    async happens(scene) {
      const two = [await scene.come(), await scene.come()];
      await scene.gateway.end('SIGKILL');
      scene.gateway = await scene.stage.startGateway();
      const over = Date.now();
      await Promise.all(two.map((page) => scene.open(page)));
      return over;
    },
  },
  'gateway-killed-often': {
    what: 'The gateway is killed twenty times under five pages',
    reach: 3,
    pages: 5,
    async happens(scene) {
      for (let time = 0; time < 20; time += 1) {
        await scene.gateway.end('SIGKILL');
        scene.gateway = await scene.stage.startGateway();
        if (time < 19) await pause(1500);
      }
    },
  },
};

const missing = whyNoNetwork();
if (missing) process.stderr.write(`nothing is measured: ${missing}\n`);

const results = [];
for (const [name, event] of Object.entries(EVENTS)) {
  if (missing || (wanted.length > 0 && !wanted.includes(name))) continue;
  const scene = new Scene(event);
  try {
    results.push({ name, ...await measure(scene, event) });
  } finally {
    await scene.close();
  }
}
if (options.json) console.log(JSON.stringify({ name: 'healing', unit: 's', events: results }));

/**
 * @param {Scene} scene
 * @param {Event} event
 */
async function measure(scene, event) {
  await scene.set();
  for (let page = 0; page < (event.pages ?? 3); page += 1) {
    await becomes(await scene.open(await scene.come()), 'live');
  }
  const isGoing = (/** @type {Watched[]} */ all) => all.every(({ moved }) => moved.length > 60);
  await eventually('every picture moves', () => look(scene), isGoing);
  const before = Date.now();
  const over = await event.happens(scene) ?? Date.now();
  const all = event.isTold ? (await look(scene)).slice(-1) : await healed(scene, over);
  const pages = all.map(({ moved, said, path }) => ({
    path, ...(event.isTold ? telling(said, over) : healing(moved, before, over)),
  }));
  const worst = Math.max(...pages.map(({ seconds }) => seconds ?? GIVE_UP / 1000));
  const { what, reach } = event;
  if (!options.json) {
    console.log(`${what}: ${worst.toFixed(1)} s (to reach: ${reach} s)`);
    for (const { path, seconds, frozen } of pages) {
      console.log(`    ${path}: ${seconds === null ? 'never' : `${seconds.toFixed(1)} s after it was over`}, frozen for ${frozen.toFixed(1)} s`);
    }
    if (options.log) {
      for (const { said } of all) {
        console.log(said.filter(([at]) => at > before - 1000).map(([at, word]) => `${((at - over) / 1000).toFixed(1)} ${word}`).join(', '));
      }
      console.log(scene.camera.log.slice(-6000));
    }
  }
  return { what, reach, worst, pages };
}

/** @typedef {{ moved: number[], said: [number, string][], path: string }} Watched */

/**
 * @param {Scene} scene
 * @returns {Promise<Watched[]>}
 */
function look({ pages }) {
  return Promise.all(pages.map(async (page) => {
    const path = await page.locator('#path').innerText().catch(() => '?');
    return { ...await page.evaluate(() => /** @type {any} */ (window).watched), path };
  }));
}

/**
 * Waits until every picture has moved for a while, or for as long as anybody would.
 *
 * @param {Scene} scene
 * @param {number} over
 */
async function healed(scene, over) {
  for (;;) {
    await pause(500);
    const all = await look(scene);
    const now = Date.now();
    const isWell = (/** @type {Watched} */ { moved }) => {
      const late = moved.filter((at) => at > now - HEALED);
      return late.length > 0 && [...late, now].every((at, index) => at - (late[index - 1] ?? now - HEALED) < STILL);
    };
    if (now > over + HEALED && all.every(isWell)) return all;
    if (now > over + GIVE_UP) return all;
  }
}

/**
 * How long a picture stood still from then on, and when that ended after what happened was over;
 * null if it did not.
 *
 * @param {number[]} moved
 * @param {number} before
 * @param {number} over
 */
function healing(moved, before, over) {
  const times = [Math.min(moved[0] ?? over, before), ...moved];
  let [end, frozen] = [over, 0];
  for (let index = 1; index < times.length; index += 1) {
    const gap = times[index] - times[index - 1];
    if (gap <= STILL || times[index] < before) continue;
    frozen = Math.max(frozen, gap);
    // Later on a picture may hesitate for other reasons.
    if (times[index] > over && (times[index - 1] < over + 1000 || gap > HESITATES)) end = times[index];
  }
  const isStill = Date.now() - (times.at(-1) ?? 0) > 3000;
  return { seconds: isStill ? null : (end - over) / 1000, frozen: frozen / 1000 };
}

/**
 * When a page said that the camera is gone, and for how long it said that it was live.
 *
 * @param {[number, string][]} said
 * @param {number} over
 */
function telling(said, over) {
  const told = said.find(([, word]) => word === 'gone')?.[0] ?? null;
  const live = said.find(([, word]) => word === 'live')?.[0] ?? told;
  return {
    seconds: told === null ? null : (told - over) / 1000,
    frozen: ((told ?? 0) - (live ?? 0)) / 1000,
  };
}

/** Runs in the page before its own scripts: when there was a new frame, and what was said. */
function watchFrames() {
  /** @type {number[]} */
  const moved = [];
  /** @type {[number, string][]} */
  const said = [];
  Object.assign(window, { watched: { moved, said } });
  let last = 0;
  let word = '';
  setInterval(() => {
    const player = /** @type {any} */ (document.querySelector('whep-player'));
    const frames = player?.video?.getVideoPlaybackQuality().totalVideoFrames ?? 0;
    if (frames > 0 && frames !== last) moved.push(Date.now());
    last = frames;
    if (player?.state !== word) said.push([Date.now(), word = player?.state]);
  }, 40);
}
