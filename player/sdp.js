// @ts-check
/** The few things of an SDP that signaling has to know. */

/**
 * @typedef {object} MediaSection
 * @property {string} line the `m=` line, without `m=`
 * @property {string} kind `audio`, `video`, …
 * @property {string} mid
 * @property {string} ufrag
 * @property {string} pwd
 * @property {boolean} rejected port zero, and not merely bundled
 */

/**
 * The media sections of an SDP with the ICE credentials that hold in each.
 *
 * @param {string} sdp
 * @returns {MediaSection[]}
 */
export function mediaSections(sdp) {
  const [session, ...sections] = `\n${sdp.replaceAll('\r', '')}`.split(/\n(?=m=)/);
  return sections.map((section) => {
    const line = section.slice(2, (section.indexOf('\n') + 1 || section.length + 1) - 1);
    const [kind, port] = line.split(' ');
    return {
      line,
      kind,
      mid: attribute(section, 'mid') ?? '',
      // RFC 8839 section 5.4: at session level they are defaults for the media sections.
      ufrag: attribute(section, 'ice-ufrag') ?? attribute(session, 'ice-ufrag') ?? '',
      pwd: attribute(section, 'ice-pwd') ?? attribute(session, 'ice-pwd') ?? '',
      rejected: port === '0' && !/^a=bundle-only$/m.test(section),
    };
  });
}

/**
 * Whether an answer turned down all video that was offered, which is how a missing codec shows.
 *
 * @param {string} answer
 */
export function videoRejected(answer) {
  const videos = mediaSections(answer).filter(({ kind }) => kind === 'video');
  return videos.length > 0 && videos.every(({ rejected }) => rejected);
}

/**
 * The `candidate:…` values an SDP already carries.
 *
 * @param {string} sdp
 * @returns {Set<string>}
 */
export function candidatesIn(sdp) {
  return new Set([...sdp.matchAll(/^a=(candidate:[^\r\n]*)/gm)].map((match) => match[1].trim()));
}

/**
 * @param {string} section
 * @param {string} name
 */
function attribute(section, name) {
  return section.match(new RegExp(`^a=${name}:(.*)$`, 'm'))?.[1].trim();
}
