// @ts-check
/** What axe finds wrong on a page for those who see, hear or move otherwise. */

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const SOURCE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/**
 * Asserts that axe finds nothing on the page as it is now.
 *
 * @param {import('playwright-core').Page} page in any browser
 * @param {string} state of it, for the message
 */
export async function accessible(page, state) {
  // As the browser's own tools do it: a page's policy is not about them.
  await page.evaluate(SOURCE);
  const found = await page.evaluate(async () => {
    const { violations } = await /** @type {any} */ (window).axe.run();
    return violations.map((/** @type {any} */ { id, nodes }) =>
      `${id}: ${nodes.map((/** @type {any} */ { html, any }) => `${html} ${any[0]?.message ?? ''}`).join('; ')}`);
  });
  assert.deepEqual(found, [], `axe has nothing to say of ${state}`);
}
