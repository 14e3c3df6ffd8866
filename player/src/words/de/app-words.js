// @ts-check
/** app-words.js in German. */

/** @type {typeof import('../app-words.js').OFFLINE} */
export const OFFLINE = {
  language: 'de',
  title: 'Keine Verbindung',
  network: 'Dieses Gerät hat gerade kein Netz.',
  server: 'Der Server dieser Seite antwortet nicht.',
  hint: 'Die Seite öffnet sich von selbst, sobald es geht.',
  retry: 'Noch einmal versuchen',
};
