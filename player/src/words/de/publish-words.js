// @ts-check
/** publish-words.js in German. */

import { number, time } from '../language.js';

/** @typedef {typeof import('../publish-words.js')} English */

/** @type {English['PAGE']} */
export const PAGE = {
  documentTitle: 'Senden · Sightline',
  offAir: 'Nicht auf Sendung',
  preview: 'Was die Kamera sieht',
  turnOn: 'Kamera einschalten',
  picture: 'Bild',
  sound: 'Ton',
  flip: 'Wenden',
  mute: 'Ton aus',
  heading: 'Selbst die Kamera sein',
  lead: 'Das Bild dieses Geräts geht geradewegs zu denen, die den Link haben.',
  room: 'Raum',
  key: 'Ein Schlüssel dieses Browsers',
  keyHint: 'Nur dieser Browser kann dort senden, und niemand errät den Link.',
  name: 'Ein Name',
  nameHint: 'Leicht zu sagen. Geht, wo der Server es erlaubt.',
  example: 'garage',
  roomName: 'Name des Raums',
  who: 'Wer zusehen darf',
  link: 'Wer den Link hat',
  linkHint: 'Auch mit anderen Playern als diesem, über den Server.',
  ticket: 'Links, die ablaufen',
  ticketHint: 'Der Server lässt ein, wer ein Ticket von dir bringt, das noch gilt.',
  private: 'Privat',
  privateHint: 'Nicht einmal der Server kann zusehen: Diese Seite prüft jeden, der zusehen will. Manche Netze lassen das nicht durch.',
  start: 'Auf Sendung gehen',
  onAir: 'Auf Sendung',
  nobody: 'Noch sieht niemand zu.',
  lifetime: 'Der Link gilt',
  viewersLink: 'Link für Zuschauer',
  copy: 'Link kopieren',
  qr: 'Der Link als QR-Code',
  stop: 'Sendung beenden',
};

/** @type {Record<import('../publish-words.js').PublisherState, { short: string, trouble: string }>} */
export const PUBLISHING = {
  starting: { short: 'Es beginnt', trouble: '' },
  'on-air': { short: 'Auf Sendung', trouble: '' },
  unreachable: {
    short: 'Server nicht erreichbar', trouble: 'Der Server ist nicht erreichbar. Es wird weiter versucht.',
  },
  taken: {
    short: 'Raum belegt',
    trouble: 'In diesem Raum sendet eine andere Kamera. Es geht los, wenn sie aufhört.',
  },
  denied: { short: 'Nicht erlaubt', trouble: 'Der Server lässt diese Seite in diesem Raum nicht senden.' },
  wrong: { short: 'Raum falsch', trouble: 'Der Server nimmt diesen Raumnamen nicht an.' },
  unsupported: { short: 'Kann nicht senden', trouble: 'Dieser Browser und dieser Server verstehen sich nicht.' },
  stopped: { short: 'Nicht auf Sendung', trouble: '' },
};

/** @type {English['SOURCE']} */
export const SOURCE = {
  unplugged: 'Die Kamera ist weg: ausgesteckt oder von einem anderen Programm belegt. Mit einer anderen geht es weiter.',
  deaf: 'Das Mikrofon ist weg: ausgesteckt oder von einem anderen Programm belegt.',
  shared: 'Das Teilen wurde beendet, und damit die Sendung.',
  kept: 'Es geht mit der vorigen weiter.',
  insecure: 'Browser geben einer Seite die Kamera nur über https oder auf demselben Rechner.',
  mute: 'Ton aus',
  unmute: 'Ton an',
  screen: 'Bildschirm oder Fenster',
  front: 'Frontkamera',
  back: 'Rückkamera',
  camera: 'Kamera',
  microphone: 'Mikrofon',
  noSound: 'Kein Ton',
  unnamed: 'Gerät ohne Namen',
};

/** @type {English['CAPTURE']} */
export const CAPTURE = {
  NotAllowedError: 'Der Browser hat es nicht erlaubt. Bitte die Kamera für diese Seite erlauben und es noch einmal versuchen.',
  NotFoundError: 'So eine Kamera oder so ein Mikrofon gibt es an diesem Gerät nicht.',
  NotReadableError: 'Die Kamera ist anderswo in Gebrauch.',
  other: 'Die Kamera ließ sich nicht starten.',
};

/** @type {English['ROOM']} */
export const ROOM = {
  badName: 'Ein Raumname hat 1 bis 64 Buchstaben, Ziffern, „-“ oder „_“.',
  isKey: 'Das ist ein Schlüssel, kein Name: Dort kann nur senden, wer seine geheime Hälfte hat.',
  noKey: 'Der Schlüssel ließ sich nicht aufbewahren. Ist das ein privates Fenster?',
  insecure: 'Braucht https: Für unsichere Seiten bewahren Browser keine Schlüssel auf.',
  old: 'Dieser Browser kann solche Schlüssel (Ed25519) noch nicht machen.',
  closed: (room) => `Dieser Server hat keinen Raum „${room}“, in dem sich senden lässt. Ein Schlüssel dieses Browsers geht überall.`,
  token: (room) => `Im Raum „${room}“ zu senden verlangt ein Token. Wer den Server betreibt, kann einen Link zu dieser Seite geben, der es enthält.`,
};

/** @type {English['LINK']} */
export const LINK = {
  hour: 'eine Stunde',
  hours: '12 Stunden',
  week: 'eine Woche',
  year: 'ein Jahr',
  ever: 'für immer',
  ends: (when) => `Dieser Link gilt bis ${time(when, { dateStyle: 'medium', timeStyle: 'short' })}.`,
  viewers: (count) => {
    if (count === 0) return PAGE.nobody;
    return count === 1 ? 'Jemand sieht zu.' : `${number(count)} sehen zu.`;
  },
  turnedAway: (count) => `Abgewiesen ohne gültigen Link: ${count === 1 ? 'einmal jemand' : number(count)}.`,
};
