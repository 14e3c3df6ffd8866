// @ts-check
/** wall-words.js in German. */

import { number } from '../language.js';

/** @type {typeof import('../wall-words.js').PAGE} */
export const PAGE = {
  title: 'Übersicht',
  fill: 'Vollbild',
  none: 'Noch keine Kameras',
  noneHint: 'Hier sind die Kameras, die auf diesem Gerät gesehen wurden. Sieh eine an, und sie ist hier.',
  watch: 'Kamera ansehen',
};

/** @type {typeof import('../wall-words.js').WALL} */
export const WALL = {
  live: 'Live',
  connecting: 'Verbinde',
  count: (live, all) => `${number(live)} von ${number(all)} live`,
};
