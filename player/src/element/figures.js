// @ts-check
/**
 * What can be known of a picture, and done with it, once it is there: none of it is on the way to the first one,
 * so it is fetched then.
 */

export { Advisor } from '../session/advice.js';
export { captured } from '../session/captured.js';
export { OVER_PICTURE } from './picture-looks.js';
export { Delay } from './delay.js';
export { Volume } from './volume.js';
export { Zoom } from './zoom.js';
export { TRUST } from '../words/trust-words.js';
