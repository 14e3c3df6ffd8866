// @ts-check
/** watch-words.js in German. */

import { number, rate, time } from '../language.js';

/** @typedef {typeof import('../watch-words.js')} English */

/** @type {English['PAGE']} */
export const PAGE = {
  heading: 'Eine Kamera ansehen',
  lead: 'Bitte ihren Raum eingeben oder den Link, der dabei war.',
  room: 'Raum',
  example: 'garage',
  watch: 'Ansehen',
  here: 'Ist hier eine Kamera?',
  publish: 'Dieses Gerät zu einer machen.',
  another: 'Sightline, eine andere Kamera',
  share: 'Link kopieren',
  statistics: 'Statistik',
  keys: 'Tasten',
  relink: 'Gibt es einen anderen Link?',
  paste: 'Hier einfügen',
  open: 'Öffnen',
  connection: 'Verbindung',
  viewers: 'Zuschauer',
  path: 'Weg',
  picture: 'Bild',
  buffer: 'Puffer',
  lastMinute: 'Die letzte Minute',
  activity: 'Verlauf',
  report: 'Bericht kopieren',
  reportHolds: 'Zustände, Zahlen, Versionen, was geschah und der Name des Servers. Keine eigene Adresse, kein Raum, kein Link, kein Ticket.',
  copied: 'Kopiert',
  notCopied: 'Der Browser hat es nicht erlaubt',
  camera: 'Kamera',
  server: 'Server',
  you: 'Du',
  close: 'Schließen',
};

/** @type {English['SAID']} */
export const SAID = {
  live: 'Das Bild ist da',
  joined: (count) => `Jemand ist dazugekommen (${count} insgesamt)`,
  left: (count) => `Jemand ist gegangen (${count} insgesamt)`,
  youJoined: (count) => `Du bist dabei (${count} insgesamt)`,
  damaged: 'Der Link ist falsch: Was hinter seinem „#“ steht, ist nicht ganz. Bitte den ganzen Link kopieren.',
  noRoom: (text) => `Der Link ist falsch: „${text}“ ist kein Raum.`,
};

/** @type {English['FIGURES']} */
export const FIGURES = {
  none: '–',
  rate,
  picture: ({ width, height, fps, codec }) => `${width}×${height} · ${number(fps)} Bilder/s${codec ? ` · ${codec}` : ''}`,
  buffer: ({ buffer, jitter }) => `${number(buffer)} ms · Jitter ${number(jitter)} ms`,
  fps: (value) => `${number(value)} Bilder/s`,
  seconds: (value) => `${number(value, 2)} s`,
  milliseconds: (value) => `${number(value)} ms`,
  percent: (value) => `${number(value, 1)} %`,
  clock: (when) => time(when, { hour: '2-digit', minute: '2-digit', second: '2-digit' }),
};

/** @type {English['CHARTS']} */
export const CHARTS = {
  rate: 'Datenrate',
  fps: 'Bildrate',
  delay: 'Verzögerung',
  rtt: 'Umlaufzeit',
  loss: 'Verlust',
  sum: (name, now, least, most) => `${name}: jetzt ${now}, in der letzten Minute zwischen ${least} und ${most}`,
  unknown: (name) => `${name}: nicht bekannt`,
};

const BLIND = 'Bringt beide zusammen: Er sieht, dass jemand zusieht und wann, aber nicht das Bild.';
const COULD = 'Könnte eine andere Kamera an ihre Stelle setzen, und sieht sonst kein Bild.';
const ALL = 'Siehst und hörst sie, wie jeder, der diesen Link hat.';

/** @type {English['SEES']} */
export const SEES = {
  private: { camera: 'Hat nachgewiesen, dass sie deine ist, und deinen Link geprüft.', server: BLIND, you: 'Siehst und hörst sie. Wer keinen solchen Link hat, sieht nichts.' },
  verified: { camera: 'Hat nachgewiesen, dass sie deine ist, mit dem Schlüssel, den dieser Link nennt.', server: BLIND, you: ALL },
  unverified: { camera: 'Hat nicht nachgewiesen, welche sie ist.', server: COULD, you: ALL },
  unchecked: { camera: 'Unterschreibt ihr Bild, was sich hier nicht prüfen lässt.', server: COULD, you: ALL },
  stale: { camera: 'Hat unterschrieben, aber nicht heute: Eine Uhr geht falsch.', server: BLIND, you: ALL },
  relayed: { camera: 'Sendet ihr Bild an den Server.', server: 'Gibt das Bild weiter und könnte es ansehen.', you: ALL },
};

/** @type {English['KEYS']} */
export const KEYS = [
  ['k', 'Abspielen oder Pause'],
  ['m', 'Ton an oder aus'],
  ['↑ ↓', 'Lauter, leiser'],
  ['f', 'Vollbild'],
  ['p', 'Bild im Bild'],
  ['s', 'Bild speichern'],
  ['q', 'Qualität, wo es eine Wahl gibt'],
  ['+ −', 'Näher, weiter weg'],
  ['⇧ ← ↑ → ↓', 'Den Ausschnitt verschieben'],
  ['0', 'Das ganze Bild'],
  ['i', 'Statistik'],
  ['?', 'Diese Tasten'],
];

/** @type {English['PATHS']} */
export const PATHS = {
  direct: ['Direkt', 'Geradewegs von der Kamera zu diesem Browser'],
  turn: ['Direkt, über TURN', 'Von der Kamera zu diesem Browser, über einen TURN-Server, der nichts sehen kann'],
  relay: ['Über den Server', 'Vom Server weitergegeben'],
};
