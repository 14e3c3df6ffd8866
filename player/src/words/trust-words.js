// @ts-check
/** What holds for a picture, for whoever sees it: loaded when there is one. */

import { translate } from './language.js';

/**
 * What holds for a picture: a few words, a sentence, and whether that is as good as it gets.
 *
 * @type {Record<import('../trust/trust.js').Trust, { title: string, hint: string, mood: 'good' | 'quiet' | 'bad' }>}
 */
export const TRUST = {
  private: {
    title: 'Private',
    hint: 'Your camera, verified, end to end. It shows itself to nobody without this link.',
    mood: 'good',
  },
  verified: {
    title: 'Your camera, verified · end to end',
    hint: 'Signed by the key that this room is. Nobody in between can see it, not even the server.',
    mood: 'good',
  },
  unverified: {
    title: 'Direct, not verified',
    hint: 'Straight from whoever publishes in this room, who has not proved to be a certain camera.',
    mood: 'quiet',
  },
  unchecked: {
    title: 'Direct, not verified',
    hint: 'The camera signs its picture. Cannot check that here: open the page by https, in a current browser.',
    mood: 'quiet',
  },
  stale: {
    title: 'Direct, not verified',
    hint: 'The camera’s signature is good, but not of today. Its clock or this device’s is wrong.',
    mood: 'quiet',
  },
  relayed: {
    title: 'Passes the server',
    hint: 'Encrypted to the server and from there to you. Who runs the server could watch.',
    mood: 'quiet',
  },
};

translate({ TRUST }, { de: () => import('./de/trust-words.js') });
