// @ts-check
/** What the sessions need of the world around them. The tests bring a world of their own. */

/**
 * @typedef {object} Environment
 * @property {(url: string, init?: RequestInit) => Promise<Response>} fetch
 * @property {typeof RTCPeerConnection | undefined} RTCPeerConnection
 * @property {typeof EventSource | undefined} EventSource
 * @property {LockManager | undefined} locks of all pages of an origin; absent in insecure contexts
 * @property {typeof BroadcastChannel | undefined} BroadcastChannel
 * @property {() => boolean} lacksH264
 * @property {(url: string) => boolean} isForbidden whether the page's own policy has kept us from there
 * @property {(callback: () => void, ms: number) => unknown} setTimeout
 * @property {(timer: any) => void} clearTimeout
 * @property {() => number} now milliseconds since the epoch
 * @property {() => number} random from 0 to below 1
 */

/** @type {Environment | undefined} */
let own;

/** @returns {Environment} the same each time: what is shared is shared by all of a page */
export function browser() {
  own ??= {
    fetch: (url, init) => globalThis.fetch(url, init),
    RTCPeerConnection: globalThis.RTCPeerConnection,
    EventSource: globalThis.EventSource,
    locks: globalThis.navigator?.locks,
    BroadcastChannel: globalThis.BroadcastChannel,
    isForbidden: watchPolicy(),
    lacksH264: () => globalThis.RTCRtpReceiver?.getCapabilities?.('video')?.codecs
      .some(({ mimeType }) => /^video\/h264$/i.test(mimeType)) === false,
    setTimeout: (callback, ms) => globalThis.setTimeout(callback, ms),
    clearTimeout: (timer) => globalThis.clearTimeout(timer),
    now: () => Date.now(),
    random: Math.random,
  };
  return own;
}

/** A request that a Content-Security-Policy forbids fails as any other; only an event tells. */
function watchPolicy() {
  /** @type {Set<string>} */
  const forbidden = new Set();
  globalThis.document?.addEventListener('securitypolicyviolation', ({ effectiveDirective, disposition, blockedURI }) => {
    if (effectiveDirective !== 'connect-src' || disposition !== 'enforce') return;
    if (/^https?:/.test(blockedURI)) forbidden.add(new URL(blockedURI).origin);
  });
  return (/** @type {string} */ url) => forbidden.has(new URL(url).origin);
}
