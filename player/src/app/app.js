// @ts-check
/** The pages as an app that can be installed: its service worker, and the page for when there is no server. */

import { spoken } from '../words/language.js';
import { shell } from './shell.js';

/** The same as in `service-worker.js`. */
const SHELL = 'sightline-shell';

/** Browsers have service workers in secure contexts only; everything works without. */
export async function beAnApp() {
  if (!('serviceWorker' in navigator) || !isSecureContext) return;
  try {
    // As it is now, by each page that is opened: it is never older than what was seen last.
    await spoken();
    const kept = await caches.open(SHELL);
    await kept.put('/', await shell());
    await navigator.serviceWorker.register('/service-worker.js', { updateViaCache: 'none' });
  } catch {
    // Storage may be full, or forbidden.
  }
}
