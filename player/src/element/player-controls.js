// @ts-check
/** The buttons of `<whep-player>`, its keys, and the choice of quality. */

import { dress } from './player-looks.js';
import { CONTROLS } from '../words/words.js';

/** @typedef {import('../session/layers.js').Choice} Choice */

/** Value of the option that leaves the quality to the server. */
const AUTO = '';

/** How long the controls stay when nobody moves, in milliseconds. */
const STAY = 3000;

export class Controls {
  #host;
  #root;
  #video;
  /** @type {import('./zoom.js').Zoom | null} there once there was a picture to look at */
  #zoom = null;
  /** @type {import('./volume.js').Volume | null} likewise */
  #volume = null;
  /** @type {Record<string, () => void>} */
  #keys;
  /** What the last touch or click on the picture came by. */
  #pointer = '';
  /** @type {ReturnType<typeof setTimeout> | undefined} until the controls go */
  #idle;

  /**
   * @param {HTMLElement} host the element, which goes fullscreen as a whole
   * @param {ShadowRoot} root
   * @param {HTMLVideoElement} video
   * @param {{ retry: () => void, playback: () => void, snapshot: () => void, choose: (id: string | null) => void }} actions
   */
  constructor(host, root, video, { retry, playback, snapshot, choose }) {
    this.#host = host;
    this.#root = root;
    this.#video = video;
    const actions = /** @type {const} */ ({
      playback,
      mute: () => this.#toggleMute(),
      pip: () => this.#togglePictureInPicture(),
      fullscreen: () => this.#toggleFullscreen(),
      snapshot,
      retry,
      whole: () => this.whole(),
    });
    for (const [name, action] of Object.entries(actions)) {
      this.#find(`.${name}`).addEventListener('click', action);
    }
    this.#find('.overlay').addEventListener('click', () => video.paused && playback());
    this.#quality.addEventListener('change', () => choose(this.#quality.value || null));
    this.#find('.stage').classList.toggle('can-pip', document.pictureInPictureEnabled === true);
    this.#guard();
    for (const name of ['pointermove', 'pointerdown', 'keydown', 'focusin']) {
      host.addEventListener(name, () => this.stir());
    }
    host.addEventListener('pointerleave', ({ pointerType }) => pointerType === 'mouse' && this.#rest());
    video.addEventListener('volumechange', () => this.#showMuted());
    const layers = [video, /** @type {HTMLElement} */ (this.#find('.last'))];
    video.addEventListener('playing', async () => {
      const { OVER_PICTURE, Volume, Zoom } = await import('./figures.js');
      dress(root, OVER_PICTURE);
      this.#volume = new Volume(video, /** @type {HTMLInputElement} */ (this.#find('.volume')));
      this.#zoom = new Zoom(this.#find('.stage'), layers, actions.fullscreen);
    }, { once: true });
    video.addEventListener('pointerdown', ({ pointerType }) => (this.#pointer = pointerType));
    // Of two touches there may be none, so that those are counted.
    video.addEventListener('dblclick', () => this.#pointer !== 'touch' && (this.#zoom?.isClose ? this.whole() : actions.fullscreen()));
    this.#keys = {
      k: playback,
      m: actions.mute,
      p: actions.pip,
      f: actions.fullscreen,
      s: snapshot,
      q: () => !this.#quality.hidden && this.#quality.focus(),
      '+': () => this.#zoom?.step(1),
      '=': () => this.#zoom?.step(1),
      '-': () => this.#zoom?.step(-1),
      0: actions.whole,
      'Shift ArrowUp': () => this.#zoom?.look(0, -1),
      'Shift ArrowDown': () => this.#zoom?.look(0, 1),
      'Shift ArrowLeft': () => this.#zoom?.look(-1, 0),
      'Shift ArrowRight': () => this.#zoom?.look(1, 0),
      ArrowUp: () => this.#volume?.step(1),
      ArrowDown: () => this.#volume?.step(-1),
    };
    host.addEventListener('keydown', (event) => this.press(event));
  }

  /**
   * Does what a key stands for, wherever in the page it was pressed.
   *
   * @param {KeyboardEvent} event
   */
  press(event) {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
    // A list and a slider have a use of their own for arrows.
    const [at] = event.composedPath();
    if (event.key.startsWith('Arrow') && at instanceof Element && at.matches('select, input')) return;
    const isMove = event.shiftKey && event.key.startsWith('Arrow');
    const action = this.#keys[isMove ? `Shift ${event.key}` : event.key];
    if (!action) return;
    event.preventDefault();
    // What is not seen takes no focus.
    this.stir();
    action();
  }

  /** A touch that only showed the controls works none of them, however long the finger stays. */
  #guard() {
    let wasSeen = false;
    this.#host.addEventListener('pointerdown', () => {
      wasSeen = this.#find('.stage').matches('.awake, .paused');
    }, { capture: true });
    this.#find('.bar').addEventListener('click', (event) => {
      // One by keyboard has no detail.
      if (!wasSeen && event.detail > 0) event.stopImmediatePropagation();
    }, { capture: true });
  }

  /**
   * Shows what quality can be chosen; nothing where there is no choice.
   *
   * @param {Choice[]} choices
   * @param {string | null} chosen id; null for the server's own choice
   */
  offer(choices, chosen) {
    const options = [new Option(CONTROLS.auto, AUTO), ...choices.map(({ id, name }) => new Option(CONTROLS.layer(name), id))];
    const quality = this.#quality;
    quality.hidden = choices.length === 0;
    const isSame = options.length === quality.options.length
      && options.every(({ text, value }, i) => isEqual(quality.options[i], { text, value }));
    // An open list is not exchanged under the finger.
    if (!isSame) quality.replaceChildren(...options);
    quality.value = chosen ?? AUTO;
  }

  /** The whole picture, and not a part of it. */
  whole() {
    this.#zoom?.whole();
  }

  /** @param {boolean} isPaused */
  showPaused(isPaused) {
    this.#find('.stage').classList.toggle('paused', isPaused);
    this.#find('.playback').setAttribute('aria-label', isPaused ? CONTROLS.play : CONTROLS.pause);
  }

  /** @param {number | null} seconds how old what is seen is; null where nobody knows */
  showDelay(seconds) {
    this.#find('.delay').textContent = seconds === null ? '' : CONTROLS.delay(seconds);
  }

  /** Shows the controls, and the pointer, for a while. */
  stir() {
    this.#find('.stage').classList.add('awake');
    this.#host.removeAttribute('calm');
    clearTimeout(this.#idle);
    this.#idle = setTimeout(() => this.#rest(), STAY);
  }

  #rest() {
    // Whoever is at one of them by keyboard is not to lose it.
    if (this.#root.activeElement?.matches('.bar :focus-visible')) return;
    this.#find('.stage').classList.remove('awake');
    this.#host.toggleAttribute('calm', this.#find('.stage').matches('.picture:not(.paused)'));
  }

  #showMuted() {
    const { muted } = this.#video;
    this.#find('.stage').classList.toggle('muted', muted);
    this.#find('.mute').setAttribute('aria-label', muted ? CONTROLS.unmute : CONTROLS.mute);
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
