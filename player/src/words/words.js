// @ts-check
/**
 * All that people read comes from the modules of this folder: words.js for the element, one `…-words.js`
 * for each page. To add words, write them here in English and in `de/`, in the file of the same name
 * with the same exports, which replaces these where the browser wants German: `npm run check` and the
 * test of words tell what is missing. To add a page, write `mine-words.js` and `de/mine-words.js` like
 * publish-words.js, whose last line makes them a pair, have `mine.js` call `speak(PAGE)`, and name the
 * words in `mine.html`: `<h1 data-say="title">`, `<input data-say-placeholder="room">`. What has a number
 * or a time in it is a function and takes `number`, `rate` and `time` of language.js, never `toFixed`.
 * Do not keep a word for later in a variable: it may become German while the page loads.
 */

import { number, rate, time, translate } from './language.js';

/** @typedef {import('../session/next-step.js').State} State */

/**
 * @typedef {object} Words
 * @property {string} short for a badge
 * @property {string} title
 * @property {string} hint what happens next, or what to do
 * @property {'busy' | 'good' | 'bad' | 'quiet'} mood
 * @property {boolean} [retry] a person may want to try again
 * @property {boolean} [link] another link would help
 */

/** @type {Record<State, Words>} */
export const WORDS = {
  idle: { short: 'No room', title: 'No room yet', hint: 'Choose a room to watch.', mood: 'quiet' },
  connecting: { short: 'Connecting', title: 'Connecting', hint: 'One moment.', mood: 'busy' },
  waiting: {
    short: 'Waiting',
    title: 'Waiting for the camera',
    hint: 'The picture starts by itself as soon as the camera is on.',
    mood: 'busy',
  },
  live: { short: 'Live', title: 'Live', hint: '', mood: 'good' },
  stopped: {
    short: 'Picture stopped',
    title: 'Picture stopped',
    hint: 'No new picture has come for a moment.',
    mood: 'busy',
  },
  paused: { short: 'Paused', title: 'Tap to play', hint: 'It goes on with what is seen then.', mood: 'quiet' },
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
    short: 'Server unreachable',
    title: 'Server unreachable',
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
    hint: 'What this link permits is not enough here. Ask for a new one.',
    mood: 'bad',
    retry: true,
    link: true,
  },
  blocked: {
    short: 'No way through',
    title: 'No way to the camera',
    hint: 'The camera sends straight to its viewers only, and this network does not let that through.',
    mood: 'bad',
    retry: true,
  },
  barred: {
    short: 'No way through',
    title: 'No picture gets through',
    hint: 'The server answers, but this network or a firewall lets neither UDP nor TCP through to the port that pictures come from. Try another network, or switch a VPN off. Whoever runs the server can open that port, or add a TURN server.',
    mood: 'bad',
    retry: true,
  },
  loopback: {
    short: 'No way through',
    title: 'The server sends to its own machine only',
    hint: 'It listens on 127.0.0.1, from where Firefox takes no picture, and other devices none at all. Start it with --listen and the machine’s own address, and open the page there; on the same machine Chrome or Edge will do.',
    mood: 'bad',
    retry: true,
  },
  forbidden: {
    short: 'Page forbids it',
    title: 'This page forbids the player to connect',
    hint: 'Its Content-Security-Policy has to name the server of the camera in connect-src. Whoever made this page can add it.',
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
  plugin: {
    short: 'Codec missing',
    title: 'This browser has no H.264 yet',
    hint: 'Firefox fetches a plug-in for it soon after its first start; the picture begins by itself then. If it does not, the plug-in may be switched off: about:addons, Plugins. Chrome, Edge and Safari need none, and a camera that sends VP8 is seen everywhere.',
    mood: 'bad',
    retry: true,
  },
  soundonly: {
    short: 'Sound only',
    title: 'There is sound, but no picture for this browser',
    hint: 'The camera sends none, or in a codec that this browser cannot decode. A current Chrome, Edge, Firefox or Safari may have it.',
    mood: 'quiet',
  },
  jerky: {
    short: 'B-frames',
    title: 'The camera sends B-frames',
    hint: 'Browsers cannot show them, so the picture hardly moves. Whoever has the camera can switch them off in its encoder’s settings; OBS does so unless it is told to ignore what the service recommends.',
    mood: 'bad',
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
  ticket: {
    short: 'Ticket needed',
    title: 'This room wants a ticket',
    hint: 'The link carries none. Ask whoever has the camera for a link with a ticket.',
    mood: 'bad',
    link: true,
  },
  expired: {
    short: 'Link expired',
    title: 'This link has expired',
    hint: 'Ask whoever has the camera for a new one.',
    mood: 'bad',
    retry: true,
    link: true,
  },
  misplaced: {
    short: 'Other room’s ticket',
    title: 'The ticket is for another room',
    hint: 'It opens the room it was made for, and no other. Check the link, or ask for a new one.',
    mood: 'bad',
    link: true,
  },
  declined: {
    short: 'Camera declined',
    title: 'The camera does not take this link',
    hint: 'It may have expired. Ask whoever has the camera for a new one.',
    mood: 'bad',
    retry: true,
    link: true,
  },
  dismissed: {
    short: 'Not for this link',
    title: 'The camera shows itself to private links only',
    hint: 'A private link is longer, with a part behind a #. Ask whoever has the camera for one; if it was just switched off, try again.',
    mood: 'bad',
    retry: true,
    link: true,
  },
  impostor: {
    short: 'Not your camera',
    title: 'This is not your camera',
    hint: 'Somebody answers in its place who does not have its key. Nothing of that is shown.',
    mood: 'bad',
    retry: true,
  },
  unproven: {
    short: 'Not your camera?',
    title: 'The camera does not say who it is',
    hint: 'A private link shows nothing without that. Somebody may be in between.',
    mood: 'bad',
    retry: true,
  },
  insecure: {
    short: 'Needs https',
    title: 'Cannot check the camera here',
    hint: 'Browsers let a page check that only over https. Open this link with https:// in front.',
    mood: 'bad',
  },
  uncheckable: {
    short: 'Browser cannot',
    title: 'Cannot check the camera here',
    hint: 'This browser does not know Ed25519. Try a current Chrome, Edge, Firefox or Safari.',
    mood: 'bad',
  },
  clock: {
    short: 'A clock is wrong',
    title: 'A clock is wrong',
    hint: 'The camera’s time and this device’s are hours apart. Set the clock that is wrong.',
    mood: 'bad',
    retry: true,
  },
  exposed: {
    short: 'Not private',
    title: 'Not private here',
    hint: 'The picture would pass the server. This link forbids that, so nothing is shown.',
    mood: 'bad',
    retry: true,
  },
  closed: { short: 'Stopped', title: 'Stopped', hint: '', mood: 'quiet', retry: true },
};

/** Qualities that differ by we do not know what. */
const RANKS = { high: 'High', medium: 'Medium', low: 'Low' };

/** What the controls of a player are called, and what it says besides. */
export const CONTROLS = {
  bar: 'Player controls',
  play: 'Play (k)',
  pause: 'Pause (k)',
  mute: 'Mute (m)',
  unmute: 'Unmute (m)',
  volume: 'Volume',
  quality: 'Quality (q)',
  snapshot: 'Save a picture (s)',
  pip: 'Picture in picture (p)',
  fullscreen: 'Fullscreen (f)',
  whole: 'Whole picture (0)',
  retry: 'Try again',
  age: 'How old what you see is',
  auto: 'Auto',
  delay: (/** @type {number} */ seconds) => `${number(seconds, 1)} s behind`,
  lastSeen: (/** @type {Date} */ when) => `Last seen ${time(when, { hour: '2-digit', minute: '2-digit' })}`,
  /** A choice of quality. */
  layer: (/** @type {import('../session/layers.js').Name} */ { lines, rank, kbps }) =>
    [lines, rank && RANKS[rank], kbps && rate(kbps)].filter(Boolean).join(' · '),
};

translate({ WORDS, CONTROLS }, { de: () => import('./de/words.js') });
