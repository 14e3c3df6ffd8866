// @ts-check
/** What `<whep-player>` says in words, over the picture and in its place. */

import { say, spoken } from '../words/language.js';
import { CONTROLS, WORDS } from '../words/words.js';

/** @typedef {import('../words/words.js').State} State */
/** @typedef {import('../trust/trust.js').Trust} Trust */
/** @typedef {import('../session/advice.js').Advice} Advice */
/** @typedef {import('../session/doctor.js').Cause} Cause */

/** States in which it is told what is in the way. @type {State[]} */
const PATHLESS = ['blocked', 'barred'];

const NOTHING = { title: '', hint: '' };

export class Notices {
  #root;
  /** @type {State} */
  #state = 'idle';
  /** @type {Date | null} */
  #lastSeen = null;
  /** What holds for the picture, in words. @type {{ title: string, hint: string, mood: string } | null} */
  #trust = null;
  /** What the sender could set better, in words. @type {typeof NOTHING | null} */
  #advice = null;
  /** What is in the way of a picture: more than the state alone says. */
  #remedy = NOTHING;

  /** @param {ShadowRoot} root */
  constructor(root) {
    this.#root = root;
    this.#sayAll();
    // What was said in English until then is said again.
    void spoken().then((loaded) => loaded.length > 0 && this.#sayAll());
  }

  /**
   * @param {State} state
   * @param {Date | null} lastSeen when there was a picture, where there is none
   */
  state(state, lastSeen) {
    this.#state = state;
    this.#lastSeen = lastSeen;
    this.#sayState();
    return WORDS[state];
  }

  /**
   * @param {Trust | null} trust what holds for the picture that is seen
   * @returns {Promise<{ title: string, hint: string }>} what is said of it
   */
  async trust(trust) {
    const words = trust && await import('./figures.js').then(({ TRUST }) => TRUST[trust], () => null);
    await spoken();
    this.#trust = words;
    this.#sayTrust();
    return words ?? NOTHING;
  }

  /**
   * @param {Advice | null} advice what the sender could set better
   * @returns {Promise<{ title: string, hint: string }>} what is said of it
   */
  async advice(advice) {
    const words = advice && await import('../words/advice-words.js').then(({ ADVICE }) => ADVICE[advice], () => null);
    await spoken();
    this.#advice = words;
    this.#sayAdvice();
    return words ?? NOTHING;
  }

  /**
   * @param {Cause | null} cause why no way for media was found
   * @returns {Promise<{ title: string, hint: string }>} what is said of it
   */
  async diagnosis(cause) {
    const words = cause && await import('../words/doctor-words.js').then(({ DOCTOR }) => DOCTOR[cause], () => null);
    await spoken();
    this.#remedy = words ?? NOTHING;
    this.#sayState();
    return this.#remedy;
  }

  #sayAll() {
    say(this.#root, CONTROLS);
    this.#sayState();
    this.#sayTrust();
    this.#sayAdvice();
  }

  #sayState() {
    const { title, hint, mood, retry, short } = WORDS[this.#state];
    const stage = this.#find('.stage');
    stage.dataset.state = this.#state;
    stage.dataset.mood = mood;
    this.#find('.title').textContent = title;
    this.#find('.said').textContent = title;
    const { title: cause, hint: remedy } = this.#remedy;
    this.#find('.hint').textContent = PATHLESS.includes(this.#state) && cause ? `${cause}. ${remedy}` : hint;
    this.#find('.badge').textContent = short;
    this.#find('.retry').hidden = !retry;
    this.#find('.seen').hidden = this.#lastSeen === null;
    if (this.#lastSeen) this.#find('.seen').textContent = CONTROLS.lastSeen(this.#lastSeen);
  }

  #sayTrust() {
    const { title, hint, mood } = this.#trust ?? { ...NOTHING, mood: '' };
    const mark = this.#find('.trust');
    Object.assign(mark, { textContent: title, title: hint });
    mark.dataset.mood = mood;
  }

  #sayAdvice() {
    const { title, hint } = this.#advice ?? NOTHING;
    this.#find('.advice b').textContent = title;
    this.#find('.advice span').textContent = hint;
    this.#find('.advice').hidden = this.#advice === null;
  }

  /** @param {string} selector */
  #find(selector) {
    return /** @type {HTMLElement} */ (this.#root.querySelector(selector));
  }
}
