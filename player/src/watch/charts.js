// @ts-check
/** The last minute of the picture, as lines. */

import { CHARTS, FIGURES } from '../words/watch-words.js';

/**
 * One second of a picture; null where the browser does not know it.
 *
 * @typedef {{ at: number, rate: number, fps: number, delay: number | null, rtt: number | null, loss: number }} Second
 */

/** How far back the lines go, in milliseconds. */
export const SPAN = 60_000;

/** More than that without a figure is a gap in the line. */
const GAP = 2500;

/** In units of the drawing. */
const WIDTH = 120;
const HEIGHT = 28;

/** Each line, and how its figures are written. */
const LINES = /** @type {const} */ ([
  ['rate', 'rate'], ['fps', 'fps'], ['delay', 'seconds'], ['rtt', 'milliseconds'], ['loss', 'percent'],
]);

const SVG = 'http://www.w3.org/2000/svg';

/**
 * Draws them, newest at the right end. The figures of now are beside the lines; a screen reader is told what
 * a line shows by its label.
 *
 * @param {HTMLElement} list
 * @param {readonly Second[]} seconds oldest first
 * @param {number} now
 */
export function drawCharts(list, seconds, now) {
  if (list.childElementCount === 0) list.append(...LINES.map(([name]) => chart(name)));
  LINES.forEach(([name, unit], index) => {
    const known = seconds.flatMap(({ at, [name]: value }) => (value === null ? [] : [{ at, value }]));
    const values = known.map(({ value }) => value);
    const last = seconds.at(-1)?.[name] ?? null;
    const words = FIGURES[unit];
    const [, figure, { firstElementChild: drawing }] = list.children[index].children;
    figure.textContent = last === null ? FIGURES.none : words(last);
    const [least, most] = [Math.min(...values), Math.max(...values)].map(words);
    drawing?.setAttribute('aria-label', values.length === 0 || last === null
      ? CHARTS.unknown(CHARTS[name]) : CHARTS.sum(CHARTS[name], words(last), least, most));
    drawing?.firstElementChild?.setAttribute('d', line(known, now));
  });
}

/** @param {(typeof LINES)[number][0]} name */
function chart(name) {
  const row = document.createElement('div');
  const figure = Object.assign(document.createElement('dd'), { id: name });
  const drawing = document.createElementNS(SVG, 'svg');
  drawing.setAttribute('viewBox', `0 0 ${WIDTH} ${HEIGHT}`);
  drawing.setAttribute('preserveAspectRatio', 'none');
  drawing.setAttribute('role', 'img');
  drawing.append(document.createElementNS(SVG, 'path'));
  const beside = document.createElement('dd');
  beside.append(drawing);
  row.append(Object.assign(document.createElement('dt'), { textContent: CHARTS[name] }), figure, beside);
  return row;
}

/**
 * The line through what is known, from zero at the bottom to the most at the top.
 *
 * @param {readonly { at: number, value: number }[]} known oldest first
 * @param {number} now
 * @returns {string} path data
 */
export function line(known, now) {
  const most = Math.max(...known.map(({ value }) => value)) || 1;
  let before = -Infinity;
  return known.map(({ at, value }) => {
    const step = at - before > GAP ? 'M' : 'L';
    before = at;
    const [x, y] = [WIDTH * (1 - (now - at) / SPAN), (HEIGHT - 2) * (1 - value / most) + 1];
    return `${step}${x.toFixed(1)} ${y.toFixed(1)}`;
  }).join('');
}
