// @ts-check
/** Keeps the screen on: a phone that goes to sleep is no camera any more, and a dark wall is none. */

export class WakeLock {
  /** @type {WakeLockSentinel | null} */
  #lock = null;
  #isWanted = false;

  constructor() {
    // Browsers release it when the page is hidden.
    document.addEventListener('visibilitychange', () => void this.#take());
  }

  hold() {
    this.#isWanted = true;
    void this.#take();
  }

  release() {
    this.#isWanted = false;
    void this.#lock?.release();
    this.#lock = null;
  }

  async #take() {
    const isHeld = this.#lock !== null && !this.#lock.released;
    if (!this.#isWanted || isHeld || document.visibilityState !== 'visible') return;
    const lock = await navigator.wakeLock?.request('screen').catch(() => null) ?? null;
    if (this.#isWanted) this.#lock = lock;
    else void lock?.release();
  }
}
