// @ts-check
/** Looking closer: by two fingers, by ctrl and wheel, by keys; moved about in, and back to the whole picture. */

/** How close, and by how much with one key. */
const MOST = 8;
const STEP = 1.25;

/** How far one key moves, as a part of what is seen. */
const MOVE = 0.1;

/** Of a wheel: what it turns for twice as close, and how many pixels a line is. */
const TURN = 240;
const LINE = 16;

/** Two taps within that time and distance are one double tap; milliseconds and pixels. */
const SOON = 300;
const NEAR = 30;

/** @typedef {{ x: number, y: number }} Point as parts of the stage's width and height */

export class Zoom {
  #stage;
  #layers;
  #scale = 1;
  /** Where the picture's corner is: at or left of and above the stage's. @type {Point} */
  #corner = { x: 0, y: 0 };
  /** Fingers, or a mouse's button, on the picture. @type {Map<number, Point>} */
  #held = new Map();
  /** @type {{ at: number, x: number, y: number } | null} */
  #tapped = null;

  /**
   * @param {HTMLElement} stage which the picture fills, and does not leave
   * @param {HTMLElement[]} layers that are the picture
   * @param {() => void} doubleTap of the whole picture
   */
  constructor(stage, layers, doubleTap) {
    this.#stage = stage;
    this.#layers = layers;
    stage.addEventListener('wheel', (event) => this.#wheel(event), { passive: false });
    // Two fingers are ours; one of them may scroll the page.
    for (const name of /** @type {const} */ (['touchstart', 'touchmove'])) {
      stage.addEventListener(name, (event) => event.touches.length > 1 && event.preventDefault(), { passive: false });
    }
    for (const layer of layers) layer.addEventListener('pointerdown', (event) => this.#hold(event));
    stage.addEventListener('pointermove', (event) => this.#drag(event));
    for (const name of /** @type {const} */ (['pointerup', 'pointercancel'])) {
      stage.addEventListener(name, (event) => this.#held.delete(event.pointerId));
    }
    for (const layer of layers) layer.addEventListener('pointerup', (event) => this.#tap(event, doubleTap));
  }

  get isClose() {
    return this.#scale > 1;
  }

  /** @param {1 | -1} direction */
  step(direction) {
    this.#zoom(STEP ** direction, { x: 0.5, y: 0.5 });
  }

  /**
   * @param {number} x direction to look in
   * @param {number} y
   */
  look(x, y) {
    this.#move(-x * MOVE, -y * MOVE);
  }

  /** The whole picture again. */
  whole() {
    this.#zoom(0, { x: 0.5, y: 0.5 });
  }

  /**
   * @param {number} factor
   * @param {Point} about which stays where it is
   */
  #zoom(factor, about) {
    const scale = Math.min(MOST, Math.max(1, this.#scale * factor));
    const by = scale / this.#scale;
    this.#scale = scale;
    const { x, y } = this.#corner;
    this.#show({ x: about.x - (about.x - x) * by, y: about.y - (about.y - y) * by });
  }

  /**
   * @param {number} x part of the width
   * @param {number} y
   */
  #move(x, y) {
    this.#show({ x: this.#corner.x + x, y: this.#corner.y + y });
  }

  /** @param {Point} corner */
  #show({ x, y }) {
    const inside = (/** @type {number} */ part) => Math.min(0, Math.max(1 - this.#scale, part));
    this.#corner = { x: inside(x), y: inside(y) };
    const to = this.isClose ? `translate(${this.#corner.x * 100}%, ${this.#corner.y * 100}%) scale(${this.#scale})` : '';
    for (const layer of this.#layers) layer.style.transform = to;
    this.#stage.classList.toggle('close', this.isClose);
  }

  /** @param {WheelEvent} event */
  #wheel(event) {
    if (!event.ctrlKey && !this.isClose) return;
    event.preventDefault();
    const pixels = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? LINE : 1;
    // Browsers make a pinch on a touchpad a wheel with ctrl.
    if (event.ctrlKey) return this.#zoom(2 ** ((-event.deltaY * pixels) / TURN), this.#point(event));
    const { clientWidth: width, clientHeight: height } = this.#stage;
    this.#move((-event.deltaX * pixels) / width, (-event.deltaY * pixels) / height);
  }

  /** @param {PointerEvent} event */
  #hold(event) {
    if (event.button !== 0) return;
    this.#held.set(event.pointerId, this.#point(event));
    if (this.#held.size > 1) this.#tapped = null;
  }

  /** @param {PointerEvent} event */
  #drag(event) {
    const before = this.#held.get(event.pointerId);
    if (!before) return;
    const now = this.#point(event);
    this.#held.set(event.pointerId, now);
    const [other] = [...this.#held].filter(([id]) => id !== event.pointerId).map(([, point]) => point);
    if (!other) return this.isClose ? this.#move(now.x - before.x, now.y - before.y) : undefined;
    this.#zoom(this.#distance(now, other) / Math.max(1, this.#distance(before, other)), middle(before, other));
    this.#move((now.x - before.x) / 2, (now.y - before.y) / 2);
  }

  /**
   * Safari makes no `dblclick` of two touches.
   *
   * @param {PointerEvent} event
   * @param {() => void} doubleTap
   */
  #tap({ pointerType, clientX: x, clientY: y, timeStamp: at }, doubleTap) {
    if (pointerType !== 'touch') return;
    const before = this.#tapped;
    this.#tapped = { at, x, y };
    if (!before || at - before.at > SOON || Math.hypot(x - before.x, y - before.y) > NEAR) return;
    this.#tapped = null;
    if (this.isClose) this.whole();
    else doubleTap();
  }

  /**
   * @param {MouseEvent} event
   * @returns {Point}
   */
  #point({ clientX, clientY }) {
    const { left, top, width, height } = this.#stage.getBoundingClientRect();
    return { x: (clientX - left) / width, y: (clientY - top) / height };
  }

  /**
   * In pixels.
   *
   * @param {Point} one
   * @param {Point} other
   */
  #distance(one, other) {
    const { clientWidth: width, clientHeight: height } = this.#stage;
    return Math.hypot((one.x - other.x) * width, (one.y - other.y) * height);
  }
}

/**
 * @param {Point} one
 * @param {Point} other
 */
const middle = (one, other) => ({ x: (one.x + other.x) / 2, y: (one.y + other.y) / 2 });
