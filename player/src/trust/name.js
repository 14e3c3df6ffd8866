// @ts-check
/**
 * What a camera's owner calls it, as somebody else is shown it: one line of text, never markup. A
 * camera with a key signs it (`proof.js`); in a room with a name it stands in the offer's `s=` line.
 */

/** Longest name, in characters. */
const LONGEST = 64;

/**
 * Control characters, and all that turn the direction of the text around them (UAX #9) or cannot be
 * seen: what stands beside a name must stay as it is.
 */
const FORBIDDEN = /[\p{Cc}\u061c\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\u{e0000}-\u{e007f}]/gu;

/** Joiners show nothing by themselves. */
const INVISIBLE = /^[ \u200c\u200d\ufe00-\ufe0f]*$/;

/**
 * @param {unknown} text
 * @returns {string | null} null where there is nothing to be shown
 */
export function cleanName(text) {
  if (typeof text !== 'string') return null;
  // No name that is allowed is longer.
  const plain = [...text.slice(0, LONGEST * 16)].slice(0, LONGEST * 8).join('');
  const words = plain.replace(/\ufeff/g, '').replace(/[\s\u0085]/g, ' ').replace(FORBIDDEN, '').split(' ');
  const name = [...words.filter(Boolean).join(' ')].slice(0, LONGEST).join('').trimEnd();
  // RFC 8866 section 5.3: "s=-" where there is none.
  return name === '-' || INVISIBLE.test(name) ? null : name;
}

/**
 * @param {string} sdp
 * @returns {string | null} by its `s=` line, which nobody has signed
 */
export const sessionName = (sdp) => cleanName(/^s=(.*)$/m.exec(sdp)?.[1]);
