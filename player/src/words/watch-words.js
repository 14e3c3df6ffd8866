// @ts-check
/** What the watch page says of the way that the picture takes, and of its keys. */

/** @typedef {import('../trust/trust.js').Trust} Trust */

/** What the server can see, and what holds for everybody else. */
const BLIND = 'Brings both together: it sees that somebody watches and when, and not the picture.';
const SEEING = 'Passes the picture on, and could look at it.';

/** @type {Readonly<Record<Trust, { server: string, camera: string, you: string }>>} */
export const SEES = Object.freeze({
  private: { camera: 'Proved that it is yours, and checked your link.', server: BLIND, you: 'See and hear it. Whoever has no such link sees nothing.' },
  verified: { camera: 'Proved that it is yours, with the key that this link names.', server: BLIND, you: 'See and hear it, and so does whoever has this link.' },
  unverified: { camera: 'Has not proved which one it is.', server: 'Could put another camera in its place, and sees no picture otherwise.', you: 'See and hear it, and so does whoever has this link.' },
  unchecked: { camera: 'Signs its picture, which cannot be checked here.', server: 'Could put another camera in its place, and sees no picture otherwise.', you: 'See and hear it, and so does whoever has this link.' },
  stale: { camera: 'Has signed, but not today: a clock is wrong.', server: BLIND, you: 'See and hear it, and so does whoever has this link.' },
  relayed: { camera: 'Sends its picture to the server.', server: SEEING, you: 'See and hear it, and so does whoever has this link.' },
});

/** The keys that work anywhere in the page. */
export const KEYS = Object.freeze([
  ['k', 'Play or pause'],
  ['m', 'Sound on or off'],
  ['↑ ↓', 'Louder, quieter'],
  ['f', 'Full screen'],
  ['p', 'Picture in picture'],
  ['s', 'Save a picture'],
  ['i', 'Statistics'],
  ['?', 'These keys'],
]);

/** The ways that media takes, in a word and in a sentence. */
export const PATHS = Object.freeze({
  direct: ['Direct', 'Straight from the camera to this browser'],
  turn: ['Direct, by TURN', 'From the camera to this browser, over a TURN server that cannot see it'],
  relay: ['Via the server', 'Passed on by the server'],
});
