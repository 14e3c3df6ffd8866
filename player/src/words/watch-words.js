// @ts-check
/** What the watch page says besides the player. */

import { number, rate, time, translate } from './language.js';

/** @typedef {import('../trust/trust.js').Trust} Trust */

/** By name, as watch.html has them. */
export const PAGE = {
  heading: 'Watch a camera',
  lead: 'Enter its room, or paste the link that came with it.',
  room: 'Room',
  example: 'garage',
  watch: 'Watch',
  here: 'Have a camera here?',
  publish: 'Turn this device into one.',
  another: 'Sightline, another camera',
  share: 'Copy link',
  statistics: 'Statistics',
  keys: 'Keys',
  relink: 'Have another link?',
  paste: 'Paste it here',
  open: 'Open',
  connection: 'Connection',
  viewers: 'Viewers',
  path: 'Path',
  picture: 'Picture',
  buffer: 'Buffer',
  lastMinute: 'The last minute',
  activity: 'Activity',
  report: 'Copy report',
  reportHolds: 'States, figures, versions, what happened, and the server’s name. No address of yours, no room, no link, no ticket.',
  copied: 'Copied',
  notCopied: 'The browser did not allow it',
  camera: 'Camera',
  server: 'Server',
  you: 'You',
  close: 'Close',
};

/** What the page says when something happens. */
export const SAID = {
  live: 'Picture live',
  joined: (/** @type {number} */ count) => `A viewer joined (${count} watching)`,
  left: (/** @type {number} */ count) => `A viewer left (${count} watching)`,
  youJoined: (/** @type {number} */ count) => `You joined (${count} watching)`,
  damaged: 'Link wrong: what stands behind its “#” is not whole. Copy all of the link.',
  noRoom: (/** @type {string} */ text) => `Link wrong: “${text}” is no room id.`,
};

/** Figures, with their units. */
export const FIGURES = {
  none: '–',
  rate,
  picture: (/** @type {import('../session/vitals.js').Vitals} */ { width, height, fps, codec }) =>
    `${width}×${height} · ${number(fps)} fps${codec ? ` · ${codec}` : ''}`,
  buffer: (/** @type {import('../session/vitals.js').Vitals} */ { buffer, jitter }) => `${number(buffer)} ms · jitter ${number(jitter)} ms`,
  fps: (/** @type {number} */ value) => `${number(value)} fps`,
  seconds: (/** @type {number} */ value) => `${number(value, 2)} s`,
  milliseconds: (/** @type {number} */ value) => `${number(value)} ms`,
  percent: (/** @type {number} */ value) => `${number(value, 1)} %`,
  clock: (/** @type {Date} */ when) => time(when, { hour: '2-digit', minute: '2-digit', second: '2-digit' }),
};

/** The charts, and what a screen reader says of one. */
export const CHARTS = {
  rate: 'Rate',
  fps: 'Frame rate',
  delay: 'Delay',
  rtt: 'Round trip',
  loss: 'Loss',
  sum: (/** @type {string} */ name, /** @type {string} */ now, /** @type {string} */ least, /** @type {string} */ most) =>
    `${name}: ${now} now, between ${least} and ${most} in the last minute`,
  unknown: (/** @type {string} */ name) => `${name}: not known`,
};

/** What the server can see, and what holds for everybody else. */
const BLIND = 'Brings both together: it sees that somebody watches and when, and not the picture.';
const SEEING = 'Passes the picture on, and could look at it.';
const ALL = 'See and hear it, and so does whoever has this link.';

/** @type {Record<Trust, { server: string, camera: string, you: string }>} */
export const SEES = {
  private: { camera: 'Proved that it is yours, and checked your link.', server: BLIND, you: 'See and hear it. Whoever has no such link sees nothing.' },
  verified: { camera: 'Proved that it is yours, with the key that this link names.', server: BLIND, you: ALL },
  unverified: { camera: 'Has not proved which one it is.', server: 'Could put another camera in its place, and sees no picture otherwise.', you: ALL },
  unchecked: { camera: 'Signs its picture, which cannot be checked here.', server: 'Could put another camera in its place, and sees no picture otherwise.', you: ALL },
  stale: { camera: 'Has signed, but not today: a clock is wrong.', server: BLIND, you: ALL },
  relayed: { camera: 'Sends its picture to the server.', server: SEEING, you: ALL },
};

/** The keys that work anywhere in the page. */
export const KEYS = [
  ['k', 'Play or pause'],
  ['m', 'Sound on or off'],
  ['↑ ↓', 'Louder, quieter'],
  ['f', 'Full screen'],
  ['p', 'Picture in picture'],
  ['s', 'Save a picture'],
  ['q', 'Quality, where there is a choice'],
  ['+ −', 'Nearer, farther'],
  ['⇧ ← ↑ → ↓', 'Move about in it'],
  ['0', 'The whole picture'],
  ['i', 'Statistics'],
  ['?', 'These keys'],
];

/** The ways that media takes, in a word and in a sentence. */
export const PATHS = {
  direct: ['Direct', 'Straight from the camera to this browser'],
  turn: ['Direct, by TURN', 'From the camera to this browser, over a TURN server that cannot see it'],
  relay: ['Via the server', 'Passed on by the server'],
};

translate({ PAGE, SAID, FIGURES, CHARTS, SEES, KEYS, PATHS }, { de: () => import('./de/watch-words.js') });
