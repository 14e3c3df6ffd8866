// @ts-check
/** What the publish page says. */

import { number, time, translate } from './language.js';

/** @typedef {import('../session/publisher.js').PublisherState} PublisherState */

/**
 * What publishing in a room takes; `unknown` where the server does not say, as others do not.
 *
 * @typedef {'open' | 'token' | 'closed' | 'unknown'} Policy
 */

/** By name, as publish.html has them. */
export const PAGE = {
  documentTitle: 'Publish · Sightline',
  offAir: 'Off air',
  preview: 'What the camera sees',
  turnOn: 'Turn the camera on',
  picture: 'Picture',
  sound: 'Sound',
  flip: 'Flip',
  mute: 'Mute',
  heading: 'Be the camera',
  lead: 'This device’s picture goes straight to those who have the link.',
  room: 'Room',
  key: 'A key of this browser',
  keyHint: 'Only this browser can publish there, and nobody guesses the link.',
  name: 'A name',
  nameHint: 'Easy to say. Works where the server allows it.',
  example: 'garage',
  roomName: 'Room name',
  who: 'Who may watch',
  link: 'Whoever has the link',
  linkHint: 'Also players other than this one, by way of the server.',
  ticket: 'Links that expire',
  ticketHint: 'The server lets in who brings a ticket of yours that is still good.',
  private: 'Private',
  privateHint: 'Not even the server can watch: this page checks each viewer. Some networks do not let that through.',
  start: 'Go on air',
  onAir: 'On air',
  nobody: 'Nobody is watching yet.',
  lifetime: 'Link is good for',
  viewersLink: 'Link for viewers',
  copy: 'Copy link',
  qr: 'The link as a QR code',
  stop: 'Go off air',
};

/**
 * `trouble` says what is wrong; `handsOut` whether the link is worth handing out in that state: null leaves
 * that as it is.
 *
 * @type {Record<PublisherState, { short: string, mood: string, trouble: string, handsOut: boolean | null }>}
 */
export const PUBLISHING = {
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
};

export const SOURCE = {
  unplugged: 'The camera is gone: unplugged, or taken by another program. Choose another one to go on.',
  deaf: 'The microphone is gone: unplugged, or taken by another program.',
  shared: 'Sharing was stopped, so you are off air.',
  kept: 'It goes on with the one before.',
  insecure: 'Browsers give a page the camera only over https, or on this very machine.',
  mute: 'Mute',
  unmute: 'Unmute',
  screen: 'Screen or window',
  front: 'Front camera',
  back: 'Back camera',
  camera: 'Camera',
  microphone: 'Microphone',
  noSound: 'No sound',
  unnamed: 'Unnamed device',
};

/** Why a camera, a microphone or a screen did not start, by the name of the browser's error. */
export const CAPTURE = {
  NotAllowedError: 'The browser did not allow it. Permit the camera for this page and try again.',
  NotFoundError: 'There is no such camera or microphone on this device.',
  NotReadableError: 'The camera is in use by something else.',
  other: 'The camera could not be started.',
};

export const ROOM = {
  badName: 'A room name has 1 to 64 letters, digits, “-” or “_”.',
  isKey: 'That is a key, not a name: only the holder of its private half can publish there.',
  noKey: 'The key could not be kept. Is this a private window?',
  insecure: 'Needs https: browsers keep no keys for insecure pages.',
  old: 'This browser cannot make such keys (Ed25519) yet.',
  closed: (/** @type {string} */ room) => `This server has no room “${room}” to publish in. A key of this browser works everywhere.`,
  token: (/** @type {string} */ room) =>
    `Publishing in “${room}” takes a token. Whoever runs the server can give you a link to this page that carries it.`,
};

/** The link, and who is there by it. */
export const LINK = {
  hour: 'an hour',
  hours: '12 hours',
  week: 'a week',
  year: 'a year',
  ever: 'ever',
  ends: (/** @type {Date} */ when) => `This link ends on ${time(when, { dateStyle: 'medium', timeStyle: 'short' })}.`,
  viewers: (/** @type {number} */ count) => {
    if (count === 0) return PAGE.nobody;
    return count === 1 ? 'One viewer is watching.' : `${number(count)} viewers are watching.`;
  },
  turnedAway: (/** @type {number} */ count) =>
    `Turned away without a link that holds: ${count === 1 ? 'one viewer' : `${number(count)} viewers`}.`,
};

translate({ PAGE, PUBLISHING, SOURCE, CAPTURE, ROOM, LINK }, { de: () => import('./de/publish-words.js') });
