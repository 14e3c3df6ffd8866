// @ts-check
/** What is said of the cameras that were seen on this device. */

/**
 * The camera is there or not; the server does not tell this link; it does not answer; the link's time is
 * over.
 *
 * @typedef {'on' | 'off' | 'unknown' | 'unreachable' | 'expired'} Presence
 */

/** @type {Readonly<Record<Presence, string>>} */
export const PRESENCE = Object.freeze({
  on: 'Online',
  off: 'Off',
  unknown: 'Asks for a ticket',
  unreachable: 'Server unreachable',
  expired: 'Link expired',
});

/**
 * When a camera was seen last: today by its time alone.
 *
 * @param {number} at milliseconds since 1970
 * @param {number} now the same
 */
export function seenAt(at, now) {
  const isToday = new Date(at).toDateString() === new Date(now).toDateString();
  const time = /** @type {const} */ ({ hour: '2-digit', minute: '2-digit' });
  const format = new Intl.DateTimeFormat('en-GB', isToday ? time : { day: 'numeric', month: 'short', ...time });
  return `seen ${format.format(at)}`;
}

export const SEEN = Object.freeze({
  forget: (/** @type {string} */ name) => `Forget ${name}`,
  forgotten: (/** @type {string} */ name) => `${name} is forgotten.`,
  allForgotten: 'All are forgotten.',
  none: 'Cameras that you have watched will be here, with their last picture.',
  off: 'Nothing is kept on this device.',
});
