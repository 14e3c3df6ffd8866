// @ts-check
/** Which language the words are in, and how they get into a page. How to add words: see words.js. */

/** English is in the modules themselves; the words of the others are loaded where they are wanted. */
const KNOWN = ['en', 'de'];

/** @param {string} tag such as `de-AT` */
const base = (tag) => tag.split('-')[0].toLowerCase();

/** What `Intl` is to use: the first of the browser's languages that we know, with its region. */
export const locale = (globalThis.navigator?.languages ?? []).find((tag) => KNOWN.includes(base(tag))) ?? 'en';

export const language = base(locale);

/** @type {Promise<void>[]} */
const loading = [];

/**
 * Puts the words of another language into the place of the English ones, as soon as they are there.
 *
 * @param {object} words the exports of a module, in English; changed in place
 * @param {Record<string, () => Promise<object>>} others what loads the same in another language; what is no word
 *   (a mood, say) may be left out there
 */
export function translate(words, others) {
  // Without them it goes on in English.
  if (language in others) loading.push(others[language]().then((other) => replace(words, other), () => {}));
}

/** Resolves when all modules that were loaded so far speak the language. */
export const spoken = () => Promise.all(loading);

/**
 * @param {any} words
 * @param {any} others
 */
function replace(words, others) {
  for (const [key, other] of Object.entries(others)) {
    if (typeof other === 'object') replace(words[key], other);
    else words[key] = other;
  }
}

/** The attributes that are words, each named by one of ours: `data-say-title`. */
const ATTRIBUTES = ['aria-label', 'title', 'placeholder'];

/**
 * Puts words where the tree has their names: `data-say="share"` makes `words.share` the text of an
 * element, `data-say-title="share"` its title.
 *
 * @param {ParentNode} root
 * @param {Readonly<Record<string, unknown>>} words
 */
export function say(root, words) {
  for (const each of root.querySelectorAll('[data-say]')) {
    each.textContent = String(words[each.getAttribute('data-say') ?? '']);
  }
  for (const attribute of ATTRIBUTES) {
    for (const each of root.querySelectorAll(`[data-say-${attribute}]`)) {
      each.setAttribute(attribute, String(words[each.getAttribute(`data-say-${attribute}`) ?? '']));
    }
  }
}

/**
 * Has a page speak the browser's language. Until it does, the page had better be hidden.
 *
 * @param {Readonly<Record<string, unknown>>} words of the page
 */
export async function speak(words) {
  await spoken();
  document.documentElement.lang = language;
  say(document, words);
}

/** @type {Map<string, Intl.NumberFormat>} */
const formats = new Map();

/**
 * @param {number} value
 * @param {number} [digits] behind the point
 */
export function number(value, digits = 0) {
  // Not made before it is needed: the first one takes a while.
  const key = `${digits}`;
  const format = formats.get(key)
    ?? new Intl.NumberFormat(locale, { minimumFractionDigits: digits, maximumFractionDigits: digits });
  formats.set(key, format);
  return format.format(value);
}

/**
 * @param {Date} date
 * @param {Intl.DateTimeFormatOptions} how
 */
export const time = (date, how) => new Intl.DateTimeFormat(locale, how).format(date);

/**
 * A time of today as such, and any other with its day.
 *
 * @param {number} at milliseconds since 1970
 * @param {number} now the same
 */
export function lately(at, now) {
  const isToday = new Date(at).toDateString() === new Date(now).toDateString();
  const clock = /** @type {const} */ ({ hour: '2-digit', minute: '2-digit' });
  return time(new Date(at), isToday ? clock : { day: 'numeric', month: 'short', ...clock });
}

/** @param {number} kbps */
export const rate = (kbps) => (kbps >= 1000 ? `${number(kbps / 1000, 1)} Mbit/s` : `${number(kbps)} kbit/s`);
