// @ts-check
/** How old what is seen is, from the camera's lens on, as the browser knows it by the sender's clock. */

/** @typedef {import('../session/captured.js').Captured} Captured */

/** Nobody believes more than that, in milliseconds: a clock was set, or is not known yet. */
const MOST = 60_000;

/** RTP's clock of pictures, in ticks per millisecond. */
const TICKS = 90;

export class Delay {
  /** @type {number | null} milliseconds, of the last frame */
  #last = null;
  /** @type {Captured | null} one picture of which it is known */
  #known = null;

  /** @param {HTMLVideoElement} video */
  constructor(video) {
    if (!video.requestVideoFrameCallback) return;
    const look = (/** @type {number} */ _, /** @type {VideoFrameCallbackMetadata} */ frame) => {
      const age = frame.expectedDisplayTime - (frame.captureTime ?? this.#captureTime(frame));
      this.#last = age > 0 && age < MOST ? age : null;
      video.requestVideoFrameCallback(look);
    };
    video.requestVideoFrameCallback(look);
  }

  /** @param {Captured | null} captured what the statistics know of one picture */
  note(captured) {
    this.#known = captured;
  }

  /** In seconds; null where the browser does not know it. */
  get seconds() {
    return this.#last === null ? null : this.#last / 1000;
  }

  /**
   * The same as `captureTime`, from what is known of another picture.
   *
   * @param {VideoFrameCallbackMetadata} frame
   */
  #captureTime({ rtpTimestamp }) {
    if (!this.#known || rtpTimestamp === undefined) return NaN;
    // Timestamps begin anew after 32 bits.
    const ticks = (rtpTimestamp - this.#known.rtpTimestamp) | 0;
    return this.#known.at - performance.timeOrigin + ticks / TICKS;
  }
}
