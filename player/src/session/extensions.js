// @ts-check
/** What only servers with more than plain WHEP need; fetched by itself, once one says that it has that. */

export { choices } from './layers.js';
export { SharedEvents } from './shared-events.js';
