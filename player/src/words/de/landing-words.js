// @ts-check
/** landing-words.js in German. */

/** @type {typeof import('../landing-words.js').PAGE} */
export const PAGE = {
  watch: 'Kamera ansehen',
  watchHint: 'Den Link der Kamera einfügen oder ihren Raum eingeben.',
  link: 'Link oder Raum',
  example: 'garage',
  open: 'Ansehen',
  scan: 'QR-Code scannen',
  publish: 'Dieses Gerät als Kamera',
  publishHint: 'Ein Telefon, ein Tablet oder ein Laptop. Das Bild geht direkt an alle, die den Link haben.',
  setUp: 'Einrichten',
  seen: 'Auf diesem Gerät gesehen',
  wall: 'Alle live zeigen',
  keep: 'Kameras auf diesem Gerät merken',
  keepHint: 'Dieser Browser merkt sich zu jeder den Link, mit Geheimnis oder Ticket, falls er eines hat, und das letzte Bild. Nichts davon wird irgendwohin gesendet; wer diesen Browser benutzt, kann es sehen.',
  forgetAll: 'Alle vergessen',
  finder: 'Was die Kamera sieht',
  close: 'Schließen',
  offline: 'Keine Verbindung',
};

/** @type {typeof import('../landing-words.js').LINK} */
export const LINK = {
  noRoom: 'Ein Raum hat 1 bis 64 Buchstaben, Ziffern, „-“ oder „_“.',
  otherServer: (host) => `Dieser Link gehört zu einem anderen Server, ${host}. `,
  openThere: 'Dort öffnen',
};

/** @type {typeof import('../landing-words.js').SCANNER} */
export const SCANNER = {
  looking: 'Den Code vor die Kamera halten.',
  starting: 'Einen Moment.',
  noLink: 'Dieser Code ist nicht der Link einer Kamera.',
  denied: 'Die Seite darf die Kamera nicht benutzen. Bitte in den Einstellungen des Browsers erlauben oder den Link einfügen.',
  noCamera: 'Hier ist keine Kamera, die scannen könnte.',
  insecure: 'Browser geben einer Seite die Kamera nur über https oder auf demselben Rechner. Bitte den Link einfügen.',
  noReader: 'Der Leser für Codes lässt sich nicht laden. Bitte den Link einfügen.',
};
