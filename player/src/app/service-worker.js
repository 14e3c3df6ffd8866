// @ts-check
/**
 * Where the server cannot be reached: the page that `app.js` has kept for that, and which says so. It answers
 * navigations only, and only those that fail; all else, and each page that the server has, is
 * none of its business. Nothing but that one page is kept, so that nothing of it can be old.
 */

/** The same as in `app.js`. */
const SHELL = 'sightline-shell';

/** Of `ServiceWorkerGlobalScope` what is used: its types and the pages' are not for one program. */
const worker = /** @type {any} */ (globalThis);

worker.addEventListener('install', (/** @type {any} */ event) => {
  void worker.skipWaiting();
  // Everything else goes past the worker, without waking it (where browsers can do that).
  event.waitUntil(event.addRoutes?.({ condition: { not: { requestMode: 'navigate' } }, source: 'network' }));
});

worker.addEventListener('activate', (/** @type {any} */ event) => {
  // The page is on its way while the worker wakes up.
  event.waitUntil(worker.registration.navigationPreload?.enable());
});

worker.addEventListener('fetch', (/** @type {any} */ event) => {
  if (event.request.mode === 'navigate') event.respondWith(page(event));
});

/** @param {any} event */
async function page(event) {
  try {
    return await event.preloadResponse ?? await fetch(event.request);
  } catch (error) {
    const shell = await caches.match('/', { cacheName: SHELL });
    if (shell) return shell;
    throw error;
  }
}
