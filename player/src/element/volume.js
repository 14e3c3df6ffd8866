// @ts-check
/** How loud it is: by a slider and by keys, and remembered. */

const KEY = 'sightline-volume';
const STEP = 0.1;

export class Volume {
  #video;
  #slider;

  /**
   * @param {HTMLVideoElement} video
   * @param {HTMLInputElement} slider
   */
  constructor(video, slider) {
    this.#video = video;
    this.#slider = slider;
    video.volume = remembered();
    this.#show();
    slider.addEventListener('input', () => this.#set(Number(slider.value)));
    video.addEventListener('volumechange', () => this.#show());
  }

  /** @param {1 | -1} direction */
  step(direction) {
    this.#set((this.#video.muted ? 0 : this.#video.volume) + direction * STEP);
  }

  /** @param {number} volume */
  #set(volume) {
    const video = this.#video;
    video.volume = Math.min(1, Math.max(0, volume));
    // Who moves it wants to hear it.
    video.muted = video.volume === 0;
    remember(video.volume);
  }

  #show() {
    this.#slider.value = String(this.#video.muted ? 0 : this.#video.volume);
  }
}

/** A page in a sandbox has no storage. */
function remembered() {
  try {
    const volume = Number(localStorage.getItem(KEY) ?? 1);
    return volume > 0 && volume <= 1 ? volume : 1;
  } catch {
    return 1;
  }
}

/** @param {number} volume */
function remember(volume) {
  try {
    localStorage.setItem(KEY, volume.toFixed(2));
  } catch {
    // Then it is not.
  }
}
