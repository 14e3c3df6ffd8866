// @ts-check
/** How old what is seen is, from the camera's lens on, as the browser knows it by the sender's clock. */

/** Nobody believes more than that, in milliseconds: a clock was set, or is not known yet. */
const MOST = 60_000;

export class Delay {
  /** @type {number | null} milliseconds, of the last frame */
  #last = null;

  /** @param {HTMLVideoElement} video */
  constructor(video) {
    if (!video.requestVideoFrameCallback) return;
    const look = (/** @type {number} */ _, /** @type {VideoFrameCallbackMetadata} */ frame) => {
      // Only known once a sender report has come (RFC 3550 section 6.4.1).
      const age = frame.captureTime === undefined ? NaN : frame.expectedDisplayTime - frame.captureTime;
      this.#last = age > 0 && age < MOST ? age : null;
      video.requestVideoFrameCallback(look);
    };
    video.requestVideoFrameCallback(look);
  }

  /** In seconds; null where the browser does not know it. */
  get seconds() {
    return this.#last === null ? null : this.#last / 1000;
  }
}
