// @ts-check
/** What this browser keeps for the page: keys that not even the page can read. */

const DATABASE = 'sightline';
const STORE = 'keys';

/**
 * What is kept under this name; made and kept if there is nothing.
 *
 * @template T
 * @param {string} name
 * @param {() => Promise<T>} make
 * @returns {Promise<T>}
 */
export async function kept(name, make) {
  const database = await open();
  try {
    const stored = await settled(database.transaction(STORE).objectStore(STORE).get(name));
    if (stored) return stored;
    const made = await make();
    await settled(database.transaction(STORE, 'readwrite').objectStore(STORE).put(made, name));
    return made;
  } finally {
    database.close();
  }
}

/** @returns {Promise<IDBDatabase>} */
function open() {
  const request = indexedDB.open(DATABASE, 1);
  request.onupgradeneeded = () => request.result.createObjectStore(STORE);
  return settled(request);
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
