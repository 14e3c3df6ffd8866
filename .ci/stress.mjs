// Runs each test program many times beside busy loops, one for each core, and as many times
// alone: what fails now and then fails here. Programs take turns, so a run that is cut off at its
// bound has tried all of them about as often.
//
//     node .ci/stress.mjs [--only REGEX] [--times N] [--minutes N] [--loops N]
//
// What a failed run printed is kept under target/stress.

import { execFileSync, spawn } from 'node:child_process';
import { mkdirSync, openSync, readdirSync, renameSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';

/** @typedef {{ name: string, cwd: string, command: string[] }} Program */

const { values } = parseArgs({
  options: {
    only: { type: 'string', default: '.' },
    times: { type: 'string', default: '10' },
    minutes: { type: 'string', default: '60' },
    loops: { type: 'string', default: String(os.cpus().length) },
  },
});
const [times, minutes, loops] = [values.times, values.minutes, values.loops].map(Number);
const until = Date.now() + minutes * 60_000;
const LOGS = path.resolve(process.env.CARGO_TARGET_DIR ?? 'target', 'stress');
/** Milliseconds for one run of one program, the longest of which takes a minute or two alone. */
const LONGEST = 15 * 60_000;

mkdirSync(LOGS, { recursive: true });
console.log('Building the test programs and what they start');
execFileSync('cargo', ['build', '--workspace', '--all-targets'], { stdio: 'inherit' });
const programs = [...rustPrograms(), ...nodePrograms()].filter(({ name }) => new RegExp(values.only).test(name));
const rounds = Array.from({ length: times }, () => [loops, 0]).flat();
console.log(`${programs.length} programs, ${times} times beside ${loops} busy loops and ${times} times alone, `
  + `for ${minutes} minutes at most`);

/** @type {Map<string, Record<'loaded' | 'alone', { runs: number, failed: number }>>} */
const results = new Map(programs.map(({ name }) =>
  [name, { loaded: { runs: 0, failed: 0 }, alone: { runs: 0, failed: 0 } }]));
const planned = rounds.length * programs.length;
let runs = 0;
for (const busy of rounds) {
  for (const program of programs) {
    if (Date.now() > until) break;
    await once(program, busy);
  }
}

const rows = [...results].map(([name, { loaded, alone }]) =>
  [name, loaded, alone].map((cell) => (typeof cell === 'string' ? cell.padEnd(34) : `${cell.failed} of ${cell.runs}`.padStart(9))).join('  '));
console.log(`\n${'failed, of runs'.padEnd(34)}  ${'loaded'.padStart(9)}  ${'alone'.padStart(9)}\n${rows.join('\n')}`);
if (runs < planned) console.log(`\nCut off after ${minutes} minutes: ${planned - runs} of ${planned} runs are missing (MINUTES=…)`);
const failed = [...results.values()].reduce((sum, { loaded, alone }) => sum + loaded.failed + alone.failed, 0);
if (failed) console.log(`What the failed runs printed is in ${LOGS}`);
console.log(`\n${runs - failed} passed, ${failed} failed`);
process.exitCode = failed || !runs ? 1 : 0;

/**
 * @param {Program} program
 * @param {number} busy loops beside it
 */
async function once({ name, cwd, command: [file, ...args] }, busy) {
  const log = path.join(LOGS, 'running.log');
  const out = openSync(log, 'w');
  const spinning = Array.from({ length: busy }, () => spawn('sh', ['-c', 'while :; do :; done'], { stdio: 'ignore' }));
  const end = () => spinning.forEach((loop) => loop.kill('SIGKILL'));
  process.once('exit', end);
  const began = Date.now();
  const child = spawn(file, args, {
    cwd,
    stdio: ['ignore', out, out],
    env: { ...process.env, CARGO_MANIFEST_DIR: cwd },
    timeout: LONGEST,
    killSignal: 'SIGKILL',
  });
  const code = await new Promise((resolve) => child.on('exit', resolve).on('error', () => resolve(null)));
  end();
  process.off('exit', end);
  runs += 1;
  const result = results.get(name)?.[busy ? 'loaded' : 'alone'] ?? { runs: 0, failed: 0 };
  result.runs += 1;
  const how = `${runs} of ${planned}: ${name}, ${busy ? `beside ${busy} busy loops` : 'alone'}`;
  const seconds = `${Math.round((Date.now() - began) / 1000)} s`;
  if (code === 0) return console.log(`${how}: passed, ${seconds}`);
  result.failed += 1;
  const kept = path.join(LOGS, `${name.replaceAll(/\W+/g, '-')}-${runs}.log`);
  renameSync(log, kept);
  console.log(`${how}: FAILED, ${seconds}, see ${kept}`);
}

/** @returns {Program[]} */
function rustPrograms() {
  const args = ['test', '--workspace', '--no-run', '--message-format', 'json-render-diagnostics'];
  const messages = execFileSync('cargo', args, { encoding: 'utf8', maxBuffer: 2 ** 30, stdio: ['ignore', 'pipe', 'inherit'] });
  return messages.split('\n').filter(Boolean).map((line) => JSON.parse(line))
    .filter(({ reason, executable, profile }) => reason === 'compiler-artifact' && executable && profile.test)
    .map(({ executable, target, manifest_path: manifest }) => {
      const cwd = path.dirname(manifest);
      return { name: `${path.relative('.', cwd)}: ${target.name}`, cwd, command: [executable] };
    });
}

/** @returns {Program[]} */
function nodePrograms() {
  const cwd = path.resolve('tests');
  const files = ['browser', 'networks', 'interop'].flatMap((folder) =>
    readdirSync(path.join(cwd, folder)).filter((name) => /\.(e2e|interop)\.js$/.test(name)).map((name) => `${folder}/${name}`));
  const node = ['node', '--test', '--test-concurrency=1'];
  return [
    { name: 'player', cwd: path.resolve('player'), command: ['npm', 'test', '--silent'] },
    ...files.map((file) => ({
      name: `tests/${file}`,
      cwd,
      command: [...(file.startsWith('interop') ? ['networks/own-network.sh'] : []), ...node, file],
    })),
  ];
}
