// @ts-check
/**
 * `application/trickle-ice-sdpfrag`: ICE candidates on the wire (RFC 8840, RFC 9725 section 4.3),
 * and the few things of a whole SDP that signaling has to know.
 */

/**
 * Candidates of one media section. Credentials of the session level are copied down.
 *
 * @typedef {object} FragMedia
 * @property {string} line the pseudo `m=` line, without `m=`; empty for candidates before any
 * @property {string | null} mid
 * @property {string | null} ufrag
 * @property {string | null} pwd
 * @property {string[]} candidates each as `candidate:…`
 * @property {boolean} complete `a=end-of-candidates` was there
 */

/** The media type of a fragment. */
export const SDPFRAG_TYPE = 'application/trickle-ice-sdpfrag';

/**
 * Writes the fragment for some candidates of our own.
 *
 * @param {MediaSection[]} sections of the local description: credentials and mids
 * @param {readonly { candidate: string, sdpMid: string | null }[]} candidates
 * @param {boolean} [complete] no more will follow
 * @returns {string}
 */
export function buildFrag(sections, candidates, complete = false) {
  const first = sections[0];
  if (!first) return '';
  const lines = [`a=ice-ufrag:${first.ufrag}`, `a=ice-pwd:${first.pwd}`];
  // The end belongs to every section; a bundled session only ever has candidates in the first,
  // which also stands there when there is nothing to tell but credentials.
  const whole = complete || candidates.length === 0;
  const concerned = sections.filter((section, index) =>
    (whole && index === 0) || candidates.some((each) => belongs(each, section, first)));
  for (const section of concerned) {
    lines.push(`m=${section.line}`, `a=mid:${section.mid}`);
    if (section.ufrag !== first.ufrag) {
      lines.push(`a=ice-ufrag:${section.ufrag}`, `a=ice-pwd:${section.pwd}`);
    }
    const own = candidates.filter((each) => belongs(each, section, first));
    lines.push(...own.map(({ candidate }) => `a=${candidate.replace(/^a=/, '')}`));
    if (complete) lines.push('a=end-of-candidates');
  }
  return lines.map((line) => `${line}\r\n`).join('');
}

/**
 * @param {{ sdpMid: string | null }} candidate
 * @param {MediaSection} section
 * @param {MediaSection} first
 */
const belongs = (candidate, section, first) => (candidate.sdpMid ?? first.mid) === section.mid;

/** Bounds that no honest fragment comes near; the gateway has the same. */
const MOST_CANDIDATES = 64;
const MOST_SECTIONS = 16;

/** RFC 8839 sections 5.1 and 5.4. */
const UFRAG = /^[A-Za-z0-9+/]{4,256}$/;
const PWD = /^[A-Za-z0-9+/]{22,256}$/;
const CANDIDATE =
  /^(?:candidate:)+([\w+/]{1,32}) (\d{1,3}) (\w+) (\d{1,10}) ([\w.:%-]+|\[[\da-f:.]+:[\da-f:.]*\]) (\d{1,5}) (typ [a-z]+(?: .*)?)$/i;

/**
 * Reads a fragment: attributes and `m=` lines, nothing else (RFC 8840 section 9). Attributes it
 * does not know are skipped.
 *
 * @param {string} text
 * @returns {FragMedia[] | null} null when malformed
 */
export function parseFrag(text) {
  /** @type {FragMedia} */
  const session = { line: '', mid: null, ufrag: null, pwd: null, candidates: [], complete: false };
  const media = [session];
  for (const line of text.split(/\r\n|\n/)) {
    if (line === '') continue;
    const current = media[media.length - 1];
    if (!/^[am]=[^\x00-\x08\x0a-\x1f]+$/.test(line)) return null;
    if (line[0] === 'm') media.push({ ...session, line: line.slice(2), candidates: [] });
    else if (!readAttribute(current, line.slice(2))) return null;
  }
  const total = media.reduce((sum, { candidates }) => sum + candidates.length, 0);
  if (total > MOST_CANDIDATES || media.length - 1 > MOST_SECTIONS) return null;
  if (media.some(({ ufrag, pwd }) => (ufrag === null) !== (pwd === null))) return null;
  if (session.candidates.length === 0 && media.length > 1) media.shift();
  return /^[am]=/m.test(text) ? media : null;
}

/**
 * @param {FragMedia} media
 * @param {string} attribute
 * @returns {boolean} whether it was well-formed
 */
function readAttribute(media, attribute) {
  const colon = attribute.indexOf(':');
  const name = colon < 0 ? attribute : attribute.slice(0, colon);
  const value = attribute.slice(name.length + 1).trim();
  switch (name) {
    case 'mid':
      media.mid = value;
      return value !== '';
    case 'ice-ufrag':
      media.ufrag = value;
      return UFRAG.test(value);
    case 'ice-pwd':
      media.pwd = value;
      return PWD.test(value);
    case 'candidate': {
      // What cannot be read is left out: there may be others.
      const candidate = parseCandidate(`candidate:${value}`);
      if (candidate !== null) media.candidates.push(candidate);
      return true;
    }
    case 'end-of-candidates':
      media.complete = true;
      return true;
    default:
      return name !== '';
  }
}

/**
 * A candidate in the form that browsers give and take, `candidate:…`. Some clients write that word
 * twice, IPv6 addresses in brackets, or component 0 for 1.
 *
 * @param {string} text
 * @returns {string | null} null when malformed
 */
export function parseCandidate(text) {
  const match = CANDIDATE.exec(text);
  if (match === null) return null;
  const [, foundation, component, transport, priority, address, port, rest] = match;
  const isValid =
    between(component, 0, 256) && between(priority, 1, 2 ** 32 - 1) && between(port, 0, 65535);
  if (!isValid) return null;
  const bare = address.replace(/^\[|\]$/g, '');
  const id = Math.max(1, Number(component));
  return `candidate:${foundation} ${id} ${transport} ${priority} ${bare} ${port} ${rest}`;
}

/**
 * @param {string} digits
 * @param {number} least
 * @param {number} most
 */
const between = (digits, least, most) => Number(digits) >= least && Number(digits) <= most;

/**
 * What `RTCPeerConnection.addIceCandidate` wants of a fragment that came from the other side.
 *
 * @param {string} text
 * @returns {RTCIceCandidateInit[]}
 */
export function candidatesOf(text) {
  const media = parseFrag(text) ?? [];
  // Without a mid the section's position stands in; what precedes all sections goes to the first.
  const described = media.filter(({ line }) => line !== '');
  return media.flatMap((section) =>
    section.candidates.map((candidate) => ({
      candidate,
      ...(section.mid === null
        ? { sdpMLineIndex: Math.max(0, described.indexOf(section)) }
        : { sdpMid: section.mid }),
      ...(section.ufrag === null ? {} : { usernameFragment: section.ufrag }),
    })),
  );
}

/**
 * A remote description after the other side's ICE restart: as it was, with the credentials of the
 * fragment. If that names candidates, they replace those of before.
 *
 * @param {string} sdp
 * @param {string} frag
 * @returns {string | null} null where the fragment is malformed, or has no credentials
 */
export function restarted(sdp, frag) {
  const media = parseFrag(frag);
  const described = media?.find(({ ufrag }) => ufrag !== null);
  if (!media || !described) return null;
  const replaced = sdp
    .replace(/^a=ice-ufrag:.*$/gm, `a=ice-ufrag:${described.ufrag}`)
    .replace(/^a=ice-pwd:.*$/gm, `a=ice-pwd:${described.pwd}`);
  if (media.every(({ candidates }) => candidates.length === 0)) return replaced;
  return replaced.replace(/^a=(candidate:.*|end-of-candidates)\r?\n/gm, '');
}

/**
 * @typedef {object} MediaSection
 * @property {string} line the `m=` line, without `m=`
 * @property {string} kind `audio`, `video`, …
 * @property {string} mid
 * @property {string} ufrag
 * @property {string} pwd
 * @property {boolean} rejected port zero, and not merely bundled
 * @property {boolean} inactive nothing is to be sent in it
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
      inactive: /^a=inactive\r?$/m.test(section),
    };
  });
}

/**
 * Whether an answer turned down all video that was offered, which is how a missing codec shows:
 * by port 0, or by a direction in which nothing is sent (RFC 3264 section 6).
 *
 * @param {string} answer
 */
export function videoRejected(answer) {
  const videos = mediaSections(answer).filter(({ kind }) => kind === 'video');
  return videos.length > 0 && !videos.some(isUsed);
}

/**
 * Whether an answer has sound, and turned down all video that was offered.
 *
 * @param {string} answer
 */
export function hasSoundOnly(answer) {
  const hasSound = mediaSections(answer).some((section) => section.kind === 'audio' && isUsed(section));
  return hasSound && videoRejected(answer);
}

/** @param {{ rejected: boolean, inactive: boolean }} section */
function isUsed({ rejected, inactive }) {
  return !rejected && !inactive;
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
