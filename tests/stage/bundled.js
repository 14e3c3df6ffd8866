// @ts-check
/** What browsers are served, made of the sources as they are now: a debug build of the gateway has it from the disk. */

import { build } from '../../player/build.mjs';

/** @type {Promise<void> | null} */
let made = null;

export const bundled = () => (made ??= build());
