// @ts-check
/** share-words.js in German. */

/** @type {typeof import('../share-words.js').SHARE} */
export const SHARE = {
  share: 'Link teilen',
  copied: 'Kopiert',
  byHand: 'Bitte aus der Adresszeile kopieren',
};
