// @ts-check
/** The test vectors that player and spec share. */

import { existsSync, readFileSync } from 'node:fs';

/**
 * @param {string} name
 * @returns {{ valid: any[], invalid: any[] }}
 */
export function vectors(name) {
  const file = new URL(`../../spec/vectors/${name}.json`, import.meta.url);
  if (!existsSync(file)) throw new Error(`the shared vectors are missing: ${file.pathname}`);
  return JSON.parse(readFileSync(file, 'utf8'));
}
