// @ts-check
/** What the landing page says, and whatever else takes a link. */

import { translate } from './language.js';

export const PAGE = {
  watch: 'Watch a camera',
  watchHint: 'Paste the link that came with it, or type its room.',
  link: 'Link or room',
  example: 'garage',
  open: 'Watch',
  scan: 'Scan a QR code',
  publish: 'Use this device as a camera',
  publishHint: 'A phone, a tablet or a laptop. Its picture goes straight to those who have the link.',
  setUp: 'Set it up',
  seen: 'Seen on this device',
  wall: 'Open the wall',
  keep: 'Remember cameras on this device',
  keepHint: 'This browser keeps the link of each, with its secret or ticket if it has one, and its last picture. Nothing of that is sent anywhere; whoever uses this browser can see it.',
  forgetAll: 'Forget all',
  finder: 'What the camera sees',
  close: 'Close',
  offline: 'No connection',
};

/** Of what somebody has put into a field for links. */
export const LINK = {
  noRoom: 'A room id has 1 to 64 letters, digits, “-” or “_”.',
  otherServer: (/** @type {string} */ host) => `This link is of another server, ${host}. `,
  openThere: 'Open it there',
};

export const SCANNER = {
  looking: 'Hold the code in front of the camera.',
  starting: 'One moment.',
  noLink: 'That code is not the link of a camera.',
  denied: 'The page may not use the camera. Allow it in the browser’s settings for this page, or paste the link.',
  noCamera: 'There is no camera here that could scan.',
  insecure: 'Browsers give a page the camera only over https, or on this very machine. Paste the link instead.',
  noReader: 'The code reader cannot be loaded. Paste the link instead.',
};

translate({ PAGE, LINK, SCANNER }, { de: () => import('./de/landing-words.js') });
