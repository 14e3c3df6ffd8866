// @ts-check
/** Whether cameras are there now, as the server says it of each: docs/decisions/camera-status.md. */

import { isExpired, parseFragment } from '../trust/fragment.js';
import { ticketFault } from '../trust/ticket.js';

/** @typedef {import('./seen-cameras.js').Seen} Seen */
/** @typedef {import('../words/seen-words.js').Presence} Presence */

/** How often it is looked, while somebody looks at the page; milliseconds. */
const AGAIN = 5000;

/** Who does not answer for so long, in milliseconds, is not reached. */
const PATIENCE = 10_000;

/**
 * @param {Seen} seen
 * @returns {Promise<Presence>}
 */
export async function presenceOf({ room, hash }) {
  const { token, secret } = parseFragment(hash);
  if (secret && isExpired(secret, Date.now())) return 'expired';
  if (token && ticketFault(token, room, Date.now()) === 'expired') return 'expired';
  /** @type {RequestInit} */
  const request = { method: 'HEAD', cache: 'no-store', signal: AbortSignal.timeout?.(PATIENCE) };
  if (token) request.headers = { Authorization: `Bearer ${token}` };
  const response = await fetch(`/whep/${room}`, request).catch(() => null);
  if (!response) return 'unreachable';
  const camera = response.headers.get('sightline-camera');
  return camera === 'present' ? 'on' : camera === 'absent' ? 'off' : 'unknown';
}

/**
 * Looks at all of them again and again.
 *
 * @param {Seen[]} all
 * @param {(seen: Seen, presence: Presence) => void} tell
 * @param {AbortSignal} signal ends it
 */
export function watchPresence(all, tell, signal) {
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  const look = async () => {
    clearTimeout(timer);
    if (signal.aborted || document.visibilityState === 'hidden') return;
    await Promise.all(all.map(async (seen) => {
      const presence = await presenceOf(seen);
      if (!signal.aborted) tell(seen, presence);
    }));
    clearTimeout(timer);
    if (!signal.aborted) timer = setTimeout(look, AGAIN);
  };
  document.addEventListener('visibilitychange', () => document.visibilityState === 'visible' && look(), { signal });
  addEventListener('online', look, { signal });
  addEventListener('offline', look, { signal });
  signal.addEventListener('abort', () => clearTimeout(timer));
  void look();
}
