// @ts-check
/** The address that pages embed: it stays, wherever the element's own modules are. */

export * from './element/whep-player.js';
