// Writes docs/benchmarks.md from what the benches have printed as JSON; what other servers did on
// another day stays as it is.
//     node .ci/benchmarks.mjs FOLDER

import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';

const folder = process.argv[2];
const read = (file) => readFileSync(path.join(folder, file), 'utf8').trim();
const result = (name) => JSON.parse(read(`${name}.json`));

const waiting = result('waiting');
const pairings = result('pairings');
const named = result('pairings-named');
const alone = result('pairings-alone');
/** One limit of the machine and one relay beside it in each round, as .ci/bench takes turns. */
const rounds = (/** @type {number} */ viewers) =>
  [1, 2, 3].map((round) => ({ limit: result(`limit-${viewers}-${round}`), relay: result(`relay-${viewers}-${round}`) }));
const few = rounds(50);
const hundreds = rounds(300);
const delay = result('relay-delay');
const many = result('relay-many');
const spread = result('relay-spread');
const two = result('relay-many-two');
const picture = result('first-picture');
const relayed = result('first-picture-relay');
const loss = result('loss');
const heard = result('first-picture-sound');
const requests = result('requests');
const camera = result('camera-cpu');
const large = result('camera-cpu-1080');
const sound = result('sound-cpu');
const soak = result('camera-soak');
const passed = result('camera-cpu-passed');
const healing = result('healing');

const BENCH = 'cargo run --release -p sightline-bench --';
const commands = {
  waiting: `${BENCH} waiting --cameras ${waiting.cameras}`,
  pairings: `${BENCH} pairings --concurrency ${pairings.concurrency}`,
  named: `${BENCH} pairings --concurrency ${named.concurrency} --named-rooms`,
  alone: `${BENCH} pairings --concurrency ${alone.concurrency}`,
  few: besideLimit(few),
  hundreds: besideLimit(hundreds),
  delay: relayCommand(delay),
  many: relayCommand(many),
  spread: relayCommand(spread),
  two: relayCommand(two),
  picture: 'node bench/browser/first-picture.mjs',
  requests: 'node bench/browser/requests.mjs',
  camera: 'node bench/browser/camera-cpu.mjs',
};

const visits = ({ median, times }) =>
  `${median} ms, median of ${times.length} (${Math.min(...times)} to ${Math.max(...times)})`;
const load = ({ requests: count, bytes }) => `${count} requests, ${(bytes / 1024).toFixed(1)} KiB`;
const number = (value) => value.toLocaleString('en-GB');
const megabits = ({ bits_per_second: bits }) => `${bits / 1e6} Mbit/s`;
const milliseconds = ({ median_milliseconds: median, p99_milliseconds: p99 }) =>
  `${median} ms (99 % within ${p99} ms)`;

/** What, figure to reach, measured, whether that reaches it, command. */
const rows = [
  ['Page opened to first picture, camera waiting, all on one machine',
    '400 ms or less', visits(picture), picture.median <= 400, commands.picture],
  ['… what sound adds to that',
    '30 ms or less', `${heard.sound_adds} ms (${visits(heard.heard)}; without: ${visits(heard)})`,
    heard.sound_adds <= 30, `${commands.picture} --sound`],
  ['… by the relay, of a publisher with a keyframe in two seconds that ignores requests',
    '200 ms or less, never above 350 ms', visits(relayed),
    relayed.median <= 200 && Math.max(...relayed.times) <= 350, `${commands.picture} --relay`],
  ['Watch page until its picture is live, by a browser that was never here',
    '10 requests or fewer', load(requests.cold), requests.cold.requests <= 10, commands.requests],
  ['… and by one that was', '', load(requests.warm), null, commands.requests],
  ...[{ at: camera, reach: 0.12 }, { at: large, reach: 0.3 }].flatMap(({ at, reach }) => {
    const command = `${commands.camera} --size ${at.size}`;
    return [
      [`Camera at ${at.size}, 30 fps: CPU with one viewer`,
        `${reach} core or less`, `${at.cores_one} core, the viewers saw ${at.lowest_fps} fps or more`,
        at.cores_one <= reach && at.lowest_fps >= 28, command],
      ['… what a second viewer adds',
        '5 % or less, or 0.01 core', `${at.second_viewer_percent} %, ${at.second_viewer_cores} core`,
        at.second_viewer_percent <= 5 || at.second_viewer_cores <= 0.01, command],
      ['… with nobody watching', '', `${at.cores_none} core`, null, command],
    ];
  }),
  ['… what sound adds, at 1280x720 with one viewer',
    '0.02 core or less', `${sound.sound_cores} core`, sound.sound_cores <= 0.02, 'node bench/browser/sound-cpu.mjs'],
  [`… its memory while viewers come and go: the last third of ${soak.minutes} minutes against the middle one`,
    'flat: 2 % or less', `${soak.growth_percent} % (${Math.round(soak.kib_last / 1024)} MiB after ${soak.visits} visits)`,
    soak.growth_percent <= 2, `node bench/browser/camera-soak.mjs --minutes ${soak.minutes}`],
  ['Camera with one viewer, who is passed on what a network camera has encoded',
    '0.03 core or less', `${passed.cores_one} core, the viewers saw ${passed.lowest_fps} fps or more`,
    passed.cores_one <= 0.03 && passed.lowest_fps >= 28, `${commands.camera} --source rtsp`],
  [`${number(waiting.cameras)} waiting cameras: gateway's memory for each`,
    'under 10 KiB', `${waiting.kib_per_camera} KiB`,
    waiting.kib_per_camera < 10, commands.waiting],
  ['… gateway\'s CPU while they wait',
    'none', `${waiting.idle_cpu_seconds.toFixed(2)} s in ${waiting.idle_seconds} s, ${waiting.idle_wakeups} wake-ups`,
    waiting.idle_cpu_seconds <= 0.01, commands.waiting],
  ['… left behind when all have gone',
    'nothing', `${waiting.rooms_left} rooms; memory with all there again: ${share(waiting)} of the first time`,
    waiting.rooms_left === 0, commands.waiting],
  ['… gateway\'s CPU for each arrival (connection, token, offer)',
    '', `${waiting.arrival_cpu_microseconds_per_camera} µs`, null, commands.waiting],
  ['Pairings per second, gateway and clients together on this machine',
    '', `${number(pairings.pairings_per_second)}; the gateway got ${pairings.gateway_cores_used} cores`, null, commands.pairings],
  ['… CPU time of one pairing in a room that is a key',
    '', `${pairings.cpu_microseconds_per_pairing} µs (${pairings.user_microseconds_per_pairing} user, ${pairings.system_microseconds_per_pairing} system)`, null, commands.pairings],
  ['… so two cores for the gateway alone can do',
    '', `${number(pairings.pairings_per_second_of_two_cores)} per second`, null, commands.pairings],
  ['CPU time of one pairing in a named room (no token to verify)',
    '', `${named.cpu_microseconds_per_pairing} µs`, null, commands.named],
  ['One pairing at a time: viewer\'s POST to its 406',
    '', milliseconds(alone.counter_offer), null, commands.alone],
  ['… viewer\'s PATCH to the camera\'s 201',
    '', milliseconds(alone.answer), null, commands.alone],
  [`Relay: gateway's CPU for each packet forwarded, ${megabits(few[0].relay)} to ${few[0].relay.viewers} viewers`,
    '1.5 × the machine\'s limit', againstLimit(few), multiple(few) <= 1.5, commands.few],
  [`… to ${hundreds[0].relay.viewers} viewers`,
    '1.2 × the machine\'s limit', againstLimit(hundreds), multiple(hundreds) <= 1.2, commands.hundreds],
  ['… delay that it adds to those, packet in to packet out',
    'median under 1 ms, 99 % within 5 ms', milliseconds(spread.added_delay),
    spread.added_delay.median_milliseconds < 1 && spread.added_delay.p99_milliseconds < 5, commands.spread],
  ['… gateway\'s memory for each of those',
    'under 48 KiB', `${median(hundreds.map(({ relay }) => relay.kib_per_viewer))} KiB`,
    median(hundreds.map(({ relay }) => relay.kib_per_viewer)) < 48, commands.hundreds],
  [`… ${number(many.viewers)} viewers of ${megabits(many)} on one core`,
    'no packet lost by the gateway', `${number(many.loss.by_server)} of ${number(many.packets_received + many.loss.packets)} lost by the gateway${clientsLoss(many)}; it used ${many.server_cores_used} of a core`,
    many.loss.by_server === 0 && many.viewers_failed === 0 && many.server_cores_used <= 1, commands.many],
  ['… the same room on two cores: what a packet costs against one',
    '1.1 ×', `${(two.cpu_microseconds_per_packet / many.cpu_microseconds_per_packet).toFixed(2)} × (${two.cpu_microseconds_per_packet} µs against ${many.cpu_microseconds_per_packet} µs)`,
    two.cpu_microseconds_per_packet <= 1.1 * many.cpu_microseconds_per_packet, commands.two],
  ['… gateway\'s memory for each of them',
    'under 100 KiB', `${many.kib_per_viewer} KiB`,
    many.kib_per_viewer < 100, commands.many],
  [`… delay that it adds, packet in to packet out, ${megabits(delay)} to ${delay.viewers} viewers`,
    'median under 1 ms, 99 % within 5 ms', milliseconds(delay.added_delay),
    delay.added_delay.median_milliseconds < 1 && delay.added_delay.p99_milliseconds < 5, commands.delay],
  ['… a viewer\'s POST to its first packet, eight of them arriving at a time',
    '', milliseconds(delay.setup), null, commands.delay],
  [`A viewer of the relay whose link loses one datagram in ${loss.oneIn}, each way`,
    `2 freezes in ${loss.seconds} s or fewer`, `${loss.freezes}, median of ${loss.runs.length}; ${loss.pictures} of 30 pictures in a second`,
    loss.freezes <= 2, 'node bench/browser/loss.mjs'],
  ...healing.events.map(({ name, what, reach, worst, pages }) => [
    what, `${reach} s`, `${worst.toFixed(1)} s, the last of ${pages.length} to heal`, worst <= reach,
    `node bench/browser/healing.mjs ${name}`,
  ]),
];

const reached = { true: 'yes', false: '**no**', null: '' };
const table = rows.map(([what, wanted, measured, isReached, command]) =>
  `| ${what} | ${wanted} | ${measured} | ${reached[isReached]} | \`${command}\` |`);

const facts = [
  ['Processor', `${os.cpus()[0].model.trim()}, ${os.cpus().length} cores`],
  ['Memory', `${Math.round(os.totalmem() / 2 ** 30)} GiB`],
  ['Kernel', `${os.type()} ${os.release()}`],
  ['System', osName()],
  ['GStreamer', says('pkg-config', ['--modversion', 'gstreamer-1.0'], /(\S+)/)],
  ['Chromium', says(process.env.CHROMIUM ?? '/usr/bin/chromium', ['--version'], /Chromium (\S+)/)],
  ['Rust', says('rustc', ['--version'], /rustc (\S+)/)],
  ['Commit', says('git', ['describe', '--always', '--dirty'], /(\S+)/)],
  ['Date', new Date().toISOString().slice(0, 10)],
  ['Load before the start', `${read('load')} (other work on the machine; it makes every figure worse)`],
];

console.log(`# Benchmarks

\`make bench\` measures these figures and writes this page; nothing in it is filled in by hand.

| what | figure to reach | measured | reached | command |
|---|---|---|---|---|
${table.join('\n')}

## How

Gateway, clients, camera and browser share the machine, and all traffic is on loopback.
Memory is the gateway's resident memory, CPU time its user and system time, both as the
kernel counts them. A waiting camera is a connection of its own with a held POST in a room of
its own, with a token and an offer of ${offerSize()} bytes; the kernel's memory for its socket is not
counted. A pairing is the whole exchange: both POSTs, the 406, the answer, the 201, both
DELETEs, on connections that are kept. The camera is measured for ${camera.seconds} s with none, one and
two browsers watching, in ${camera.rounds} rounds; the figures are medians, the addition is compared within
each round. What sound costs is measured likewise, with two cameras in turns, one of which plays a
tone; the first picture too. In the soak two at a time watch a camera with sound, one directly and one by
the relay, and its memory is looked at whenever both have gone: \`--minutes 60\` does so for an hour.
No clip, no webcam: the source is the test picture. The network camera is a server of GStreamer's, whose own CPU
time is not counted.

What heals is measured with gateway, camera and pages in a network namespace each, joined by cables
that lose every packet for a while. The seconds are those from the end of what happened (the network is
back, the process is started) until the last page's picture moves again.

The relay's publisher sends 30 pictures per second in H.264's shape, each as one burst, a
keyframe of six times the size every two seconds, and each viewer is a whole WebRTC client on
a socket of its own: it decrypts every packet, reports, and asks again for what is missing.
Every payload carries its number and the time when it was sent; the delay ends when the kernel
has the packet for the viewer, and what the same takes on plain loopback is subtracted. A packet
is lost if it has not arrived two seconds after the measurement; what a viewer's own full socket
explains is not laid at the gateway's door. CPU time is for each packet that arrived.

The machine's limit is what a packet of 1200 bytes costs at least: AES-128-GCM under a key of each
viewer's own, and its share of a system call that sends nine of them to loopback (UDP GSO). It and
the relay are measured in turns, three times; the figures are medians, the multiple is the median
of the rounds' own.

## Machine

| | |
|---|---|
${facts.map(([what, fact]) => `| ${what} | ${fact} |`).join('\n')}

${besideOthers()}`);

/** The section that no run of ours can write anew, as the page has it. */
function besideOthers() {
  const page = readFileSync(new URL('../docs/benchmarks.md', import.meta.url), 'utf8');
  return page.slice(page.indexOf('## Beside other servers')).trimEnd();
}

function share({ resident_kib_waiting: first, resident_kib_waiting_again: again }) {
  return `${Math.round((100 * again) / first)} %`;
}

/** @param {{ limit: any, relay: any }[]} rounds */
function besideLimit(rounds) {
  return `${BENCH} limit --viewers ${rounds[0].limit.viewers}\` and \`${relayCommand(rounds[0].relay)}`;
}

/** @param {{ limit: any, relay: any }[]} rounds */
function multiple(rounds) {
  const each = rounds.map(({ limit, relay }) => relay.cpu_microseconds_per_packet / limit.cpu_microseconds_per_packet);
  return Number(median(each).toFixed(2));
}

/** @param {{ limit: any, relay: any }[]} rounds */
function againstLimit(rounds) {
  const limit = median(rounds.map((round) => round.limit.cpu_microseconds_per_packet));
  const relay = middle(rounds.map((round) => round.relay), (each) => each.cpu_microseconds_per_packet);
  return `${multiple(rounds)} ×: ${relay.cpu_microseconds_per_packet} µs (${relay.user_microseconds_per_packet} user, ${relay.system_microseconds_per_packet} system) against ${limit} µs`;
}

/** @param {number[]} values */
function median(values) {
  return middle(values, (value) => value);
}

/**
 * The one in the middle.
 *
 * @template T
 * @param {T[]} all
 * @param {(each: T) => number} by
 */
function middle(all, by) {
  return all.toSorted((a, b) => by(a) - by(b))[Math.floor(all.length / 2)];
}

function relayCommand({ viewers, bits_per_second: bits, media_workers: workers }) {
  return `${BENCH} relay --viewers ${viewers} --bitrate ${bits / 1e6}M${workers ? ` --media-workers ${workers}` : ''}`;
}

/** What was lost because the clients, who share the machine, did not read in time. */
function clientsLoss({ loss }) {
  const clients = loss.packets - loss.by_server;
  return clients > 0 ? `, ${number(clients)} by the clients` : '';
}

function offerSize() {
  const text = readFileSync(new URL('../bench/src/sdp/camera-offer.sdp', import.meta.url), 'utf8');
  return number(text.replaceAll('\n', '\r\n').length);
}

function osName() {
  const release = readFileSync('/etc/os-release', 'utf8');
  return release.match(/^PRETTY_NAME="(.*)"$/m)?.[1] ?? os.platform();
}

function says(program, args, pattern) {
  try {
    return execFileSync(program, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).match(pattern)?.[1] ?? 'unknown';
  } catch {
    return 'unknown';
  }
}
