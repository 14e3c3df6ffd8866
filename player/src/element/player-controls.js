// @ts-check
/** The buttons of `<whep-player>`, its keys, and the choice of quality. */

/** @typedef {import('../session/layers.js').Choice} Choice */

/** Value of the option that leaves the quality to the server. */
const AUTO = '';

/** How long the controls stay when nobody moves, in milliseconds. */
const STAY = 3000;

export class Controls {
  #host;
  #root;
  #video;
  /** @type {ReturnType<typeof setTimeout> | undefined} until the controls go */
  #idle;

  /**
   * @param {HTMLElement} host the element, which goes fullscreen as a whole
   * @param {ShadowRoot} root
   * @param {HTMLVideoElement} video
   * @param {{ retry: () => void, playback: () => void, choose: (id: string | null) => void }} actions
   */
  constructor(host, root, video, { retry, playback, choose }) {
    this.#host = host;
    this.#root = root;
    this.#video = video;
    const actions = /** @type {const} */ ({
      playback,
      mute: () => this.#toggleMute(),
      pip: () => this.#togglePictureInPicture(),
      fullscreen: () => this.#toggleFullscreen(),
      retry,
    });
    for (const [name, action] of Object.entries(actions)) {
      this.#find(`.${name}`).addEventListener('click', action);
    }
    this.#find('.overlay').addEventListener('click', () => video.paused && playback());
    this.#quality.addEventListener('change', () => choose(this.#quality.value || null));
    this.#find('.stage').classList.toggle('can-pip', document.pictureInPictureEnabled === true);
    for (const name of ['pointermove', 'pointerdown', 'keydown', 'focusin']) {
      host.addEventListener(name, () => this.#stir());
    }
    host.addEventListener('pointerleave', ({ pointerType }) => pointerType === 'mouse' && this.#rest());
    video.addEventListener('volumechange', () => this.#showMuted());
    video.addEventListener('dblclick', actions.fullscreen);
    host.addEventListener('keydown', (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      const action = { k: playback, m: actions.mute, p: actions.pip, f: actions.fullscreen }[event.key];
      if (!action) return;
      event.preventDefault();
      action();
    });
  }

  /**
   * Shows what quality can be chosen; nothing where there is no choice.
   *
   * @param {Choice[]} choices
   * @param {string | null} chosen id; null for the server's own choice
   */
  offer(choices, chosen) {
    const options = [new Option('Auto', AUTO), ...choices.map(({ id, label }) => new Option(label, id))];
    const quality = this.#quality;
    quality.hidden = choices.length === 0;
    const isSame = options.length === quality.options.length
      && options.every(({ text, value }, i) => isEqual(quality.options[i], { text, value }));
    // An open list is not exchanged under the finger.
    if (!isSame) quality.replaceChildren(...options);
    quality.value = chosen ?? AUTO;
  }

  /** @param {boolean} isPaused */
  showPaused(isPaused) {
    this.#find('.stage').classList.toggle('paused', isPaused);
    this.#find('.playback').setAttribute('aria-label', isPaused ? 'Play (k)' : 'Pause (k)');
  }

  /** Shows the controls, and the pointer, for a while. */
  #stir() {
    this.#find('.stage').classList.add('awake');
    clearTimeout(this.#idle);
    this.#idle = setTimeout(() => this.#rest(), STAY);
  }

  #rest() {
    // Whoever is at one of them by keyboard is not to lose it.
    if (this.#root.activeElement?.matches('.bar :focus-visible')) return;
    this.#find('.stage').classList.remove('awake');
  }

  #showMuted() {
    const { muted } = this.#video;
    this.#find('.stage').classList.toggle('muted', muted);
    this.#find('.mute').setAttribute('aria-label', muted ? 'Unmute (m)' : 'Mute (m)');
  }

  #toggleMute() {
    this.#video.muted = !this.#video.muted;
    this.#video.play().catch(() => {});
  }

  #togglePictureInPicture() {
    const toggled = document.pictureInPictureElement
      ? document.exitPictureInPicture()
      : this.#video.requestPictureInPicture?.();
    toggled?.catch(() => {});
  }

  #toggleFullscreen() {
    if (document.fullscreenElement) document.exitFullscreen().catch(() => {});
    else if (this.#host.requestFullscreen) this.#host.requestFullscreen().catch(() => {});
    // iPhones only know it of the video element.
    else /** @type {any} */ (this.#video).webkitEnterFullscreen?.();
  }

  get #quality() {
    return /** @type {HTMLSelectElement} */ (this.#find('.quality'));
  }

  /** @param {string} selector */
  #find(selector) {
    return /** @type {HTMLElement} */ (this.#root.querySelector(selector));
  }
}

/**
 * @param {HTMLOptionElement} option
 * @param {{ text: string, value: string }} other
 */
const isEqual = (option, { text, value }) => option.text === text && option.value === value;
