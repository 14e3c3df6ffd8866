// @ts-check
/**
 * Bundles what browsers are served, into `dist/`: the element, as other sites embed it and as npm gets it,
 * and each page under `src/` with the modules, styles and pictures that it names.
 *
 *     npm run build
 *
 * Whatever has a hash in its name is in a folder `assets/`, and never changes.
 */

import { createHash } from 'node:crypto';
import { mkdir, readFile, readdir, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { rolldown } from 'rolldown';

const SRC = fileURLToPath(new URL('src/', import.meta.url));
const DIST = fileURLToPath(new URL('dist/', import.meta.url));

/** Where the gateway serves them. */
const SERVED = '/player/';

const PICTURE = /\.(svg|png|ico)$/;

/** A file to be written, by its path in `dist/`. @typedef {Map<string, string | Uint8Array>} Files */

/** Style sheets in modules, without what only people need. */
const styles = {
  name: 'styles-in-modules',
  transform: {
    filter: { code: /const CSS = `/ },
    // What follows stays in its line, so that the source map stays right.
    handler: (/** @type {string} */ code) => ({
      code: code.replace(/(const CSS = `)([^`]*)`/, (_, begin, css) =>
        `${begin}${squeezed(css)}\`${css.replaceAll(/[^\n]/g, '')}`),
      map: null,
    }),
  },
};

/** Whatever is not ours takes its licence along. */
const licences = {
  name: 'licences',
  transform: {
    filter: { id: /node_modules/ },
    async handler(/** @type {string} */ code, /** @type {string} */ id) {
      const [, home] = /^(.*\/node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(id) ?? [];
      const name = (await readdir(home)).find((file) => /^licen[cs]e/i.test(file));
      if (!name) throw new Error(`no licence in ${home}`);
      const licence = await readFile(path.join(home, name), 'utf8');
      return { code: `/*!\n${path.basename(home)}\n${licence.replaceAll('*/', '')}*/\n${code}`, map: null };
    },
  },
};

/** @param {string} css */
const squeezed = (css) => css.replaceAll(/\/\*[^]*?\*\//g, '').replaceAll(/\s+/g, ' ')
  .replaceAll(/ ?([{};,>]) ?/g, '$1').replaceAll(/: /g, ':').replaceAll(';}', '}').trim();

/**
 * What several entries have in common is part of the first of them, so that nothing is fetched by itself
 * but what is imported when it is needed.
 *
 * @param {Record<string, string>} input entries by name, in `src/`
 * @param {string} folder of `dist/`
 * @param {string} entryFileNames as rolldown has it
 * @returns {Promise<{ files: Files, entries: Map<string, string> }>} and the file of each entry
 */
async function bundle(input, folder, entryFileNames) {
  const bundler = await rolldown({
    input: Object.fromEntries(Object.entries(input).map(([name, file]) => [name, path.join(SRC, file)])),
    plugins: [styles, licences],
    preserveEntrySignatures: 'allow-extension',
    onLog(level, log, report) {
      // A page may well load at once what the element loads when it is needed.
      if (log.code !== 'INEFFECTIVE_DYNAMIC_IMPORT') report(level === 'warn' ? 'error' : level, log);
    },
  });
  const { output } = await bundler.generate({
    dir: path.join(DIST, folder), minify: true, sourcemap: true, entryFileNames, chunkFileNames: 'assets/[name]-[hash].js',
  });
  await bundler.close();
  const files = new Map(output.map((file) =>
    [path.join(folder, file.fileName), file.type === 'chunk' ? file.code : file.source]));
  const entries = new Map(output.flatMap((file) =>
    (file.type === 'chunk' && file.isEntry ? [[file.name, path.join(folder, file.fileName)]] : [])));
  return { files, entries };
}

/**
 * @param {string} name
 * @param {string | Uint8Array} content
 * @param {Files} files that get it, under a name with its hash
 * @returns {string} its address
 */
function kept(name, content, files) {
  const { name: stem, ext } = path.parse(name);
  const one = `assets/${stem}-${createHash('sha256').update(content).digest('base64url').slice(0, 8)}${ext}`;
  files.set(one, content);
  return SERVED + one;
}

/** @param {string} name in `src/` @param {Files} files */
const picture = async (name, files) => kept(name, await readFile(path.join(SRC, name)), files);

/** @param {string} name in `src/` @param {Files} files */
async function sheet(name, files) {
  let css = squeezed(await readFile(path.join(SRC, name), 'utf8'));
  for (const [all, relative] of css.matchAll(/url\(["']?([^)"']+)["']?\)/g)) {
    const address = await picture(path.posix.join(path.posix.dirname(name), relative), files);
    css = css.replaceAll(all, `url(${address})`);
  }
  return css;
}

/**
 * A page: its modules in as few files as can be, its style sheets in one, its pictures by their hashes.
 *
 * @param {string} file in `src/`
 * @returns {Promise<Files>}
 */
async function page(file) {
  let html = (await readFile(path.join(SRC, file), 'utf8')).replaceAll(/^<link rel="modulepreload".*\n/gm, '');
  const named = [...html.matchAll(/(?:src|href)="\/player\/([^"]+)"/g)].map(([, name]) => name);
  const modules = named.filter((name) => name.endsWith('.js'));
  const input = Object.fromEntries(modules.map((name) => [path.parse(name).name, name]));
  const { files, entries } = await bundle(input, '', 'assets/[name]-[hash].js');
  for (const name of modules) {
    html = html.replace(`"${SERVED}${name}"`, `"${SERVED}${entries.get(path.parse(name).name)}"`);
  }
  const sheets = named.filter((name) => name.endsWith('.css'));
  if (sheets.length > 0) {
    const css = (await Promise.all(sheets.map((name) => sheet(name, files)))).join('\n');
    const one = kept(`${path.parse(file).name}.css`, css, files);
    const [first, ...others] = sheets.map((name) => `<link rel="stylesheet" href="${SERVED}${name}">\n`);
    html = others.reduce((text, link) => text.replace(link, ''), html);
    html = html.replace(first, `<link rel="stylesheet" href="${one}">\n`);
  }
  for (const name of named.filter((each) => PICTURE.test(each))) {
    html = html.replaceAll(`"${SERVED}${name}"`, `"${await picture(name, files)}"`);
  }
  return files.set(file, html);
}

/**
 * A service worker has to keep its address.
 *
 * @param {string} file in `src/`
 */
async function worker(file) {
  const { dir, name } = path.parse(file);
  return (await bundle({ [name]: file }, dir, '[name].js')).files;
}

/**
 * Writes what is not so already, and removes what had another hash.
 *
 * @param {Files} files
 */
async function write(files) {
  for (const [name, content] of files) {
    const file = path.join(DIST, name);
    const before = await readFile(file).catch(() => null);
    if (before?.equals(Buffer.from(content))) continue;
    await mkdir(path.dirname(file), { recursive: true });
    // Somebody may be reading it.
    await writeFile(`${file}.${process.pid}`, content);
    await rename(`${file}.${process.pid}`, file);
  }
  for (const name of await readdir(DIST, { recursive: true })) {
    const isOurs = path.dirname(name).split(path.sep).at(-1) === 'assets' || name.endsWith('.html');
    if (isOurs && !files.has(name)) await rm(path.join(DIST, name), { force: true });
  }
}

/** Bundles everything. */
export async function build() {
  const sources = await readdir(SRC, { recursive: true });
  const all = await Promise.all([
    bundle({ 'whep-player': 'element/whep-player.js' }, 'element', '[name].js').then(({ files }) => files),
    ...sources.filter((name) => name.endsWith('.html')).map(page),
    ...sources.filter((name) => path.basename(name) === 'service-worker.js').map(worker),
  ]);
  await write(new Map(all.flatMap((files) => [...files])));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await build();
