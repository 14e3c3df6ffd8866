// @ts-check
/** Video layers as a choice for people (WHEP core extensions, sections 4.3 and 5). */

/**
 * What is POSTed to choose a layer. With nothing but the media section, the server chooses.
 *
 * @typedef {{ mediaId: string, rid?: string, spatialLayerId?: number }} Selection
 */

/**
 * What tells a choice from the others: its lines and pictures per second (`720p30`), with its rate where there are
 * several of that size; without a size its rank among two or three, or its rate.
 *
 * @typedef {{ lines: string | null, rank: 'high' | 'medium' | 'low' | null, kbps: number | null }} Name
 */

/** @typedef {{ id: string, name: Name, selection: Selection }} Choice */

/**
 * @typedef {object} Layer
 * @property {string} id of rid and spatial layer, which stay while sizes and rates change
 * @property {string | null} rid
 * @property {number | null} spatialLayerId
 * @property {number} height
 * @property {number} rate pictures per second
 * @property {number} bitrate
 */

/** More than any camera sends, and than anybody would read. */
const MOST = 8;

/**
 * The sizes that the data of a `layers` event offers for the first section with any, best first.
 * Empty where there is nothing to choose.
 *
 * @param {Record<string, unknown>} data
 * @returns {Choice[]}
 */
export function choices(data) {
  const sections = Object.keys(data).filter((key) => /^\d+$/.test(key) && Array.isArray(data[key]));
  const mediaId = sections.find((key) => encodings(data[key]).length > 0);
  if (mediaId === undefined) return [];
  const layers = encodings(data[mediaId]).sort((a, b) => b.height - a.height || b.bitrate - a.bitrate);
  if (layers.length < 2) return [];
  return layers.slice(0, MOST).map((layer) => ({
    id: layer.id,
    name: name(layer, layers),
    selection: {
      mediaId,
      ...(layer.rid === null ? {} : { rid: layer.rid }),
      ...(layer.spatialLayerId === null ? {} : { spatialLayerId: layer.spatialLayerId }),
    },
  }));
}

/**
 * One of each size: frame rates (temporal layers) are left to the server.
 *
 * @param {unknown} section
 * @returns {Layer[]}
 */
function encodings(section) {
  /** @type {Map<string, Layer>} */
  const found = new Map();
  for (const raw of Array.isArray(section) ? section : []) {
    const layer = read(raw);
    if (!layer) continue;
    const known = found.get(layer.id);
    if (!known || known.bitrate < layer.bitrate) found.set(layer.id, layer);
  }
  return [...found.values()];
}

/**
 * @param {any} raw
 * @returns {Layer | null} null when it is malformed, or not sent: "inactive if the bitrate
 *   attribute is 0 or not set"
 */
function read(raw) {
  const rid = typeof raw?.rid === 'string' ? raw.rid : null;
  const spatialLayerId = Number.isSafeInteger(raw?.spatialLayerId) ? raw.spatialLayerId : null;
  const named = rid !== null || spatialLayerId !== null;
  if (!named || !(raw.bitrate > 0)) return null;
  const id = [rid, spatialLayerId].join(' ');
  const height = raw.height > 0 ? raw.height : 0;
  const rate = raw.framesPerSecond > 0 ? Math.round(raw.framesPerSecond) : 0;
  return { id, rid, spatialLayerId, height, rate, bitrate: raw.bitrate };
}

/**
 * Of what has no height, as relays that do not look into pictures tell of it: by their number, best first.
 *
 * @type {Readonly<Record<number, Name['rank'][]>>}
 */
const RANKS = Object.freeze({ 2: ['high', 'low'], 3: ['high', 'medium', 'low'] });

/**
 * @param {Layer} layer
 * @param {Layer[]} all best first
 * @returns {Name}
 */
function name(layer, all) {
  const kbps = layer.bitrate / 1000;
  if (all.some((each) => each.height === 0)) {
    const rank = RANKS[all.length]?.[all.indexOf(layer)] ?? null;
    return { lines: null, rank, kbps: rank ? null : kbps };
  }
  const own = lines(layer);
  const alone = all.filter((each) => lines(each) === own).length === 1;
  return { lines: own, rank: null, kbps: alone ? null : kbps };
}

/**
 * As people write it: 720p30, or 720p if the rate is not known.
 *
 * @param {Layer} layer
 */
function lines({ height, rate }) {
  return `${height}p${rate || ''}`;
}
