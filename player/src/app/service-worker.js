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
  // What goes past the worker does not wake it (where browsers can do that): who opens the link of a camera
  // waits for a picture.
  const past = { or: [{ not: { requestMode: 'navigate' } }, { urlPattern: '/watch/*' }] };
  event.waitUntil(event.addRoutes?.({ condition: past, source: 'network' }));
});

worker.addEventListener('fetch', (/** @type {any} */ event) => {
  if (event.request.mode === 'navigate') event.respondWith(page(event.request));
});

/**
 * Without navigation preload: where that fails at once, Firefox shows its own error.
 *
 * @param {Request} request
 */
async function page(request) {
  try {
    return await fetch(request);
  } catch (error) {
    const shell = await caches.match('/', { cacheName: SHELL });
    if (shell) return shell;
    throw error;
  }
}
