// @ts-check
/** What the publish page says. */

/** @typedef {import('../session/publisher.js').PublisherState} PublisherState */

/**
 * What publishing in a room takes; `unknown` where the server does not say, as others do not.
 *
 * @typedef {'open' | 'token' | 'closed' | 'unknown'} Policy
 */

/**
 * `trouble` says what is wrong; `handsOut` whether the link is worth handing out in that state: null leaves
 * that as it is.
 *
 * @type {Readonly<Record<PublisherState, { short: string, mood: string, trouble: string, handsOut: boolean | null }>>}
 */
export const PUBLISHING = Object.freeze({
  starting: { short: 'Starting', mood: 'busy', trouble: '', handsOut: false },
  'on-air': { short: 'On air', mood: 'good', trouble: '', handsOut: true },
  unreachable: {
    short: 'Server unreachable', mood: 'bad', trouble: 'The server cannot be reached. Trying again.', handsOut: null,
  },
  taken: {
    short: 'Room taken',
    mood: 'bad',
    trouble: 'Another camera publishes in this room. Waiting for it to leave.',
    handsOut: false,
  },
  denied: {
    short: 'Not allowed', mood: 'bad', trouble: 'The server does not let this page publish in this room.', handsOut: false,
  },
  wrong: { short: 'Room wrong', mood: 'bad', trouble: 'The server does not accept this room name.', handsOut: false },
  unsupported: {
    short: 'Cannot publish',
    mood: 'bad',
    trouble: 'This browser and this server do not understand each other.',
    handsOut: false,
  },
  stopped: { short: 'Off air', mood: 'quiet', trouble: '', handsOut: false },
});

/**
 * What is in the way of a room with a name; empty where nothing is.
 *
 * @param {Policy} policy
 * @param {string} room
 * @param {boolean} hasToken
 */
export function obstacle(policy, room, hasToken) {
  if (policy === 'closed') return `This server has no room “${room}” to publish in. A key of this browser works everywhere.`;
  if (policy !== 'token' || hasToken) return '';
  return `Publishing in “${room}” takes a token. Whoever runs the server can give you a link to this page that carries it.`;
}

export const SOURCE = Object.freeze({
  unplugged: 'The camera is gone: unplugged, or taken by another program. Choose another one to go on.',
  deaf: 'The microphone is gone: unplugged, or taken by another program.',
  shared: 'Sharing was stopped, so you are off air.',
  kept: 'It goes on with the one before.',
  insecure: 'Browsers give a page the camera only over https, or on this very machine.',
  mute: 'Mute',
  unmute: 'Unmute',
});

export const ROOM = Object.freeze({
  badName: 'A room name has 1 to 64 letters, digits, “-” or “_”.',
  isKey: 'That is a key, not a name: only the holder of its private half can publish there.',
  noKey: 'The key could not be kept. Is this a private window?',
  insecure: 'Needs https: browsers keep no keys for insecure pages.',
  old: 'This browser cannot make such keys (Ed25519) yet.',
});

/** @param {number} count */
export function viewers(count) {
  if (count === 0) return 'Nobody is watching yet.';
  return count === 1 ? 'One viewer is watching.' : `${count} viewers are watching.`;
}

/** @param {number} count */
export function turnedAway(count) {
  if (count === 0) return '';
  return `Turned away without a link that holds: ${count === 1 ? 'one viewer' : `${count} viewers`}.`;
}
