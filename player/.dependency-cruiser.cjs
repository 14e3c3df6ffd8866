// @ts-check
/** Which folder of `src` may use which: each only those before it. `npm run check` looks. */

/** What each folder may use besides itself. */
const USES = {
  trust: [],
  session: ['trust'],
  words: ['trust', 'session'],
  page: ['trust', 'words'],
  element: ['trust', 'session', 'words'],
  seen: ['trust', 'words'],
  app: ['words'],
  watch: ['trust', 'session', 'words', 'page', 'element', 'seen', 'app'],
  wall: ['trust', 'words', 'page', 'element', 'seen', 'app'],
  landing: ['trust', 'words', 'page', 'seen', 'app'],
  publish: ['trust', 'session', 'words', 'page', 'app'],
  embed: ['trust', 'session', 'words', 'element'],
};

/** @type {import('dependency-cruiser').IConfiguration} */
module.exports = {
  forbidden: [
    // Words in another language have the types of the English ones, which load them.
    { name: 'no-circle', severity: 'error', from: { pathNot: '^src/words/' }, to: { circular: true } },
    { name: 'nothing-missing', severity: 'error', from: {}, to: { couldNotResolve: true } },
    ...Object.entries(USES).map(([folder, uses]) => ({
      name: `${folder}-uses-only-${uses.join('-') || 'itself'}`,
      severity: /** @type {const} */ ('error'),
      from: { path: `^src/${folder}/` },
      to: { pathNot: `^(src/(${[folder, ...uses].join('|')})/|node_modules/)` },
    })),
  ],
  options: { detectJSDocImports: true, tsPreCompilationDeps: true },
};
