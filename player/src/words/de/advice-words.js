// @ts-check
/** advice-words.js in German. */

/** @type {Record<import('../../session/advice.js').Advice, { title: string, hint: string }>} */
export const ADVICE = {
  slow: {
    title: 'Die Kamera sendet sehr wenige Bilder in der Sekunde',
    hint: 'Wer die Kamera hat, kann ihre Bildrate auf 25 oder 30 stellen. Auch ein dunkler Raum oder ein ausgelasteter Rechner kann sie bremsen.',
  },
  sparse: {
    title: 'Die Kamera sendet nur ab und zu ein ganzes Bild',
    hint: 'Was unterwegs verloren geht, fehlt bis zum nächsten. Wer die Kamera hat, kann das Keyframe-Intervall auf ein oder zwei Sekunden stellen; in OBS: Einstellungen, Ausgabe, Keyframe-Intervall.',
  },
};
