// @ts-check
/** seen-words.js in German. */

import { lately } from '../language.js';

/** @type {typeof import('../seen-words.js').PRESENCE} */
export const PRESENCE = {
  on: 'An',
  off: 'Aus',
  unknown: 'Verlangt ein Ticket',
  unreachable: 'Server nicht erreichbar',
  expired: 'Link abgelaufen',
};

/** @type {typeof import('../seen-words.js').SEEN} */
export const SEEN = {
  at: (at, now) => `gesehen ${lately(at, now)}`,
  forget: (name) => `${name} vergessen`,
  forgotten: (name) => `${name} ist vergessen.`,
  allForgotten: 'Alle sind vergessen.',
  none: 'Kameras, die hier angesehen wurden, erscheinen an dieser Stelle mit ihrem letzten Bild.',
  off: 'Auf diesem Gerät wird nichts gemerkt.',
};
