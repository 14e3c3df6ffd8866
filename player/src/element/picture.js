// @ts-check
/** The tracks of one session after another in one `<video>`. */

export class Picture {
  #video;
  #sound;
  /** @type {MediaStreamTrack[]} */
  #tracks = [];

  /**
   * @param {HTMLVideoElement} video
   * @param {(sound: boolean) => void} sound told whether there is any
   */
  constructor(video, sound) {
    this.#video = video;
    this.#sound = sound;
  }

  /** @param {MediaStreamTrack[]} tracks all of the current session so far */
  play(tracks) {
    this.#tracks = tracks;
    const newest = tracks[tracks.length - 1];
    const hasPicture = this.#video.srcObject !== null && !this.#plays(tracks[0]);
    // What is left of the last picture stays until there is a packet of the new one.
    if (!hasPicture || !newest.muted) return this.#attach();
    const attach = () => this.#tracks.includes(newest) && this.#attach();
    newest.addEventListener('unmute', attach, { once: true });
  }

  /** Where no picture ever came there is none to remember, only a black box (2x2 in Chromium). */
  forgetIfNone() {
    if (this.#video.videoWidth <= 2) this.#video.srcObject = null;
  }

  #attach() {
    if (this.#plays(this.#tracks[0])) {
      const playing = /** @type {MediaStream} */ (this.#video.srcObject);
      this.#tracks.forEach((track) => playing.addTrack(track));
    } else {
      this.#video.srcObject = new MediaStream(this.#tracks);
    }
    this.#sound(this.#tracks.some(({ kind }) => kind === 'audio'));
    // Refused autoplay leaves a still picture; a touch of any control plays it.
    this.#video.play().catch(() => {});
  }

  /** @param {MediaStreamTrack} track */
  #plays(track) {
    const { srcObject } = this.#video;
    return srcObject instanceof MediaStream && srcObject.getTracks().includes(track);
  }
}
