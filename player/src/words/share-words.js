// @ts-check
/** What the button says that passes on a link. */

import { translate } from './language.js';

export const SHARE = {
  share: 'Share link',
  copied: 'Copied',
  byHand: 'Copy it from the address bar',
};

translate({ SHARE }, { de: () => import('./de/share-words.js') });
