// @ts-check
/**
 * The cameras that were seen on this device, each with its last picture. It is kept by this browser and told
 * to nobody: docs/decisions/seen-cameras.md.
 */

/**
 * @typedef {object} Seen
 * @property {string} room
 * @property {string} name as the page called it
 * @property {string} hash what its link carries behind the room, with the `#`, or nothing
 * @property {number} at when there was a picture last, in milliseconds since 1970
 * @property {Blob} picture a small JPEG
 */

const DATABASE = 'sightline-seen';
const STORE = 'cameras';

/** Set while nothing is to be kept. */
const OFF = 'sightline-seen-off';

/** How many cameras are kept: those that were seen last. */
export const MOST = 24;

/** What is kept of one picture, in bytes. */
export const LARGEST = 64 * 1024;

/** @returns {Promise<Seen[]>} the last one first; none where this browser keeps nothing */
export async function seenCameras() {
  const all = await withStore('readonly', (store) => store.getAll()).catch(() => []);
  return all.sort((/** @type {Seen} */ one, /** @type {Seen} */ other) => other.at - one.at);
}

/**
 * Keeps one, in place of what was known of it, and forgets those that were not seen for longest.
 *
 * @param {Seen} seen
 */
export async function keepCamera(seen) {
  if (!isKeeping() || seen.picture.size > LARGEST) return;
  await withStore('readwrite', (store) => store.put(seen));
  const all = await seenCameras();
  for (const { room } of all.slice(MOST)) await forgetCamera(room);
}

/** @param {string} room */
export const forgetCamera = (room) => withStore('readwrite', (store) => store.delete(room));

export const forgetAll = () => withStore('readwrite', (store) => store.clear());

/** Whether cameras are kept at all, as somebody has chosen. */
export function isKeeping() {
  try {
    return localStorage.getItem(OFF) === null;
  } catch {
    return false;
  }
}

/** @param {boolean} isOn what there is goes when nothing more is to be kept */
export async function setKeeping(isOn) {
  if (isOn) return localStorage.removeItem(OFF);
  localStorage.setItem(OFF, '1');
  await forgetAll();
}

/**
 * @template T
 * @param {IDBTransactionMode} mode
 * @param {(store: IDBObjectStore) => IDBRequest<T>} ask
 * @returns {Promise<T>} rejects where this browser keeps nothing, as in some private windows
 */
async function withStore(mode, ask) {
  const opening = indexedDB.open(DATABASE, 1);
  opening.onupgradeneeded = () => opening.result.createObjectStore(STORE, { keyPath: 'room' });
  const database = await settled(opening);
  try {
    return await settled(ask(database.transaction(STORE, mode).objectStore(STORE)));
  } finally {
    database.close();
  }
}

/**
 * @template T
 * @param {IDBRequest<T>} request
 * @returns {Promise<T>}
 */
function settled(request) {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}
