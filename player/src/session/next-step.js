// @ts-check
/** What follows when a session has ended: which word, which pause, and what to ask for next. */

/** @typedef {import('./terms.js').Ending} Ending */

/**
 * What a viewer can be in, one word for each; `paused` is said by the element.
 *
 * @typedef {'idle' | 'connecting' | 'waiting' | 'live' | 'stopped' | 'paused' | 'gone' | 'reconnecting' | 'busy'
 *   | 'unreachable' | 'wrong' | 'denied' | 'blocked' | 'barred' | 'loopback' | 'forbidden' | 'undecodable' | 'plugin' | 'soundonly' | 'jerky'
 *   | 'unsupported' | 'failed' | 'ticket' | 'expired' | 'misplaced' | 'declined' | 'dismissed' | 'impostor' | 'unproven'
 *   | 'insecure' | 'uncheckable' | 'clock' | 'exposed' | 'closed'} State
 */

/** How soon a camera that serves directly only, and not us, is asked again, in seconds. */
const DIRECT_ONLY = 10;

/** How soon one is asked again that has let us go before there was a picture, in seconds. */
const LET_GO = 2;

/** After so many failures in a row there is no way, rather than one that is being found. */
const NO_WAY = 2;

/** How soon a browser that may be loading a codec is tried again, in seconds. */
const LOADING = 10;

/** How soon it is looked for again then, in seconds. */
const LOOKS_AGAIN = 3;

/** What a person reads when the other end is not who it has to be. */
const DISTRUSTED = /** @type {const} */ ({
  impostor: 'impostor',
  unproven: 'unproven',
  insecure: 'insecure',
  unsupported: 'uncheckable',
  clock: 'clock',
  exposed: 'exposed',
  expired: 'expired',
});

/** And when the gateway wants a ticket, or a better one. */
const UNPERMITTED = /** @type {const} */ ({
  none: 'ticket', expired: 'expired', elsewhere: 'misplaced', unknown: 'denied',
});

/**
 * What follows an ending. `wait` is a floor in seconds, or `never` when only a person can help;
 * `direct` whether to ask for the straight line.
 *
 * @typedef {{ state: State, wait: number | 'never', direct: boolean }} Step
 */

/**
 * @param {Ending} ending
 * @param {object} situation
 * @param {boolean} situation.wasLive a picture has been seen in this room
 * @param {boolean} situation.direct what the ended session had asked for
 * @param {boolean} [situation.isPrivate] the link is a private one
 * @param {number} [situation.pathless] sessions in a row, this one included, that found no way for media
 * @param {boolean} [situation.lacksH264] as Firefox does until it has fetched its plug-in
 * @param {boolean} [situation.isKey] the room is a camera's key, so that it may be private
 * @param {import('../trust/ticket.js').TicketFault} [situation.ticket] what a refused ticket suffers from
 * @returns {Step}
 */
export function nextStep(ending, { wasLive, direct, isPrivate = false, isKey = false, pathless = 1, lacksH264 = false, ticket = 'none' }) {
  const absent = wasLive ? 'gone' : 'waiting';
  switch (ending.why) {
    case 'closed':
      return { state: 'closed', wait: 'never', direct };
    case 'no-webrtc':
      return { state: 'unsupported', wait: 'never', direct };
    case 'no-codec':
      return lacksH264 ? { state: 'plugin', wait: LOADING, direct } : { state: 'undecodable', wait: 'never', direct };
    case 'unreachable':
      return { state: 'unreachable', wait: 0, direct };
    case 'distrusted':
      return { state: DISTRUSTED[ending.distrust], wait: 'never', direct };
    case 'camera-gone':
      // A camera sends those away who cannot prove that they have its private link: asking again
      // changes nothing, and to whoever has the camera it looks like more people.
      if (isPrivate && !ending.live) return { state: 'declined', wait: 'never', direct };
      if (!ending.live && !wasLive && isKey) return { state: 'dismissed', wait: 'never', direct };
      if (!ending.live && !wasLive) return { state: 'gone', wait: LET_GO, direct };
      return { state: 'gone', wait: 0, direct };
    case 'offer-spent':
      return { state: absent, wait: 0, direct };
    case 'told-to-reconnect':
    case 'media-lost':
      return { state: 'reconnecting', wait: 0, direct };
    case 'no-path':
      if (isPrivate) return { state: 'blocked', wait: DIRECT_ONLY, direct };
      // Design section 2, "Fallback": without `Prefer: direct` the relay answers. What was no way
      // for one session is none for the next, so that one does not ask for it again.
      if (pathless >= NO_WAY) {
        const state = ending.cause === 'loopback' ? 'loopback' : 'barred';
        return { state, wait: LOOKS_AGAIN, direct: ending.path === 'relay' };
      }
      return { state: wasLive ? 'reconnecting' : 'connecting', wait: 0, direct: ending.path === 'relay' };
    case 'refused':
      if (ending.refusal.slug === 'codec-mismatch' && lacksH264) return { state: 'plugin', wait: LOADING, direct };
      return { direct, ...refusedStep(ending.refusal, { absent, isPrivate, ticket }), ...waitOf(ending) };
  }
}

/**
 * @param {import('./problem.js').Refusal} refusal
 * @param {object} situation
 * @param {State} situation.absent the word for a camera that is not there
 * @param {boolean} situation.isPrivate
 * @param {import('../trust/ticket.js').TicketFault} situation.ticket
 * @returns {{ state: State, wait: number | 'never', direct?: boolean }}
 */
function refusedStep({ status, slug }, { absent, isPrivate, ticket }) {
  if (slug === 'direct-only') return { state: 'blocked', wait: DIRECT_ONLY, direct: true };
  if (slug === 'relay-only') return { state: isPrivate ? 'exposed' : 'blocked', wait: DIRECT_ONLY, direct: true };
  if (slug === 'codec-mismatch') return { state: 'undecodable', wait: 'never' };
  if (status === 409) return { state: absent, wait: 0 };
  if (status === 429) return { state: 'busy', wait: 1 };
  if (status === 401) return { state: UNPERMITTED[ticket], wait: 'never' };
  if (status === 403) return { state: ticket === 'none' ? 'denied' : UNPERMITTED[ticket], wait: 'never' };
  // Some WHEP servers say 404 until somebody publishes, so it is worth asking again.
  if (status === 404) return { state: 'wrong', wait: 4 };
  if (status === 400) return { state: 'wrong', wait: 'never' };
  if (status === 408 || status >= 500) return { state: 'unreachable', wait: 0 };
  return { state: 'failed', wait: 'never' };
}

/**
 * `Retry-After` is honoured wherever a retry makes sense.
 *
 * @param {Ending & { why: 'refused' }} ending
 * @returns {{ wait?: number }}
 */
function waitOf({ refusal }) {
  const retriable = [404, 408, 409, 429].includes(refusal.status) || refusal.status >= 500;
  return retriable && refusal.retryAfter !== null ? { wait: refusal.retryAfter } : {};
}
