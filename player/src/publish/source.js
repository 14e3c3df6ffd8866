// @ts-check
/** What is sent: the chosen camera or screen, the microphone, and the preview of both. */

import {
  ANY, BACK, FRONT, NONE, SCREEN, canCapture, canShareScreen, capture, captureTrouble, devices, hasTwoSides,
} from './capture.js';
import { SOURCE } from '../words/publish-words.js';

/**
 * @template {HTMLElement} [T=HTMLElement]
 * @param {string} id
 * @returns {T}
 */
const element = (id) => /** @type {T} */ (document.getElementById(id));

const share = () => (canShareScreen() ? [[SCREEN, SOURCE.screen]] : []);
const sides = () => (hasTwoSides() ? [[FRONT, SOURCE.front], [BACK, SOURCE.back]] : []);

export class Source {
  #preview = /** @type {HTMLVideoElement} */ (element('preview'));
  #video = /** @type {HTMLSelectElement} */ (element('video'));
  #audio = /** @type {HTMLSelectElement} */ (element('audio'));
  /** @type {MediaStream | null} */
  #stream = null;
  /** What runs now. */
  #running = { video: '', audio: '' };
  #isMuted = false;
  #listener;

  /**
   * @param {object} listener
   * @param {(stream: MediaStream) => void} listener.changed something else runs now
   * @param {(words: string) => void} listener.trouble empty when it is over
   * @param {() => void} listener.stopped who shared the screen has ended that
   */
  constructor(listener) {
    this.#listener = listener;
    const camera = hasTwoSides() ? sides() : [[ANY, SOURCE.camera]];
    fill(this.#video, [...camera, ...share()]);
    fill(this.#audio, [[NONE, SOURCE.noSound], [ANY, SOURCE.microphone]]);
    for (const choice of [this.#video, this.#audio]) {
      choice.addEventListener('change', () => void this.#change());
    }
    element('turn-on').addEventListener('click', () => void this.#change());
    element('flip').addEventListener('click', () => this.#flip());
    element('mute').addEventListener('click', () => this.#mute(!this.#isMuted));
    if (!canCapture()) return;
    navigator.mediaDevices.addEventListener('devicechange', () => this.#stream && void this.#list());
    void this.#greet();
  }

  /**
   * What runs, or is started now.
   *
   * @returns {Promise<MediaStream>}
   * @throws {Error} whose message says why there is nothing
   */
  async start() {
    const isOver = this.#stream?.getVideoTracks().every(({ readyState }) => readyState === 'ended');
    if (this.#stream && !isOver) return this.#stream;
    await this.#show().catch((error) => {
      throw new Error(captureTrouble(error));
    });
    return /** @type {MediaStream} */ (this.#stream);
  }

  stop() {
    this.#end();
    this.#preview.srcObject = null;
    this.#showRunning(false);
  }

  /** Whoever has permitted it before sees the preview at once; nobody is asked unasked. */
  async #greet() {
    const name = /** @type {PermissionName} */ ('camera');
    const permission = await navigator.permissions?.query({ name }).catch(() => null);
    if (permission?.state === 'granted' && !this.#stream) await this.#change();
  }

  async #change() {
    const before = this.#running;
    try {
      await this.#show();
      this.#listener.trouble('');
    } catch (error) {
      const words = captureTrouble(error);
      Object.assign(this.#video, { value: before.video });
      Object.assign(this.#audio, { value: before.audio });
      const kept = before.video !== '' && await this.#show().then(() => true, () => false);
      this.#listener.trouble(kept ? `${words} ${SOURCE.kept}` : words);
      if (!kept) return this.stop();
    }
    if (this.#stream) this.#listener.changed(this.#stream);
  }

  /** Starts what is chosen, and shows it. */
  async #show() {
    // Phones have their cameras open one at a time.
    this.#end();
    const started = await capture(this.#video.value, this.#audio.value);
    this.#stream = started;
    this.#running = { video: this.#video.value, audio: this.#audio.value };
    const isScreen = this.#video.value === SCREEN;
    // Not told of what this page ends itself.
    for (const track of started.getTracks()) {
      track.addEventListener('ended', () => started === this.#stream && this.#lose(track, isScreen));
    }
    this.#preview.srcObject = started;
    this.#preview.classList.toggle('mirrored', this.#isFront());
    this.#preview.play().catch(() => {});
    this.#showRunning(true);
    this.#mute(this.#isMuted);
    await this.#list();
  }

  #end() {
    const stream = this.#stream;
    this.#stream = null;
    stream?.getTracks().forEach((track) => track.stop());
  }

  /**
   * @param {MediaStreamTrack} track that the browser or the device has ended
   * @param {boolean} isScreen
   */
  #lose({ kind }, isScreen) {
    if (kind === 'video' && isScreen) return this.#listener.stopped();
    this.#listener.trouble(kind === 'video' ? SOURCE.unplugged : SOURCE.deaf);
    void this.#list();
  }

  /** Offers what is there now. */
  async #list() {
    const running = this.#stream?.getTracks().map((track) => track.getSettings().deviceId) ?? [];
    fill(this.#video, [...await devices('videoinput'), ...sides(), ...share()], running);
    fill(this.#audio, [...await devices('audioinput'), [NONE, SOURCE.noSound]], running);
    element('flip').hidden = !hasTwoSides();
  }

  #isFront() {
    return this.#stream?.getVideoTracks()[0]?.getSettings().facingMode === 'user';
  }

  #flip() {
    this.#video.value = this.#isFront() ? BACK : FRONT;
    void this.#change();
  }

  /** @param {boolean} isMuted */
  #mute(isMuted) {
    const tracks = this.#stream?.getAudioTracks() ?? [];
    this.#isMuted = isMuted && tracks.length > 0;
    for (const track of tracks) track.enabled = !this.#isMuted;
    const button = /** @type {HTMLButtonElement} */ (element('mute'));
    button.hidden = tracks.length === 0;
    button.textContent = this.#isMuted ? SOURCE.unmute : SOURCE.mute;
    button.classList.toggle('pressed', this.#isMuted);
  }

  /** @param {boolean} isRunning */
  #showRunning(isRunning) {
    this.#preview.classList.toggle('running', isRunning);
    element('turn-on').hidden = isRunning;
    if (!isRunning) this.#mute(false);
  }
}

/**
 * Refills a choice and keeps what was chosen.
 *
 * @param {HTMLSelectElement} choice
 * @param {string[][]} options value and label
 * @param {(string | undefined)[]} [running] device ids
 */
function fill(choice, options, running = []) {
  const chosen = choice.value;
  choice.replaceChildren(...options.map(([value, label]) => new Option(label, value)));
  const values = options.map(([value]) => value);
  const keep = values.includes(chosen) ? chosen : values.find((value) => running.includes(value));
  if (keep) choice.value = keep;
}
