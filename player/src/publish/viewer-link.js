// @ts-check
/** The link that the publish page hands out: for how long, as text, as QR code. */

import { drawQr } from './qr.js';
import { wireShare } from '../page/share.js';

/** For how long a link is good, in seconds. */
const HOUR = 3600;
const LIFETIMES = /** @type {const} */ ([
  [HOUR, 'an hour'], [12 * HOUR, '12 hours'], [7 * 24 * HOUR, 'a week'], [365 * 24 * HOUR, 'a year'],
]);

/** Only private links can hold for ever: a ticket has an end. */
const FOR_EVER = 0;

export class ViewerLink {
  #page = '';
  /** @type {import('../trust/access.js').OpenAccess | null} */
  #access = null;

  constructor() {
    this.#validity.addEventListener('change', () => void this.#make());
    wireShare(element('share'), () => this.#field.value);
  }

  /**
   * @param {string} page absolute URL of the room's watch page
   * @param {import('../trust/access.js').OpenAccess} access
   */
  async show(page, access) {
    this.#page = page;
    this.#access = access;
    element('lifetime').hidden = !access.expires;
    const lifetimes = access.isPrivate ? [...LIFETIMES, [FOR_EVER, 'ever']] : LIFETIMES;
    this.#validity.replaceChildren(...lifetimes.map(([seconds, words]) => new Option(String(words), String(seconds))));
    await this.#make();
  }

  async #make() {
    if (!this.#access) return;
    const lifetime = Number(this.#validity.value);
    const link = this.#page + await this.#access.fragment(lifetime);
    this.#field.value = link;
    const ends = new Date(Date.now() + lifetime * 1000);
    const when = ends.toLocaleString('en-GB', { dateStyle: 'medium', timeStyle: 'short' });
    const expires = this.#access.expires && lifetime !== FOR_EVER;
    element('ends').hidden = !expires;
    element('ends').textContent = `This link ends on ${when}.`;
    await drawQr(/** @type {SVGSVGElement} */ (/** @type {unknown} */ (element('qr'))), link);
  }

  get #field() {
    return /** @type {HTMLInputElement} */ (element('link'));
  }

  get #validity() {
    return /** @type {HTMLSelectElement} */ (element('validity'));
  }
}

/** @param {string} id */
const element = (id) => /** @type {HTMLElement} */ (document.getElementById(id));
