// @ts-check
/** URLs that may be none. `URL.canParse` is missing in Safari before 17. */

/**
 * @param {string} text
 * @param {string} [base]
 * @returns {URL | null} null when it is none
 */
export function parseUrl(text, base) {
  try {
    return new URL(text, base);
  } catch {
    return null;
  }
}
