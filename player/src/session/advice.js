// @ts-check
/** What a sender could set better, by what comes of its picture. */

/** @typedef {import('./vitals.js').Vitals} Vitals */

/**
 * Too few pictures in a second; or whole pictures that are so far apart that what is lost stays lost.
 *
 * @typedef {'slow' | 'sparse'} Advice
 */

/** Fewer pictures a second than that do not look like movement. */
const SLOW = 6;

/** For so many seconds, with nothing lost on the way: the network is not the sender's. */
const FOR = 5;

/**
 * Keyframes that come by themselves, as far apart as that, in milliseconds, are advised against: once is
 * chance, and whoever sends none but when it is asked, as browsers do, sends them at no such distance.
 */
const SPARSE = 7000;
const TOO_FAR = 60_000;
const ALIKE = 1000;

export class Advisor {
  #slow = 0;
  #lost = 0;
  #keyframes = 0;
  #gap = 0;
  #isSparse = false;

  /**
   * @param {Vitals} vitals of the last second
   * @returns {Advice | null}
   */
  note(vitals) {
    const isLossy = vitals.lost > this.#lost;
    this.#lost = vitals.lost;
    this.#slow = vitals.width > 0 && vitals.arriving < SLOW && !isLossy ? this.#slow + 1 : 0;
    this.#noteKeyframes(vitals);
    if (this.#slow >= FOR) return 'slow';
    return this.#isSparse ? 'sparse' : null;
  }

  /** @param {Vitals} vitals */
  #noteKeyframes({ keyframes, keyframeGap: gap }) {
    if (keyframes === this.#keyframes) return;
    this.#keyframes = keyframes;
    this.#isSparse = gap > SPARSE && gap < TOO_FAR && Math.abs(gap - this.#gap) < ALIKE;
    this.#gap = gap;
  }
}
