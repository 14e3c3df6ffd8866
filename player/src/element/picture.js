// @ts-check
/** The tracks of one session after another in one `<video>`. */

export class Picture {
  #video;
  #last;
  #sound;
  #refused;
  /** Somebody has paused it: it does not go on by itself. */
  #isHeld = false;
  /** @type {MediaStreamTrack[]} */
  #tracks = [];
  /** @type {Date | null} */
  #lastSeen = null;

  /**
   * @param {HTMLVideoElement} video
   * @param {HTMLCanvasElement} last where its last frame is kept: of a connection that is closed one
   *   browser shows black, another the frame
   * @param {object} listener
   * @param {(sound: boolean) => void} listener.sound told whether there is any
   * @param {() => void} listener.paused told when it plays or does not, whatever the reason
   */
  constructor(video, last, { sound, paused }) {
    this.#video = video;
    this.#last = last;
    this.#sound = sound;
    this.#refused = paused;
    video.addEventListener('play', () => {
      this.#isHeld = false;
      paused();
    });
    video.addEventListener('pause', () => {
      // Browsers pause what is over, and some what nobody sees: that is nobody's wish.
      const goesOn = !video.ended && this.#tracks.some(({ readyState }) => readyState === 'live');
      this.#isHeld = goesOn && video.isConnected && document.visibilityState === 'visible';
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
    if (this.#video.srcObject === null) return;
    if (this.#video.paused) this.go();
    else this.#video.pause();
  }

  /** @param {MediaStreamTrack[]} tracks all of the current session so far */
  play(tracks) {
    this.#tracks = tracks;
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

  /** When what is kept was seen; null where nothing is kept. */
  get lastSeen() {
    return this.#lastSeen;
  }

  /** Keeps the frame that is seen now. */
  keep() {
    if (!this.#draw(this.#last)) return;
    this.#last.hidden = false;
    this.#lastSeen = new Date();
  }

  /** Saves the frame that is seen now as a file. */
  save() {
    const canvas = document.createElement('canvas');
    if (!this.#draw(canvas)) return;
    canvas.toBlob((blob) => {
      if (!blob) return;
      const href = URL.createObjectURL(blob);
      const taken = new Date().toISOString().slice(0, 19).replaceAll(':', '-');
      Object.assign(document.createElement('a'), { href, download: `picture-${taken}.png` }).click();
      setTimeout(() => URL.revokeObjectURL(href), 1000);
    });
  }

  /**
   * @param {HTMLCanvasElement} canvas
   * @returns {boolean} whether there is a picture
   */
  #draw(canvas) {
    const { videoWidth: width, videoHeight: height } = this.#video;
    // Where no picture ever came there is only a black box (2x2 in Chromium).
    if (width <= 2) return false;
    Object.assign(canvas, { width, height });
    canvas.getContext('2d')?.drawImage(this.#video, 0, 0);
    return true;
  }

  /** Forgets what was seen: it is another camera's. */
  forget() {
    this.#video.srcObject = null;
    Object.assign(this.#last, { hidden: true, width: 0, height: 0 });
    this.#lastSeen = null;
  }

  /** @param {MediaStreamTrack} track */
  #plays(track) {
    const { srcObject } = this.#video;
    return srcObject instanceof MediaStream && srcObject.getTracks().includes(track);
  }
}
