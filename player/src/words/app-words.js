// @ts-check
/** What is said where no page of the server can be had. */

import { translate } from './language.js';

export const OFFLINE = {
  language: 'en',
  title: 'No connection',
  network: 'This device has no network just now.',
  server: 'The server of this page does not answer.',
  hint: 'The page opens by itself as soon as it can.',
  retry: 'Try again',
};

translate({ OFFLINE }, { de: () => import('./de/app-words.js') });
