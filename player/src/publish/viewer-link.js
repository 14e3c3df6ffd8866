// @ts-check
/** The link that the publish page hands out: for how long, as text, as QR code. */

import { drawQr } from './qr.js';
import { wireShare } from '../page/share.js';
import { LINK } from '../words/publish-words.js';

/** For how long a link is good, in seconds. */
const HOUR = 3600;
const LIFETIMES = /** @type {const} */ ([[HOUR, 'hour'], [12 * HOUR, 'hours'], [7 * 24 * HOUR, 'week'], [365 * 24 * HOUR, 'year']]);

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
    const options = LIFETIMES.map(([seconds, name]) => new Option(LINK[name], String(seconds)));
    if (access.isPrivate) options.push(new Option(LINK.ever, String(FOR_EVER)));
    this.#validity.replaceChildren(...options);
    await this.#make();
  }

  async #make() {
    if (!this.#access) return;
    const lifetime = Number(this.#validity.value);
    const link = this.#page + await this.#access.fragment(lifetime);
    this.#field.value = link;
    const ends = new Date(Date.now() + lifetime * 1000);
    const expires = this.#access.expires && lifetime !== FOR_EVER;
    element('ends').hidden = !expires;
    element('ends').textContent = LINK.ends(ends);
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
