// @ts-check
/** Makes what npm gets besides the element itself: its types, its custom-elements manifest, its licences. */

import { execFileSync } from 'node:child_process';
import { copyFile, readFile, rm, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

const ROOT = new URL('../', import.meta.url);
const BIN = new URL('node_modules/.bin/', ROOT);

/** @param {string} tool @param {string[]} args */
const run = (tool, ...args) =>
  execFileSync(fileURLToPath(new URL(tool, BIN)), args, { cwd: ROOT, stdio: ['ignore', 'ignore', 'inherit'] });

await rm(new URL('dist/element/types', ROOT), { recursive: true, force: true });
run('tsc', '--project', 'package/tsconfig.json');
await copyFile(new URL('package/whep-player.d.ts', ROOT), new URL('dist/element/whep-player.d.ts', ROOT));
run('cem', 'analyze', '--quiet', '--globs', 'src/element/whep-player.js', '--outdir', 'dist/element');
const manifest = new URL('dist/element/custom-elements.json', ROOT);
await writeFile(manifest, JSON.stringify(published(JSON.parse(await readFile(manifest, 'utf8'))), null, 2));
for (const licence of ['LICENSE-MIT', 'LICENSE-APACHE']) {
  await copyFile(new URL(`../${licence}`, ROOT), new URL(`dist/${licence}`, ROOT));
}

/**
 * The manifest as who installs the package may use it: of the file that it has, and of what is documented.
 *
 * @param {any} manifest
 */
function published(manifest) {
  const text = JSON.stringify(manifest).replaceAll('src/element/whep-player.js', 'dist/element/whep-player.js');
  const { modules, ...all } = JSON.parse(text);
  for (const { declarations } of modules) {
    for (const each of declarations) {
      for (const list of ['members', 'events']) {
        each[list] = each[list].filter((/** @type {any} */ { description, privacy }) => description && privacy !== 'private');
      }
    }
  }
  return { ...all, modules };
}
