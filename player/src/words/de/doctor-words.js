// @ts-check
/** doctor-words.js in German. */

/** @type {typeof import('../doctor-words.js').DOCTOR} */
export const DOCTOR = {
  hidden: {
    title: 'Dieser Browser gibt seine Adresse nicht an',
    hint: 'Eine Erweiterung, ein VPN oder eine Richtlinie hindert WebRTC daran. Bitte das für diese Seite abschalten oder einen anderen Browser nehmen.',
  },
  empty: {
    title: 'Die andere Seite hat keine Adresse genannt',
    hint: 'So lässt sich ihr nichts senden. Wenn es so bleibt: Wer die Kamera hat, kann nachsehen, ob sie ein Netz hat.',
  },
  handshake: {
    title: 'Es gibt einen Weg, aber keine verschlüsselte Verbindung darauf',
    hint: 'Kleine Pakete kommen durch und größere nicht, wie in manchem VPN und Mobilfunknetz. Ein anderes Netz kann helfen, oder ein VPN abzuschalten.',
  },
  loopback: {
    title: 'Der Server sendet nur an seinen eigenen Rechner',
    hint: 'Er läuft auf 127.0.0.1. Er muss mit --listen und der Adresse des Rechners gestartet und die Seite dort geöffnet werden.',
  },
  'no-udp': {
    title: 'Aus diesem Netz kommt kein UDP hinaus',
    hint: 'Gäste- und Firmennetze lassen oft nur Webseiten durch. Ein anderes Netz, etwa Mobilfunk, kann helfen, oder ein VPN abzuschalten. Wer den Server betreibt, kann einen TURN-Server auf TCP-Port 443 nennen.',
  },
  'port-closed': {
    title: 'Der Port des Servers für Bilder ist zu',
    hint: 'Der Server antwortet, aber von dem Port, von dem die Bilder kommen, kommt weder über UDP noch über TCP etwas zurück. Wer den Server betreibt, kann den Port in der Firewall öffnen oder einen TURN-Server nennen. Gehen auch andere Server nicht, liegt es an diesem Netz: Dann hilft ein anderes, oder ein VPN abzuschalten.',
  },
  names: {
    title: 'Die Adressen der Kamera sagen hier nichts',
    hint: 'Sie ist ein Browser, der sie hinter Namen (mDNS) verbirgt, die nur ihr eigenes Netz kennt. Es hilft, in dasselbe Netz wie die Kamera zu gehen, oder ein STUN- oder TURN-Server; den kann nennen, wer den Server betreibt.',
  },
  'turn-refused': {
    title: 'Der TURN-Server weist diesen Browser ab',
    hint: 'Benutzername oder Passwort stimmen nicht oder sind abgelaufen. Die Seite neu zu laden holt neue; hilft das nicht, kann --turn-secret prüfen, wer den Server betreibt.',
  },
  'turn-silent': {
    title: 'Der TURN-Server antwortet nicht',
    hint: 'Er ist aus, oder dieses Netz lässt nichts zu ihm durch. Ein anderes Netz kann helfen; wer den Server betreibt, kann nachsehen, ob er läuft, und ihn auch auf TCP-Port 443 anbieten.',
  },
  elsewhere: {
    title: 'Die Adressen der Kamera sind von hier nicht erreichbar',
    hint: 'Sie hat nur Adressen ihres eigenen Netzes genannt, und dieses Gerät ist nicht darin. Es hilft, in dasselbe Netz wie die Kamera zu gehen, oder ein STUN- oder TURN-Server; den kann nennen, wer den Server betreibt.',
  },
  symmetric: {
    title: 'Beide Netze verbergen ihre Geräte, und niemand vermittelt zwischen ihnen',
    hint: 'Jeder Router gibt jedem Gespräch einen anderen Port (symmetrisches NAT), so findet keine Seite die andere. Wer den Server betreibt, kann einen TURN-Server nennen; aus einem anderen Netz geht es vielleicht ohne.',
  },
  unanswered: {
    title: 'Die Kamera antwortet auf keiner ihrer Adressen',
    hint: 'Eine Firewall hier oder dort lässt nichts durch. Ein anderes Netz kann helfen, oder ein TURN-Server; den kann nennen, wer den Server betreibt.',
  },
};

/** @type {typeof import('../doctor-words.js').TRIED} */
export const TRIED = {
  sum: ({ ours, theirs, pairs }) =>
    `Adressen: ${ours.length} hier, ${theirs.length} dort. Paare davon: ${pairs.tried} versucht, ${pairs.answered} beantwortet.`,
  despite: 'Das Bild kommt über den Server. Geradewegs von der Kamera kommt es nicht:',
};
