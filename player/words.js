// @ts-check
/** One clear word for every state a viewer can be in. */

/**
 * @typedef {'idle' | 'connecting' | 'waiting' | 'live' | 'gone' | 'reconnecting' | 'busy'
 *   | 'unreachable' | 'wrong' | 'denied' | 'blocked' | 'undecodable' | 'unsupported' | 'failed'
 *   | 'closed'} State
 */

/**
 * @typedef {object} Words
 * @property {string} short for a badge
 * @property {string} title
 * @property {string} hint what happens next, or what to do
 * @property {'busy' | 'good' | 'bad' | 'quiet'} mood
 * @property {boolean} [retry] a person may want to try again
 */

/** @type {Readonly<Record<State, Words>>} */
export const WORDS = Object.freeze({
  idle: { short: 'No room', title: 'No room yet', hint: 'Choose a room to watch.', mood: 'quiet' },
  connecting: { short: 'Connecting', title: 'Connecting', hint: 'One moment.', mood: 'busy' },
  waiting: {
    short: 'Waiting',
    title: 'Waiting for the camera',
    hint: 'The picture starts by itself as soon as the camera is on.',
    mood: 'busy',
  },
  live: { short: 'Live', title: 'Live', hint: '', mood: 'good' },
  gone: {
    short: 'Camera gone',
    title: 'Camera gone',
    hint: 'The picture comes back by itself when the camera does.',
    mood: 'bad',
  },
  reconnecting: {
    short: 'Reconnecting',
    title: 'Picture lost',
    hint: 'Connecting again.',
    mood: 'busy',
  },
  busy: {
    short: 'Room full',
    title: 'Too many are waiting',
    hint: 'Trying again in a moment.',
    mood: 'bad',
    retry: true,
  },
  unreachable: {
    short: 'Gateway unreachable',
    title: 'Gateway unreachable',
    hint: 'Check the network. Trying again in a moment.',
    mood: 'bad',
    retry: true,
  },
  wrong: {
    short: 'Link wrong',
    title: 'Link wrong',
    hint: 'There is no such room here. Check the link, or ask for a new one.',
    mood: 'bad',
  },
  denied: {
    short: 'Not allowed',
    title: 'Not allowed',
    hint: 'This room wants a permission that the link does not carry, or that has expired.',
    mood: 'bad',
    retry: true,
  },
  blocked: {
    short: 'No way through',
    title: 'No way to the camera',
    hint: 'The camera sends straight to its viewers only, and this network does not let that through.',
    mood: 'bad',
    retry: true,
  },
  undecodable: {
    short: 'Codec missing',
    title: 'This browser cannot decode it',
    hint: 'It lacks the camera’s video codec. Try a current Chrome, Edge, Firefox or Safari.',
    mood: 'bad',
    retry: true,
  },
  unsupported: {
    short: 'Browser cannot',
    title: 'This browser cannot show it',
    hint: 'It lacks WebRTC. Try a current Chrome, Edge, Firefox or Safari.',
    mood: 'bad',
  },
  failed: {
    short: 'Failed',
    title: 'The server refused',
    hint: 'It does not seem to be a WHEP server that this player understands.',
    mood: 'bad',
    retry: true,
  },
  closed: { short: 'Stopped', title: 'Stopped', hint: '', mood: 'quiet', retry: true },
});
