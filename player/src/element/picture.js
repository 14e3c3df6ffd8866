// @ts-check
/** The tracks of one session after another in one `<video>`. */

export class Picture {
  #video;
  #sound;
  #refused;
  /** Somebody has paused it: it does not go on by itself. */
  #isHeld = false;
  /** @type {MediaStreamTrack[]} */
  #tracks = [];

  /**
   * @param {HTMLVideoElement} video
   * @param {object} listener
   * @param {(sound: boolean) => void} listener.sound told whether there is any
   * @param {() => void} listener.paused told when it plays or does not, whatever the reason
   */
  constructor(video, { sound, paused }) {
    this.#video = video;
    this.#sound = sound;
    this.#refused = paused;
    video.addEventListener('play', () => {
      this.#isHeld = false;
      paused();
    });
    video.addEventListener('pause', () => {
      // Some browsers pause what nobody sees: that is nobody's wish.
      this.#isHeld = video.isConnected && document.visibilityState === 'visible';
      paused();
    });
  }

  /** Whether a picture is there, and does not play: it was paused, or the browser waits for a touch. */
  get isPaused() {
    return this.#video.srcObject !== null && this.#video.paused;
  }

  /** Goes on, with what comes now. */
  go() {
    this.#isHeld = false;
    void this.#video.play().catch(() => this.#refused());
  }

  /** Goes on, unless somebody has paused it. */
  resume() {
    if (!this.#isHeld && this.isPaused) this.go();
  }

  toggle() {
    if (this.#video.paused) this.go();
    else this.#video.pause();
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
      // A new source would play by itself.
      this.#video.autoplay = !this.#isHeld;
      this.#video.srcObject = new MediaStream(this.#tracks);
    }
    this.#sound(this.#tracks.some(({ kind }) => kind === 'audio'));
    this.resume();
  }

  /** @param {MediaStreamTrack} track */
  #plays(track) {
    const { srcObject } = this.#video;
    return srcObject instanceof MediaStream && srcObject.getTracks().includes(track);
  }
}
