// @ts-check
/** words.js in German. */

import { number, rate, time } from '../language.js';

/** @typedef {import('../words.js').State} State */

/** @type {Record<State, { short: string, title: string, hint: string }>} */
export const WORDS = {
  idle: { short: 'Kein Raum', title: 'Noch kein Raum', hint: 'Bitte einen Raum wählen.' },
  connecting: { short: 'Verbinden', title: 'Verbindung wird aufgebaut', hint: 'Einen Moment.' },
  waiting: {
    short: 'Warten',
    title: 'Warten auf die Kamera',
    hint: 'Das Bild beginnt von selbst, sobald die Kamera an ist.',
  },
  live: { short: 'Live', title: 'Live', hint: '' },
  stopped: {
    short: 'Bild steht',
    title: 'Das Bild steht',
    hint: 'Seit einem Moment ist kein neues Bild gekommen.',
  },
  paused: { short: 'Pause', title: 'Zum Abspielen tippen', hint: 'Es geht weiter mit dem, was dann zu sehen ist.' },
  gone: {
    short: 'Kamera weg',
    title: 'Die Kamera ist weg',
    hint: 'Das Bild kommt von selbst wieder, sobald die Kamera wieder da ist.',
  },
  reconnecting: { short: 'Neu verbinden', title: 'Bild verloren', hint: 'Die Verbindung wird neu aufgebaut.' },
  busy: { short: 'Raum voll', title: 'Zu viele warten', hint: 'Gleich geht es noch einmal los.' },
  unreachable: {
    short: 'Server nicht erreichbar',
    title: 'Der Server ist nicht erreichbar',
    hint: 'Ist das Netz da? Gleich wird es noch einmal versucht.',
  },
  wrong: {
    short: 'Link falsch',
    title: 'Der Link ist falsch',
    hint: 'So einen Raum gibt es hier nicht. Bitte den Link prüfen oder einen neuen erfragen.',
  },
  denied: {
    short: 'Nicht erlaubt',
    title: 'Nicht erlaubt',
    hint: 'Was dieser Link erlaubt, reicht hier nicht. Bitte einen neuen erfragen.',
  },
  blocked: {
    short: 'Kein Durchkommen',
    title: 'Kein Weg zur Kamera',
    hint: 'Die Kamera sendet nur auf direktem Weg, und dieses Netz lässt das nicht durch.',
  },
  barred: {
    short: 'Kein Durchkommen',
    title: 'Es kommt kein Bild durch',
    hint: 'Der Server antwortet, aber dieses Netz oder eine Firewall lässt weder UDP noch TCP zu dem Port durch, von dem die Bilder kommen. Ein anderes Netz kann helfen, oder ein VPN abzuschalten. Wer den Server betreibt, kann den Port öffnen oder einen TURN-Server nennen.',
  },
  loopback: {
    short: 'Kein Durchkommen',
    title: 'Der Server sendet nur an seinen eigenen Rechner',
    hint: 'Er läuft auf 127.0.0.1; von dort nimmt Firefox kein Bild an, und andere Geräte bekommen gar keines. Er muss mit --listen und der Adresse des Rechners gestartet und die Seite dort geöffnet werden; auf demselben Rechner gehen auch Chrome oder Edge.',
  },
  forbidden: {
    short: 'Seite verbietet es',
    title: 'Diese Seite verbietet dem Player die Verbindung',
    hint: 'Ihre Content-Security-Policy muss den Server der Kamera in connect-src nennen. Wer diese Seite gemacht hat, kann das ergänzen.',
  },
  undecodable: {
    short: 'Codec fehlt',
    title: 'Dieser Browser kann das Bild nicht dekodieren',
    hint: 'Ihm fehlt der Videocodec der Kamera. Ein aktueller Chrome, Edge, Firefox oder Safari kann helfen.',
  },
  plugin: {
    short: 'Codec fehlt',
    title: 'Dieser Browser hat noch kein H.264',
    hint: 'Firefox lädt bald nach dem ersten Start ein Plugin dafür; dann beginnt das Bild von selbst. Wenn nicht, ist das Plugin vielleicht abgeschaltet: about:addons, Plugins. Chrome, Edge und Safari brauchen keines, und eine Kamera, die VP8 sendet, ist überall zu sehen.',
  },
  soundonly: {
    short: 'Nur Ton',
    title: 'Es gibt Ton, aber kein Bild für diesen Browser',
    hint: 'Die Kamera sendet keines oder in einem Codec, den dieser Browser nicht dekodieren kann. Ein aktueller Chrome, Edge, Firefox oder Safari kann ihn vielleicht.',
  },
  jerky: {
    short: 'B-Frames',
    title: 'Die Kamera sendet B-Frames',
    hint: 'Browser können sie nicht zeigen, darum bewegt sich das Bild kaum. Wer die Kamera hat, kann sie im Encoder abschalten; OBS tut das, solange es den Empfehlungen des Dienstes folgt.',
  },
  unsupported: {
    short: 'Browser kann es nicht',
    title: 'Dieser Browser kann das Bild nicht zeigen',
    hint: 'Ihm fehlt WebRTC. Ein aktueller Chrome, Edge, Firefox oder Safari kann es.',
  },
  failed: {
    short: 'Fehlgeschlagen',
    title: 'Der Server hat abgelehnt',
    hint: 'Er scheint kein WHEP-Server zu sein, den dieser Player versteht.',
  },
  ticket: {
    short: 'Ticket nötig',
    title: 'Dieser Raum verlangt ein Ticket',
    hint: 'Der Link enthält keines. Wer die Kamera hat, kann einen Link mit Ticket geben.',
  },
  expired: {
    short: 'Link abgelaufen',
    title: 'Dieser Link ist abgelaufen',
    hint: 'Wer die Kamera hat, kann einen neuen geben.',
  },
  misplaced: {
    short: 'Fremdes Ticket',
    title: 'Das Ticket gehört zu einem anderen Raum',
    hint: 'Es öffnet den Raum, für den es gemacht wurde, und keinen anderen. Bitte den Link prüfen oder einen neuen erfragen.',
  },
  declined: {
    short: 'Kamera lehnt ab',
    title: 'Die Kamera nimmt diesen Link nicht an',
    hint: 'Er ist vielleicht abgelaufen. Wer die Kamera hat, kann einen neuen geben.',
  },
  dismissed: {
    short: 'Nicht mit diesem Link',
    title: 'Die Kamera zeigt sich nur mit privaten Links',
    hint: 'Ein privater Link ist länger und hat einen Teil hinter einem #. Wer die Kamera hat, kann einen geben; wurde sie gerade ausgeschaltet, hilft ein neuer Versuch.',
  },
  impostor: {
    short: 'Nicht deine Kamera',
    title: 'Das ist nicht deine Kamera',
    hint: 'Jemand antwortet an ihrer Stelle, der ihren Schlüssel nicht hat. Davon wird nichts gezeigt.',
  },
  unproven: {
    short: 'Nicht deine Kamera?',
    title: 'Die Kamera sagt nicht, wer sie ist',
    hint: 'Ein privater Link zeigt ohne das nichts. Vielleicht ist jemand dazwischen.',
  },
  insecure: {
    short: 'Braucht https',
    title: 'Die Kamera lässt sich hier nicht prüfen',
    hint: 'Browser lassen das eine Seite nur über https tun. Bitte diesen Link mit https:// davor öffnen.',
  },
  uncheckable: {
    short: 'Browser kann es nicht',
    title: 'Die Kamera lässt sich hier nicht prüfen',
    hint: 'Dieser Browser kennt Ed25519 nicht. Ein aktueller Chrome, Edge, Firefox oder Safari kann es.',
  },
  clock: {
    short: 'Uhr geht falsch',
    title: 'Eine Uhr geht falsch',
    hint: 'Die Zeit der Kamera und die dieses Geräts liegen Stunden auseinander. Bitte die falsche Uhr stellen.',
  },
  exposed: {
    short: 'Nicht privat',
    title: 'Hier nicht privat',
    hint: 'Das Bild ginge über den Server. Dieser Link verbietet das, darum wird nichts gezeigt.',
  },
  closed: { short: 'Beendet', title: 'Beendet', hint: '' },
};

const RANKS = { high: 'Hoch', medium: 'Mittel', low: 'Niedrig' };

/** @type {typeof import('../words.js').CONTROLS} */
export const CONTROLS = {
  bar: 'Bedienung des Players',
  play: 'Abspielen (k)',
  pause: 'Pause (k)',
  mute: 'Ton aus (m)',
  unmute: 'Ton an (m)',
  volume: 'Lautstärke',
  quality: 'Qualität (q)',
  snapshot: 'Bild speichern (s)',
  pip: 'Bild im Bild (p)',
  fullscreen: 'Vollbild (f)',
  whole: 'Ganzes Bild (0)',
  retry: 'Noch einmal versuchen',
  age: 'Wie alt das ist, was zu sehen ist',
  auto: 'Automatisch',
  delay: (seconds) => `${number(seconds, 1)} s zurück`,
  lastSeen: (when) => `Zuletzt gesehen ${time(when, { hour: '2-digit', minute: '2-digit' })}`,
  layer: ({ lines, rank, kbps }) => [lines, rank && RANKS[rank], kbps && rate(kbps)].filter(Boolean).join(' · '),
};
