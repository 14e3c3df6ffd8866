// @ts-check
/** What the wall says. */

import { number, translate } from './language.js';

export const PAGE = {
  title: 'Wall',
  fill: 'Full screen',
  none: 'No cameras yet',
  noneHint: 'The wall shows the cameras that were seen on this device. Watch one, and it is here.',
  watch: 'Watch a camera',
};

export const WALL = {
  live: 'Live',
  connecting: 'Connecting',
  count: (/** @type {number} */ live, /** @type {number} */ all) => `${number(live)} of ${number(all)} live`,
};

translate({ PAGE, WALL }, { de: () => import('./de/wall-words.js') });
