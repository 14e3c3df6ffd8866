// @ts-check
/**
 * What somebody can send to whoever is asked for help: what happened and how it went. It names no address of
 * the viewer and of the camera, no room, link, ticket or secret: whoever reads it can watch nothing.
 */

/**
 * @typedef {object} Told
 * @property {Date} at
 * @property {string} origin of the server
 * @property {string} room which is not to be in it
 * @property {string} player which version of it
 * @property {{ userAgent: string, languages: readonly string[] }} browser
 * @property {string} state
 * @property {string | null} trust
 * @property {import('../session/doctor.js').Cause | null} cause why no way for media was found
 * @property {import('../session/ice-evidence.js').Evidence | null} evidence and by what that is known
 * @property {object | null} vitals the last
 * @property {readonly import('./charts.js').Second[]} seconds
 * @property {readonly { at: Date, words: string }[]} activity newest first
 */

/**
 * @param {Told} told
 * @returns {string} JSON, for people to read as well
 */
export function report({ at, room, activity, seconds, browser, ...told }) {
  const known = {
    at: at.toISOString(),
    ...told,
    browser: { userAgent: browser.userAgent, languages: browser.languages },
    seconds: seconds.map((second) => ({ ...second, at: new Date(second.at).toISOString() })),
    activity: activity.map((each) => `${each.at.toISOString()} ${each.words}`),
  };
  const text = JSON.stringify(known, null, 2);
  // What the server says may name the room; a short name is part of other words, too.
  return room.length > 2 ? text.replaceAll(room, '(room)') : text;
}
