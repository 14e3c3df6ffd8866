// @ts-check
/** What a sender could set better, for whoever watches: loaded where there is something to say. */

import { translate } from './language.js';

/**
 * What whoever has the camera could set better.
 *
 * @type {Record<import('../session/advice.js').Advice, { title: string, hint: string }>}
 */
export const ADVICE = {
  slow: {
    title: 'The camera sends very few pictures a second',
    hint: 'Whoever has the camera can set its frame rate to 25 or 30. A dark room or a busy computer may slow it down, too.',
  },
  sparse: {
    title: 'The camera sends a whole picture only now and then',
    hint: 'What is lost on the way stays lost until the next one. Whoever has the camera can set its keyframe interval to one or two seconds; in OBS: Settings, Output, Keyframe Interval.',
  },
};

translate({ ADVICE }, { de: () => import('./de/advice-words.js') });
