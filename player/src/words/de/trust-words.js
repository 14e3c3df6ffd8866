// @ts-check
/** trust-words.js in German. */

/** @type {Record<import('../../trust/trust.js').Trust, { title: string, hint: string }>} */
export const TRUST = {
  private: {
    title: 'Privat',
    hint: 'Deine Kamera, geprüft, durchgehend verschlüsselt. Sie zeigt sich niemandem ohne diesen Link.',
  },
  verified: {
    title: 'Deine Kamera, geprüft · durchgehend verschlüsselt',
    hint: 'Unterschrieben mit dem Schlüssel, der dieser Raum ist. Niemand dazwischen kann mitsehen, auch der Server nicht.',
  },
  unverified: {
    title: 'Direkt, nicht geprüft',
    hint: 'Geradewegs von jemandem, der in diesem Raum sendet und nicht nachgewiesen hat, welche Kamera er ist.',
  },
  unchecked: {
    title: 'Direkt, nicht geprüft',
    hint: 'Die Kamera unterschreibt ihr Bild. Das lässt sich hier nicht prüfen: bitte die Seite über https öffnen, in einem aktuellen Browser.',
  },
  stale: {
    title: 'Direkt, nicht geprüft',
    hint: 'Die Unterschrift der Kamera ist gut, aber nicht von heute. Ihre Uhr oder die dieses Geräts geht falsch.',
  },
  relayed: {
    title: 'Geht über den Server',
    hint: 'Verschlüsselt zum Server und von dort weiter. Wer den Server betreibt, könnte mitsehen.',
  },
};
