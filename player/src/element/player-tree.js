// @ts-check
/** What `<whep-player>` is made of: node by node, for pages that take no HTML from scripts (Trusted Types). */

const SVG = 'http://www.w3.org/2000/svg';

/**
 * @param {Element} node
 * @param {Record<string, string | boolean>} attributes
 * @param {(Node | string)[]} children
 */
function filled(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== false) node.setAttribute(name, value === true ? '' : value);
  }
  node.append(...children);
  return node;
}

/**
 * @param {string} name
 * @param {Record<string, string | boolean>} [attributes]
 * @param {(Node | string)[]} children
 */
const html = (name, attributes = {}, ...children) => filled(document.createElement(name), attributes, children);

/**
 * @param {string} name
 * @param {Record<string, string | boolean>} [attributes]
 * @param {(Node | string)[]} children
 */
const svg = (name, attributes = {}, ...children) => filled(document.createElementNS(SVG, name), attributes, children);

/**
 * @param {string} d
 * @param {string} [kind]
 */
const path = (d, kind) => svg('path', kind ? { class: kind, d } : { d });

/**
 * A button of the bar.
 *
 * @param {string} name
 * @param {string | null} label of `CONTROLS`; null where it changes
 * @param {Node[]} drawing
 */
const button = (name, label, ...drawing) =>
  html('button', { class: name, type: 'button', ...(label ? { 'data-say-aria-label': label } : {}) },
    svg('svg', { viewBox: '0 0 24 24', 'aria-hidden': 'true' }, ...drawing));

/** @param {string} name @param {string} r */
const circle = (name, r) => svg('circle', { class: name, cx: '32', cy: '32', r });

const overlay = () => html('div', { class: 'overlay', part: 'overlay' },
  svg('svg', { class: 'mark', viewBox: '0 0 64 64', 'aria-hidden': 'true' },
    circle('ring', '28'), circle('arc', '28'), circle('core', '9'),
    path('M13 51 51 13', 'cross'), path('M25 20v24l20-12z', 'start')),
  html('span', { class: 'title', 'aria-hidden': 'true' }),
  html('span', { class: 'hint' }),
  html('span', { class: 'seen', hidden: true }),
  html('button', { class: 'retry', part: 'retry', type: 'button', 'data-say': 'retry', hidden: true }));

const bar = () => html('div', { class: 'bar', part: 'controls', role: 'group', 'data-say-aria-label': 'bar' },
  button('playback', null, path('M8 5v14l11-7z', 'go'), path('M9 6v12m6-12v12', 'halt')),
  button('mute', null, path('M4 9.5v5h3.5L12 18.5v-13L7.5 9.5z'),
    path('M15.5 9a4 4 0 0 1 0 6M18 6.5a8 8 0 0 1 0 11', 'waves'), path('m16 9.5 5 5m0-5-5 5', 'slash')),
  html('input', { class: 'volume', type: 'range', min: '0', max: '1', step: '0.05', 'data-say-aria-label': 'volume' }),
  html('span', { class: 'delay', part: 'delay', 'data-say-title': 'age' }),
  html('span', { class: 'space' }),
  button('whole', 'whole', svg('circle', { cx: '10.5', cy: '10.5', r: '6' }), path('m15 15 5 5M8 10.5h5')),
  html('select', { class: 'quality', 'data-say-aria-label': 'quality', hidden: true }),
  button('snapshot', 'snapshot', path('M4 8h3.5L9 6h6l1.5 2H20v11H4z'),
    svg('circle', { cx: '12', cy: '13', r: '3.4' })),
  button('pip', 'pip', svg('rect', { x: '3', y: '5', width: '18', height: '14', rx: '2' }),
    svg('rect', { x: '12', y: '12', width: '6.5', height: '4.5', rx: '1', fill: 'currentColor' })),
  button('fullscreen', 'fullscreen', path('M9 4H4v5m11-5h5v5M9 20H4v-5m11 5h5v-5')));

const stage = () => html('div', { class: 'stage muted', 'data-state': 'idle', 'data-mood': 'quiet' },
  html('video', { part: 'video', autoplay: true, muted: true, playsinline: true, disableremoteplayback: true }),
  html('canvas', { class: 'last', width: '0', height: '0', hidden: true, 'aria-hidden': 'true' }),
  html('span', { class: 'said', role: 'status', 'aria-live': 'polite' }),
  overlay(),
  html('span', { class: 'badge', part: 'badge', 'aria-hidden': 'true' }),
  html('span', { class: 'trust', part: 'trust' }),
  html('div', { class: 'advice', part: 'advice', role: 'status', hidden: true }, html('b'), html('span')),
  bar());

/** @type {Element | undefined} */
let tree;

/** The shadow tree of one more player; its words are `CONTROLS`, by `say`. */
export function playerTree() {
  tree ??= stage();
  return tree.cloneNode(true);
}
