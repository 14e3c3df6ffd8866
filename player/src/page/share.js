// @ts-check
/** Handing a link on: the phone's share sheet where there is one, the clipboard elsewhere. */

import { SHARE } from '../words/share-words.js';

/**
 * Makes a button pass on a link.
 *
 * @param {HTMLElement} button
 * @param {() => string} link
 */
export function wireShare(button, link) {
  const label = button.textContent;
  const coarse = matchMedia('(pointer: coarse)').matches;
  const sheet = coarse && typeof navigator.share === 'function';
  if (sheet) button.textContent = SHARE.share;
  button.addEventListener('click', async () => {
    const url = link();
    if (sheet) return navigator.share({ title: document.title, url }).catch(() => {});
    const copied = await copy(url);
    button.textContent = copied ? SHARE.copied : SHARE.byHand;
    setTimeout(() => (button.textContent = label), 2000);
  });
}

/**
 * @param {string} text
 * @returns {Promise<boolean>} whether it is in the clipboard
 */
export async function copy(text) {
  try {
    // Absent on plain http from another machine, and refusable everywhere.
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return copyBySelecting(text);
  }
}

/** @param {string} text */
function copyBySelecting(text) {
  const before = /** @type {HTMLElement | null} */ (document.activeElement);
  const field = Object.assign(document.createElement('textarea'), { value: text, readOnly: true });
  document.body.append(field);
  field.select();
  const copied = document.execCommand('copy');
  field.remove();
  before?.focus();
  return copied;
}
