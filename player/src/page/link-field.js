// @ts-check
/** A field that takes a room, or the link that came with it. */

import { linkFromInput } from '../trust/room.js';
import { LINK } from '../words/landing-words.js';

/**
 * Has a form open what is put into its field. What is wrong with that is said in the element that the field is
 * described by.
 *
 * @param {HTMLFormElement} form
 * @param {HTMLInputElement} input
 */
export function wireLinkField(form, input) {
  input.addEventListener('input', () => complain(input, ''));
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    const named = linkFromInput(input.value);
    if (!named) return complain(input, LINK.noRoom);
    // What stands behind the # of another server's link is no business of this one.
    if (named.link && named.link.host !== location.host) return offerElsewhere(input, named.link);
    location.assign(`/watch/${named.room}${named.hash}`);
  });
}

/**
 * @param {HTMLInputElement} input
 * @param {string} words
 */
export function complain(input, words) {
  errorOf(input).textContent = words;
  input.setAttribute('aria-invalid', String(words !== ''));
}

/**
 * @param {HTMLInputElement} input
 * @param {URL} link of another server
 */
function offerElsewhere(input, link) {
  complain(input, LINK.otherServer(link.host));
  const there = document.createElement('a');
  Object.assign(there, { href: link.href, textContent: LINK.openThere });
  errorOf(input).append(there);
}

/** @param {HTMLInputElement} input */
const errorOf = (input) => /** @type {HTMLElement} */ (
  document.getElementById(input.getAttribute('aria-describedby') ?? ''));
