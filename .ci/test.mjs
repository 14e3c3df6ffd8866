// Runs every check and test, and adds up what they report.
//
// After the build two steps run at a time, on two cores: most of them wait for half of the time. The
// output of a step is in a file of its own under target/test-logs; it is printed where the step
// failed.
//
//     node .ci/test.mjs [--installed SECONDS]

import { spawn, execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, openSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';

/** @typedef {{ name: string, command: string[], env?: NodeJS.ProcessEnv, fails?: RegExp }} Step */

const { values } = parseArgs({ options: { installed: { type: 'string' } } });
const TARGET = path.resolve(process.env.CARGO_TARGET_DIR ?? 'target');
const LOGS = path.join(TARGET, 'test-logs');
const HEARTBEAT = 30_000;
/** The exit code by which a step says that it could not be done here. */
const SKIPPED = 77;

/**
 * Clippy compiles as well as it complains, so tests and lints share what they build: it is the
 * compiler of our own crates here, as `cargo clippy` makes it for `cargo check`.
 */
const env = { RUSTC_WORKSPACE_WRAPPER: 'clippy-driver' };
// The whole workspace each time: for some of it cargo would choose other features of what it
// depends on, and build that again.
const BUILD = ['cargo', 'build', '--locked', '--workspace', '--all-targets', '--keep-going'];
/** What is tested is on this machine, and no business of a proxy's. */
const LOCAL = '127.0.0.1,127.0.0.3,localhost,::1';
const NO_PROXY = { NO_PROXY: LOCAL, no_proxy: LOCAL };
const npm = (/** @type {string} */ folder, /** @type {string[]} */ ...script) =>
  ['npm', '--prefix', folder, 'run', '--silent', ...script];

/** @type {Step} */
const build = { name: 'build', command: BUILD, env };
/** @type {Step[]} what takes longest first, so that neither core is left with it at the end */
const checks = [
  { name: 'format', command: ['cargo', 'fmt', '--all', '--check'] },
  // Nothing is built again: cargo repeats the warnings that it has kept.
  { name: 'lint', command: BUILD, env, fails: /^warning: .* generated \d+ warnings?/m },
  { name: 'types', command: npm('player', 'check') },
  { name: 'types of tests', command: npm('tests', 'check') },
  { name: 'player', command: npm('player', 'test') },
  { name: 'browser a-l', command: npm('tests', 'browser:a-l'), env },
  { name: 'browser m-z', command: npm('tests', 'browser:m-z'), env },
  { name: 'rust', command: ['cargo', 'test', '--locked', '--workspace', '--no-fail-fast'], env },
  { name: 'interop', command: npm('tests', 'interop'), env },
  { name: 'networks', command: npm('tests', 'networks'), env },
  // A tenth of what `make bench` does: that takes minutes in a debug build.
  { name: 'soak', command: [path.join(TARGET, 'debug', 'sightline-bench'), 'soak', '--exchanges', '10000'], env },
  { name: 'licences', command: ['.ci/licences'] },
];

const steps = [build, ...checks];
const began = Date.now();
const total = { passed: 0, failed: 0, skipped: 0 };
/** @type {Map<string, number>} the steps that run, and since when */
const running = new Map();
/** @type {[string, number][]} */
const took = values.installed ? [['install', Number(values.installed) * 1000]] : [];
let done = 0;

const treeBefore = tree();
mkdirSync(LOGS, { recursive: true });
const heart = setInterval(beat, HEARTBEAT);
const isBuilt = await run(build);
// What does not build has nothing to run; what needs no build is still checked.
const queue = checks.filter(({ env: needsBuild }) => isBuilt || !needsBuild);
const lane = async () => {
  for (let step = queue.shift(); step; step = queue.shift()) await run(step);
};
await Promise.all([lane(), lane()]);
clearInterval(heart);

if (treeBefore === null) say('SKIPPED, LOUDLY: not a git checkout, so nobody looked whether the tests change it');
else if (tree() === treeBefore) total.passed += 1;
else {
  total.failed += 1;
  say(`FAILED: the tests have changed the tree:\n${execFileSync('git', ['status', '--short'], { encoding: 'utf8' })}`);
}

console.log('\nWhat took how long:');
for (const [name, ms] of [...took, ['all', Date.now() - began + Number(values.installed ?? 0) * 1000]]) {
  console.log(`  ${String(name).padEnd(16)} ${clock(Number(ms)).padStart(9)}`);
}
console.log(`\n${total.passed} passed, ${total.failed} failed${total.skipped ? `, ${total.skipped} skipped` : ''}`);
process.exitCode = total.failed > 0 ? 1 : 0;

/**
 * Runs a step to its end, counts what it reports, and shows all of it where it failed.
 *
 * @param {Step} step
 * @returns {Promise<boolean>} whether nothing failed
 */
async function run({ name, command: [file, ...args], env: more, fails }) {
  const started = Date.now();
  const log = logOf(name);
  running.set(name, started);
  say(`${name}: ${[file, ...args].join(' ')}`);
  const out = openSync(log, 'w');
  const child = spawn(file, args, { stdio: ['ignore', out, out], env: { ...process.env, ...NO_PROXY, ...more } });
  const code = await new Promise((resolve) => {
    child.on('exit', (code) => resolve(code ?? 1));
    child.on('error', (error) => { console.error(`${file}: ${error.message}`); resolve(1); });
  });
  running.delete(name);
  took.push([name, Date.now() - started]);
  done += 1;
  const output = readFileSync(log, 'utf8');
  const counted = results(output);
  const isBad = (code !== 0 && code !== SKIPPED) || Boolean(fails?.test(output));
  if (isBad && counted.failed === 0) counted.failed = 1;
  // A check that counts nothing is one test.
  if (code === SKIPPED) counted.skipped += 1;
  else if (counted.passed + counted.failed === 0) counted.passed = 1;
  for (const kind of /** @type {const} */ (['passed', 'failed', 'skipped'])) total[kind] += counted[kind];
  if (isBad) console.log(`${output}\n`);
  else for (const line of output.match(/^SKIPPED.*/gm) ?? []) console.log(line);
  say(`${isBad ? 'FAILED: ' : ''}${name}: ${counted.passed} passed, ${counted.failed} failed`
    + `${counted.skipped ? `, ${counted.skipped} skipped` : ''}, in ${clock(Date.now() - started)}`);
  return !isBad;
}

/**
 * What the runners of Rust and of Node report.
 *
 * @param {string} output
 */
function results(output) {
  const plain = output.replaceAll(/\x1b\[[0-9;]*m/g, '');
  const sum = (/** @type {RegExp} */ pattern) =>
    [...plain.matchAll(pattern)].reduce((all, [, count]) => all + Number(count), 0);
  return {
    passed: sum(/^test result:.* (\d+) passed/gm) + sum(/^[#ℹ] pass (\d+)/gm),
    failed: sum(/^test result:.* (\d+) failed/gm) + sum(/^[#ℹ] (?:fail|cancelled) (\d+)/gm),
    skipped: sum(/^test result:.* (\d+) ignored/gm) + sum(/^[#ℹ] skipped (\d+)/gm),
  };
}

/** Says of what runs for long how far it is. */
function beat() {
  const each = [...running].map(([name, since]) => {
    const output = readFileSync(logOf(name), 'utf8');
    const tests = output.match(/^(?:test .* \.\.\. ok|\s*ok \d+ |\s*✔ )/gm)?.length ?? 0;
    const crates = output.match(/^\s*Compiling /gm)?.length ?? 0;
    const far = tests ? `, ${tests} tests passed` : crates ? `, ${crates} crates` : '';
    return `${name} (${clock(Date.now() - since)}${far})`;
  });
  if (each.length) say(`running: ${each.join(', ')}`);
}

/** @param {string} name of a step */
function logOf(name) {
  return path.join(LOGS, `${name.replaceAll(' ', '-')}.log`);
}

/** @param {string} words */
function say(words) {
  console.log(`[${clock(Date.now() - began).padStart(8)}, ${done} of ${steps.length} done] ${words}`);
}

/** @param {number} ms */
function clock(ms) {
  const seconds = Math.round(ms / 1000);
  return seconds < 60 ? `${seconds} s` : `${Math.floor(seconds / 60)} m ${String(seconds % 60).padStart(2, '0')} s`;
}

/** What the tree is, as far as git sees it; null where it sees nothing. */
function tree() {
  const git = (/** @type {string[]} */ ...args) =>
    execFileSync('git', args, { stdio: ['ignore', 'pipe', 'ignore'], maxBuffer: 2 ** 30 });
  try {
    const hash = createHash('sha256');
    for (const part of [git('status', '--porcelain'), git('diff', 'HEAD')]) hash.update(part);
    return hash.digest('hex');
  } catch {
    return null;
  }
}
