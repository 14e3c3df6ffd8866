// @ts-check
/** What npm would get: made by `npm pack`, and used as somebody would who has installed it. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import test, { after } from 'node:test';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';

const PLAYER = fileURLToPath(new URL('../../', import.meta.url));

/** What a page that plays plain WHEP may have to load, in bytes. */
const MOST = 20 * 1024;

const site = mkdtempSync(path.join(tmpdir(), 'sightline-package-'));
after(() => rmSync(site, { recursive: true }));
const installed = path.join(site, 'node_modules/sightline-player');
mkdirSync(installed, { recursive: true });
const [{ filename }] = JSON.parse(execFileSync('npm', ['pack', '--json', '--pack-destination', site],
  { cwd: PLAYER, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).replace(/^[^[]*/, ''));
execFileSync('tar', ['-xzf', path.join(site, filename), '-C', installed, '--strip-components', '1']);

const read = (/** @type {string} */ name) => readFileSync(path.join(installed, name), 'utf8');
const manifest = JSON.parse(read('package.json'));
const element = read('dist/element/whep-player.js');
const [declared] = JSON.parse(read(manifest.customElements)).modules[0].declarations;

test('the element is one file of 20 KiB at most', () => {
  const size = gzipSync(element, { level: 9 }).length;
  assert.ok(size <= MOST, `${size} bytes by gzip, of ${MOST}`);
  assert.ok(!/\bimport\s*[{"'*]|\bfrom\s*["'`]/.test(element), 'it needs no other to begin with');
});

test('what only some links and servers need is fetched when it is needed', () => {
  const later = [...element.matchAll(/import\(["'`]\.\/assets\/([\w-]+)-[\w-]{8}\.js["'`]\)/g)].map(([, name]) => name);
  assert.deepEqual([...new Set(later)].sort(), ['advice-words', 'doctor', 'doctor-words', 'extensions', 'figures', 'name', 'signatures', 'words']);
  assert.ok(!/subtle|importKey/.test(element), 'no cryptography before that');
});

test('it has all that it names, source maps too, and no dependency', () => {
  const named = [...Object.values(manifest.exports).flatMap((/** @type {any} */ each) => (typeof each === 'string' ? each : Object.values(each))), manifest.customElements];
  for (const name of named) assert.ok(existsSync(path.join(installed, name)), name);
  const modules = readdirSync(path.join(installed, 'dist'), { recursive: true }).map(String).filter((name) => name.endsWith('.js'));
  assert.ok(modules.length > 3);
  for (const name of modules) {
    const map = JSON.parse(read(`dist/${name}.map`));
    assert.ok(map.sources.length > 0 && map.sourcesContent.length === map.sources.length, name);
  }
  assert.equal(manifest.dependencies, undefined);
  assert.ok(readdirSync(path.join(installed, 'dist')).includes('LICENSE-MIT'));
});

test('the manifest lists what there is', () => {
  const names = (/** @type {{ name: string }[]} */ list) => list.map(({ name }) => name).sort();
  assert.equal(declared.tagName, 'whep-player');
  assert.deepEqual(names(declared.attributes), ['calm', 'room', 'secret', 'src', 'token', 'trust']);
  const parts = [...element.matchAll(/\bpart:[`"'](\w+)/g)].map(([, name]) => name);
  assert.deepEqual(names(declared.cssParts), parts.sort());
  const [, host] = /:host\{(.*?)\}/.exec(element) ?? [];
  const properties = [...host.matchAll(/(--\w+):/g)].map(([, name]) => name);
  assert.deepEqual(names(declared.cssProperties), properties.sort());
  for (const name of ['state', 'trust', 'viewers', 'video', 'src', 'room', 'tokenProvider', 'retry', 'close']) {
    assert.ok(names(declared.members).includes(name), name);
  }
});

test('its types are those of a page that uses it', () => {
  writeFileSync(path.join(site, 'page.ts'), `
    import { WhepPlayer, type PlayerEvents, type PlayerState, type TokenProvider, type Trust } from 'sightline-player';
    const player = document.createElement('whep-player');
    const made: WhepPlayer = player;
    // Those of the manifest, no more and no less.
    const told: Record<keyof PlayerEvents, true> = { ${declared.events.map((/** @type {any} */ { name }) => `${name}: true`)} };
    player.src = 'https://gateway.example/whep/garage';
    const give: TokenProvider = async ({ endpoint, refused }) => (refused ? null : endpoint);
    player.tokenProvider = give;
    player.addEventListener('statechange', ({ detail }) => {
      const state: PlayerState = detail.state;
      const words: string = detail.title + detail.hint + detail.detail;
      return [state, words];
    });
    player.addEventListener('trustchange', (event) => { const trust: Trust | null = event.detail.trust; return trust; });
    player.addEventListener('vitals', ({ detail: { kbps, path, delay } }) => [kbps.toFixed(), path === 'relay', delay?.toFixed()]);
    player.addEventListener('click', (event) => event.preventDefault());
    // @ts-expect-error
    player.addEventListener('vitals', ({ detail: { speed } }) => speed);
    // @ts-expect-error
    player.state = 'live';
    // @ts-expect-error
    player.tokenProvider = () => 1;
    const video: HTMLVideoElement = made.video;
    video.pause();
  `);
  writeFileSync(path.join(site, 'tsconfig.json'), JSON.stringify({
    compilerOptions: {
      strict: true, noEmit: true, target: 'es2023', module: 'esnext', moduleResolution: 'bundler', lib: ['es2024', 'dom', 'dom.iterable'],
      types: [], skipLibCheck: false,
    },
    files: ['page.ts'],
  }));
  const tsc = path.join(PLAYER, 'node_modules/.bin/tsc');
  try {
    execFileSync(tsc, ['--project', site], { encoding: 'utf8' });
  } catch (error) {
    assert.fail(/** @type {any} */ (error).stdout);
  }
});
