// @ts-check
/** What publishing in a room takes, as the server says before it is asked. */

/** @typedef {import('../words/publish-words.js').Policy} Policy */

/**
 * @param {string} endpoint absolute URL of `/whip/{room}`
 * @returns {Promise<Policy>}
 */
export async function policyOf(endpoint) {
  const response = await fetch(endpoint, { method: 'OPTIONS' }).catch(() => null);
  const policy = response?.headers.get('sightline-publishing') ?? '';
  return policy === 'open' || policy === 'token' || policy === 'closed' ? policy : 'unknown';
}
